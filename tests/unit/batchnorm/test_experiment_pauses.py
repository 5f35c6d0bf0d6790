"""Time in a pause counts nowhere in an experiment either: by a clock of its own steps."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from alexcore.batchnorm.measure.arms import Arm
from alexcore.batchnorm.measure.experiment import run_experiment
from alexcore.batchnorm.measure.prober import Prober
from alexcore.batchnorm.settings import create_experiment
from alexcore.training import session
from tests.support.bn_experiments import tiny_experiment

ROUND_S, PROBE_S, BATCH_S, POLL_S = 1.0, 0.25, 0.5, 2.0


class Clock:
    """Stands where it is, unless a stub moves it."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += seconds


class Pauser:
    """A reporter that asks for ten polls of pause in one phase of the fourth round and remembers everything."""

    def __init__(self, clock: Clock, phase: str) -> None:
        self.clock, self.when = clock, phase
        self.left, self.begun, self.phase, self.step = 10, 0, "", 0
        self.heard: list[str] = []

    def event(self, kind: str, **fields: Any) -> None:
        fields = {name: value for name, value in fields.items() if name not in ("step_s", "data")}
        self.heard.append(f"{kind} {fields}")  # as a text, because nan is not equal to itself

    def progress(self, phase: str, done: int, _total: int, **fields: Any) -> None:
        self.phase, self.step = phase, fields.get("step", self.step)
        if phase == "validating":
            self.clock.now += BATCH_S
        if self.step:
            self.heard.append(f"{phase} {done} {fields}")

    def request(self) -> str:
        if self.phase == self.when and self.step >= 4 and self.left:
            self.left -= 1
            return "pause"
        return ""

    def moved(self) -> None: ...

    def paused(self, paused: bool) -> None:
        self.begun += paused


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()

    def step(arm: Arm, *_parts: Any) -> float:
        clock.passes(ROUND_S)
        arm.logged.add(1.0, 0, 8, ROUND_S)
        return 1.0

    def probe(_prober: Prober, group: str, *_parts: Any) -> Any:
        clock.passes(PROBE_S)
        yield group, {}

    monkeypatch.setattr(Arm, "step", step)
    monkeypatch.setattr(Prober, "probe", probe)
    monkeypatch.setattr(session, "time", SimpleNamespace(sleep=lambda _s: clock.passes(POLL_S)))
    return clock


@pytest.mark.parametrize("phase", ["training", "measuring", "validating", "recalibrating"])
def test_a_paused_experiment_is_the_one_without_pauses(stripes, clock, phase):
    """Its probes, which follow from what everything has cost, its speed and the time left."""
    values: dict[str, Any] = {"steps": 24, "seeds": 1, "arms": "none,batch", "probe_every": 0, "eval_every": 4}
    described = tiny_experiment(stripes, **values, recalibrate_images=8, probe_images=8, width=0.1)
    heard = []
    for when in ("", phase):
        clock.now, watcher = 0.0, Pauser(clock, when)
        assert run_experiment(*described, create_experiment(*described), watcher, clock=clock) == "finished"
        assert bool(watcher.begun) == bool(when)
        heard.append(watcher.heard)
    assert heard[1] == heard[0]
