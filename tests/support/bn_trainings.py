"""Experiments that really train, within this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from alexcore.batchnorm.measure.experiment import run_experiment
from alexcore.batchnorm.settings import BnConfig, create_experiment
from alexcore.config import TrainConfig
from tests.support.bn_experiments import tiny_experiment

STEPS = 6


Ask = Callable[["Watcher"], str]


class Killed(BaseException):
    """What a power cut is to a process."""


class Watcher:
    """A reporter that keeps everything in memory, and asks what it is told to ask."""

    def __init__(self, ask: Ask = lambda _: "") -> None:
        self.ask = ask
        self.events: list[dict[str, Any]] = []
        self.phase, self.step, self.eta_s = "", 0, None
        self.pauses: list[bool] = []

    def event(self, kind: str, **fields: Any) -> None:
        self.events.append({"type": kind, **fields})

    def progress(self, phase: str, _done: int, _total: int, **fields: Any) -> None:
        self.phase, self.step = phase, fields.get("step", self.step)
        self.eta_s = fields.get("eta_s", self.eta_s)

    def request(self) -> str:
        return self.ask(self)

    def moved(self) -> None: ...

    def paused(self, paused: bool) -> None:
        self.pauses.append(paused)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]


def described(data: Path, **values: Any) -> tuple[TrainConfig, BnConfig]:
    """Everything that draws a random number is on; two seeds, so that they cannot be confused unnoticed."""
    chances = {"steps": STEPS, "seeds": 2, "seed": 5, "augment": "strong", "probe_every": 3, "eval_every": 4}
    few = {"probe_images": 10, "recalibrate_images": 16, "batch_size": 8, "checkpoint_every_minutes": 0.0, "width": 0.1}
    return tiny_experiment(data, **{**chances, **few, **values})


def run(
    described: tuple[TrainConfig, BnConfig], ask: Ask = lambda _: "", folder: Path | None = None
) -> tuple[Path, Watcher]:
    """Run an experiment, or go on with that in `folder`, to whatever end."""
    watcher, resume = Watcher(ask), folder is not None
    folder = folder or create_experiment(*described)
    try:
        assert run_experiment(*described, folder, watcher, resume=resume) in ("finished", "stopped")
    except Killed:
        assert ask
    return folder, watcher


def at_step(step: int, word: str = "stop", phase: str = "training") -> Ask:
    """Ask after so many steps of all arms, or raise `Killed`."""

    def ask(watcher: Watcher) -> str:
        if watcher.step < step or watcher.phase != phase:
            return ""
        if word == "kill":
            raise Killed
        return word

    return ask
