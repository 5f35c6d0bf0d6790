"""Commands that several processes carry out together: one that was typed plainly, and one under `torchrun`."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from alexcore.config import TrainConfig
from alexcore.errors import AlexError, ConfigError, TrainingError
from alexcore.files import read_json
from alexcore.process import lives, mark_of
from alexcore.runs import group as groups
from alexcore.runs import launcher
from alexcore.runs.reporter import OnProgress
from alexcore.runs.store import read_run

POLL_S = 0.3


def with_world_size(values: dict[str, Any]) -> dict[str, Any]:
    """The fields that were typed, with as many processes as `torchrun` has started.

    Raises:
        ConfigError: another number was typed.
    """
    if not groups.in_group():
        return values
    started = groups.world_size()
    if values.get("processes") not in (None, started):  # resume hands over every flag, None where it was not typed
        raise ConfigError(
            f"processes = {values['processes']}, but torchrun has started {started}.",
            "Leave --processes away: torchrun decides it.",
        )
    return {**values, "processes": started}


@contextlib.contextmanager
def quiet_unless_first() -> Iterator[None]:
    """Let only the first of several processes say what is wrong with a command, which all of them read."""
    if groups.rank() == 0:
        yield
        return
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        yield


def attend(run_dir: Path, processes: int, on_progress: OnProgress) -> None:
    """Start so many processes for a run and stay with them until they end; an interrupt asks them to stop.

    Raises:
        AlexError: the run failed, or its processes are gone.
    """
    pid = launcher.launch(run_dir, processes)
    wanted = False

    def stop(_number: int, _frame: object) -> None:
        nonlocal wanted
        wanted = True

    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        mark = mark_of(pid)
        while lives(mark):
            if wanted:
                wanted = False
                with contextlib.suppress(AlexError):  # it has just ended
                    launcher.request(run_dir, "stop")
            raw = read_json(run_dir / "status.json") or {}
            if raw.get("phase"):
                on_progress(str(raw["phase"]), int(raw.get("done") or 0), int(raw.get("total") or 0), raw)
            time.sleep(POLL_S)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    status = read_run(run_dir).status
    if status.state in ("finished", "stopped"):
        return
    if status.error:
        raise AlexError.from_dict(status.error)
    raise TrainingError(
        f"The processes of {run_dir} ended without a word: they were killed.",
        "worker.log in its folder has their last words; `resume` goes on.",
    )


def again_in_group(config: TrainConfig, arguments: Sequence[str]) -> None:
    """Run the same command once more, in as many processes as the configuration says; they print the result.

    What `torchrun` says about a failure is left out, because the command's own line says it.

    Raises:
        TrainingError: the command failed, as its own line says.
    """
    command = [sys.executable, "-m", *groups.torchrun_arguments(config.processes, ["alexcore", *arguments])]
    environment = {**os.environ, **groups.group_environment(config.processes)}
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, errors="replace", env=environment, check=False)
    if done.returncode == 0:
        return
    said = [line.removeprefix("error: ") for line in done.stderr.splitlines() if line.startswith("error: ")]
    if said:
        raise TrainingError(said[0])
    lines = done.stderr.strip().splitlines()
    raise TrainingError(f"The command failed in its processes: {lines[-1] if lines else 'without a word'}.")
