"""Which process is which: a pid alone is not enough, because the system gives it out again."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from alexcore.system import apart, boot_id, pid_namespace, sees_processes, start_ticks

# Linux computes a start time from its boot time, which moves when the clock is set. Only marks without ticks, those of
# version 0.1 and of other systems, are compared by it.
START_TOLERANCE_S = 2.0
# Who cannot be looked at is alive for so long after its last sign; a disk that hangs may well cost a few.
OVERDUE_S = 60.0

# torch's threads wait for each other by spinning. Where other programs want the cores too (a dashboard, the loader's
# processes), spinning takes the very time that is waited for: a step was measured at 2 to 3 times the time.
PATIENT_THREADS = {"OMP_WAIT_POLICY": "PASSIVE"}
# To fall asleep at once and be woken again costs a step 3 to 7 % of its time, because it has hundreds of short parallel
# parts. So where a process trains, they spin for some ten microseconds first: two runs at once lose as much by it.
TRAINING_THREADS = {**PATIENT_THREADS, "GOMP_SPINCOUNT": "2000"}


def own_identity() -> tuple[int, float]:
    """Return this process's pid and start time (seconds since 1970)."""
    ticks = start_ticks(os.getpid())
    if ticks is None:
        return os.getpid(), psutil.Process().create_time()
    return os.getpid(), psutil.boot_time() + ticks / os.sysconf("SC_CLK_TCK")


def own_mark() -> dict[str, Any]:
    """What a file says of the process that has written it, for `lives`: which one it is, on which machine and boot."""
    return _mark(*own_identity())


def mark_of(pid: int) -> dict[str, Any]:
    """The mark of a process of this machine; one that is gone is not alive by it."""
    try:
        started = psutil.Process(pid).create_time()
    except psutil.Error:
        started = 0.0
    return _mark(pid, started)


def _mark(pid: int, started: float) -> dict[str, Any]:
    place = {"host": platform.node(), "boot_id": boot_id(), "pid_namespace": pid_namespace()}
    return {"pid": pid, "process_started": started, "process_ticks": start_ticks(pid), **place}


# Instead of a mark: no process is at it.
NOBODY = dict.fromkeys(("pid", "process_started", "process_ticks", "host", "boot_id", "pid_namespace"))


def mark_of_agent(status: Mapping[str, Any]) -> dict[str, Any]:
    """The mark of torchrun's agent in a status.json, which is on the machine of the process that has written it."""
    own = {"pid": "agent_pid", "process_started": "agent_started", "process_ticks": "agent_ticks"}
    return {**status, **{name: status.get(key) for name, key in own.items()}}


def lives(mark: Mapping[str, Any]) -> bool | None:
    """Whether the process of a mark runs; None where only its signs of life tell: another machine's or container's.

    Raises:
        KeyError, TypeError, ValueError: it is no mark.
    """
    pid, ticks = int(mark["pid"]), mark.get("process_ticks")
    if mark.get("host") and mark["host"] != platform.node():
        return None
    if mark.get("boot_id") and mark["boot_id"] != boot_id():  # this machine was started again since
        return False
    if not sees_processes() or (mark.get("pid_namespace") and mark["pid_namespace"] != pid_namespace()):
        return None
    if ticks is None:
        return is_alive(pid, float(mark.get("process_started") or 0))
    return start_ticks(pid) == int(ticks) and not _zombie(pid)


def _zombie(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return True


def is_alive(pid: int, started: float) -> bool:
    """Whether the process with this pid *and* start time still runs (a zombie does not)."""
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - started) < START_TOLERANCE_S
        return same and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, ValueError):  # the latter for a number that is no pid
        return False


def spawn(arguments: list[str], log: Path, environment: dict[str, str] | None = None) -> int:
    """Start `python -m ARGUMENTS` in a session of its own, writing to `log`, and return its pid.

    It outlives this process: output goes to a file, because a pipe would fill up and freeze it once nobody reads.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    # `python -m` looks for the package in the current directory first, so the child starts where the package lies.
    package_root = Path(__file__).resolve().parent.parent
    path = os.pathsep.join(filter(None, [str(package_root), os.environ.get("PYTHONPATH")]))
    with log.open("ab") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            close_fds=True,
            **apart(),
            env={**TRAINING_THREADS, **os.environ, "PYTHONPATH": path, **(environment or {})},
        )
    # Without somebody who waits for it, a finished child would stay a zombie and look alive.
    threading.Thread(target=child.wait, name=f"wait-{child.pid}", daemon=True).start()
    return child.pid
