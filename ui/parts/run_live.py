"""A run as it goes: one polling fragment that reads the folder and knows nothing else."""

from __future__ import annotations

import streamlit as st

from alexcore.runs.kinds import TRAINING
from alexcore.runs.series import Series
from alexcore.runs.status import Status
from alexcore.runs.store import Run
from alexcore.words.findings import told
from alexcore.words.language import _
from alexcore.words.phases import WAITING
from ui.parts.menu import page_link
from ui.parts.resume_form import resume_form
from ui.parts.run_header import left_in_words, resume, run_header, show_warnings, steps_in_words, watched
from ui.parts.run_rows import histories, share
from ui.parts.run_views import run_views
from ui.parts.text import plain

POLL_S = 1.0
# While a run starts, somebody waits for its first step: a few seconds in which there are no charts to draw.
START_POLL_S = 0.5
# The phases of a run whose steps go on.
AT_WORK = ("training", "validating")


def watch(run_id: str) -> None:
    """Draw a run and keep it up to date until it ends; say so if there is none of this name."""
    run = watched(run_id, TRAINING)
    if run is None:
        return
    every_s = poll_every_s(run.status)
    st.fragment(_view, run_every=every_s)(run_id, every_s)


def poll_every_s(status: Status) -> float | None:
    """How often to look at a run: more often until its first step is made, never once it has ended."""
    if not status.active:
        return None
    # Behind another run it may wait for hours.
    starting = status.phase not in AT_WORK and status.phase not in WAITING
    return START_POLL_S if starting and status.state != "paused" else POLL_S


def _view(run_id: str, was_every_s: float | None) -> None:
    run = watched(run_id, TRAINING)
    if run is None:
        return
    every_s = poll_every_s(run.status)
    if (every_s is None) != (was_every_s is None):
        st.rerun()  # the whole page once: it ends the polling, or begins it after a resume
    (series,) = histories([run.path])
    run_header(run, _at_work(run.status, series), pausable=run.status.phase in AT_WORK)
    if run.status.state == "finished":
        _longer(run)
        label = _("Classify a picture with this run")
        page_link("classify", label, ":material/arrow_forward:", run=run.id)
    if series.outcome and run.status.state == "finished":
        st.info(plain(" ".join(told(series.outcome))), icon=":material/flag:")
    for note in series.notes:
        st.info(plain(told(note)[0]), icon=":material/info:")
    show_warnings(series.warnings)
    run_views(run, series)
    if every_s != was_every_s:
        st.rerun()  # only now, when what has changed is to be seen already


def _at_work(status: Status, series: Series) -> str:
    if status.phase not in AT_WORK or not status.total_steps:
        return ""
    inside = share(status.done, status.total) or 0.0
    part = f"{status.doing} epoch {status.epoch + 1}: {inside:.0%}, {status.images_per_s:.0f} images/s"
    return f"{steps_in_words(status)}, {part}{left_in_words(status)}{waiting_in_words(series)}"


def waiting_in_words(series: Series) -> str:
    """How much of the last steps' time went into waiting for data."""
    last = series.steps[-20:]
    span = float(last[-1].get("ts") or 0) - float(last[0].get("ts") or 0) if len(last) > 1 else 0.0
    if span <= 0:
        return ""
    return f", {min(1.0, sum(float(step.get('wait_s') or 0) for step in last[1:]) / span):.0%} of it waiting for data"


def _longer(run: Run) -> None:
    """Offer more epochs to a run that has come to its end; nothing polls it any more, so a field can be typed into."""
    if run.config is None or run.config.time_budget_s or run.config.max_steps:
        return
    with st.popover(_("Train longer"), icon=":material/forward:", key="train_longer"):
        help_text = (
            f"The run has made {run.status.epoch}. It goes on from its last checkpoint; a schedule that stretches "
            "over the whole run is planned anew, and the run says so."
        )
        resume_form(run, 2 * run.config.epochs, "train_longer", help_text)
        st.button(
            _("Continue the run"),
            key="train_longer_start",
            # The numbers as they are at the click, not as they were when the button was drawn.
            on_click=lambda: resume(
                run,
                st.session_state["train_longer_epochs"],
                early_stopping=st.session_state.get("train_longer_patience"),
            ),
        )
