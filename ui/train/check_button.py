"""The button of a check: it starts a background job, and shows how far that is and how it ended."""

from __future__ import annotations

import streamlit as st

from alexcore.command_line import flags
from alexcore.config import TrainConfig
from alexcore.jobs import start_job
from alexcore.training.checks import check_name
from ui.parts.job_progress import watch_job


def check_button(kind: str, config: TrainConfig, label: str, doing: str, unit: str, note: str) -> None:
    """Draw the button that starts a check, or its progress while it runs, or why it failed beside the button."""
    name = check_name(kind, config)
    if watch_job(name, doing, unit, lambda: None):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(label, key=f"train_check_{kind.replace('-', '_')}"):
            start_job(name, [kind, *flags(config)])
            st.rerun()
        st.caption(note)
