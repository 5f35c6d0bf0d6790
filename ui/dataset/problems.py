"""What is odd about a data set, and the background job that decodes every picture once."""

from __future__ import annotations

import streamlit as st

from alexcore.data.index import DataIndex
from alexcore.words.language import _
from ui.parts.datasets import check_job, forget_indexes, start_check
from ui.parts.job_progress import watch_job
from ui.parts.text import plain


def problems(index: DataIndex, checked: bool) -> None:
    """List the problems; offer the check if the pictures have not been decoded yet, or show how far it is."""
    with st.container(key="dataset_problems"):
        for problem in index.problems:
            text = plain(f"{problem.message} {problem.hint}")
            (st.error if problem.severity == "error" else st.warning)(text)
        if not checked:
            _check(index)
        elif not index.problems:
            st.success(f"No problems found: all {len(index.files):,} pictures can be decoded.", icon=":material/check:")


def _check(index: DataIndex) -> None:
    # The check reads the folder anew, so what was read before is forgotten.
    if watch_job(check_job(index.origin), "Decoding every picture once", "pictures", forget_indexes):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(_("Check every picture"), key="dataset_check"):
            start_check(index.origin)
            st.rerun()
        st.caption(_("Not checked yet. A run does it before its first step and leaves out what cannot be decoded."))
