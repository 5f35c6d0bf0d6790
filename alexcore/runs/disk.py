"""What a run has on the disk that it can do without, once it has finished."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from alexcore.errors import CheckpointError, RunError
from alexcore.files import previous_of, read_json
from alexcore.findings.saved import CheckpointLeft
from alexcore.integrity import CLASSES
from alexcore.runs.kinds import kind_of
from alexcore.runs.status import read_status
from alexcore.runs.store import Run
from alexcore.runs.trash import disk_use, while_idle
from alexcore.training.room import checkpoint_bytes, kept_numbers


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


def free(run: Run) -> tuple[int, list[CheckpointLeft]]:
    """`slim_down` a run that has finished; returns the bytes that were freed, and what had to be left.

    Raises:
        RunError: a worker is at it, or it has not finished.
    """
    with while_idle(run.path):
        state = read_status(run.path).state
        if state != "finished":
            raise RunError(f"The run {run.id} is {state}, and a resume may need all that it has.", "Let it finish.")
        before = disk_use(run.path)
        left = slim_down(run.path)
        return before - disk_use(run.path), left


def spare_bytes(run: Run) -> int:
    """About how many bytes `free` would free, by the sizes of the files alone."""
    if run.status.state != "finished" or run.config is None:
        return 0
    classes = len(read_json(run.path / CLASSES) or {})
    weights = checkpoint_bytes(run.config, classes) / kept_numbers(run.config) if classes else 0.0
    total = _size(previous_of(run.path / "checkpoints" / run.kind.checkpoint))
    for path in _that_predict(run.path):
        # The optimizer keeps at least as much as the weights; what is a little larger are its settings and buffers.
        spare = _size(path) - weights
        total += round(spare) if weights and spare > weights / 2 else 0
    return total


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _that_predict(run_dir: Path) -> Iterator[Path]:
    """The checkpoints that no resume begins with: the best one, and those of the arms of an experiment."""
    best = run_dir / "checkpoints" / "best.pt"
    if best.is_file():
        yield best
    yield from sorted(run_dir.glob("arms/*/checkpoints/last.pt"))
