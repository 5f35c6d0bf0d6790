"""A run as it goes: one polling fragment that reads the folder and knows nothing else."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from alexcore.errors import ConfigError, RunError
from alexcore.runs import launcher
from alexcore.runs.kinds import BATCHNORM, kind_of
from alexcore.runs.series import Series
from alexcore.runs.status import LOST, UNKNOWN, Status
from alexcore.runs.store import Run, open_run
from alexcore.words.findings import told
from alexcore.words.numbers import duration
from alexcore.words.phases import WAITING
from ui.parts.address import choose_run
from ui.parts.menu import page_file
from ui.parts.page import show_error
from ui.parts.run_rows import ReadableSeries, share
from ui.parts.run_views import run_views
from ui.parts.text import plain

POLL_S = 1.0
# While a run starts, somebody waits for its first step: a few seconds in which there are no charts to draw.
START_POLL_S = 0.5

COLOURS = {
    "queued": "gray",
    "running": "blue",
    "paused": "orange",
    "stopping": "orange",
    "stopped": "orange",
    "finished": "green",
    "failed": "red",
    LOST: "red",
    UNKNOWN: "gray",
}


def watch(run_id: str) -> None:
    """Draw a run and keep it up to date until it ends; say so if there is none of this name."""
    try:
        run = open_run(run_id)
    except RunError as error:
        _gone(error)
        return
    if kind_of(run.path) is BATCHNORM:
        st.info(f"The run {plain(run.id)} is a BatchNorm experiment: several networks at once.")
        st.page_link(page_file("batchnorm"), label="Look at it on BatchNorm", query_params={"run": run.id})
        return
    every_s = poll_every_s(run.status)
    st.fragment(_view, run_every=every_s)(run_id, every_s)


def poll_every_s(status: Status) -> float | None:
    """How often to look at a run: more often until its first step is made, never once it has ended."""
    if not status.active:
        return None
    # Behind another run it may wait for hours.
    starting = status.phase not in ("training", "validating") and status.phase not in WAITING
    return START_POLL_S if starting and status.state != "paused" else POLL_S


def _view(run_id: str, was_every_s: float | None) -> None:
    try:
        run = open_run(run_id)
    except RunError as error:  # deleted while somebody looks at it
        _gone(error)
        return
    every_s = poll_every_s(run.status)
    if (every_s is None) != (was_every_s is None):
        st.rerun()  # the whole page once: it ends the polling, or begins it after a resume
    series = _series(run.path)
    _head(run)
    _progress(run.status, series)
    _outcome(run)
    for note in series.notes:
        st.info(plain(told(note)[0]), icon=":material/info:")
    for warning in series.warnings:
        st.warning(plain(" ".join(told(warning))), icon=":material/warning:")
    run_views(run, series)
    if every_s != was_every_s:
        st.rerun()  # only now, when what has changed is to be seen already


def _gone(error: RunError) -> None:
    show_error(error)
    if st.button("Close", key="train_close"):
        choose_run(None)
        st.rerun()


def _series(path: Path) -> Series:
    """This session's reading of a run: what it has read already need not be read again."""
    held: Series | None = st.session_state.get("series")
    if held is None or held.path != path / "events.jsonl":
        held = ReadableSeries(path / "events.jsonl")
        st.session_state["series"] = held
    held.refresh()
    return held


def _head(run: Run) -> None:
    status = run.status
    with st.container(horizontal=True, vertical_alignment="center", key="train_head"):
        with st.container(key="train_status", width="content"):
            st.badge(status.state, color=COLOURS[status.state])  # type: ignore[arg-type]
        st.markdown(f"Run **{plain(run.id)}**", width="content")
        # Two places that are always there: a button that moves while somebody aims at it is a trap.
        first, second = st.container(width="content"), st.container(width="content")
        if status.state == "running" and status.phase in ("training", "validating"):
            first.button("Pause", key="train_pause", on_click=_ask, args=(run, "pause"))
        elif status.state == "paused":
            first.button("Continue", key="train_resume", on_click=_ask, args=(run, "continue"))
        elif status.state in ("stopped", "failed", LOST) and (run.path / "checkpoints" / "last.pt").is_file():
            first.button("Resume", key="train_resume", on_click=_resume, args=(run,))
            st.caption("Resume goes on from the last checkpoint, as if nothing had happened.", width="content")
        if status.active and status.state != "stopping":
            second.button("Stop", key="train_stop", on_click=_ask, args=(run, "stop"))
            st.caption("Stop saves a checkpoint, then ends; the run can be resumed.", width="content")


