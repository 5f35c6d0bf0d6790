"""events.jsonl: one JSON object a line, append-only, one writer, any number of readers.

Types of a training run: start, resume, step, epoch, checkpoint, note, warning, outcome, end; those of the BatchNorm
experiment are listed in `alexcore.batchnorm.read.record`. A reader skips what it does not know.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

VERSION = 1
_HEAD = 80
Event = dict[str, Any]


class EventWriter:
    """Appends events; a line is flushed as soon as it is complete."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a+b")
        # A writer that was killed may have left half a line; a new line makes it one broken line instead of two.
        if self._file.tell() > 0:
            self._file.seek(-1, 2)
            if self._file.read(1) != b"\n":
                self._file.write(b"\n")
                self._file.flush()
        # Only now: the half line may have lacked nothing but its end.
        events, _ = read_events(path)
        numbers = [event["seq"] for event in events if isinstance(event.get("seq"), int)]
        self._seq = max(numbers, default=-1) + 1

    def write(self, kind: str, **fields: Any) -> None:
        """Append one event. Numbers that are not finite become null, because JSON has none."""
        event = {"v": VERSION, "seq": self._seq, "ts": round(time.time(), 3), "type": kind, **finite(fields)}
        # A file name that is no UTF-8 has characters that cannot be encoded; escaped they are good JSON.
        self._file.write(json.dumps(event, ensure_ascii=False).encode(errors="backslashreplace") + b"\n")
        self._file.flush()
        self._seq += 1

    def close(self) -> None:
        """Close the file; the writer is of no use afterwards."""
        self._file.close()


def finite(value: Any) -> Any:
    """The same value with null in place of each number that is not finite, because JSON has none."""
    if isinstance(value, dict):
        return {key: finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def finite_number(value: Any) -> float | None:
    """What an event, or another file, holds where a number should be; None if it is none, or not finite."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # a whole number of hundreds of digits
        return None


def read_events(path: Path, offset: int = 0, without: tuple[str, ...] = ()) -> tuple[list[Event], int]:
    """Return the complete events after byte `offset`, and the offset to go on from.

    A missing file has no events, half a last line waits for its other half, and a broken line is skipped. A file that
    has become shorter (replaced by another run's) is read from its beginning. Types of events in `without` are left
    out: most lines of a run are steps, and not parsing them makes a list of a thousand runs quick. A line that is not
    written as `EventWriter` writes may come back.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(0 if offset > size else offset)
            start = file.tell()
            block = file.read()
    except OSError:
        return [], 0
    end = block.rfind(b"\n") + 1
    events = []
    for line in _lines(block[:end], without):
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):  # the latter: a thousand brackets
            continue
        if isinstance(event, dict) and isinstance(event.get("type"), str):
            events.append(event)
    return events, start + end


def _lines(block: bytes, without: tuple[str, ...]) -> list[bytes]:
    if not without:
        return block.splitlines()
    # One pass in C instead of a loop over the lines, which took most of the time of a list of runs.
    kinds = b"|".join(re.escape(kind.encode()) for kind in without)
    return re.findall(rb'^(?!\{"v": \d+, "seq": \d+, "ts": [\d.]+, "type": "(?:%s)").+$' % kinds, block, re.MULTILINE)


class EventFollower:
    """Reads what was added to an events file, which need not exist yet, since the last look; see `read_events`."""

    def __init__(self, path: Path, without: tuple[str, ...] = ()) -> None:
        self.path = path
        self._without = without
        self._head, self._offset = b"", 0

    def news(self) -> tuple[list[Event], bool]:
        """The events since the last call, and whether another file has taken the place of the one read before.

        Then the events are all of the new file, and what was read of the old one counts no more.
        """
        head = _head_of(self.path)
        replaced = self._offset > 0 and head != self._head
        events, offset = read_events(self.path, 0 if replaced else self._offset, self._without)
        replaced = replaced or offset < self._offset
        self._head, self._offset = head, offset
        return events, replaced

    def tell(self, clear: Callable[[], None], add: Callable[[Event], None]) -> bool:
        """Hand the news to a reader, who forgets what another file has replaced; whether anything has changed."""
        events, replaced = self.news()
        if replaced:
            clear()
        for event in events:
            with suppress(TypeError, ValueError, OverflowError):  # values that no worker of ours has written
                add(event)
        return bool(events) or replaced


def _head_of(path: Path) -> bytes:
    """The beginning of the first line, which holds a time: another run's file has another one."""
    try:
        # Unbuffered: each poll asks this, and a buffer would read 4 kB of what is known already.
        with path.open("rb", buffering=0) as file:
            head = file.read(_HEAD)
    except OSError:
        return b""
    line = head[: head.find(b"\n") + 1] or head
    return line if len(line) == _HEAD or line.endswith(b"\n") else b""
