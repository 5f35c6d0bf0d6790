"""An experiment as it goes: one polling fragment that reads the folder; below it the section that is open."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from alexcore.batchnorm.read.record import SWEEPS, Experiment
from alexcore.batchnorm.settings import arm_key
from alexcore.batchnorm.views.arm_lines import rates_in_words
from alexcore.jobs import read_job
from alexcore.runs.kinds import BATCHNORM
from alexcore.runs.status import Status
from alexcore.runs.store import Run
from alexcore.words.findings import told
from alexcore.words.language import _
from ui.batchnorm.section_choice import show_section
from ui.batchnorm.sweep_buttons import sweep_job
from ui.parts.run_header import left_in_words, run_header, show_warnings, steps_in_words, watched
from ui.parts.text import plain

POLL_S = 1.5


def watch_experiment(run_id: str) -> None:
    """Draw an experiment and keep it up to date until it and its sweeps end; say so if there is none of this name."""
    run = watched(run_id, BATCHNORM)
    if run is None:
        return
    busy = _busy(run)
    st.fragment(_view, run_every=POLL_S if any(busy) else None)(run_id, busy)


def _busy(run: Run) -> tuple[bool, ...]:
    """What goes on: the experiment, and each of its sweeps."""
    return (run.status.active, *(read_job(sweep_job(run.id, kind)).state == "running" for kind in SWEEPS))


def _view(run_id: str, was_busy: tuple[bool, ...]) -> None:
    run = watched(run_id, BATCHNORM)
    if run is None:
        return
    if _busy(run) != was_busy:
        st.rerun()  # the whole page once: it ends the polling, or begins it after a resume
    experiment = _experiment(run.path)
    run_header(run, _at_work(run.status), _arms_in_words(experiment), pausable=True)
    show_warnings(experiment.warnings)
    if rates := rates_in_words(experiment):
        st.caption(plain(f"Learning rates, each arm's own best of the sweep: {rates}."))
    show_section(run, experiment)
    if experiment.notes:
        with st.expander(_("What the experiment decided by itself"), icon=":material/info:"):
            st.markdown("\n".join(f"- {plain(told(note)[0])}" for note in experiment.notes))


def _experiment(path: Path) -> Experiment:
    """This session's reading of an experiment: what it has read already need not be read again."""
    held: Experiment | None = st.session_state.get("bn_experiment")
    if held is None or held.path != path:
        held = Experiment(path)
        st.session_state["bn_experiment"] = held
    if held.refresh():
        st.session_state["bn_revision"] = int(st.session_state.get("bn_revision", 0)) + 1
    return held


def _at_work(status: Status) -> str:
    if not status.total_steps or not status.step:
        return ""
    return f"{steps_in_words(status)} of all arms together, {status.doing}{left_in_words(status)}"


def _arms_in_words(experiment: Experiment) -> str:
    """What every arm's latest step said: they go step by step, so the same noise of the machine hits all of them."""
    said = []
    for (norm, seed), rows in sorted(experiment.steps.items()):
        if rows and rows[-1].get("loss") is not None:
            said.append(f"{arm_key(norm, seed)} {float(rows[-1]['loss']):.2f}")
    return f"Training loss at the latest step: {', '.join(said)}." if said else "The arms are being built."
