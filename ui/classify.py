"""A trained network in the server process: loaded lazily, kept for a few runs, used for uploads."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from alexcore.pair import require_torch

if TYPE_CHECKING:  # torch costs seconds and a gigabyte; the page loads it when the first picture comes
    from alexcore.analysis.prediction import Classifier


@st.cache_resource(max_entries=1, show_spinner="Loading PyTorch (once) ...")
def torch_ready() -> bool:
    """Load torch into this process, once."""
    require_torch()
    gc.collect()
    gc.freeze()  # half a million objects that will never be garbage; without this each collection walks them
    return True


@st.cache_resource(max_entries=2, show_spinner="Loading the network ...")
def _classifier(path: str, modified_ns: int) -> Classifier:  # noqa: ARG001 - a new checkpoint makes a new key
    from alexcore.analysis.prediction import Classifier

    return Classifier(Path(path))


def classifier(checkpoint: Path) -> Classifier:
    """The network of a checkpoint, on the CPU.

    Raises:
        AlexError: torch cannot be loaded, or the checkpoint cannot be used.
    """
    torch_ready()
    return _classifier(str(checkpoint), checkpoint.stat().st_mtime_ns)
