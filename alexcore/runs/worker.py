"""`python -m alexcore.runs.worker RUN_DIR`: the process that trains a run, and the only one that writes its status."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from filelock import FileLock, Timeout

from alexcore.analysis.batchnorm.settings import is_experiment, load_bn_config
from alexcore.config import TrainConfig, load_config
from alexcore.errors import AlexError, RunError, TrainingError
from alexcore.runs.events import EventWriter
from alexcore.runs.launcher import read_request
from alexcore.runs.queue import turn
from alexcore.runs.status import StatusWriter
from alexcore.training.memory import is_out_of_memory, not_enough_memory

# Low enough that the pages stay quick on two cores, not so low that other programs starve the run.
NICENESS = 5

OnProgress = Callable[[str, int, int, dict[str, Any]], None]


class RunReporter:
    """Writes what the loop tells into the run folder, and reads requests from it."""

    def __init__(self, run_dir: Path, status: StatusWriter, on_progress: OnProgress | None = None) -> None:
        from alexcore.runs.tensorboard import ScalarWriter

        self._run_dir, self._status, self._on_progress = run_dir, status, on_progress
        self._events = EventWriter(run_dir / "events.jsonl")
        self._scalars = ScalarWriter(run_dir / "tensorboard")
        self._signal = ""
        self.began = time.perf_counter()

    def stop_on_signal(self, _number: int, _frame: FrameType | None) -> None:
        """Treat an interrupt like a request to stop."""
        self._signal = "stop"

    def event(self, kind: str, **fields: Any) -> None:
        """Append to events.jsonl, and to the TensorBoard files what those show."""
        self._events.write(kind, **fields)
        self._scalars.write(kind, fields)

    def progress(self, phase: str, done: int, total: int, **fields: Any) -> None:
        """Put the position into status.json."""
        self._status.update(phase=phase, done=done, total=total, **fields)
        if self._on_progress:
            self._on_progress(phase, done, total, fields)

    def request(self) -> str:
        """The latest request, from a signal or from the request file."""
        if not self._run_dir.is_dir():
            raise RunError(f"The folder {self._run_dir} was deleted while its run was active.")
        word = self._signal or read_request(self._run_dir)
        if word == "stop" and self._status.state != "stopping":
            self._status.update(state="stopping")
        return word

    def paused(self, paused: bool) -> None:
        """Say so in status.json."""
        self._status.update(state="paused" if paused else "running")

    def wait(self, ahead: list[str]) -> bool:
        """Say what this run waits for; False once it shall stop instead."""
        self.progress(f"waiting for {ahead[-1]}", len(ahead), len(ahead))
        return self.request() != "stop"

    def close(self) -> None:
        """Close the files."""
        self._events.close()
        self._scalars.close()


def execute(run_dir: Path, on_progress: OnProgress | None = None) -> str:
    """Wait for the device, train the run in this process, and write how it ended.

    Args:
        run_dir: A folder from `create_run`, or one prepared for resuming.
        on_progress: Told of progress beside status.json.

    Returns:
        The final state: finished or stopped.

    Raises:
        AlexError: the run failed, as status.json says too; or another worker is at it, and nothing was touched.
    """
    if not run_dir.is_dir():  # the lock would make it
        raise RunError(f"There is no run {run_dir.name}.", "It may have been deleted.")
    try:
        lock = FileLock(run_dir / ".lock").acquire(timeout=0)
    except Timeout as error:
        raise RunError(f"Another worker is at the run {run_dir.name}.", "Wait for it, or stop it.") from error
    with lock:
        status = StatusWriter(run_dir)
        state, failure = "failed", None
        try:
            status.update(force=True, phase="loading PyTorch")
            state = _train(run_dir, status, on_progress)
        except AlexError as error:
            failure = error
        except Exception as error:  # noqa: BLE001
            # The boundary of the process: whatever happened must reach status.json, the traceback goes to the log.
            failure = explain(error, load_config(run_dir / "config.json"))
        if failure is not None and run_dir.is_dir():
            with (run_dir / "worker.log").open("a", encoding="utf-8") as log:
                traceback.print_exception(failure, file=log)
        status.close(state, phase="", eta_s=None, error=failure.as_dict() if failure else None)
        if failure is not None:
            raise failure
        return state


def _train(run_dir: Path, status: StatusWriter, on_progress: OnProgress | None) -> str:
    config = load_config(run_dir / "config.json")
    reporter = RunReporter(run_dir, status, on_progress)
    previous = {number: signal.signal(number, reporter.stop_on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    state = "failed"
    try:
        # Only now: loading PyTorch takes seconds, in which a signal would have ended the process without a word.
        from alexcore.training.device import choose_device

        with turn(str(choose_device(config.device)), run_dir.name, reporter.wait) as our_turn:
            if our_turn:
                status.update(state="running")
                state = _carry_out(config, run_dir, reporter)
            else:
                state = "stopped"
        return state
    finally:
        reporter.event("end", state=state, seconds=round(time.perf_counter() - reporter.began, 2))
        reporter.close()
        for number, handler in previous.items():
            signal.signal(number, handler)


def _carry_out(config: TrainConfig, run_dir: Path, reporter: RunReporter) -> str:
    """Train the one network of a run or, where the folder describes an experiment, all of its arms."""
    if is_experiment(run_dir):
        from alexcore.analysis.batchnorm.experiment import CHECKPOINT, run_experiment

        bn = load_bn_config(run_dir)
        resume = (run_dir / "checkpoints" / CHECKPOINT).is_file()
        return run_experiment(config, bn, run_dir, reporter, resume=resume)
    from alexcore.training.loop import fit

    return fit(config, run_dir, reporter, resume=(run_dir / "checkpoints" / "last.pt").is_file())


def explain(error: Exception, config: TrainConfig) -> AlexError:
    """Turn what a run may die of into a sentence and a hint; the traceback is kept as the cause."""
    text = str(error)
    told: AlexError
    if is_out_of_memory(error):
        told = not_enough_memory(config)
    elif isinstance(error, OSError):
        told = RunError(f"A file cannot be read or written: {text}.", "Check the disk's free space and permissions.")
    else:
        told = TrainingError(
            f"The run failed unexpectedly: {type(error).__name__}: {text.splitlines()[0] if text else ''}",
            "This is a bug. worker.log in the run's folder has the details.",
        )
    told.__cause__ = error
    return told


def main(arguments: list[str]) -> int:
    """Run one worker; the exit code is 2 if the run failed."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    try:
        execute(Path(arguments[0]))
    except AlexError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
