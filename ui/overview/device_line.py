"""Which device was found, without loading torch into the server: a background job looks once and leaves a note."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import streamlit as st

from alexcore.files import read_json
from alexcore.home import devices_file
from alexcore.jobs import read_job, start_job
from alexcore.pair import PAIR
from alexcore.words.language import _
from ui.parts.text import plain


def _job() -> str:
    # Another torch may see another device, so each version looks again.
    try:
        return f"device-{version('torch')}-{version('torchvision')}"
    except PackageNotFoundError:
        return ""


def device_line() -> None:
    """Say on which device runs will compute."""
    job = _job()
    if not job:
        st.error(f"torch and torchvision are not installed. Install them with: pip install {plain(PAIR)}")
        return
    state = read_job(job).state
    if state == "none":
        start_job(job, ["devices"])
    # Not by itself: what dies each time would be started for ever.
    if state in ("failed", "lost") and st.button(_("Look for a device again"), key="overview_device_again"):
        start_job(job, ["devices"])
        st.rerun()
    waiting = read_job(job).state == "running"
    st.fragment(_line, run_every=1.0 if waiting else None)(job, waiting)


def _line(job: str, waiting: bool) -> None:
    now = read_job(job)
    found = read_json(devices_file())
    with st.container(key="overview_device"):
        if now.state in ("failed", "lost"):
            st.error(plain(now.error) or "Looking for a device was interrupted.")
        elif found is None or now.state == "running":
            st.caption(_("Looking for a GPU ..."))
        else:
            note = "" if found["device"] != "cpu" else " No GPU is needed: the default run takes about two minutes."
            st.caption(f"Runs compute on **{plain(found['description'])}** with torch {found['torch']}.{note}")
    if waiting and now.state != "running":
        st.rerun()  # once, so that the polling ends
