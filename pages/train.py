"""`/train`: set a run up, start it, and watch it."""

from __future__ import annotations

import streamlit as st

from alexcore.runs import launcher
from alexcore.runs.store import list_runs
from alexcore.training.plan import make_plan, plan_in_words
from ui.dataset_select import dataset_select
from ui.datasets import dataset_or_wait
from ui.forms import config_form, explanations
from ui.live import watch
from ui.page import page, shown_errors
from ui.state import choose_dataset, choose_run, chosen_run
from ui.text import plain


def new_run() -> None:
    name = dataset_select("train_dataset")
    opened = dataset_or_wait(name)
    if opened is None:
        return
    index, checked = opened
    config = None
    with shown_errors():
        config = config_form(str(index.origin))
        with st.container(key="train_preflight"):
            plan = make_plan(config, index)
            note = "" if checked else " Every picture is decoded once before the first step."
            st.info(
                plan_in_words(config, plan, len(index.classes)) + note,
                icon=":material/checklist:",
            )
            for problem in index.problems:
                st.warning(plain(f"{problem.message} {problem.hint}"))
    ready = config is not None and "plan" in locals()
    if st.button("Start", key="train_start", type="primary", icon=":material/play_arrow:", disabled=not ready):
        assert config is not None
        choose_run(launcher.start(config).name)
        choose_dataset(name)
        st.rerun()
    explanations()


with page("Train", "Choose settings, press Start, and watch the network learn. Closing this page does not stop a run."):
    run_id = chosen_run() or next((run.id for run in list_runs() if run.status.active), None)
    if run_id:
        with shown_errors(), st.container(border=True):
            watch(run_id)
    st.subheader("New run", anchor=False)
    new_run()
