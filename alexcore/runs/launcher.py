"""Start, stop, pause and resume runs. What the dashboard and the command line both call; it never trains itself."""

from __future__ import annotations

from pathlib import Path

from alexcore.config import TrainConfig, make_config
from alexcore.errors import RunError
from alexcore.files import replacing, write_json
from alexcore.process import spawn
from alexcore.runs.status import write_queued
from alexcore.runs.store import Run, create_run, read_run

REQUESTS = ("stop", "pause", "continue")


def start(config: TrainConfig, run_dir: Path | None = None) -> Path:
    """Make a run folder and start a worker process for it; returns the folder at once."""
    run_dir = create_run(config, run_dir)
    launch(run_dir)
    return run_dir


def launch(run_dir: Path) -> None:
    """Start the worker process of a run folder that is ready for one."""
    spawn(["alexcore.runs.worker", str(run_dir.resolve())], run_dir / "worker.log")


def request(run_dir: Path, word: str) -> None:
    """Ask a run's worker to stop, pause or continue; it obeys after its current optimizer step.

    Raises:
        RunError: the run is not active.
    """
    assert word in REQUESTS
    run = read_run(run_dir)
    if not run.status.active:
        raise RunError(f"The run {run.id} is {run.status.state}; there is nothing to {word}.")
    if word != "stop" and read_request(run_dir) == "stop":  # another tab was faster, and a stop is final
        raise RunError(f"The run {run.id} is stopping already.")
    with replacing(run_dir / "request") as temporary:
        temporary.write_text(word, encoding="utf-8")


def read_request(run_dir: Path) -> str:
    """The latest request, or an empty text."""
    try:
        word = (run_dir / "request").read_text(encoding="utf-8").strip()
    except OSError:
        return ""
    return word if word in REQUESTS else ""


def prepare_resume(run: Run, epochs: int | None = None) -> None:
    """Make a run that is not active ready to be continued.

    Args:
        run: The run.
        epochs: A new number of epochs, or None to keep it.

    Raises:
        RunError: it is active, has no checkpoint, is broken, or has nothing left to do.
        ConfigError: `epochs` is out of range.
    """
    if run.status.active:
        raise RunError(f"The run {run.id} is {run.status.state}.", "It goes on by itself; there is nothing to resume.")
    if run.config is None:
        raise RunError(f"The run {run.id} cannot be resumed: {run.problem}")
    if not (run.path / "checkpoints" / "last.pt").is_file():
        raise RunError(f"The run {run.id} has no checkpoint to resume from.", "Start a new run.")
    if epochs is None and run.status.state == "finished":
        raise RunError(f"The run {run.id} is finished.", f"Give more epochs than {run.config.epochs} to go on.")
    if epochs is not None:
        if epochs < run.config.epochs:
            raise RunError(f"epochs = {epochs} is fewer than the run's {run.config.epochs}.", "Give a larger number.")
        write_json(run.path / "config.json", make_config(**{**run.config.model_dump(), "epochs": epochs}).model_dump())
    (run.path / "request").unlink(missing_ok=True)
    write_queued(run.path)


def resume(run: Run, epochs: int | None = None) -> None:
    """Continue a run in a worker process. Raises as `prepare_resume`."""
    prepare_resume(run, epochs)
    launch(run.path)
