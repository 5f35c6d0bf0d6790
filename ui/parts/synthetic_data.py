"""The built-in data set, made when it is missing. By itself, so that the overview opens without pandas."""

from __future__ import annotations

import streamlit as st

from alexcore.home import SYNTHETIC, data_dir
from alexcore.jobs import read_job, start_job
from alexcore.words.language import _
from ui.parts.text import plain

JOB = "synthetic-flowers"


def synthetic_ready() -> bool:
    """Whether the built-in data set is there; it appears as a whole or not at all."""
    return (data_dir() / SYNTHETIC / "train").is_dir()


def start_synthetic() -> None:
    """Draw the built-in data set in the background, unless that is under way."""
    start_job(JOB, ["data", "sample", str(data_dir() / SYNTHETIC)])


def ensure_synthetic() -> bool:
    """Whether the built-in data set is there; if not, draw it in the background and show how far it is."""
    if synthetic_ready():
        return True
    if read_job(JOB).state in ("none", "finished"):
        start_synthetic()
    st.fragment(_progress, run_every=0.5)()
    return False


def _progress() -> None:
    job = read_job(JOB)
    if synthetic_ready():
        st.rerun()
    if job.state in ("failed", "lost"):
        st.error(plain(job.error) or "Drawing the built-in pictures was interrupted.", icon=":material/error:")
        st.button(_("Draw them again"), on_click=start_synthetic, type="primary")
        return
    share = job.done / job.total if job.total else 0.0
    text = f"{job.done} of {job.total} pictures" if job.total else "starting"
    st.progress(share, text=f"Drawing the built-in data set, synthetic flowers: {text}")
    st.caption(_("This happens once and takes a few seconds. The data set is yours to browse as soon as it is done."))
