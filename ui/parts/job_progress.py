"""A background job on a page: how far it is, how it ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from alexcore.jobs import Job, read_job, start_job
from alexcore.words.numbers import size_text
from ui.parts.text import plain

POLL_S = 0.5


def watch_job(name: str, doing: str, unit: str = "pictures", when_done: Callable[[], None] | None = None) -> bool:
    """Show a job while it runs, and how it failed; whether it runs.

    Args:
        name: The job's name.
        doing: What it does, e.g. "Unpacking".
        unit: What it counts: a word, or "B" for bytes.
        when_done: Called once, when it has ended well while somebody watched; the page is drawn anew afterwards.
    """
    running = read_job(name).state == "running"
    st.fragment(_show, run_every=POLL_S if running else None)(name, doing, unit, when_done, running)
    return running


def job_button(
    name: str,
    command: list[str],
    label: str,
    key: str,
    note: str = "",
    *,
    doing: str,
    unit: str = "pictures",
    when_done: Callable[[], None] | None = None,
    **more: Any,
) -> bool:
    """Draw the button that starts a job, with a note beside it, or how far the job is; whether it runs.

    `more` goes to the button, the rest is as for `watch_job`.
    """
    if watch_job(name, doing, unit, when_done):
        return True
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(label, key=key, **more):
            start_job(name, command)
            st.rerun()
        if note:
            st.caption(note)
    return False


def _show(name: str, doing: str, unit: str, when_done: Callable[[], None] | None, was_running: bool) -> None:
    job = read_job(name)
    if job.state == "running":
        st.progress(job.done / job.total if job.total else 0.0, text=f"{doing}: {_amount(job, unit)}")
        return
    if was_running:
        if job.state == "finished" and when_done:
            when_done()
        st.rerun()
    if job.state == "failed":
        st.error(plain(job.error), icon=":material/error:")
    if job.state == "lost":
        st.error(f"{doing} was interrupted. Start it again.", icon=":material/error:")


def _amount(job: Job, unit: str) -> str:
    if not job.total:
        return "starting"
    if unit == "B":
        return f"{size_text(job.done)} of {size_text(job.total)}"
    return f"{job.done:,} of {job.total:,} {unit}"
