"""What is odd about a data set, and the background job that decodes every picture once."""

from __future__ import annotations

import streamlit as st

from alexcore.data.index import DataIndex
from alexcore.jobs import read_job
from ui.datasets import check_job, forget_indexes, start_check
from ui.text import plain


def problems(index: DataIndex, checked: bool) -> None:
    """List the problems; offer the check if the pictures have not been decoded yet, or show how far it is."""
    with st.container(key="dataset_problems"):
        for problem in index.problems:
            text = plain(f"{problem.message} {problem.hint}")
            (st.error if problem.severity == "error" else st.warning)(text)
        if not checked:
            running = read_job(check_job(index.origin)).state == "running"
            st.fragment(_check, run_every=0.5 if running else None)(index, running)
        elif not index.problems:
            st.success(f"No problems found: all {len(index.files):,} pictures can be decoded.", icon=":material/check:")


def _check(index: DataIndex, was_running: bool) -> None:
    job = read_job(check_job(index.origin))
    if job.state == "running":
        share = job.done / job.total if job.total else 0.0
        st.progress(share, text=f"Decoding every picture once: {job.done:,} of {job.total or len(index.files):,}")
        return
    if was_running:
        forget_indexes()  # the check read the folder anew
        st.rerun()
    if job.state in ("failed", "lost"):
        st.error(plain(job.error) or "The check was interrupted.")
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Check every picture", key="dataset_check"):
            start_check(index.origin)
            st.rerun()
        st.caption("Not checked yet. A run does it before its first step and leaves out what cannot be decoded.")
