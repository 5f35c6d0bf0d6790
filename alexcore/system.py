"""What Linux, macOS and Windows do differently: each call that one of them lacks, with its alternative.

Everything has run on Linux only. The branches of the other systems are tested with the system's calls replaced.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

# Windows refuses to replace a file while somebody reads it, which takes a reader of ours no longer than this.
REPLACE_S = 2.0


def _windows() -> bool:
    return sys.platform == "win32"  # in a function, because mypy skips what only another system would run


def available_cores() -> int:
    """Cores that this process may use, which in a container are fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_each_fork(call: Callable[[], None]) -> None:
    """Have something called in every process that is forked from this one, at its beginning; Windows forks none."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=call)


def lower_priority(niceness: int) -> None:
    """Leave the cores to other programs where both want them; Windows knows classes of priority instead of numbers."""
    if sys.platform == "win32":
        psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
    else:
        os.nice(niceness)


def apart() -> dict[str, Any]:
    """Arguments of `subprocess.Popen` for a process that outlives this one's terminal and gets none of its signals."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


def replace_file(new: Path, old: Path) -> None:
    """Let `new` take the place of `old`, of which a reader sees either all of one or all of the other.

    Raises:
        OSError: it cannot be replaced.
    """
    until = time.monotonic() + REPLACE_S
    while True:
        try:
            new.replace(old)
            return
        except PermissionError:
            if not _windows() or time.monotonic() > until:
                raise
        time.sleep(0.01)


def open_file(path: Path, flags: int) -> int:
    """A descriptor for the bytes of a file as they are; Windows would otherwise change the ends of lines."""
    return os.open(path, flags | getattr(os, "O_BINARY", 0), 0o644)


def kill_group(leader: int) -> bool:
    """Kill the processes of a group, if this process leads one; returns whether it does. Windows has no groups."""
    if sys.platform == "win32":
        return False
    try:
        if os.getpgid(leader) != leader:
            return False
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def boot_id() -> str:
    """What the system calls the time since it was started last; empty where it has no name for it."""
    return _first_line("/proc/sys/kernel/random/boot_id")


def pid_namespace() -> str:
    """Within which numbers of processes mean something: a container has its own; empty where there is one for all."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def sees_processes() -> bool:
    """Whether the system's list of processes is that of this process's own namespace, or there are no namespaces."""
    try:
        return int(os.readlink("/proc/self")) == os.getpid()
    except (OSError, ValueError):
        return True


def start_ticks(pid: int) -> int | None:
    """When a process was started, in ticks since the system was, which no clock that is set changes.

    None where there is no such process, or the system has no such number: macOS and Windows keep the time by the clock
    as it was then, which does not change either.
    """
    # Of this process by its other name, in case the list of processes is that of another namespace.
    line = _first_line(f"/proc/{'self' if pid == os.getpid() else pid}/stat")
    # The name of the program, in brackets, may hold anything.
    fields = line.rpartition(")")[2].split()
    return int(fields[19]) if len(fields) > 19 else None


def _first_line(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").partition("\n")[0]
    except OSError:
        return ""


def peak_bytes() -> int:
    """The most memory that this process has ever held."""
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def keep_freed_memory() -> bool:
    """Let this process keep the memory it frees, not hand it back after each step; returns whether glibc does so."""
    # Of malloc.h: one arena for all threads, no blocks outside of it, never shrink it, grow it by 64 MiB.
    settings = {-8: 1, -4: 0, -1: 2**31 - 1, -2: 64 * 2**20}
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):  # Windows, macOS, musl
        return False
    done = [mallopt(name, value) == 1 for name, value in settings.items()]
    return all(done)
