"""What a run has on the disk that it can do without, once it has finished."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from alexcore.errors import CheckpointError
from alexcore.files import previous_of
from alexcore.findings.saved import CheckpointLeft
from alexcore.runs.kinds import kind_of


def slim_down(run_dir: Path) -> list[CheckpointLeft]:
    """Delete the checkpoint before the last, and of those that only predict what a resume would need.

    To be called under the run's lock, when it has finished. The last checkpoint itself stays whole, for more epochs.

    Returns:
        What had to be left as it was.
    """
    from alexcore.training.checkpoint import without_optimizer

    left = []
    for path in _that_predict(run_dir):
        try:
            without_optimizer(path)
        except CheckpointError as error:
            left.append(CheckpointLeft(path.relative_to(run_dir).as_posix(), str(error)))
    previous_of(run_dir / "checkpoints" / kind_of(run_dir).checkpoint).unlink(missing_ok=True)
    return left


def _that_predict(run_dir: Path) -> Iterator[Path]:
    """The checkpoints that no resume begins with: the best one, and those of the arms of an experiment."""
    best = run_dir / "checkpoints" / "best.pt"
    if best.is_file():
        yield best
    yield from sorted(run_dir.glob("arms/*/checkpoints/last.pt"))
