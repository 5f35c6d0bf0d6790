"""env.json: what a run was made with."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import torch

from alexcore import __version__
from alexcore.data.index import DataIndex
from alexcore.training.device import describe_device


def describe_environment(index: DataIndex, device: torch.device) -> dict[str, Any]:
    """Versions, hardware, git commit and the fingerprint of the data set, as plain data."""
    packages = ("torch", "torchvision", "numpy", "pillow", "pandas")
    return {
        "alexcore": __version__,
        "python": platform.python_version(),
        "packages": {name: version(name) for name in packages},
        "platform": platform.platform(),
        "cpu": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "device": describe_device(device),
        "threads": torch.get_num_threads(),
        "git_commit": _git_commit(),
        "data": str(index.origin),
        "data_fingerprint": index.fingerprint(),
        "command": sys.argv,
    }


def _git_commit() -> str | None:
    root = Path(__file__).resolve().parents[2]
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):  # no git on this machine, or a slow disk
        return None
    return done.stdout.strip() or None
