"""An experiment as it goes: one polling fragment that reads the folder; below it the section that is open."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from alexcore.batchnorm.read.record import SWEEPS, Experiment
from alexcore.batchnorm.settings import arm_key
from alexcore.errors import RunError
from alexcore.jobs import read_job
from alexcore.runs import launcher
from alexcore.runs.kinds import BATCHNORM, kind_of
from alexcore.runs.status import LOST, UNKNOWN
from alexcore.runs.store import Run, open_run
from alexcore.words.findings import told
from alexcore.words.numbers import duration
from ui.batchnorm.section_choice import show_section
from ui.batchnorm.sweep_buttons import sweep_job
from ui.parts.address import choose_run
from ui.parts.menu import page_file
from ui.parts.page import show_error
from ui.parts.run_live import COLOURS, log_tail
from ui.parts.text import plain

POLL_S = 1.5


def watch_experiment(run_id: str) -> None:
    """Draw an experiment and keep it up to date until it and its sweeps end; say so if there is none of this name."""
    try:
        run = open_run(run_id)
    except RunError as error:
        _gone(error)
        return
    if kind_of(run.path) is not BATCHNORM:
        st.warning(f"The run {plain(run.id)} is no experiment: one network was trained in it.")
        st.page_link(page_file("train"), label="Look at it on Train", query_params={"run": run.id})
        return
    busy = _busy(run)
    st.fragment(_view, run_every=POLL_S if any(busy) else None)(run_id, busy)


def _busy(run: Run) -> tuple[bool, ...]:
    """What goes on: the experiment, and each of its sweeps."""
    return (run.status.active, *(read_job(sweep_job(run.id, kind)).state == "running" for kind in SWEEPS))


def _view(run_id: str, was_busy: tuple[bool, ...]) -> None:
    try:
        run = open_run(run_id)
    except RunError as error:  # deleted while somebody looks at it
        _gone(error)
        return
    if _busy(run) != was_busy:
        st.rerun()  # the whole page once: it ends the polling, or begins it after a resume
    experiment = _experiment(run.path)
    _head(run)
    _progress(run, experiment)
    _outcome(run)
    for warning in experiment.warnings:
        st.warning(plain(" ".join(told(warning))), icon=":material/warning:")
    show_section(run, experiment)
    if experiment.notes:
        with st.expander("What the experiment decided by itself", icon=":material/info:"):
            st.markdown("\n".join(f"- {plain(told(note)[0])}" for note in experiment.notes))


def _gone(error: RunError) -> None:
    show_error(error)
    if st.button("Close", key="bn_close"):
        choose_run(None)
        st.rerun()


def _experiment(path: Path) -> Experiment:
    """This session's reading of an experiment: what it has read already need not be read again."""
    held: Experiment | None = st.session_state.get("bn_experiment")
    if held is None or held.path != path:
        held = Experiment(path)
        st.session_state["bn_experiment"] = held
    if held.refresh():
        st.session_state["bn_revision"] = int(st.session_state.get("bn_revision", 0)) + 1
    return held


def _head(run: Run) -> None:
    status = run.status
    with st.container(horizontal=True, vertical_alignment="center", key="bn_head"):
        with st.container(key="bn_status", width="content"):
            st.badge(status.state, color=COLOURS[status.state])  # type: ignore[arg-type]
        st.markdown(f"Experiment **{plain(run.id)}**", width="content")
        # Two places that are always there: a button that moves while somebody aims at it is a trap.
        first, second = st.container(width="content"), st.container(width="content")
        if status.state == "running":
            first.button("Pause", key="bn_pause", on_click=_ask, args=(run, "pause"))
        elif status.state == "paused":
            first.button("Continue", key="bn_resume", on_click=_ask, args=(run, "continue"))
        elif status.state in ("stopped", "failed", LOST) and _resumable(run):
            first.button("Resume", key="bn_resume", on_click=_resume, args=(run,))
            st.caption(
                "Resume goes on from the last checkpoint of all arms, as if nothing had happened.", width="content"
            )
        if status.active and status.state != "stopping":
            second.button("Stop", key="bn_stop", on_click=_ask, args=(run, "stop"))
            st.caption("Stop saves all arms after the present step; they can be resumed.", width="content")


def _resumable(run: Run) -> bool:
    return (run.path / "checkpoints" / "experiment.pt").is_file()


def _ask(run: Run, word: str) -> None:
    try:
        launcher.request(run.path, word)
    except RunError as error:  # it ended between drawing the button and the click
        st.toast(str(error))


def _resume(run: Run) -> None:
    try:
        launcher.resume(run)
    except RunError as error:
        st.toast(str(error))


def _progress(run: Run, experiment: Experiment) -> None:
    status = run.status
    if not status.active:
        return
    with st.container(key="bn_progress"):
        if status.total_steps and status.step:
            left = f", {duration(status.eta_s)} left" if status.eta_s else ""
            where = f"step {status.step:,} of {status.total_steps:,} of all arms together"
            text = f"{where}, {status.doing}{left}"
            st.progress(min(1.0, status.step / status.total_steps), text=text)
            st.caption(_arms_in_words(experiment))
        else:
            share = status.done / status.total if status.total and status.state != "queued" else 0.0
            counted = f": {status.done:,} of {status.total:,}" if share else " ..."
            st.progress(min(1.0, share), text=f"{status.doing}{counted}")


def _arms_in_words(experiment: Experiment) -> str:
    """What every arm's latest step said: they go step by step, so the same noise of the machine hits all of them."""
    said = []
    for (norm, seed), rows in sorted(experiment.steps.items()):
        if rows and rows[-1].get("loss") is not None:
            said.append(f"{arm_key(norm, seed)} {float(rows[-1]['loss']):.2f}")
    return f"Training loss at the latest step: {', '.join(said)}." if said else "The arms are being built."


def _outcome(run: Run) -> None:
    status = run.status
    if status.state == "failed":
        message, hint = told(status.error)
        st.error(plain(f"{message or 'The experiment failed.'}\n\n{hint}"))
    elif status.state == LOST:
        st.error("The worker ended without a word: it was killed, or the machine went down. Nothing saved is lost.")
    elif status.state == UNKNOWN:
        st.warning(plain(f"The state of this experiment cannot be read. {run.problem}"))
    if status.state in ("failed", LOST):
        with st.expander("worker.log"):
            st.code(log_tail(run.path / "worker.log"), language=None)
