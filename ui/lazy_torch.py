"""torch in the server process: only for the pages that need it, when they need it, and once."""

from __future__ import annotations

import gc

import streamlit as st

from alexcore.pair import require_torch


@st.cache_resource(max_entries=1, show_spinner="Loading PyTorch (once) ...")
def load_torch() -> bool:
    """Import torch and torchvision, which takes some seconds the first time.

    Raises:
        AlexError: the two cannot be imported together.
    """
    require_torch()
    gc.collect()
    gc.freeze()  # half a million objects that will never be garbage; without this each collection walks them
    return True
