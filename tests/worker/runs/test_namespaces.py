"""A run in a container, which has process numbers of its own: it is believed by its heartbeat, and its turn is kept."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from alexcore.home import runs_dir
from alexcore.runs.queue import turn
from alexcore.runs.status import read_status
from tests.support.repository import REPOSITORY

INSIDE = """
import sys, time
from pathlib import Path
from alexcore.runs.queue import turn
from alexcore.runs.status import StatusWriter
run = Path(sys.argv[1])
run.mkdir(parents=True)
with turn("cpu", run.name, lambda ahead: True):
    StatusWriter(run).update(state="running")
    print(flush=True)
    sys.stdin.readline()
"""
UNSHARE = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]


def _allowed() -> bool:
    try:
        return subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


pytestmark = pytest.mark.skipif(not _allowed(), reason="this machine lets nobody make a namespace")


@pytest.fixture
def inside(home: Path) -> Iterator[Path]:
    """A run that is going on in a namespace of its own."""
    run = runs_dir() / "inside"
    command = [*UNSHARE, sys.executable, "-c", INSIDE, str(run)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield run
        process.kill()


def test_a_run_of_another_namespace_is_running_and_keeps_its_turn(inside: Path):
    assert read_status(inside).state == "running"
    (ticket,) = (runs_dir() / ".queue" / "cpu").glob("*.json")
    with turn("cpu", "outside", lambda ahead: ahead != ["inside"]) as came:
        assert not came
    assert ticket.exists()
