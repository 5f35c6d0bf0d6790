"""What a worker tells of its run: events, scalars for TensorBoard, status.json; and what it is asked."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from alexcore.config import TrainConfig
from alexcore.errors import RunError
from alexcore.findings.saved import CheckpointDamaged
from alexcore.integrity import write_checked
from alexcore.runs.events import EventWriter
from alexcore.runs.launcher import read_request
from alexcore.runs.resumption import end_resume
from alexcore.runs.status import StatusWriter
from alexcore.runs.tensorboard import ScalarWriter
from alexcore.words.phases import Phase

OnProgress = Callable[[str, int, int, dict[str, Any]], None]


class RunReporter:
    """Writes what the loop tells into the run folder, and reads requests from it.

    Of a resume nothing is written but its status until it has begun, which its event `resume` or `start` says.

    Attributes:
        config: What the run goes by, where that is another one than config.json holds yet.
        has_history: Whether there were events before.
    """

    def __init__(self, run_dir: Path, status: StatusWriter, on_progress: OnProgress | None = None) -> None:
        self._run_dir, self._status, self._on_progress = run_dir, status, on_progress
        history = run_dir / "events.jsonl"
        self.has_history = history.is_file() and history.stat().st_size > 0
        self.config: TrainConfig | None = None
        self._events = None if status.waits else EventWriter(history)
        self._waiting: list[tuple[str, dict[str, Any]]] = []
        self._scalars = ScalarWriter(run_dir / "tensorboard")
        self._signal = ""
        self._began = self._pause_began = time.perf_counter()

    @property
    def begun(self) -> bool:
        """Whether what is told is written; only a resume has to begin for that."""
        return self._events is not None

    @property
    def seconds(self) -> float:
        """Seconds of work so far; a pause is none."""
        return round(time.perf_counter() - self._began, 2)

    def stop_on_signal(self, _number: int, _frame: FrameType | None) -> None:
        """Treat an interrupt like a request to stop."""
        self._signal = "stop"

    def event(self, kind: str, **fields: Any) -> None:
        """Append to events.jsonl, and to the TensorBoard files what those show."""
        self._waiting.append((kind, fields))
        if fields.get("code") == CheckpointDamaged.code:
            self._status.update(force=True, went_back=fields)
        if self._events is None:
            if kind not in ("resume", "start"):
                return
            self._begin()
        assert self._events is not None
        waiting, self._waiting = self._waiting, []
        for each, values in waiting:
            self._events.write(each, **values)
            self._scalars.write(each, values)

    def _begin(self) -> None:
        if self.config is not None:
            write_checked(self._run_dir / "config.json", self.config.model_dump())
        self._status.begin()
        end_resume(self._run_dir)
        self._events = EventWriter(self._run_dir / "events.jsonl")

    def progress(self, phase: Phase, done: int, total: int, **fields: Any) -> None:
        """Put the position into status.json."""
        self._status.update(phase=phase, done=done, total=total, **fields)
        if self._on_progress:
            self._on_progress(phase, done, total, fields)

    def request(self) -> str:
        """The latest request, from a signal or from the request file."""
        if not self._run_dir.is_dir():
            raise RunError(f"The folder {self._run_dir} was deleted while its run was active.")
        self._status.moved()
        word = self._signal or read_request(self._run_dir)
        if word == "stop" and self._status.state != "stopping":
            self._status.update(state="stopping")
        return word

    def paused(self, paused: bool) -> None:
        """Say so in status.json, and count no time until it is over."""
        now = time.perf_counter()
        if paused:
            self._pause_began = now
        else:
            self._began += now - self._pause_began
        self._status.update(state="paused" if paused else "running")

    def moved(self) -> None:
        """Let status.json say that the work does not stand still."""
        self._status.moved()

    def wait(self, ahead: list[str]) -> bool:
        """Say what this run waits for; False once it shall stop instead."""
        self.progress("waiting-for-run", len(ahead), len(ahead), phase_values={"run": ahead[-1]})
        return self.request() != "stop"

    def close(self) -> None:
        """Close the files."""
        if self._events is not None:
            self._events.close()
        self._scalars.close()
