"""`/train`: set a run up, start it, and watch it."""

from __future__ import annotations

import streamlit as st

from alexcore.data.sources import reading_of
from alexcore.errors import RunError
from alexcore.runs import launcher
from alexcore.runs.kinds import TRAINING
from alexcore.runs.run_list import active_runs
from alexcore.runs.store import open_run
from alexcore.words.language import _
from ui.parts.address import choose_dataset, choose_run, chosen_beside, chosen_run
from ui.parts.clone import clone_from_url, end_clone, validation
from ui.parts.datasets import dataset_or_wait, dataset_select, whole_dataset
from ui.parts.drop_button import drop_button
from ui.parts.evaluation_section import evaluation_section
from ui.parts.forms import config_form, explanations, take_intensity
from ui.parts.page import page, shown_errors
from ui.parts.run_live import watch
from ui.train.checks_section import checks
from ui.train.command_section import command_section
from ui.train.preflight_card import preflight
from ui.train.rate_section import lr_find_section


def new_run() -> None:
    clone_from_url()
    name = dataset_select("train_dataset")
    opened = dataset_or_wait(name)
    if opened is None:
        return
    index, checked = opened
    config, plan = None, None
    with shown_errors():
        val, index = validation(name, index)
        take_intensity(name, chosen_beside(name).intensity)
        config = config_form(str(index.origin), val, reading_of(index).choice)
        plan = preflight(config, index, checked, index if val else whole_dataset(name))
    drop_button(name, index, "train_drop")
    if st.button(_("Start"), key="train_start", type="primary", icon=":material/play_arrow:", disabled=plan is None):
        assert config is not None
        end_clone()
        choose_run(launcher.start(config).name)
        choose_dataset(name)
        st.rerun()
    if config is not None and plan is not None:
        with shown_errors():
            lr_find_section(config)
            checks(config, index, plan)
    explanations()
    if config is not None and plan is not None:
        command_section(config)


def evaluation(run_id: str) -> None:
    """Offer the evaluation of a run that has ended and left a checkpoint."""
    try:
        run = open_run(run_id)
    except RunError:  # the view above has said so
        return
    if run.checkpoint and not run.status.active:
        # Only at the first look: an expander whose default changes closes under the reader's hands.
        asked = st.session_state.setdefault(
            f"evaluation_of_{run.id}", any(name.startswith("evaluation_") for name in st.query_params)
        )
        with st.expander(_("Evaluation"), icon=":material/fact_check:", expanded=asked):
            evaluation_section(run)


with page("Train", "Choose settings, press Start, and watch the network learn. Closing this page does not stop a run."):
    run_id = chosen_run() or next((run.id for run in active_runs() if run.kind is TRAINING), None)
    if run_id:
        with shown_errors(), st.container(border=True):
            watch(run_id)
        evaluation(run_id)
    st.subheader(_("New run"), anchor=False)
    new_run()
