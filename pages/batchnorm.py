"""`/batchnorm`: the same network with and without BatchNorm, and what that says about the blog's five questions."""

from __future__ import annotations

import streamlit as st

from alexcore.batchnorm.settings import create_experiment
from alexcore.data.sources import reading_of
from alexcore.runs import launcher
from alexcore.runs.kinds import BATCHNORM
from alexcore.runs.run_list import active_runs
from alexcore.words.language import _
from ui.batchnorm.experiment_live import watch_experiment
from ui.batchnorm.form import experiment_form, fairness
from ui.batchnorm.past import past_experiments, what_is_asked
from ui.parts.address import choose_dataset, choose_run, chosen_run
from ui.parts.datasets import dataset_or_wait, dataset_select
from ui.parts.drop_button import drop_button
from ui.parts.page import page, shown_errors


def new_experiment() -> None:
    name = dataset_select("bn_dataset")
    opened = dataset_or_wait(name)
    if opened is None:
        return
    index, _checked = opened
    made = None
    with shown_errors():
        config, bn = experiment_form(str(index.origin), reading_of(index).choice, index.val)
        fairness(config, bn, index)
        made = config, bn
    drop_button(name, index, "bn_drop")
    if st.button(_("Start"), key="bn_start", type="primary", icon=":material/play_arrow:", disabled=made is None):
        assert made is not None
        folder = create_experiment(*made)
        launcher.launch(folder, processes=1)
        choose_run(folder.name)
        choose_dataset(name)
        st.rerun()
    st.caption(_("Starts one worker that trains all arms in turn, step by step. You may close this page: it goes on."))


with page("BatchNorm", "Train the same network with and without BatchNorm, and read what the norm really changes."):
    run_id = chosen_run() or next((run.id for run in active_runs() if run.kind is BATCHNORM), None)
    if run_id:
        with shown_errors(), st.container(border=True):
            watch_experiment(run_id)
    else:
        what_is_asked()
    past_experiments(run_id)
    st.subheader(_("New experiment"), anchor=False)
    new_experiment()