def _ask(run: Run, word: str) -> None:
    try:
        launcher.request(run.path, word)
    except RunError as error:  # it ended between drawing the button and the click
        st.toast(str(error))


def _resume(run: Run, epochs: int | None = None) -> None:
    try:
        launcher.resume(run, epochs)
    except (RunError, ConfigError) as error:
        st.toast(str(error))


def _progress(status: Status, series: Series) -> None:
    if not status.active:
        return
    with st.container(key="train_progress"):
        if status.phase in ("training", "validating") and status.total_steps:
            inside = share(status.done, status.total) or 0.0
            part = f"{status.doing} epoch {status.epoch + 1}: {inside:.0%}"
            left = f", {duration(status.eta_s)} left" if status.eta_s else ""
            text = f"step {status.step:,} of {status.total_steps:,}, {part}, {status.images_per_s:.0f} images/s{left}"
            text += waiting_in_words(series)
            st.progress(share(status.step, status.total_steps) or 0.0, text=text)
        else:
            part_done = 0.0 if status.state == "queued" else share(status.done, status.total) or 0.0
            counted = f": {status.done:,} of {status.total:,}" if part_done else " ..."
            if status.state == "queued" and status.phase == "waiting-for-run":  # of it and of those ahead
                counted = f"; place {status.total + 1} in the queue of this device"
            st.progress(part_done, text=f"{status.doing}{counted}")


def waiting_in_words(series: Series) -> str:
    """How much of the last steps' time went into waiting for data."""
    last = series.steps[-20:]
    span = float(last[-1].get("ts") or 0) - float(last[0].get("ts") or 0) if len(last) > 1 else 0.0
    if span <= 0:
        return ""
    return f", {min(1.0, sum(float(step.get('wait_s') or 0) for step in last[1:]) / span):.0%} of it waiting for data"


def _outcome(run: Run) -> None:
    status = run.status
    if status.state == "failed":
        message, hint = told(status.error)
        st.error(plain(f"{message or 'The run failed.'}\n\n{hint}"))
    elif status.state == LOST:
        st.error("The worker ended without a word: it was killed, or the machine went down. Nothing saved is lost.")
    elif status.state == UNKNOWN:
        st.warning(plain(f"The state of this run cannot be read. {run.problem}"))
    elif status.state == "finished":
        _longer(run)
        st.page_link(
            page_file("classify"),
            label="Classify a picture with this run",
            icon=":material/arrow_forward:",
            query_params={"run": run.id},
        )
    if status.state in ("failed", LOST):
        with st.expander("worker.log"):
            st.code(log_tail(run.path / "worker.log"), language=None)


def _longer(run: Run) -> None:
    """Offer more epochs to a run that has come to its end; nothing polls it any more, so a field can be typed into."""
    if run.config is None or run.config.time_budget_s or run.config.max_steps:
        return
    with st.popover("Train longer", icon=":material/forward:", key="train_longer"):
        st.number_input(
            "Epochs in all",
            value=2 * run.config.epochs,
            step=1,
            format="%d",
            key="train_longer_epochs",
            help=f"The run has made {run.config.epochs}. It goes on from its last checkpoint; a schedule that "
            "stretches over the whole run is planned anew, and the run says so.",
        )
        st.button("Continue the run", key="train_longer_start", on_click=_go_on, args=(run,))


def _go_on(run: Run) -> None:
    _resume(run, st.session_state["train_longer_epochs"])  # as it is now, not as it was when the button was drawn


def log_tail(path: Path, size: int = 6000) -> str:
    """The end of a log, "(empty)" where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - size))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return "(empty)"
