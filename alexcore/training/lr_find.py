"""The learning-rate range test on a data set: one short training whose rate grows. It leaves no run behind."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from alexcore.config import TrainConfig
from alexcore.training.loader import Batch
from alexcore.training.lr_curve import STEPS, Sweep, sweep_config, swept_lr
from alexcore.training.plan import alone
from alexcore.training.run_data import Silent
from alexcore.training.run_parts import prepare
from alexcore.training.session import Session
from alexcore.training.shard_loader import BatchSource
from alexcore.training.start_from import train_mode
from alexcore.training.step import windows

Progress = Callable[[int, int], None]


class _Opening(Silent):
    """Watches the opening of the data, and wants nothing."""

    def __init__(self, on_progress: Progress) -> None:
        super().__init__()
        self._on_progress = on_progress

    def progress(self, phase: str, done: int, total: int, **fields: Any) -> None:  # noqa: ARG002
        """Pass it on."""
        if total:
            self._on_progress(done, total)


def lr_find(
    config: TrainConfig, on_progress: Progress = lambda _done, _total: None, steps: int = STEPS
) -> dict[str, Any]:
    """Train for `steps` steps with a growing rate, from the smallest to the largest, until the loss diverges.

    The rate, schedule and warm-up of the run to come do not matter.

    Returns:
        {"suggestion": rate or None, "points": [[rate, smoothed loss], ...], "reason": sentence, "method": sentence}.

    Raises:
        AlexError: data or settings cannot be used.
    """
    config = alone(sweep_config(config))
    run = prepare(config, Session(Path(), _Opening(on_progress)), resume=False)
    train_mode(run.state.model, config.freeze_features)
    sweep, going = Sweep(), True
    each_window = _endless(run.data.train, config.accumulation_steps)
    for step in range(steps):
        lr = swept_lr(step, steps)
        result = run.step(next(each_window), lr)
        on_progress(step + 1, steps)
        going = sweep.add(lr, result.loss)
        if not going:
            break
    on_progress(steps, steps)
    return sweep.result(stopped=not going)


def _endless(source: BatchSource, accumulation_steps: int) -> Iterator[list[Batch]]:
    for epoch in itertools.count():
        yield from windows(source.epoch(epoch), accumulation_steps)
