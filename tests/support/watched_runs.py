"""Runs in other processes, watched through their folders."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from alexcore.files import read_json
from alexcore.runs.events import read_events
from alexcore.runs.status import read_status

# A machine may be busy with something else; nobody waits as long where nothing is wrong.
PATIENCE_S = 300.0


def state(folder: Path) -> str:
    return read_status(folder).state


def step(folder: Path) -> int:
    """The last step of which events.jsonl tells; status.json lags half a second behind."""
    return max((event["step"] for event in events(folder, "step")), default=0)


def events(folder: Path, kind: str) -> list[dict]:
    return [event for event in read_events(folder / "events.jsonl")[0] if event["type"] == kind]


def identity(folder: Path) -> tuple[int, float]:
    status = read_json(folder / "status.json") or {}
    return status["pid"], status["process_started"]


def wait_until(folder: Path, condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            log = folder / "worker.log"
            tail = log.read_text()[-2000:] if log.is_file() else "no worker.log"
            pytest.fail(f"{what} did not happen; {read_status(folder)}\n{tail}")
        time.sleep(0.03)


def wait_for(folder: Path, word: str) -> None:
    wait_until(folder, lambda: state(folder) in (word, "stopped", "finished", "failed", "lost"), word)
    assert state(folder) == word, (read_status(folder), (folder / "worker.log").read_text()[-2000:])
