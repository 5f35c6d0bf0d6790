"""Runs that are stopped and resumed within this process, and what of them must be the same to the bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from alexcore.config import TrainConfig
from alexcore.runs.store import create_run
from alexcore.training.checkpoint import load_checkpoint
from alexcore.training.loop import fit
from tests.support.run_folders import tiny_config

When = Callable[["Watcher"], bool]


class Watcher:
    """A reporter that keeps everything in memory, and asks the loop to stop as soon as `when` says so."""

    def __init__(self, when: When = lambda _: False) -> None:
        self.when = when
        self.events: list[dict[str, Any]] = []
        self.phase, self.step, self.epoch = "", 0, 0
        self.words: list[str] = []
        self.pauses: list[bool] = []

    def event(self, kind: str, **fields: Any) -> None:
        self.events.append({"type": kind, **fields})

    def progress(self, phase: str, _done: int, _total: int, **fields: Any) -> None:
        self.phase = phase
        self.step, self.epoch = fields.get("step", self.step), fields.get("epoch", self.epoch)

    def request(self) -> str:
        if self.words:
            return self.words.pop(0)
        return "stop" if self.when(self) else ""

    def moved(self) -> None: ...

    def paused(self, paused: bool) -> None:
        self.pauses.append(paused)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]


def config_of(data: Path, **values: Any) -> TrainConfig:
    """Everything that draws a random number or keeps a state: dropout, augmentation, order, momentum, rate."""
    chances = {"epochs": 3, "augment": "strong", "accumulation_steps": 2, "label_smoothing": 0.1, "warmup_steps": 2}
    return tiny_config(data, **{**chances, "seed": 5, **values})


def measured(watchers: list[Watcher]) -> list[dict[str, Any]]:
    """The `epoch` events without the figures that depend on the clock."""
    clock = ("seconds", "images_per_s")
    events = [event for watcher in watchers for event in watcher.of("epoch")]
    return [{name: value for name, value in event.items() if name not in clock} for event in events]


def losses(watchers: list[Watcher]) -> list[tuple[int, float, float]]:
    return [(each["step"], each["loss"], each["lr"]) for watcher in watchers for each in watcher.of("step")]


def straight(config: TrainConfig, folder: Path | None = None) -> tuple[Path, Watcher]:
    folder, watcher = create_run(config, folder), Watcher()
    assert fit(config, folder, watcher) == "finished"
    return folder, watcher


def interrupted(config: TrainConfig, moments: list[When]) -> tuple[Path, list[Watcher]]:
    folder, watchers = create_run(config), []
    for number, when in enumerate(moments):
        watchers.append(Watcher(when))
        assert fit(config, folder, watchers[-1], resume=number > 0) == "stopped"
    watchers.append(Watcher())
    assert fit(config, folder, watchers[-1], resume=True) == "finished"
    return folder, watchers


def assert_same_state(ours: Any, theirs: Any, where: str) -> None:
    """Compare nested checkpoints down to the last bit."""
    assert type(ours) is type(theirs), where
    if isinstance(ours, torch.Tensor):
        assert torch.equal(ours, theirs), where
    elif isinstance(ours, dict):
        assert list(ours) == list(theirs), where
        for key in ours:
            assert_same_state(ours[key], theirs[key], f"{where}.{key}")
    elif isinstance(ours, list):
        assert len(ours) == len(theirs), where
        for number, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            assert_same_state(a, b, f"{where}[{number}]")
    else:
        assert ours == theirs, where


def assert_same_run(whole: tuple[Path, Watcher], pieces: tuple[Path, list[Watcher]]) -> None:
    (expected, watcher), (resumed, watchers) = whole, pieces
    assert measured(watchers) == measured([watcher])
    for name in ("last.pt", "best.pt"):
        ours, theirs = (load_checkpoint(folder / "checkpoints" / name) for folder in (expected, resumed))
        for state in (ours, theirs):
            del state["config"]["num_workers"], state["position"]["seconds"], state["position"]["ending_s"]
        assert_same_state(ours, theirs, name)


def at_step(step: int) -> When:
    return lambda run: run.step >= step and run.phase != "checking-pictures"


def while_validating(epoch: int) -> When:
    return lambda run: run.phase == "validating" and run.epoch >= epoch


def assert_same_weights(ours: Path, theirs: Path) -> None:
    models = [load_checkpoint(folder / "checkpoints" / "last.pt")["model"] for folder in (ours, theirs)]
    assert list(models[0]) == list(models[1])
    for key in models[0]:
        assert torch.equal(models[0][key], models[1][key]), key
