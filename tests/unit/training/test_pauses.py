"""Time in a pause counts nowhere: by a clock that only steps, validations and pauses move."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from alexcore.config import TrainConfig
from alexcore.runs.store import create_run
from alexcore.training import loop, run_parts, session
from alexcore.training.evaluation import Evaluation
from alexcore.training.loop import fit
from alexcore.training.session import WorkClock
from alexcore.training.step import StepResult
from tests.support.run_folders import tiny_config

STEP_S, VAL_S, POLL_S = 1.0, 4.0, 2.0


class Clock:
    """Stands where it is, unless a stub moves it."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Pauser:
    """A reporter that asks for ten polls of pause each time that `when` says so, and remembers everything."""

    def __init__(self, when: Callable[[str, int], bool]) -> None:
        self.when, self.left, self.pauses = when, 0, 0
        self.phase, self.step = "", 0
        self.events: list[dict[str, Any]] = []
        self.told: list[dict[str, Any]] = []

    def event(self, kind: str, **fields: Any) -> None:
        self.events.append({"type": kind, **fields})

    def progress(self, phase: str, _done: int, _total: int, **fields: Any) -> None:
        self.phase, self.step = phase, fields.get("step", self.step)
        if phase == "training":
            self.told.append(fields)

    def request(self) -> str:
        if not self.left and self.when(self.phase, self.step):
            self.left = 10
        self.left = max(0, self.left - 1)
        return "pause" if self.left else ""

    def moved(self) -> None: ...

    def paused(self, paused: bool) -> None:
        self.pauses += paused


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()

    def passes(seconds: float) -> None:
        clock.now += seconds

    def step(_model: Any, _optimizer: Any, _objective: Any, window: Any, *_rest: Any, **_more: Any) -> StepResult:
        passes(STEP_S)
        return StepResult(1.0, 0, sum(len(labels) for _, labels in window), 1.0)

    def evaluation(_model: Any, _batches: Any, _classes: int, _device: Any, on_batch: Any, _ignored: int) -> Evaluation:
        for done in (6, 12):
            passes(VAL_S / 2)
            assert on_batch(done)
        return Evaluation(12, 1.0, 0.5, [[4, 0, 0]] * 3)

    monkeypatch.setattr(run_parts, "train_step", step)
    monkeypatch.setattr(loop, "evaluate", evaluation)
    monkeypatch.setattr(session, "time", SimpleNamespace(sleep=lambda _s: passes(POLL_S)))
    return clock


def run(config: TrainConfig, clock: Clock, when: Callable[[str, int], bool]) -> Pauser:
    clock.now, pauser = 0.0, Pauser(when)
    assert fit(config, create_run(config), pauser, clock=clock) == "finished"
    return pauser


@pytest.mark.parametrize("when", ["training", "validating"])
def test_a_paused_run_is_the_run_without_pauses(stripes, clock, when):
    """Its epochs, seconds, speed and time left, and with a time budget the number of its steps."""
    for budget_s in (0, 60):
        config = tiny_config(stripes, time_budget_s=budget_s)
        straight = run(config, clock, lambda *_: False)
        worked_s = clock.now
        paused = run(config, clock, lambda phase, step: phase == when and step % 2 == 1)
        assert paused.pauses > 2
        assert clock.now > worked_s + 2 * 8 * POLL_S, "the pauses took time"
        assert paused.events == straight.events
        assert paused.told == straight.told
        (epoch,) = [each for each in straight.events if each["type"] == "epoch"][-1:]
        assert epoch["seconds"] == worked_s


def test_before_there_is_a_plan_a_pause_does_not_use_up_the_budget(stripes, clock):
    """The first steps are measured; until then the time alone decides whether the run goes on."""
    config = tiny_config(stripes, time_budget_s=15)
    straight = run(config, clock, lambda *_: False)
    paused = run(config, clock, lambda phase, step: phase == "training" and step == 1)
    assert paused.pauses
    assert paused.events == straight.events


def test_a_clock_that_stands_still_goes_on_where_it_stood() -> None:
    raw = Clock()
    clock = WorkClock(raw)
    raw.now = 3.0
    with clock.standing_still():
        raw.now = 10.0
        assert clock() == 3.0
    assert clock() == 3.0
    raw.now = 12.0
    assert clock() == 5.0
    clock.add(100.0)
    assert clock() == 105.0
