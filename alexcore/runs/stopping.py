"""`python -m alexcore.runs.stopping RUN_DIR`: sees to it that a run that was asked to stop does end.

A worker that moves may take its time. One that stands still is asked by the system (TERM), and then ended (KILL). It is
a process of its own, because whoever has asked may be gone by then, and the dashboard waits for nothing.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from alexcore.errors import AlexError
from alexcore.files import read_json
from alexcore.findings.outcome import WorkerHung
from alexcore.process import lives, mark_of_agent
from alexcore.runs.events import EventWriter
from alexcore.runs.launcher import ORPHANS_S, the_only_worker
from alexcore.runs.status import ENDED, STEADY, Status, write_stopped
from alexcore.system import kill_group

POLL_S = 0.25
# So long a worker may stand still, and for as many of its slowest steps so far.
STILL_S = 5.0
STEPS = 3
# And for so long where no step has measured it: while it loads PyTorch, compiles, or writes a checkpoint.
UNMEASURED_S = 60.0
# From TERM to KILL, and from KILL until it is certain that nothing more can be done.
TERM_S = 5.0
GONE_S = 20.0


def patience_s(phase: str, slowest_s: float) -> float:
    """How long a worker in a phase may stand still after it was asked to stop."""
    measured = phase in STEADY and slowest_s > 0
    return max(STILL_S if measured else UNMEASURED_S, STEPS * slowest_s)


def waits_for(status: Status) -> str:
    """For what a stop of a run waits, in a sentence."""
    seconds = patience_s(status.phase, status.slowest_s)
    return f"It is {status.doing}; if it stands still for {seconds:.0f} s, it is ended from outside."


def see_it_stop(run_dir: Path) -> bool:
    """Wait until the worker of a run, which was asked to stop, has ended; end it if it hangs, and say so in the run.

    Returns:
        Whether it was ended from outside.
    """
    sign, since, asked = None, time.monotonic(), 0.0
    while process := _living(status := read_json(run_dir / "status.json") or {}):
        now = time.monotonic()
        moved = [status.get(name) for name in ("progress", "phase", "state")]
        if moved != sign:
            sign, since, asked = moved, now, 0.0
        elif not asked and now - since >= _patience_s(process, status, run_dir):
            _ask(process)
            asked = time.monotonic()
        elif asked and time.monotonic() - asked >= TERM_S:
            if _end(process):
                _tell(run_dir, now - since)
                return True
            asked = time.monotonic()
        time.sleep(POLL_S)
    return False


def _living(status: Mapping[str, Any]) -> psutil.Process | None:
    """The process to end a run by: its worker, or torchrun's agent; None if it has ended or cannot be reached."""
    if status.get("state") in ENDED:  # the process may go on: somebody's notebook, in which the run was one cell
        return None
    with contextlib.suppress(KeyError, TypeError, ValueError, psutil.Error):
        for mark in (mark_of_agent(status), status) if status.get("agent_pid") else (status,):
            if lives(mark):
                return psutil.Process(int(mark["pid"]))
    return None


def _patience_s(process: psutil.Process, status: Mapping[str, Any], run_dir: Path) -> float:
    with contextlib.suppress(psutil.Error):
        if process.status() == psutil.STATUS_STOPPED:  # by a signal: it does not move, whatever it was about to do
            return STILL_S
    saving = any(run_dir.glob("**/checkpoints/.*.tmp"))
    return patience_s("" if saving else str(status.get("phase")), float(status.get("slowest_s") or 0))


def _family(process: psutil.Process) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        return [process, *process.children(recursive=True)]
    return [process]


def _ask(process: psutil.Process) -> None:
    """Send TERM, which a worker takes for a request to stop, and wake up whatever was stopped by a signal."""
    with contextlib.suppress(psutil.Error):
        process.terminate()
    for each in _family(process):
        with contextlib.suppress(psutil.Error):
            each.resume()


def _end(process: psutil.Process) -> bool:
    """Kill a worker with its children, and its group if it leads one; returns whether all of them are gone."""
    family = _family(process)
    kill_group(process.pid)
    for each in family:
        with contextlib.suppress(psutil.Error):
            each.kill()
    _gone, left = psutil.wait_procs(family, timeout=GONE_S)
    return not left


def _tell(run_dir: Path, seconds: float) -> None:
    with the_only_worker(run_dir, ORPHANS_S):
        write_stopped(run_dir)
        finding = WorkerHung(round(seconds))
        with contextlib.suppress(OSError):
            events = EventWriter(run_dir / "events.jsonl")
            events.write(finding.event, **finding.as_event())
            events.close()


def main(arguments: list[str]) -> int:
    """See to one run, unless another process does so already."""
    run_dir = Path(arguments[0])
    try:
        with FileLock(run_dir / ".stopping", timeout=0):
            see_it_stop(run_dir)
    except (Timeout, OSError):  # a deleted folder, a full disk
        return 0
    except AlexError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
