"""What a list shows of an events.jsonl: read once, then only what is new, and without the steps."""

from __future__ import annotations

import hashlib
from pathlib import Path

from alexcore.runs.events import Event, read_events

# By far the most lines, and none of them in a list.
UNREAD = ("step", "arm_step", "probe")
_HEAD = 256
# Seconds since 1970; what lies beyond is no time that a page could show (it is the year 5138).
_LATEST_TIME = 1e11


class Digest:
    """The figures of one run's history, kept up to date by `refresh`.

    Attributes:
        began: Time of the first event (seconds since 1970), None before there is one.
        seconds: Working time that the last `end` says, of the last attempt alone; None while there is none.
        duration_s: Working time of all attempts; of one that was killed, up to the last event that was read.
        open_since: When the attempt began that has not ended; None if there is none.
        images_per_s: Training pictures a second in the last epoch.
        epochs: (step, validation accuracy or None) of each epoch that counts: what a resume has undone does not.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._clear("")

    def _clear(self, head: str) -> None:
        self._head, self._offset = head, 0
        self._latest = 0.0
        self.began: float | None = None
        self.seconds: float | None = None
        self.duration_s = 0.0
        self.open_since: float | None = None
        self.images_per_s: float | None = None
        self.epochs: list[tuple[int, float | None]] = []

    @property
    def last(self) -> float | None:
        """Validation accuracy of the last epoch, 0 to 1."""
        return next((value for _, value in reversed(self.epochs) if value is not None), None)

    @property
    def best(self) -> float | None:
        """The best validation accuracy, 0 to 1."""
        return max((value for _, value in self.epochs if value is not None), default=None)

    def refresh(self) -> None:
        """Read what was written since the last call; a file that another one has replaced is read anew."""
        head = _head_of(self.path)
        if head != self._head:
            self._clear(head)
        events, offset = read_events(self.path, self._offset, without=UNREAD)
        if offset < self._offset:
            self._clear(head)
            events, offset = read_events(self.path, without=UNREAD)
        self._offset = offset
        for event in events:
            try:
                self._add(event)
            except (TypeError, ValueError, OverflowError):  # values that no worker of ours has written
                continue

    def _add(self, event: Event) -> None:
        kind, now = event["type"], float(event.get("ts") or 0)
        if not 0 <= now < _LATEST_TIME:
            raise ValueError(f"ts = {now} is no time")
        self.began = now if self.began is None else self.began
        if kind == "resume":
            step = int(event.get("step") or 0)
            self.epochs = [each for each in self.epochs if each[0] <= step]
        elif kind == "start":
            if self.open_since is not None:  # killed: it never said when it ended
                self.duration_s += max(0.0, self._latest - self.open_since)
            self.open_since = now
        elif kind in ("epoch", "arm_eval"):
            accuracy = event.get("val_acc1")
            self.epochs.append((int(event.get("step") or 0), None if accuracy is None else float(accuracy)))
            if event.get("images_per_s") is not None:
                self.images_per_s = float(event["images_per_s"])
        elif kind == "end":
            since, self.open_since = self.open_since, None
            told = event.get("seconds")
            self.seconds = None if told is None else float(told)
            self.duration_s += max(0.0, now - since if since is not None else 0.0) if told is None else float(told)
        self._latest = now


def _head_of(path: Path) -> str:
    """The beginning of the first line, as a hash: another run's file has another one (it begins with a time)."""
    try:
        with path.open("rb") as file:
            line = file.readline(_HEAD)
    except OSError:
        return ""
    return hashlib.sha256(line).hexdigest() if len(line) == _HEAD or line.endswith(b"\n") else ""
