"""Whose turn it is: one active run per device, first come first served.

A run that waits or trains has a ticket, a small file named by its time. The oldest ticket of a live process has the
turn, so a process that dies gives its turn up by dying.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock

from alexcore.files import read_json, write_json
from alexcore.home import runs_dir
from alexcore.process import is_alive, own_identity

POLL_S = 0.3


def _live_tickets(folder: Path) -> list[tuple[str, str]]:
    """Names and runs of the tickets whose processes live, the oldest first; the others are thrown away."""
    live = []
    for path in sorted(folder.glob("*.json")):
        ticket = read_json(path) or {}
        with contextlib.suppress(KeyError, TypeError, ValueError):  # no ticket of ours
            if is_alive(int(ticket["pid"]), float(ticket["process_started"])):
                live.append((path.name, str(ticket["run"])))
                continue
        path.unlink(missing_ok=True)
    return live


@contextlib.contextmanager
def turn(device: str, run: str, wait: Callable[[list[str]], bool]) -> Iterator[bool]:
    """Wait for the device, hold it, and give it up at the end; yields whether the turn came, or `wait` gave up.

    `run` is what those that wait behind it call it; `wait` is called now and then with the runs ahead and gives up by
    False.
    """
    folder = runs_dir() / ".queue" / device.replace(":", "-")
    folder.mkdir(parents=True, exist_ok=True)
    pid, started = own_identity()
    # Under the lock no younger ticket can be seen before an older one is written.
    with FileLock(folder / ".lock"):
        ticket = folder / f"{time.time_ns():020d}-{pid}.json"
        write_json(ticket, {"pid": pid, "process_started": started, "run": run})
    try:
        while True:
            with FileLock(folder / ".lock"):
                ahead = [name for file, name in _live_tickets(folder) if file < ticket.name]
            if not ahead:
                yield True
                return
            if not wait(ahead):
                yield False
                return
            time.sleep(POLL_S)
    finally:
        ticket.unlink(missing_ok=True)
