"""Which page shows a run: an experiment has a page of its own."""

from __future__ import annotations

from alexcore.analysis.batchnorm.settings import is_experiment
from alexcore.runs.store import Run


def page_of(run: Run) -> str:
    """The page to link to."""
    return "pages/batchnorm.py" if is_experiment(run.path) else "pages/train.py"
