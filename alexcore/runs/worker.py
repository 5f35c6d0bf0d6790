"""`python -m alexcore.runs.worker RUN_DIR`: the process that trains a run, and the only one that writes its status.

Of several processes that `torchrun` has started the first does so (`execute`), and the others `follow` it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from alexcore.batchnorm.settings import is_experiment, load_bn_config
from alexcore.config import TrainConfig, load_config, make_config
from alexcore.errors import AlexError, RunError, TrainingError
from alexcore.files import write_json
from alexcore.process import keep_freed_memory
from alexcore.runs import group as groups
from alexcore.runs.events import EventWriter
from alexcore.runs.launcher import read_request
from alexcore.runs.queue import turn
from alexcore.runs.status import StatusWriter
from alexcore.training.memory import is_out_of_memory, not_enough_memory
from alexcore.training.resuming import changed_config

if TYPE_CHECKING:
    from alexcore.training.distributed import Group

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
        self.has_history = (run_dir / "events.jsonl").stat().st_size > 0
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
        status = StatusWriter(run_dir, **groups.agent())
        state, failure = "failed", None
        try:
            status.update(force=True, phase="loading PyTorch")
            state = _train(run_dir, status, on_progress)
        except AlexError as error:
            failure = error
        except Exception as error:  # noqa: BLE001
            # The boundary of the process: whatever happened must reach status.json, the traceback goes to the log.
            failure = explain(error, load_config(run_dir / "config.json"))
        if failure is not None and _starts_again(failure):
            status.close(status.state, phase="starting again, because a process was lost")
            raise failure
        if failure is not None and run_dir.is_dir():
            with (run_dir / "worker.log").open("a", encoding="utf-8") as log:
                traceback.print_exception(failure, file=log)
        status.close(state, phase="", eta_s=None, error=failure.as_dict() if failure else None)
        if failure is not None:
            raise failure
        return state


def _starts_again(failure: AlexError) -> bool:
    """Whether torchrun is about to start all processes once more, because one of them has died."""
    return type(failure).__name__ == "ProcessLostError" and groups.restarts_left()


def _train(run_dir: Path, status: StatusWriter, on_progress: OnProgress | None) -> str:
    config = load_config(run_dir / "config.json")
    keep_freed_memory()
    reporter = RunReporter(run_dir, status, on_progress)
    previous = {number: signal.signal(number, reporter.stop_on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    state = "stopped"
    try:
        # Only now: loading PyTorch takes seconds, in which a signal would have ended the process without a word.
        if is_experiment(run_dir):
            return (state := _experiment(config, run_dir, status, reporter))
        from alexcore.training.distributed import StoppedBeforeStartError, joined
        from alexcore.training.loop import fit

        if groups.in_group():
            status.update(phase="waiting for the other processes")
        with (
            contextlib.suppress(StoppedBeforeStartError),
            joined(lambda: reporter.request() != "stop") as group,
            _failing_together(group, config),
        ):
            resume = (run_dir / "checkpoints" / "last.pt").is_file()
            if group.ranks != config.processes:
                config = _with_processes(run_dir, config, group.ranks)
            if groups.in_group() and not resume and reporter.has_history:
                reporter.event("resume", epoch=0, step=0)  # started again before its first checkpoint
            group.share((config.model_dump(), resume))
            with contextlib.ExitStack() as turns:
                if all(
                    turns.enter_context(turn(name, run_dir.name, lambda ahead: _wait(reporter, group, ahead)))
                    for name in _devices(config, group)
                ):
                    group.share("go")
                    status.update(state="running")
                    state = fit(config, run_dir, reporter, resume=resume, group=group)
                else:
                    group.share("stop")
        return state
    except BaseException as error:
        state = "restarting" if isinstance(error, AlexError) and _starts_again(error) else "failed"
        raise
    finally:
        if state != "restarting":
            reporter.event("end", state=state, seconds=round(time.perf_counter() - reporter.began, 2))
        reporter.close()
        for number, handler in previous.items():
            signal.signal(number, handler)


def _experiment(config: TrainConfig, run_dir: Path, status: StatusWriter, reporter: RunReporter) -> str:
    """Train all arms of an experiment, in this one process."""
    from alexcore.batchnorm.measure.experiment import run_experiment
    from alexcore.batchnorm.measure.experiment_parts import CHECKPOINT
    from alexcore.training.device import choose_device

    with turn(str(choose_device(config.device)), run_dir.name, reporter.wait) as our_turn:
        if not our_turn:
            return "stopped"
        status.update(state="running")
        resume = (run_dir / "checkpoints" / CHECKPOINT).is_file()
        return run_experiment(config, load_bn_config(run_dir), run_dir, reporter, resume=resume)


def _with_processes(run_dir: Path, config: TrainConfig, processes: int) -> TrainConfig:
    """The configuration for as many processes as there are, also in the run's folder."""
    config = changed_config(config, {"processes": processes})
    write_json(run_dir / "config.json", config.model_dump())
    return config


def _devices(config: TrainConfig, group: Group) -> list[str]:
    """The devices whose turn has to come, in an order that is the same for all runs, so that none waits for ever."""
    device = group.device(config.device)
    return (
        [f"cuda:{number}" for number in range(group.local_ranks)]
        if group.ranks > 1 and device.type == "cuda"
        else [str(device)]
    )


def _wait(reporter: RunReporter, group: Group, ahead: list[str]) -> bool:
    group.share("wait")  # the others would take a long silence for a lost process
    return reporter.wait(ahead)


def follow() -> None:
    """Train in a process that is not the first of its run: it writes nothing, and does what the first one says.

    Raises:
        AlexError: the run failed, here or in another process.
    """
    from alexcore.training.distributed import StoppedBeforeStartError, joined
    from alexcore.training.loop import fit
    from alexcore.training.run_data import Silent

    keep_freed_memory()
    reporter = Silent()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, reporter.stop_on_signal)
    with contextlib.suppress(StoppedBeforeStartError), joined(lambda: reporter.request() != "stop") as group:
        values: dict[str, Any] = {}
        with _failing_together(group, None):
            values, resume = group.share((values, False))
        config = make_config(**values)
        with _failing_together(group, config):
            while (word := group.share("")) == "wait":
                pass
            if word == "go":
                fit(config, Path(), reporter, resume=resume, group=group)


@contextlib.contextmanager
def _failing_together(group: Group, config: TrainConfig | None) -> Iterator[None]:
    """Let every process of a run end with the sentence of the one that failed first."""
    try:
        yield
    except Exception as error:
        known = group.told_by_another(error)
        if known is not None:
            raise known from error
        told = error if isinstance(error, AlexError) else explain(error, config)
        group.say_failed(told)
        if not group.first:
            traceback.print_exception(error)  # the first one tells only the sentence
        if told is error:
            raise
        raise told from error


def explain(error: Exception, config: TrainConfig | None) -> AlexError:
    """Turn what a run may die of into a sentence and a hint; the traceback is kept as the cause."""
    text = str(error)
    told: AlexError
    if is_out_of_memory(error) and config:
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
        if groups.rank():
            follow()
        else:
            execute(Path(arguments[0]))
    except AlexError as error:
        # The first process speaks for all; torchrun's own log names the one that died.
        if not groups.rank():
            print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
