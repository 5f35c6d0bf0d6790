"""A trained network in the server process: loaded lazily, kept for a few runs, used for uploads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from ui.lazy_torch import load_torch

if TYPE_CHECKING:  # torch costs seconds and a gigabyte; the page loads it when the first picture comes
    from alexcore.analysis.prediction import Classifier


@st.cache_resource(max_entries=2, show_spinner="Loading the network ...")
def _classifier(path: str, modified_ns: int) -> Classifier:  # noqa: ARG001 - a new checkpoint makes a new key
    from alexcore.analysis.prediction import Classifier

    return Classifier(Path(path))


def classifier(checkpoint: Path) -> Classifier:
    """The network of a checkpoint, on the CPU.

    Raises:
        AlexError: torch cannot be loaded, or the checkpoint cannot be used.
    """
    load_torch()
    return _classifier(str(checkpoint), checkpoint.stat().st_mtime_ns)
