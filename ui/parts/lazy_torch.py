"""torch in the server process: only for the pages that need it, when they need it, and once."""

from __future__ import annotations

import gc
import os

import streamlit as st

from alexcore.pair import require_torch
from alexcore.process import PATIENT_THREADS


@st.cache_resource(max_entries=1, show_spinner="Loading PyTorch (once) ...")
def load_torch() -> bool:
    """Import torch and torchvision, which takes some seconds the first time.

    Raises:
        AlexError: the two cannot be imported together.
    """
    # Read once, when torch is imported: with spinning threads and a run on the cores, the page answered 2 pictures a
    # second in place of 50 (measured once).
    for name, value in PATIENT_THREADS.items():
        os.environ.setdefault(name, value)
    require_torch()
    gc.collect()
    gc.freeze()  # half a million objects that will never be garbage; without this each collection walks them
    return True
