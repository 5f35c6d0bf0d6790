"""Start, stop, pause and resume runs. What the dashboard and the command line both call; it never trains itself."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from alexcore.config import FIELDS, TrainConfig
from alexcore.errors import RunError
from alexcore.files import read_json, replacing
from alexcore.findings.before import NothingLeft, ResumePlanned
from alexcore.findings.run import StoppedEarly
from alexcore.process import lives, spawn
from alexcore.runs.digest import Digest
from alexcore.runs.group import group_environment, torchrun_arguments
from alexcore.runs.resumption import ask_to_resume
from alexcore.runs.status import put_status_back, write_queued
from alexcore.runs.store import Run, create_run, read_run
from alexcore.training.resuming import begins_anew, changed_config, resume_planned
from alexcore.training.room import require_room_to_resume

REQUESTS = ("stop", "pause", "continue")
# A worker that has said that it stopped has yet to leave; and the loader processes of a killed one hold its lock until
# they notice, which is within 5 s.
ORPHANS_S = 6.0


def start(config: TrainConfig, run_dir: Path | None = None) -> Path:
    """Make a run folder and start a worker process for it; returns the folder at once."""
    run_dir = create_run(config, run_dir)
    with RunError.from_system(f"No process can be started for {run_dir.name}", "Check the machine's memory."):
        launch(run_dir, config.processes)
    return run_dir


def launch(run_dir: Path, processes: int) -> int:
    """Start the worker process, or processes, of a run folder that is ready for them.

    Returns:
        The pid of the process to wait for: the worker, or torchrun's agent, which ends when all workers have.
    """
    arguments = ["alexcore.runs.worker", str(run_dir.resolve())]
    if processes == 1:
        return spawn(arguments, run_dir / "worker.log")
    return spawn(torchrun_arguments(processes, arguments), run_dir / "worker.log", group_environment(processes))


def request(run_dir: Path, word: str) -> None:
    """Ask a run's worker to stop, pause or continue; it obeys after its current optimizer step.

    A worker that hangs instead of stopping is ended from outside (`runs.stopping`), also one that looks lost already.

    Raises:
        RunError: the run is not active.
    """
    assert word in REQUESTS
    run = read_run(run_dir)
    if not (run.status.active or (word == "stop" and run.status.hung)):
        raise RunError(f"The run {run.id} is {run.status.state}; there is nothing to {word}.")
    if word != "stop" and read_request(run_dir) == "stop":  # another tab was faster, and a stop is final
        raise RunError(f"The run {run.id} is stopping already.")
    asked = RunError.from_system(f"The run {run.id} cannot be asked to {word}", "Check the permissions of its folder.")
    with asked, replacing(run_dir / "request") as temporary:
        temporary.write_text(word, encoding="utf-8")
    if word == "stop" and _can_be_ended(read_json(run_dir / "status.json") or {}):
        with RunError.from_system(f"No process can be started for {run.id}", "Check the machine's memory."):
            spawn(["alexcore.runs.stopping", str(run_dir.resolve())], run_dir / "worker.log")


def _can_be_ended(status: dict[str, Any]) -> bool:
    """Whether the worker of a run is a process that may be ended: on this machine, and not the one that is asking."""
    with contextlib.suppress(KeyError, TypeError, ValueError, psutil.Error):
        asking = psutil.Process()
        return bool(lives(status)) and status["pid"] not in [asking.pid, *(each.pid for each in asking.parents())]
    return False


def read_request(run_dir: Path) -> str:
    """The latest request, or an empty text."""
    try:
        word = (run_dir / "request").read_text(encoding="utf-8").strip()
    except OSError:
        return ""
    return word if word in REQUESTS else ""


def prepare_resume(run: Run, epochs: int | None = None, **changes: Any) -> TrainConfig:
    """Make a run that is not active ready to be continued, and return the settings that it goes on with.

    `epochs` is a new number of them, or None; `changes` do not change the experiment, see `training.resuming`. Its
    files stay as they are until the worker has begun, see `runs.resumption`.

    Raises:
        RunError: it is active, has no checkpoint, is broken, or has nothing left to do; or a change would make it
            another experiment.
        ConfigError: a change is out of range.
    """
    if run.status.active:
        raise RunError(f"The run {run.id} is {run.status.state}.", "It goes on by itself; there is nothing to resume.")
    if run.config is None:
        raise RunError(f"The run {run.id} cannot be resumed: {run.problem}")
    kind = run.kind
    given = {name: value for name, value in {"epochs": epochs, **changes}.items() if value is not None}
    more = {name: given.pop(name) for name in kind.grows if name in given}
    if strange := [name for name in given if name not in FIELDS]:
        raise RunError(f"{', '.join(strange)} is not a setting of a run of the kind {kind.title}.")
    if more:
        _require_growth(run, more)
    if not kind.changeable:
        # Its length is the same for every arm, and no arm may change on the way.
        if given:
            raise RunError(
                f"The run {run.id} is an {kind.noun}; a resume cannot change {', '.join(given)}.",
                "Resume it as it is, or start anew.",
            )
        if run.status.state == "finished" and not more:
            raise RunError(
                f"The {kind.noun} {run.id} is finished.", f"Give it more {' or '.join(kind.grows)}, or start a new one."
            )
    if not kind.resumable(run.path):
        raise RunError(f"The run {run.id} has no checkpoint to resume from.", "Start a new run.")
    config = changed_config(run.config, given)
    if run.status.state == "finished" and kind.changeable:
        _require_work_left(run, run.config, config)
    require_room_to_resume(run.path)
    with (
        RunError.from_system(f"{run.path} cannot be written", "Check its permissions and the disk."),
        the_only_worker(run.path, ORPHANS_S),
    ):
        ask_to_resume(run.path, {**given, **more})
        (run.path / "request").unlink(missing_ok=True)
        write_queued(run.path, resumed=True)
    return config


@contextmanager
def the_only_worker(run_dir: Path, patience_s: float = 0) -> Iterator[None]:
    """Hold the lock of a run, which its worker holds for as long as it lives; wait so long for it.

    Raises:
        RunError: another process holds it; nothing was touched.
    """
    try:
        lock = FileLock(run_dir / ".lock").acquire(timeout=patience_s)
    except Timeout as error:
        raise RunError(f"Another worker is at the run {run_dir.name}.", "Wait for it, or stop it.") from error
    with lock:
        yield


def planned(run: Run, config: TrainConfig) -> ResumePlanned:
    """What a resume of a run, which can be read, with these settings is going to do; to be said before it does it."""
    return resume_planned(run.config or config, config, run.status.epoch, early=ended_early(run))


def ended_early(run: Run) -> bool:
    """Whether early stopping has ended a run."""
    if run.status.state != "finished" or run.config is None or not run.config.early_stopping:
        return False
    digest = Digest(run.path / "events.jsonl")
    digest.refresh()
    # Version 0.1 has told it in words alone.
    told = digest.outcome or {"code": StoppedEarly.code if run.status.epoch < run.config.epochs else ""}
    return bool(told["code"] == StoppedEarly.code)


def _require_growth(run: Run, more: dict[str, Any]) -> None:
    """Refuse to give a run more of something that it has as much of, or while it has not finished."""
    what = f"The {run.kind.noun} {run.id}"
    if run.status.state != "finished":
        raise RunError(
            f"{what} is {run.status.state}, and gets more {', '.join(more)} when it has finished.",
            "Resume it as it is first.",
        )
    had = read_json(run.path / run.kind.file) or {}
    for name, value in more.items():
        if not isinstance(had.get(name), int) or value <= had[name]:
            raise RunError(f"{what} has {had.get(name)} {name}, and {value} is not more.", f"Give more {name}.")


def _require_work_left(run: Run, before: TrainConfig, config: TrainConfig) -> None:
    more_time = config.time_budget_s > before.time_budget_s
    if config.max_steps and run.status.step >= config.max_steps:
        raise RunError(
            f"The run {run.id} has made the {config.max_steps} steps that max_steps allows.",
            "Start a new run for more.",
        )
    if ended_early(run):
        if not (begins_anew(before, config) or more_time):
            done = run.status.epoch
            raise NothingLeft(run.id, before.early_stopping, done, before.epochs).refusal(RunError)
        return
    if config.time_budget_s and not more_time:
        raise RunError(
            f"The run {run.id} has used its time budget of {before.time_budget_s:g} s.", "Give more seconds to go on."
        )
    if not config.time_budget_s and config.epochs == before.epochs:
        raise RunError(f"The run {run.id} is finished.", f"Give more epochs than {before.epochs} to go on.")


def resume(run: Run, epochs: int | None = None, **changes: Any) -> None:
    """Continue a run in a worker process. Raises as `prepare_resume`."""
    processes = prepare_resume(run, epochs, **changes).processes
    with RunError.from_system(f"No process can be started for {run.id}", "Check the machine's memory."):
        try:
            launch(run.path, processes)
        except OSError:
            put_status_back(run.path)
            raise
