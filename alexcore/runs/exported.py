"""A run of the store as an export reads it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from alexcore.errors import CheckpointError, RunError
from alexcore.export.source import History, Source
from alexcore.runs.series import Series
from alexcore.runs.store import Run, checkpoints, require_checkpoint


def exported_run(run: Run, which: str | None = None, roots: Sequence[Path] | None = None) -> Source:
    """Everything of a run that an export may need.

    Args:
        run: The run.
        which: "best" or "last"; None for the best there is.
        roots: Where its data set must lie to be read; None is anywhere.

    Raises:
        RunError: the run is broken.
        CheckpointError: it has no such checkpoint.
    """
    if run.config is None:
        raise RunError(f"The run {run.id} cannot be exported: {run.problem}")
    checkpoint = require_checkpoint(run)
    if which:
        best, last = checkpoints(run.path)
        checkpoint = best if which == "best" else last
        if not checkpoint.is_file():
            raise CheckpointError(f"The run {run.id} has no checkpoint {checkpoint.name}.", "Choose the other one.")
    series = Series(run.path / "events.jsonl")
    series.refresh()
    history = History(
        series.start or {},
        series.steps,
        series.epochs,
        [str(each.get("message", "")) for each in (*series.notes, *series.warnings)],
        series.resumes,
    )
    return Source(run.path, run.status.state, run.config, checkpoint, history, None if roots is None else tuple(roots))
