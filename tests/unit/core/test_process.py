"""Which process is which: by ticks since the boot, on this machine and in this namespace, or by its heartbeat alone."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from alexcore import process
from alexcore.process import OVERDUE_S, lives, own_identity, own_mark
from alexcore.runs.status import StatusWriter, read_status
from tests.support.run_folders import write_status

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts ticks and has namespaces")


def clock_set_by(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a step of the clock does: the time is another, and that of the boot, from which start times are computed."""
    now, boot = time.time, psutil.boot_time()
    monkeypatch.setattr(time, "time", lambda: now() + seconds)
    monkeypatch.setattr("psutil.boot_time", lambda: boot + seconds)
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: boot + seconds)


def test_a_mark_is_of_this_process_and_of_no_other():
    mark = own_mark()
    assert {"pid", "process_started", "process_ticks", "host", "boot_id", "pid_namespace"} == set(mark)
    assert mark["process_started"] == pytest.approx(psutil.Process().create_time(), abs=0.02)
    assert lives(mark)
    assert lives({**mark, "process_ticks": mark["process_ticks"] - 1}) is False
    assert lives({**mark, "pid": 1}) is False
    assert lives({**mark, "boot_id": "of last week"}) is False


@pytest.mark.parametrize("seconds", [3, 86400, -3, -86400])
def test_a_clock_that_is_set_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float):
    writer = StatusWriter(tmp_path)
    writer.update(state="running")
    writer._done.set()
    writer._thread.join()
    clock_set_by(seconds, monkeypatch)
    assert process.is_alive(*own_identity())
    assert read_status(tmp_path).state == "running"


def test_a_heartbeat_that_stands_still_by_the_even_clock_is_overdue(tmp_path: Path):
    even = time.monotonic() - OVERDUE_S
    for past, state in ((1, "lost"), (-10, "running")):
        values = {**own_mark(), "heartbeat_monotonic": even - past, "heartbeat": time.time() - 1000}
        assert read_status(write_status(tmp_path, **values)).state == state


@pytest.mark.parametrize("other", [{"host": "elsewhere"}, {"pid_namespace": "pid:[1]"}], ids=str)
def test_who_cannot_be_looked_at_lives_by_the_heartbeat_alone(tmp_path: Path, other: dict[str, Any]):
    # The pid, here, is nobody's, and that clock of another machine says nothing about this one's.
    stranger = {**own_mark(), "pid": 2**22 + 1, **other, "heartbeat_monotonic": 1e12}
    assert lives(stranger) is None
    assert read_status(write_status(tmp_path, **stranger)).state == "running"
    late = time.time() - OVERDUE_S - 1
    assert read_status(write_status(tmp_path, **{**stranger, "heartbeat": late})).state == "lost"


def test_who_has_the_list_of_another_namespace_looks_at_nobody(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(process, "sees_processes", lambda: False)
    assert lives({**own_mark(), "pid": 2**22 + 1}) is None


def test_a_mark_of_version_0_1_is_read_as_before():
    pid, started = own_identity()
    assert lives({"pid": pid, "process_started": started + 1})
    assert lives({"pid": pid, "process_started": started - 60}) is False
