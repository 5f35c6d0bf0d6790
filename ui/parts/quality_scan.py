"""The scan of a data set's pictures, which a background job makes: its button, and how far it is."""

from __future__ import annotations

import streamlit as st

from alexcore.data.index import DataIndex
from alexcore.jobs import read_job, start_job
from ui.parts.datasets import forget_indexes
from ui.parts.job_progress import watch_job


def scan_runs(whole: DataIndex) -> bool:
    """Draw how far the scan of a data set is, or why it failed; whether it runs."""
    return watch_job(_job(whole), "Looking at every picture", "pictures", forget_indexes)


def scan_button(whole: DataIndex, label: str, key: str) -> None:
    """Draw the button that starts it."""
    if st.button(label, key=key) and read_job(_job(whole)).state != "running":
        start_job(_job(whole), ["data", "scan", str(whole.origin)])
        st.rerun()


def _job(whole: DataIndex) -> str:
    return f"scan-{whole.files_identity}"
