"""What a worker tells of its run's time."""

from __future__ import annotations

from pathlib import Path

import pytest

from alexcore.runs import reporter as module
from alexcore.runs.reporter import RunReporter
from alexcore.runs.status import StatusWriter, read_status
from tests.support.run_folders import write_run


def test_a_pause_is_no_time_of_the_run(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_run("queued", "patient")
    status, now = StatusWriter(folder), [100.0]
    monkeypatch.setattr(module.time, "perf_counter", lambda: now[0])
    reporter = RunReporter(folder, status)
    now[0] += 5
    reporter.paused(True)
    assert read_status(folder).state == "paused"
    now[0] += 20
    reporter.paused(False)
    now[0] += 2
    assert reporter.seconds == 7
    reporter.close()
    status.close("finished")
