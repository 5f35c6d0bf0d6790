"""Whose turn it is: one active run per device, first come first served.

A run that waits or trains has a ticket, a small file with a number that is drawn under a lock. The lowest number of a
live process has the turn, so a process that dies gives its turn up by dying. A ticket of another machine or container
lives for as long as its holder renews it, and nobody but its holder's own side throws it away.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock

from alexcore.files import read_json, write_json
from alexcore.home import runs_dir
from alexcore.process import OVERDUE_S, lives, own_mark

POLL_S = 0.3
# How often a ticket is renewed, and how long a stranger's that looks overdue is watched before it is believed to be: a
# clock that is set, or a machine that wakes up, makes all of them look so for a moment.
RENEW_S = 2.0
WATCH_S = 10.0


def _number(ticket: Path) -> int:
    found = re.match(r"\d+", ticket.name)
    return int(found[0]) if found else 0


class _Strangers:
    """The tickets of processes that cannot be looked at, as one that waits sees them."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[float, float]] = {}  # when it was renewed, and when that was first seen

    def holds(self, ticket: Path, own: Path) -> bool:
        """Whether a ticket is still renewed, by the clock of the disk, which writes the times of both."""
        try:
            renewed, now = ticket.stat().st_mtime, own.stat().st_mtime
        except OSError:
            return ticket.exists()  # not given up since the folder was listed
        before, since = self._seen.get(ticket.name, (0.0, 0.0))
        if before != renewed:
            since = time.monotonic()
            self._seen[ticket.name] = renewed, since
        return now - renewed < OVERDUE_S or time.monotonic() - since < WATCH_S


def _ahead(own: Path, run: str, strangers: _Strangers) -> list[str]:
    """The runs whose live tickets come before this one's, in their order; tickets of the dead are thrown away."""
    try:
        os.utime(own)
    except FileNotFoundError:  # version 0.1 throws away what it cannot look at
        write_json(own, {**own_mark(), "run": run})
    ahead = []
    for path in sorted(own.parent.glob("*.json"), key=lambda path: (_number(path), path.name)):
        if path == own:
            break
        ticket = read_json(path) or {}
        alive: bool | None = False
        name = ""
        with contextlib.suppress(KeyError, TypeError, ValueError):  # no ticket of ours
            name, alive = str(ticket["run"]), lives(ticket)
        if alive is False:
            path.unlink(missing_ok=True)
        elif alive or strangers.holds(path, own):
            ahead.append(name)
    return ahead


@contextlib.contextmanager
def _renewed(ticket: Path) -> Iterator[None]:
    """Show those that cannot look at this process that it lives."""
    done = threading.Event()

    def renew() -> None:
        while not done.wait(RENEW_S):
            with contextlib.suppress(OSError):  # a disk that hangs; the next time may do
                os.utime(ticket)

    thread = threading.Thread(target=renew, name="ticket", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@contextlib.contextmanager
def turn(device: str, run: str, wait: Callable[[list[str]], bool]) -> Iterator[bool]:
    """Wait for the device, hold it, and give it up at the end; yields whether the turn came, or `wait` gave up.

    `run` is what those that wait behind it call it; `wait` is called now and then with the runs ahead and gives up by
    False.
    """
    folder = runs_dir() / ".queue" / device.replace(":", "-")
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        # Not by the clock, which may be set back. Version 0.1 did so; its tickets, too, come before those drawn later.
        number = max(map(_number, folder.glob("*.json")), default=0) + 1
        ticket = folder / f"{number:020d}-{os.getpid()}.json"
        write_json(ticket, {**own_mark(), "run": run})
    strangers = _Strangers()
    try:
        with _renewed(ticket):
            while True:
                with FileLock(folder / ".lock"):
                    ahead = _ahead(ticket, run, strangers)
                if not ahead:
                    yield True
                    return
                if not wait(ahead):
                    yield False
                    return
                time.sleep(POLL_S)
    finally:
        ticket.unlink(missing_ok=True)
