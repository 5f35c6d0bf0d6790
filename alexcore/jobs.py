"""Background jobs: a command of the command line that the dashboard starts, and whose progress is a file.

For everything too long for a page that is no run: drawing the built-in pictures, checking a data set.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from alexcore.errors import AlexError, RunError
from alexcore.files import read_json, write_json
from alexcore.home import cache_dir
from alexcore.process import OVERDUE_S, lives, own_mark, spawn

# The commands that pages start as jobs. Of each, one function says under which name its result is kept, for the job
# that stores it and for the page that shows it; a test presses every button in a browser and waits for the result.
JOBS = (
    *("devices", "data sample", "data info", "data stats", "data scan", "data unpack", "data download"),
    *("preflight", "prove-accumulation", "repeat-check", "lr-find"),
    *("evaluate", "reference", "export", "import", "compare-bn-sweep", "runs free"),
)
VARIABLE = "ALEXCORE_JOB"
WRITE_EVERY_S = 0.2
# From starting the process to its first word.
START_S = 30.0


@dataclass(frozen=True)
class Job:
    """One reading of a job: state is none, running, finished, failed or lost; `notes` tell of what it made."""

    state: str
    done: int = 0
    total: int = 0
    error: str = ""
    notes: tuple[str, ...] = ()


def _file(name: str) -> Path:
    return cache_dir() / "jobs" / f"{name}.json"


def read_job(name: str) -> Job:
    """Read the latest job of this name."""
    try:
        return _job(read_json(_file(name)) or {}, _file(name))
    except (OSError, KeyError, TypeError, ValueError, OverflowError):  # values that no job of ours has written
        return Job("none")


def _job(raw: dict[str, Any], file: Path) -> Job:
    state = str(raw.get("state", "none"))
    if state == "running":
        starting = raw.get("pid") is None and time.time() - float(raw.get("ts", 0)) < START_S
        alive = raw.get("pid") is not None and lives(raw)
        if alive is None:  # of another machine or container: it writes as it goes on
            alive = time.time() - file.stat().st_mtime < OVERDUE_S
        state = "running" if starting or alive else "lost"
    notes = tuple(map(str, raw.get("notes", ())))
    return Job(state, int(raw.get("done", 0)), int(raw.get("total", 0)), str(raw.get("error", "")), notes)


def start_job(name: str, arguments: list[str]) -> None:
    """Start `python -m alexcore ARGUMENTS` in the background, unless the job of this name already runs.

    Raises:
        RunError: the disk is full or cannot be written, or no process can be started.
    """
    assert any(arguments[: len(each.split())] == each.split() for each in JOBS), arguments
    file = _file(name)
    with RunError.from_system(f"{' '.join(arguments[:2])} cannot be started: {file.parent}", "Check its permissions."):
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(file.with_suffix(".lock")):
            if read_job(name).state == "running":
                return
            write_json(file, {"state": "running", "pid": None, "ts": time.time()})
            spawn(["alexcore", *arguments], file.with_suffix(".log"), {VARIABLE: str(file)})


class JobProgress:
    """The job's own side: does nothing when the command was typed by a person."""

    def __init__(self) -> None:
        name = os.environ.get(VARIABLE)
        self._file = Path(name) if name else None
        self._written = 0.0
        self.on_progress(0, 0)

    def on_progress(self, done: int, total: int) -> None:
        """Say how far the job is."""
        if self._file and (time.monotonic() - self._written > WRITE_EVERY_S or done == total):
            self._write("running", done=done, total=total)
            self._written = time.monotonic()

    def finish(self, error: AlexError | None = None, notes: Sequence[str] = ()) -> None:
        """Say how the job ended."""
        self._write("failed" if error else "finished", error=str(error or ""), notes=list(notes))

    def _write(self, state: str, **values: object) -> None:
        if self._file:
            write_json(self._file, {"state": state, **own_mark(), **values})
