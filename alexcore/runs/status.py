"""status.json: what a run is doing. Only its worker writes it; a reader may conclude that the worker is lost."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alexcore.files import read_json, replacing, write_json
from alexcore.process import NOBODY, OVERDUE_S, lives, mark_of_agent, own_mark
from alexcore.words.phases import Phase, phase_in_words, phase_of

ACTIVE = ("queued", "running", "paused", "stopping")
ENDED = ("stopped", "finished", "failed")
LOST = "lost"
UNKNOWN = "unknown"

HEARTBEAT_S = 1.0
_AT_ONCE = ("state", "phase")
# In these the work moves at each micro-batch, so that it is known how long it may stand still.
STEADY: tuple[Phase, ...] = ("training", "validating")


@dataclass(frozen=True)
class Status:
    """One reading of status.json; `state` may also be `lost` (no live worker) or `unknown` (unreadable)."""

    state: str
    epoch: int = 0
    step: int = 0
    total_steps: int = 0
    phase: Phase = ""
    phase_values: dict[str, str] = field(default_factory=dict)
    done: int = 0
    total: int = 0
    images_per_s: float = 0.0
    eta_s: float | None = None
    heartbeat: float = 0.0
    hung: bool = False  # it is lost, and yet its process, on this machine, is there
    slowest_s: float = 0.0  # the longest that work has stood still between two micro-batches
    error: dict[str, Any] = field(default_factory=dict)

    @property
    def doing(self) -> str:
        """The phase in words; "starting" while there is none."""
        return phase_in_words(self.phase or "starting", self.phase_values)

    @property
    def active(self) -> bool:
        """Whether a worker is at it, or about to be."""
        return self.state in ACTIVE


def read_status(run_dir: Path) -> Status:
    """Read a run's status, and derive `lost` from a dead process or an overdue heartbeat."""
    raw = read_json(run_dir / "status.json")
    if raw is None or raw.get("state") not in (*ACTIVE, *ENDED):
        return Status(UNKNOWN)
    try:
        return _derive(raw)
    except (TypeError, ValueError, OverflowError):  # values that no worker of ours has written
        return Status(UNKNOWN)


def _derive(raw: dict[str, Any]) -> Status:
    state, alive = str(raw["state"]), None
    heartbeat = float(raw.get("heartbeat") or 0)
    if state in ACTIVE:
        # The launcher cannot know the pid yet, so for a moment there is none.
        alive = lives(raw) if raw.get("pid") else None
        # Of several processes the first one writes. If it is dead, torchrun's agent may be about to start it again.
        if alive is False and raw.get("agent_pid"):
            alive = lives(mark_of_agent(raw))
        dead, overdue = alive is False, _silent_s(raw, heartbeat, bool(alive)) > OVERDUE_S
        if (dead or overdue) and (before := raw.get("before")):  # a resume that never began: nothing has changed
            return _derive(_as_status(str(before)))
        state = LOST if dead or overdue else state
    error, eta_s = raw.get("error"), raw.get("eta_s")
    phase, values = phase_of(str(raw.get("phase") or ""))
    return Status(
        state=state,
        **{name: int(raw.get(name) or 0) for name in ("epoch", "step", "total_steps", "done", "total")},
        phase=phase,
        phase_values=raw.get("phase_values") or values,
        images_per_s=float(raw.get("images_per_s") or 0),
        eta_s=None if eta_s is None else float(eta_s),
        heartbeat=heartbeat,
        hung=state == LOST and bool(alive),
        slowest_s=float(raw.get("slowest_s") or 0),
        error={str(k): v if k == "values" else str(v) for k, v in error.items()} if isinstance(error, dict) else {},
    )


def _silent_s(raw: dict[str, Any], heartbeat: float, here: bool) -> float:
    # A clock that is set, or a laptop that sleeps, is no silence: of a process of this machine's present boot the time
    # is compared that runs on evenly, and only while the machine does.
    if here and raw.get("heartbeat_monotonic"):
        return time.monotonic() - float(raw["heartbeat_monotonic"])
    return time.time() - heartbeat


def write_queued(run_dir: Path, *, resumed: bool = False) -> None:
    """The launcher's only write: there is no worker yet that could do it.

    Of a run that is `resumed` the text of the status stays in it as `before`, until the worker has begun.
    """
    path = run_dir / "status.json"
    values = {**NOBODY, "state": "queued", "heartbeat": time.time(), "phase": "starting"}
    before = {"before": _text_before(path)} if resumed else {}
    write_json(path, {**_kept(path), **before, **values})


def put_status_back(run_dir: Path) -> None:
    """Undo `write_queued` for a resume that could not even be started."""
    path = run_dir / "status.json"
    _write_text(path, _text_before(path))


