"""Runs for the benchmark of the dashboard: one written by hand with very many events, and real ones."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alexcore.config import make_config
from alexcore.files import write_json
from alexcore.home import runs_dir
from alexcore.process import own_identity
from alexcore.runs import launcher
from alexcore.runs.events import EventWriter, read_events
from alexcore.runs.status import read_status
from alexcore.runs.store import create_run

CLASSES = [f"class_{number}" for number in range(10)]
PATIENCE_S = 900.0


class LongRun:
    """A run folder with `events` events that looks as if this process were training it."""

    def __init__(self, data: Path, name: str, events: int) -> None:
        self.total = 2 * events
        self.folder = create_run(make_config(data=str(data), epochs=20), runs_dir() / name)
        write_json(self.folder / "class_indices.json", {str(number): name for number, name in enumerate(CLASSES)})
        writer = EventWriter(self.folder / "events.jsonl")
        writer.write("start", classes=CLASSES, total_steps=self.total, steps_per_epoch=self.total // 20)
        writer.close()
        with (self.folder / "events.jsonl").open("ab") as file:
            for step in range(1, events):
                file.write(self._line(step))
        self.step = events - 1
        self.renew()

    def _line(self, step: int) -> bytes:
        event = {
            "v": 1,
            "seq": step,
            "ts": round(time.time(), 3),
            "type": "step",
            "epoch": 20 * step // self.total,
            "step": step,
            "loss": round(1.6 / (1 + step / 1000), 6),
            "acc1": round(1 - 0.8 / (1 + step / 1000), 6),
            "lr": 1e-3,
            "grad_norm": 1.0,
            "wait_s": 0.001,
        }
        return json.dumps(event).encode() + b"\n"

    def grow(self) -> int:
        """Append one event, as a worker does; returns its bytes."""
        self.step += 1
        line = self._line(self.step)
        with (self.folder / "events.jsonl").open("ab") as file:
            file.write(line)
        return len(line)

    def renew(self, state: str = "running") -> None:
        """Write status.json; a heartbeat that is too old would make the run a lost one."""
        pid, started = own_identity()
        position = {"epoch": 10, "step": self.step, "total_steps": self.total, "phase": "training"}
        write_json(
            self.folder / "status.json",
            {
                "state": state,
                "pid": pid,
                "process_started": started,
                "heartbeat": time.time(),
                "error": None,
                "done": 1,
                "total": 2,
                "images_per_s": 300.0,
                "eta_s": 60.0,
                **position,
            },
        )


def wait_for(folder: Path, reached: Callable[[str], bool]) -> str:
    """Wait until a run's state is as wished.

    Raises:
        RuntimeError: it failed, or it takes too long.
    """
    deadline = time.monotonic() + PATIENCE_S
    while True:
        status = read_status(folder)
        if reached(status.state):
            return status.state
        if status.state in ("failed", "lost") or time.monotonic() > deadline:
            raise RuntimeError(f"the run {folder.name} is {status.state}: {status.error.get('message', '')}")
        time.sleep(0.05)


def stop(folder: Path) -> None:
    """Stop a run, and wait until it has ended."""
    launcher.request(folder, "stop")
    wait_for(folder, lambda state: state in ("stopped", "finished"))


def events_of(folder: Path, kind: str) -> list[dict[str, Any]]:
    """The events of one type of a run."""
    return [event for event in read_events(folder / "events.jsonl")[0] if event["type"] == kind]
