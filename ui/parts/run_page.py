"""Which page shows a run: an experiment has a page of its own."""

from __future__ import annotations

from pathlib import Path

from alexcore.batchnorm.settings import is_experiment
from ui.parts.menu import page_file


def page_of(run_dir: Path) -> str:
    """The page to link to."""
    return page_file("batchnorm") if is_experiment(run_dir) else page_file("train")
