"""Whose turn it is on a device: first come first served, and nobody waits for the dead."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from alexcore.files import write_json
from alexcore.home import runs_dir
from alexcore.process import own_identity
from alexcore.runs import queue
from alexcore.runs.queue import turn


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "POLL_S", 0.01)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


class Run:
    """A run in a thread: it takes its turn, and keeps it until it is told to leave."""

    def __init__(self, pool: ThreadPoolExecutor, name: str, log: list[str], device: str = "cpu") -> None:
        self.name, self.log, self.device = name, log, device
        self.queued, self.leave = threading.Event(), threading.Event()
        self.ahead: list[str] = []
        self.patient = True
        self.done: Future[None] = pool.submit(self._run)

    def _run(self) -> None:
        with turn(self.device, self.name, self._wait) as came:
            self.log.append(f"{self.name} {'came' if came else 'gave up'}")
            self.queued.set()
            if came:
                assert self.leave.wait(20)
                self.log.append(f"{self.name} left")

    def _wait(self, ahead: list[str]) -> bool:
        self.ahead = ahead
        self.queued.set()
        return self.patient

    def arrived(self) -> Run:
        assert self.queued.wait(20)
        return self


def tickets(device: str = "cpu") -> list[Path]:
    return sorted((runs_dir() / ".queue" / device).glob("*.json"))


def put_ticket(name: str, **values) -> None:
    """A ticket older than any other, as another process would have left it."""
    pid, started = own_identity()
    folder = runs_dir() / ".queue" / "cpu"
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / f"{name}.json", {"pid": pid, "process_started": started, "run": name, **values})


def never(ahead: list[str]) -> bool:
    raise AssertionError(f"waits for {ahead}")


def test_a_free_device_is_had_at_once_and_given_back():
    with turn("cpu", "one", never) as came:
        assert came
        assert [json.loads(ticket.read_text())["run"] for ticket in tickets()] == ["one"]
    assert tickets() == []


def test_an_error_gives_the_turn_back_too():
    with pytest.raises(ZeroDivisionError), turn("cpu", "one", never):
        raise ZeroDivisionError
    assert tickets() == []


def test_first_come_first_served(pool):
    log: list[str] = []
    first, second, third = (Run(pool, name, log).arrived() for name in ("first", "second", "third"))
    time.sleep(0.1)
    assert log == ["first came"]
    assert (second.ahead, third.ahead) == (["first"], ["first", "second"])
    for run in (first, second, third):
        run.leave.set()
        run.done.result(20)
    assert log == [f"{name} {what}" for name in ("first", "second", "third") for what in ("came", "left")]
    assert tickets() == []


def test_who_gives_up_is_out_of_the_way(pool):
    log: list[str] = []
    first, second, third = (Run(pool, name, log).arrived() for name in ("first", "second", "third"))
    second.patient = False
    second.done.result(20)
    assert len(tickets()) == 2
    for run in (first, third):
        run.leave.set()
        run.done.result(20)
    assert log == ["first came", "second gave up", "first left", "third came", "third left"]


def test_the_dead_have_no_turn():
    _, started = own_identity()
    put_ticket("0001", pid=2**22 + 1)
    put_ticket("0002", process_started=started - 60)
    with turn("cpu", "one", never) as came:
        assert came
        assert len(tickets()) == 1


@pytest.mark.parametrize("values", [{"pid": None}, {"pid": "x"}, {"pid": -1}, {"process_started": []}], ids=str)
def test_a_ticket_that_makes_no_sense_has_no_turn(values):
    put_ticket("0001", **values)
    write_json(runs_dir() / ".queue" / "cpu" / "0002.json", {"state": "lost"})
    (runs_dir() / ".queue" / "cpu" / "0003.json").write_text("{")
    with turn("cpu", "one", never) as came:
        assert came


def test_the_living_are_waited_for():
    put_ticket("0001")
    with turn("cpu", "one", lambda ahead: ahead != ["0001"]) as came:
        assert not came
    assert [ticket.stem for ticket in tickets()] == ["0001"]


def stranger(name: str, age_s: float = 0) -> Path:
    put_ticket(name, pid=2**22 + 1, host="elsewhere")
    ticket = runs_dir() / ".queue" / "cpu" / f"{name}.json"
    os.utime(ticket, (time.time() - age_s,) * 2)
    return ticket


def test_a_strangers_ticket_counts_while_it_is_renewed_and_is_never_thrown_away(monkeypatch):
    monkeypatch.setattr(queue, "WATCH_S", 0.05)
    ticket, asked = stranger("0001"), []

    def wait(ahead: list[str]) -> bool:
        asked.append(ahead)
        if len(asked) == 20:  # it is gone, and so long ago that nobody would have renewed it
            stranger("0001", age_s=queue.OVERDUE_S + 1)
        return len(asked) < 1000

    with turn("cpu", "one", wait) as came:
        assert came
    assert len(asked) >= 20
    assert ticket.exists()


def test_a_stranger_that_only_looks_overdue_is_watched_first(monkeypatch):
    """As after a step of the clock, or when machine and stranger wake up together."""
    monkeypatch.setattr(queue, "WATCH_S", 60)
    stranger("0001", age_s=86400)
    with turn("cpu", "one", lambda ahead: False) as came:
        assert not came


def test_a_ticket_is_renewed_while_it_is_held(monkeypatch):
    monkeypatch.setattr(queue, "RENEW_S", 0.01)
    with turn("cpu", "one", never):
        (ticket,) = tickets()
        os.utime(ticket, (0, 0))
        deadline = time.monotonic() + 20
        while ticket.stat().st_mtime == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert ticket.stat().st_mtime > 0


def test_a_clock_that_is_set_back_lets_nobody_overtake(monkeypatch):
    put_ticket(f"{time.time_ns():020d}-7")  # as version 0.1 named them
    monkeypatch.setattr(time, "time_ns", lambda: 1)
    with turn("cpu", "one", lambda ahead: not ahead) as came:
        assert not came
    with turn("cpu", "one", lambda ahead: False) as came, turn("cpu", "two", lambda ahead: False):
        assert not came
        _first, second, third = tickets()
        assert [json.loads(each.read_text())["run"] for each in (second, third)] == ["one", "two"]


def test_a_ticket_that_another_version_has_thrown_away_is_written_again():
    polls = 0

    def wait(ahead: list[str]) -> bool:
        nonlocal polls
        polls += 1
        if polls == 1:
            tickets()[-1].unlink()
        return polls < 3

    put_ticket("0" * 19 + "1")
    with turn("cpu", "one", wait):
        assert [json.loads(each.read_text())["run"] for each in tickets()] == ["0" * 19 + "1", "one"]


def test_each_device_has_its_own_queue():
    with turn("cuda:0", "one", never), turn("cuda:1", "two", never), turn("cpu", "three", never):
        assert [len(tickets(device)) for device in ("cuda-0", "cuda-1", "cpu")] == [1, 1, 1]


def test_many_at_once_never_hold_the_device_together():
    holders, most = 0, 0
    lock = threading.Lock()

    def run(name: str) -> None:
        nonlocal holders, most
        with turn("cpu", name, lambda ahead: True) as came:
            assert came
            with lock:
                holders += 1
                most = max(most, holders)
            time.sleep(0.01)
            with lock:
                holders -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run, map(str, range(8)), timeout=60))
    assert (most, holders) == (1, 0)
