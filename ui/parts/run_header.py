"""The head of a run that somebody watches, whatever its kind: state, buttons, progress, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from alexcore.errors import ConfigError, RunError
from alexcore.runs import launcher
from alexcore.runs.events import Event
from alexcore.runs.kinds import BATCHNORM, TRAINING, Kind
from alexcore.runs.resumption import failed_resume
from alexcore.runs.status import LOST, UNKNOWN, Status
from alexcore.runs.stopping import waits_for
from alexcore.runs.store import Run, open_run
from alexcore.words.findings import told
from alexcore.words.language import _
from alexcore.words.numbers import duration
from ui.parts.address import choose_run
from ui.parts.menu import PAGES, page_link
from ui.parts.page import show_error
from ui.parts.run_rows import share
from ui.parts.text import plain

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


@dataclass(frozen=True)
class Wording:
    """How a kind of run is spoken of: the beginning of its keys, and what its buttons do."""

    key: str
    elsewhere: str
    resume: str
    stop: str


WORDINGS = {
    TRAINING: Wording(
        key="train",
        elsewhere="is no experiment: one network was trained in it.",
        resume="Resume goes on from the last checkpoint, as if nothing had happened.",
        stop="Stop saves a checkpoint, then ends; the run can be resumed.",
    ),
    BATCHNORM: Wording(
        key="bn",
        elsewhere="is a BatchNorm experiment: several networks at once.",
        resume="Resume goes on from the last checkpoint of all arms, as if nothing had happened.",
        stop="Stop saves all arms after the present step; they can be resumed.",
    ),
}


def watched(run_id: str, kind: Kind) -> Run | None:
    """The run that a page of this kind is about; where there is none, the page says so and gets None."""
    try:
        run = open_run(run_id)
    except RunError as error:  # deleted, perhaps while somebody looks at it
        show_error(error)
        if st.button(_("Close"), key=f"{WORDINGS[kind].key}_close"):
            choose_run(None)
            st.rerun()
        return None
    if run.kind is kind:
        return run
    st.info(f"The run {plain(run.id)} {WORDINGS[run.kind].elsewhere}")
    title = PAGES[run.kind.page]
    page_link(run.kind.page, _("Look at it on {page}").format(page=title), run=run.id)
    return None


def run_header(run: Run, at_work: str, below: str = "", *, pausable: bool) -> None:
    """Draw the head of a run; `pausable` is whether a running one would obey a pause now.

    `at_work` is where it is, "" before its first step, when its phase says it; `below` is a line below its bar.
    """
    _buttons(run, pausable)
    if run.status.active:
        with st.container(key=f"{WORDINGS[run.kind].key}_progress"):
            if at_work:
                st.progress(share(run.status.step, run.status.total_steps) or 0.0, text=at_work)
                if below:
                    st.caption(below)
            else:
                _phase(run.status)
    _outcome(run)


def show_warnings(events: Sequence[Event]) -> None:
    """Draw what a run has warned of, as its events tell it."""
    for warning in events:
        st.warning(plain(" ".join(told(warning))), icon=":material/warning:")


def steps_in_words(status: Status) -> str:
    """How many steps are made, such as "step 1,200 of 3,000"."""
    return f"step {status.step:,} of {status.total_steps:,}"


def left_in_words(status: Status) -> str:
    """How long it will take yet, such as ", 3 min 20 s left"; nothing where that is not known."""
    return f", {duration(status.eta_s)} left" if status.eta_s else ""


def _buttons(run: Run, pausable: bool) -> None:
    status, kind = run.status, run.kind
    said = WORDINGS[kind]
    with st.container(horizontal=True, vertical_alignment="center", key=f"{said.key}_head"):
        with st.container(key=f"{said.key}_status", width="content"):
            st.badge(status.state, color=COLOURS[status.state])  # type: ignore[arg-type]
        st.markdown(f"{kind.noun.capitalize()} **{plain(run.id)}**", width="content")
        # Two places that are always there: a button that moves while somebody aims at it is a trap.
        first, second = st.container(width="content"), st.container(width="content")
        if status.state == "running" and pausable:
            first.button(_("Pause"), key=f"{said.key}_pause", on_click=_ask, args=(run, "pause"))
        elif status.state == "paused":
            first.button(_("Continue"), key=f"{said.key}_resume", on_click=_ask, args=(run, "continue"))
        elif status.state in ("stopped", "failed", LOST) and not status.hung and kind.resumable(run.path):
            first.button(_("Resume"), key=f"{said.key}_resume", on_click=resume, args=(run,))
            st.caption(said.resume, width="content")
        if (status.active and status.state != "stopping") or status.hung:
            second.button(_("Stop"), key=f"{said.key}_stop", on_click=_ask, args=(run, "stop"))
            st.caption(said.stop, width="content")
        elif status.state == "stopping":
            st.caption(waits_for(status), width="content")


def _ask(run: Run, word: str) -> None:
    try:
        launcher.request(run.path, word)
    except RunError as error:  # it ended between drawing the button and the click
        st.toast(plain(str(error)))


def resume(run: Run, epochs: int | None = None, **changes: Any) -> None:
    """Let a run go on, to so many epochs if they are given; what keeps it from that is a toast."""
    try:
        launcher.resume(run, epochs, **changes)
    except (RunError, ConfigError) as error:
        st.toast(plain(str(error)))


def _phase(status: Status) -> None:
    done = 0.0 if status.state == "queued" else share(status.done, status.total) or 0.0
    counted = f": {status.done:,} of {status.total:,}" if done else " ..."
    if status.state == "queued" and status.phase == "waiting-for-run":  # of it and of those ahead
        counted = f"; place {status.total + 1} in the queue of this device"
    st.progress(done, text=f"{status.doing}{counted}")


def _outcome(run: Run) -> None:
    status, noun = run.status, run.kind.noun
    if status.state == "failed":
        message, hint = told(status.error)
        st.error(plain(f"{message or f'The {noun} failed.'}\n\n{hint}"))
    elif status.hung:
        st.error(_("The worker is silent for a minute, but its process is there. Stop ends it; nothing saved is lost."))
    elif status.state == LOST:
        st.error(_("The worker ended without a word: it was killed, or the machine went down. Nothing saved is lost."))
    elif status.state == UNKNOWN:
        st.warning(plain(f"The state of this {noun} cannot be read. {run.problem}"))
    failed = {} if status.active else failed_resume(run.path)
    if failed:
        st.error(plain(f"The last resume failed, and the {noun} is what it was. {' '.join(told(failed))}"))
    if status.state in ("failed", LOST) or failed:
        with st.expander(_("worker.log")):
            st.code(log_tail(run.path / "worker.log") or "(empty)", language=None)


def log_tail(path: Path, size: int = 6000) -> str:
    """The end of a log, nothing where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - size))
            return file.read().decode("utf-8", "replace").strip()
    except OSError:
        return ""