def write_stopped(run_dir: Path) -> None:
    """The run is stopped, or as before its resume: for whoever has ended its worker, and holds its lock."""
    path = run_dir / "status.json"
    if raw := read_json(path):
        if raw.get("before"):
            put_status_back(run_dir)
        else:
            write_json(path, {**raw, **NOBODY, "state": "stopped", "phase": "", "eta_s": None})


def _text_before(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
    return str(_as_status(text).get("before") or text)


def _as_status(text: str) -> dict[str, Any]:
    with contextlib.suppress(ValueError, RecursionError):
        value = json.loads(text)
        return value if isinstance(value, dict) else {}
    return {}


def _write_text(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(text.encode())


def _kept(path: Path) -> dict[str, Any]:
    # A run that is resumed has come so far already, even if it is stopped again before its next step.
    kept = ("epoch", "step", "total_steps", "before")
    return {name: value for name, value in (read_json(path) or {}).items() if name in kept}


class StatusWriter:
    """The worker's hand on status.json. A thread renews the heartbeat while the worker is busy elsewhere."""

    def __init__(self, run_dir: Path, **more: Any) -> None:
        self._path = run_dir / "status.json"
        self._values: dict[str, Any] = {"state": "queued", **own_mark(), "error": None}
        self._values.update(more)
        self._values.update(_kept(self._path))
        self._values |= {"progress": 0, "slowest_s": 0.0}
        self._lock = threading.Lock()
        self._written, self._moved = 0.0, time.monotonic()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self.update(force=True)
        self._thread.start()

    @property
    def state(self) -> str:
        """The state as written last."""
        return str(self._values["state"])

    def update(self, *, force: bool = False, **values: Any) -> None:
        """Set values; they reach the disk at once with `force`, a new state or phase, else within a heartbeat.

        A phase at once, because the first step ends the wait of whoever has pressed Start.
        """
        with self._lock:
            self._move(steady=values.get("phase", self._values.get("phase")) in STEADY)
            force = force or any(name in values and values[name] != self._values.get(name) for name in _AT_ONCE)
            self._values.update({"phase_values": {}, **values} if "phase" in values else values)
            if force or time.monotonic() - self._written > HEARTBEAT_S / 2:
                self._write()

    def moved(self) -> None:
        """Say, with the next beat, that the work does not stand still: `progress` counts.

        `slowest_s` is the longest that it has stood so far. Only what steps take is measured; what was done once, such
        as loading PyTorch, says nothing of them.
        """
        with self._lock:
            self._move(steady=True)

    def _move(self, steady: bool) -> None:
        now = time.monotonic()
        self._values["progress"] += 1
        if steady and self._values.get("phase") in STEADY and self._values["state"] != "paused":
            self._values["slowest_s"] = max(self._values["slowest_s"], round(now - self._moved, 3))
        self._moved = now

    @property
    def waits(self) -> bool:
        """Whether a resume has not begun yet."""
        return "before" in self._values

    def begin(self) -> None:
        """Count from here on: what the status was before the resume is forgotten."""
        with self._lock:
            self._values.pop("before", None)
            self._write()

    def close(self, state: str, **values: Any) -> None:
        """Write the final state and end the heartbeat."""
        self._done.set()
        self._thread.join()
        self.update(force=True, state=state, **values)

    def put_back(self) -> None:
        """End the heartbeat, and leave the status as it was before a resume that has not begun."""
        self._done.set()
        self._thread.join()
        with contextlib.suppress(OSError):  # a deleted folder, a full disk
            _write_text(self._path, str(self._values["before"]))

    def _write(self) -> None:
        # A deleted folder or a full disk must not take the worker down here: the loop notices the one at its next
        # step and the other at its next checkpoint, and the next beat tries again.
        beat = {"heartbeat": round(time.time(), 3), "heartbeat_monotonic": round(time.monotonic(), 3)}
        values = {**self._values, **beat}
        try:
            write_json(self._path, values)
        except OSError:
            if self._done.is_set():  # there is no next beat
                self._overwrite(values)
        self._written = time.monotonic()

    def _overwrite(self, values: dict[str, Any]) -> None:
        """Write the last word where the one before stands: a disk that is full has no other place for it.

        That a reader may see half of it is better than that the run seems to be going on.
        """
        with contextlib.suppress(OSError), self._path.open("rb+") as file:
            file.write((json.dumps(values, ensure_ascii=False) + "\n").encode(errors="backslashreplace"))
            file.truncate()

    def _beat(self) -> None:
        while not self._done.wait(HEARTBEAT_S):
            with self._lock:
                self._write()
