"""Which process is which: a pid alone is not enough, because the system gives it out again."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import psutil

from alexcore.system import apart

# The system computes a start time from its boot time, which moves a little when the clock is set.
START_TOLERANCE_S = 2.0

# torch's threads wait for each other by spinning. Where other programs want the cores too (a dashboard, the loader's
# processes), spinning takes the very time that is waited for: a step was measured at 2 to 3 times the time.
PATIENT_THREADS = {"OMP_WAIT_POLICY": "PASSIVE"}
# To fall asleep at once and be woken again costs a step 3 to 7 % of its time, because it has hundreds of short parallel
# parts. So where a process trains, they spin for some ten microseconds first: two runs at once lose as much by it.
TRAINING_THREADS = {**PATIENT_THREADS, "GOMP_SPINCOUNT": "2000"}


def own_identity() -> tuple[int, float]:
    """Return this process's pid and start time (seconds since 1970)."""
    return os.getpid(), psutil.Process().create_time()


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
