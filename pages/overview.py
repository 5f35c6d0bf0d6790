"""`/`: what is here, which device was found, the three steps, and the latest runs."""

from __future__ import annotations

import streamlit as st

from alexcore.runs.run_list import summaries
from alexcore.words.language import _
from ui.overview.device_line import device_line
from ui.parts.menu import page_link
from ui.parts.page import page
from ui.parts.synthetic_data import ensure_synthetic
from ui.parts.text import plain

STEPS = (
    (
        "1 · Look at the data",
        "dataset",
        "Open the data set",
        "Five kinds of flowers are here already. See how classes get their numbers, or open a folder of your own.",
    ),
    (
        "2 · Train a network",
        "train",
        "Train",
        "Start from settings that work, watch loss and accuracy grow, then change one thing and compare.",
    ),
    (
        "3 · Classify a picture",
        "classify",
        "Classify",
        "Drop a photograph on the page and see what the network takes it for, and how sure it is.",
    ),
)

LATEST = 8

with page("alexcore", "A laboratory for learning image classification with AlexNet, on the machine you have."):
    device_line()
    ensure_synthetic()
    for column, (title, target, label, text) in zip(st.columns(3), STEPS, strict=True):
        with column.container(border=True, height="stretch"):
            st.subheader(title, anchor=False)
            st.write(text)
            page_link(target, label, ":material/arrow_forward:")
    st.subheader(_("Latest runs"), anchor=False)
    runs = summaries()
    if not runs:
        st.info(_("No runs yet. The first one takes about two minutes: go to Train and press Start."))
    with st.container(key="overview_runs"):
        for run in runs[:LATEST]:
            with st.container(horizontal=True, vertical_alignment="center"):
                page_link(run.kind.page, plain(run.title), run=run.id)
                told = (run.status.state, f"{run.status.epoch} epochs", run.in_words)
                st.caption(", ".join(filter(None, told)), width="content")
    if len(runs) > 1:
        page_link("runs", _("All runs, side by side"), ":material/arrow_forward:")
