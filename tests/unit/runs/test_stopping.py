"""A worker that hangs is ended; one that moves, or that is not ours to end, is not."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from alexcore.files import read_json, write_json
from alexcore.process import OVERDUE_S, mark_of, own_mark
from alexcore.runs import launcher, stopping
from alexcore.runs.events import read_events
from alexcore.runs.launcher import read_request, request
from alexcore.runs.status import StatusWriter, read_status
from alexcore.runs.stopping import patience_s, see_it_stop
from alexcore.training.step import windows
from tests.support.run_folders import write_run, write_status

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the signals are POSIX's")

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"
PARENT = (
    "import signal, subprocess, sys, time; signal.signal(15, signal.SIG_IGN);"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
    "print(child.pid, flush=True); time.sleep(600)"
)


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in {"POLL_S": 0.01, "STILL_S": 0.1, "TERM_S": 0.1}.items():
        monkeypatch.setattr(stopping, name, seconds)


class Worker:
    """A process that a run's status names as its worker."""

    def __init__(self, code: str, **popen: Any) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, **popen)
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline().strip()
        self.run = write_run("running", "it")
        values = {"progress": 1, "slowest_s": 0.01, "phase": "training", "step": 7}
        write_status(self.run, **{**mark_of(self.process.pid), **values})

    def writes(self, **values: object) -> None:
        write_json(self.run / "status.json", {**(read_json(self.run / "status.json") or {}), **values})


@pytest.fixture
def worker(home: Path) -> Iterator[Callable[..., Worker]]:
    started: list[Worker] = []

    def start(code: str, **popen: Any) -> Worker:
        started.append(Worker(code, **popen))
        # A dashboard waits for those that it has started, so that none stays a zombie.
        threading.Thread(target=started[-1].process.wait, daemon=True).start()
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.wait()
        assert each.process.stdout is not None
        each.process.stdout.close()


def test_a_worker_that_stands_still_and_hears_no_term_is_killed_and_its_run_is_stopped(worker):
    it = worker(DEAF)
    assert see_it_stop(it.run)
    it.process.wait(20)
    status = read_status(it.run)
    assert (status.state, status.step) == ("stopped", 7)
    (told,) = [each for each in read_events(it.run / "events.jsonl")[0] if each.get("code") == "run.worker-hung"]
    assert "was ended from outside" in told["message"]


def test_a_worker_that_was_stopped_by_a_signal_wakes_up_and_hears_term(worker):
    it = worker("import time; print(flush=True); time.sleep(600)")
    it.writes(phase="loading-pytorch")  # for which another one has a minute
    it.process.send_signal(signal.SIGSTOP)
    assert not see_it_stop(it.run)
    assert it.process.wait(20) == -signal.SIGTERM


@pytest.mark.parametrize("leads", [True, False])
def test_its_children_go_with_it(worker, leads: bool):
    it = worker(PARENT, start_new_session=leads)
    child = psutil.Process(int(it.said))
    assert see_it_stop(it.run)
    it.process.wait(20)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_while_it_moves_a_stop_waits(worker):
    it = worker(DEAF)
    seen = threading.Thread(target=see_it_stop, args=(it.run,))
    seen.start()
    for progress in range(2, 30):
        it.writes(progress=progress)
        time.sleep(0.02)
    assert it.process.poll() is None
    it.writes(state="stopped")  # its process may be a notebook, which goes on
    seen.join(20)
    assert it.process.poll() is None
    assert read_status(it.run).state == "stopped"


def test_nobody_is_ended_who_cannot_be_looked_at(worker):
    it = worker(DEAF)
    it.writes(host="elsewhere")
    assert not see_it_stop(it.run)
    assert it.process.poll() is None


def test_patience_is_measured_by_the_slowest_step(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()
    assert patience_s("training", 0.2) == 5
    assert patience_s("validating", 4) == 12
    assert patience_s("training", 0) == patience_s("compiling", 1) == 60
    assert patience_s("loading-weights", 100) == 300


def test_a_stop_has_somebody_see_to_it_but_never_of_the_one_that_asks(worker, monkeypatch: pytest.MonkeyPatch):
    spawned: list[list[str]] = []
    monkeypatch.setattr(launcher, "spawn", lambda arguments, log: spawned.append(arguments))
    it = worker(DEAF)
    request(it.run, "pause")
    assert spawned == []
    request(it.run, "stop")
    assert spawned == [["alexcore.runs.stopping", str(it.run)]]
    it.writes(**own_mark())
    request(it.run, "stop")
    assert len(spawned) == 1


def test_a_lost_run_whose_process_is_there_can_be_stopped(worker, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(launcher, "spawn", lambda arguments, log: None)
    it = worker(DEAF)
    it.writes(heartbeat=time.time() - OVERDUE_S - 1)
    assert (read_status(it.run).state, read_status(it.run).hung) == ("lost", True)
    request(it.run, "stop")
    assert read_request(it.run) == "stop"


def test_the_status_counts_each_move_and_knows_the_slowest(home: Path, monkeypatch: pytest.MonkeyPatch):
    now = [0.0]
    monkeypatch.setattr("alexcore.runs.status.HEARTBEAT_S", 600)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    folder = write_run("running", "it")
    writer = StatusWriter(folder)
    for phase in ("loading-pytorch", "training", "training", "validating", "measuring"):
        now[0] += {"training": 6, "validating": 7}.get(phase, 100)
        writer.update(state="running", phase=phase)
    before = (read_json(folder / "status.json") or {})["progress"]
    writer.moved()
    now[0] += 40
    writer.update(state="running", phase="training")
    assert read_status(folder).slowest_s == 7
    assert (read_json(folder / "status.json") or {})["progress"] == before + 2
    monkeypatch.undo()
    writer.close("finished")


def test_each_micro_batch_is_a_move():
    moves: list[int] = []
    assert [len(each) for each in windows(iter(range(5)), 2, lambda: moves.append(1))] == [2, 2, 1]  # type: ignore[arg-type]
    assert len(moves) == 5
