"""Background jobs: a command in a process of its own, whose progress and end are a file."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from alexcore.errors import DataError
from alexcore.home import cache_dir
from alexcore.jobs import START_S, VARIABLE, Job, JobProgress, read_job, start_job
from alexcore.process import own_identity
from tests.support.watched_runs import PATIENCE_S

NAME = "sample"


def written() -> dict:
    return json.loads((cache_dir() / "jobs" / f"{NAME}.json").read_text())


def write(**values) -> None:
    folder = cache_dir() / "jobs"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{NAME}.json").write_text(json.dumps(values))


def wait_until(condition: Callable[[Job], object]) -> Job:
    deadline = time.monotonic() + PATIENCE_S
    while not condition(read_job(NAME)):
        assert time.monotonic() < deadline, (read_job(NAME), (cache_dir() / "jobs" / f"{NAME}.log").read_text())
        time.sleep(0.02)
    return read_job(NAME)


@pytest.fixture(autouse=True)
def _leave_nothing(home) -> Iterator[None]:
    yield
    if read_job(NAME).state == "running" and written()["pid"] != os.getpid():
        os.kill(written()["pid"], signal.SIGKILL)


def sample(folder: Path, images: int) -> list[str]:
    return ["data", "sample", str(folder), "--images-per-class", str(images), "--size", "64"]


def test_a_job_shows_its_progress_and_finishes(home):
    assert read_job(NAME) == Job("none")
    start_job(NAME, sample(home / "flowers", 40))
    assert read_job(NAME).state == "running"
    halfway = wait_until(lambda job: job.done > 0)
    assert halfway.total == 5 * 40
    pid = written()["pid"]

    start_job(NAME, sample(home / "others", 2))  # does nothing: this job runs already
    assert written()["pid"] == pid
    assert wait_until(lambda job: job.state != "running").state == "finished"
    assert written()["pid"] == pid
    assert len(list((home / "flowers").rglob("*.jpg"))) == 200
    assert not (home / "others").exists()

    # The folder is full now, so the same job fails, and says why.
    start_job(NAME, sample(home / "flowers", 40))
    assert read_job(NAME).state == "running"
    job = wait_until(lambda job: job.state != "running")
    assert job.state == "failed"
    assert job.error == f"{home / 'flowers'} exists and is not empty. Choose a new folder, or delete this one first."


def test_a_killed_job_is_lost_and_can_be_started_again(home):
    start_job(NAME, sample(home / "flowers", 100))
    wait_until(lambda job: job.done > 0)
    drawing = psutil.Process(written()["pid"]).children(recursive=True)
    os.kill(written()["pid"], signal.SIGKILL)
    wait_until(lambda job: job.state == "lost")
    _gone, left = psutil.wait_procs(drawing, timeout=PATIENCE_S)
    assert not left
    assert not (home / "flowers").exists()
    start_job(NAME, sample(home / "flowers", 2))
    assert wait_until(lambda job: job.state != "running").state == "finished"
    assert len(list((home / "flowers").rglob("*.jpg"))) == 10


def test_a_job_without_a_word_is_given_up_after_a_while(home):
    write(state="running", pid=None, ts=time.time())
    assert read_job(NAME).state == "running"
    write(state="running", pid=None, ts=time.time() - START_S - 1)
    assert read_job(NAME).state == "lost"


@pytest.mark.parametrize(
    "values",
    [
        {"state": "running", "pid": "x"},
        {"state": "running", "pid": 1, "process_ticks": "x"},
        {"state": "finished", "done": "all"},
    ],
    ids=str,
)
def test_a_job_that_makes_no_sense_is_none(home, values):
    write(**values)
    assert read_job(NAME) == Job("none")


def test_a_job_of_another_process_with_the_same_pid_is_lost(home):
    pid, started = own_identity()
    write(state="running", pid=pid, process_started=started - 60, done=3, total=10)
    assert read_job(NAME) == Job("lost", 3, 10)


def test_a_command_typed_by_a_person_writes_no_job(home, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    job = JobProgress()
    job.on_progress(1, 2)
    job.finish()
    assert list(home.rglob("*")) == []


def test_progress_is_written_now_and_then_and_the_end_always(home, monkeypatch):
    file = home / "job.json"
    monkeypatch.setenv(VARIABLE, str(file))
    job = JobProgress()
    for done in range(1000):
        job.on_progress(done, 1000)
    assert json.loads(file.read_text())["done"] < 999
    job.on_progress(1000, 1000)
    assert json.loads(file.read_text())["done"] == 1000
    job.finish(DataError("No picture.", "Add one."))
    assert json.loads(file.read_text())["error"] == "No picture. Add one."
