"""`/classify`: choose a run, bring pictures, read what the network takes them for, and why."""

from __future__ import annotations

from typing import Any

import streamlit as st

from alexcore.runs.store import list_runs
from alexcore.words.language import _
from ui.classify.picture_sources import choose_pictures
from ui.classify.reference_section import reference_section
from ui.classify.results import results
from ui.classify.weights_section import weights_section
from ui.classify.work import work_off, work_on
from ui.parts.address import choose_run
from ui.parts.controls import one_of
from ui.parts.menu import page_link
from ui.parts.networks import choose_runs, network_of
from ui.parts.page import page, shown_errors

with page("Classify", "Bring pictures, see what a trained network takes them for, and ask it why."):
    runs = [run for run in list_runs() if run.checkpoint]
    chosen_runs = choose_runs(runs) if runs else []
    if not runs:
        st.info(_("There is no trained network yet. Train one first: it takes about two minutes."))
        page_link("train", _("Go to Train"), ":material/arrow_forward:")
    own = weights_section()
    if not runs and own is None:
        st.stop()
    chosen = choose_pictures(chosen_runs[0] if chosen_runs else None)
    kept: dict[str, Any] = {"persist_state": "session"}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        top_k = one_of(_("Classes shown"), [1, 3, 5], "classify_top_k", default=3, **kept)
        tta = st.toggle(
            _("Test-time augmentation"),
            key="classify_tta",
            bind="query-params",
            **kept,
            help=_(
                "Averages the answers to four views: the picture, its mirror image, and the middle 7/8 of both. "
                "Often a little better, and takes four times as long."
            ),
        )
    finished, networks = True, []
    if not chosen.pictures:
        st.caption(
            _(
                "No picture yet. Any photograph will do, or a zip file of them; without one, take Validation pictures. "
                "The network always answers with one of its classes, whatever it is shown."
            )
        )
    else:
        with shown_errors():
            if chosen_runs:
                choose_run(chosen_runs[0].id)  # whose answers these are, also when a newer run has finished
            networks = [network_of(run) for run in chosen_runs] + ([own] if own else [])
            work = work_on(networks, chosen, bool(tta))
            with st.container(key="classify_results"):
                finished = work_off(work)
                if finished:
                    results(work, int(top_k))
    if chosen_runs:
        reference_section(chosen_runs, finished, networks)
