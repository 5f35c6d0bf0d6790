"""What is odd about a data set, and the background job that decodes every picture once."""

from __future__ import annotations

import streamlit as st

from alexcore.data.index import DataIndex
from alexcore.data.sources import source_signature
from alexcore.words.language import _
from ui.parts.datasets import forget_indexes
from ui.parts.job_progress import job_button
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
    job_button(
        f"check-{source_signature(index.origin)}",
        ["data", "info", str(index.origin)],
        _("Check every picture"),
        "dataset_check",
        _("Not checked yet. A run does it before its first step and leaves out what cannot be decoded."),
        doing="Decoding every picture once",
        # The check reads the folder anew, so what was read before is forgotten.
        when_done=forget_indexes,
    )
