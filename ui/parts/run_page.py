"""Which page shows a run: an experiment has a page of its own."""

from __future__ import annotations

from pathlib import Path

from alexcore.batchnorm.settings import is_experiment


def page_of(run_dir: Path) -> str:
    """The page to link to."""
    return "pages/batchnorm.py" if is_experiment(run_dir) else "pages/train.py"
