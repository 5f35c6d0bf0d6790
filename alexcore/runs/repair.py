"""Settings that are gone or damaged, written again as a checkpoint of the run has them."""

from __future__ import annotations

import os
from typing import Any

from alexcore.config import make_config
from alexcore.errors import AlexError, CheckpointError, RunError
from alexcore.files import previous_of, write_json
from alexcore.integrity import CLASSES, CONFIG, write_checked
from alexcore.runs.kinds import BATCHNORM
from alexcore.runs.store import Run
from alexcore.runs.trash import while_idle


def repair(run: Run) -> list[str]:
    """Write config.json, class_indices.json and, of an experiment, experiment.json as its checkpoint has them.

    What stood there before is kept beside, as `config.json.before-repair`.

    Returns:
        The names of the files that were written.

    Raises:
        RunError: the run is active, or a file cannot be written.
        CheckpointError: no checkpoint of it can be read.
    """
    state = _newest(run)
    numbers = sorted((number, name) for name, number in state["class_to_idx"].items())
    values = {CONFIG: state["config"], CLASSES: {str(number): name for number, name in numbers}}
    with (
        while_idle(run.path),
        RunError.from_system(f"{run.path} cannot be written", "Check its permissions and the disk."),
    ):
        for name, value in values.items():
            _put_aside(run, name)
            write_checked(run.path / name, value)
        if "bn" in state:
            _put_aside(run, BATCHNORM.file)
            write_json(run.path / BATCHNORM.file, state["bn"])
    return [*values, *([BATCHNORM.file] if "bn" in state else [])]


def _put_aside(run: Run, name: str) -> None:
    if (run.path / name).is_file():
        os.replace(run.path / name, run.path / f"{name}.before-repair")


def _newest(run: Run) -> dict[str, Any]:
    """The newest checkpoint that can be read and whose settings are legal."""
    from alexcore.training.checkpoint import load_checkpoint

    folder, refused = run.path / "checkpoints", None
    last = [folder / BATCHNORM.checkpoint, folder / "last.pt"]
    for path in (*last, *map(previous_of, last), folder / "best.pt"):
        if path.is_file():
            try:
                state = load_checkpoint(path, required=("version", "config", "class_to_idx"))
                make_config(**state["config"])
                return state
            except AlexError as error:
                refused = refused or error
    why = f": {refused.message}" if refused else "."
    raise CheckpointError(f"The run {run.id} has no checkpoint that could be read{why}", "Start a new run.")
