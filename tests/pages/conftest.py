"""Pages start no processes here, and find a small data set where the built-in one belongs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import streamlit as st

from alexcore.home import SYNTHETIC, data_dir
from alexcore.runs.run_list import forget


@pytest.fixture(autouse=True)
def spawned(home: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Record the processes that a page would start instead of starting them."""
    st.cache_data.clear()
    st.cache_resource.clear()
    forget()
    started: list[list[str]] = []

    def record(arguments: list[str], *_rest: object) -> int:
        started.append(arguments)
        return 0

    monkeypatch.setattr("alexcore.jobs.spawn", record)
    monkeypatch.setattr("alexcore.runs.launcher.spawn", record)
    return started


@pytest.fixture
def flowers(stripes: Path) -> Path:
    """Put a small data set where the built-in one belongs."""
    shutil.copytree(stripes, data_dir() / SYNTHETIC)
    return data_dir() / SYNTHETIC
