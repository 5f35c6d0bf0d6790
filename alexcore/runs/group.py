"""A run of several processes: the command that starts them, and what `torchrun` remembers when it restarts them.

`torchrun` starts one agent a machine, and the agent starts the processes. When one of them dies, the agent ends the
others and, with `--max-restarts`, starts them all again with the same command: they have to find their run again. So
the agent's pid and start time are the name of a small file that names the run.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil

from alexcore.files import read_json, write_json
from alexcore.home import runs_dir
from alexcore.process import lives, mark_of_agent, own_mark
from alexcore.system import available_cores, start_ticks


def in_group() -> bool:
    """Whether `torchrun` has started this process."""
    return "RANK" in os.environ and "WORLD_SIZE" in os.environ


def rank() -> int:
    """Which of the run's processes this is; 0 also for one that is alone."""
    return int(os.environ["RANK"]) if in_group() else 0


def world_size() -> int:
    """How many processes train together."""
    return int(os.environ["WORLD_SIZE"]) if in_group() else 1


def restarts_left() -> bool:
    """Whether the agent will start the processes once more if one of them dies."""
    most, done = (int(os.environ.get(f"TORCHELASTIC_{name}", 0)) for name in ("MAX_RESTARTS", "RESTART_COUNT"))
    return in_group() and done < most


def restarted() -> bool:
    """Whether the agent has started the processes before, and one of them has died."""
    return in_group() and int(os.environ.get("TORCHELASTIC_RESTART_COUNT", 0)) > 0


def torchrun_arguments(processes: int, arguments: Sequence[str]) -> list[str]:
    """What to hand to `python -m` so that so many processes of this machine run `python -m ARGUMENTS`."""
    return ["torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", "-m", *arguments]


def group_environment(processes: int) -> dict[str, str]:
    """Variables for processes of one machine: they share its cores, and meet without its network."""
    found = {"OMP_NUM_THREADS": str(max(1, available_cores() // processes))}
    loopback = next(
        (name for name, each in psutil.net_if_addrs().items() if any(a.address == "127.0.0.1" for a in each)), None
    )
    if loopback:
        # Otherwise gloo asks for the address of the machine's name, which may lead out, or nowhere.
        found["GLOO_SOCKET_IFNAME"] = loopback
    if sys.platform == "win32":
        found["USE_LIBUV"] = "0"  # torch is built without it there
    return {name: value for name, value in found.items() if name not in os.environ}


def agent() -> dict[str, float]:
    """Pid and start of the agent of this process, for status.json; empty for a process without one."""
    if not in_group():
        return {}
    parent = psutil.Process(os.getppid())
    ticks = start_ticks(parent.pid)
    return {
        "agent_pid": parent.pid,
        "agent_started": parent.create_time(),
        **({} if ticks is None else {"agent_ticks": ticks}),
    }


def _note() -> Path:
    found = agent()
    return (
        runs_dir() / ".groups" / f"{found['agent_pid']:.0f}-{found.get('agent_ticks', found['agent_started']):.2f}.json"
    )


def run_of_group() -> Path | None:
    """The run that the processes of this agent were at before they were started again; None the first time."""
    run = (read_json(_note()) or {}).get("run") if in_group() else None
    return Path(str(run)) if run else None


def remember_run(run_dir: Path) -> None:
    """Note the run of this group for the time after a restart; notes of agents that have ended are thrown away."""
    if not in_group():
        return
    folder = _note().parent
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.json"):
        with contextlib.suppress(KeyError, TypeError, ValueError):  # no note of this version
            if lives(mark_of_agent(read_json(path) or {})) is not False:
                continue
        path.unlink(missing_ok=True)
    write_json(_note(), {**own_mark(), **agent(), "run": str(run_dir.resolve())})
