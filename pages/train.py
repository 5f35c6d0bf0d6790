"""`/train`: set a run up, start it, and watch it."""

from __future__ import annotations

import streamlit as st

from alexcore.analysis.batchnorm.settings import is_experiment
from alexcore.runs import launcher
from alexcore.runs.store import list_runs
from ui.checks import checks
from ui.dataset_select import dataset_select
from ui.datasets import dataset_or_wait
from ui.forms import config_form, explanations
from ui.live import watch
from ui.page import page, shown_errors
from ui.preflight import preflight
from ui.state import choose_dataset, choose_run, chosen_run


def new_run() -> None:
    name = dataset_select("train_dataset")
    opened = dataset_or_wait(name)
    if opened is None:
        return
    index, checked = opened
    config, plan = None, None
    with shown_errors():
        config = config_form(str(index.origin))
        plan = preflight(config, index, checked)
    if st.button("Start", key="train_start", type="primary", icon=":material/play_arrow:", disabled=plan is None):
        assert config is not None
        choose_run(launcher.start(config).name)
        choose_dataset(name)
        st.rerun()
    if config is not None and plan is not None:
        with shown_errors():
            checks(config, index, plan)
    explanations()


with page("Train", "Choose settings, press Start, and watch the network learn. Closing this page does not stop a run."):
    run_id = chosen_run() or next(
        (run.id for run in list_runs() if run.status.active and not is_experiment(run.path)), None
    )
    if run_id:
        with shown_errors(), st.container(border=True):
            watch(run_id)
    st.subheader("New run", anchor=False)
    new_run()
