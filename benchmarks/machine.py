"""What every benchmark says of the machine it ran on, and how it words a ratio."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

PACKAGES = ("torch", "torchvision", "streamlit", "numpy", "pillow")


def about_machine() -> dict[str, Any]:
    """Processor, cores, versions and load: a figure without them is no claim."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cores": cores,
        "processor": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
        "versions": {name: version(name) for name in PACKAGES},
    }


def ratio_in_words(name: str, ratios: Sequence[float], wanted: str) -> str:
    """One line: the median of the ratios of the pairs, their spread, and what is wanted."""
    spread = f"{min(ratios):.3f} to {max(ratios):.3f} over {len(ratios)} pairs"
    return f"{name}: {statistics.median(ratios):.3f} ({spread}), wanted {wanted}"
