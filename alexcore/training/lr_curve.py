"""The learning-rate range test: which rates are tried, and what their losses suggest.

The rate grows by the same factor from step to step; while it is too small the loss stands still, then it falls, then it
jumps (Smith 2017, "Cyclical Learning Rates for Training Neural Networks", section 3.3).
"""

from __future__ import annotations

import math
from typing import Any

from alexcore.config import TrainConfig, make_config

FIRST_LR, LAST_LR = 1e-6, 10.0
STEPS = 100
# Share of the past in the smoothed loss, and how far above its best it ends the test.
SMOOTHING = 0.9
DIVERGED = 3.0
# Points at the beginning that hold too few losses to be smooth.
ROUGH = 5
# A fall of the loss by less than this in all is no fall.
SMALLEST_FALL = 0.02

METHOD = (
    "The rate at which the smoothed loss falls most steeply over the logarithm of the rate. It is a place to begin, no "
    "optimum: a tenth of the rate at which the loss turns up is another common choice."
)


def sweep_config(config: TrainConfig) -> TrainConfig:
    """The configuration without what a range test has no use for: its result is the same whatever these say."""
    plain = {"lr": make_config().lr, "scheduler": "constant", "warmup_steps": 0, "ema_decay": 0.0, "start_size": 0}
    return config.model_copy(update={**plain, "compile": False})


def swept_lr(step: int, steps: int = STEPS) -> float:
    """The rate of a step, counted from 0: from 1e-6 to 10, by the same factor each time."""
    return float(FIRST_LR * (LAST_LR / FIRST_LR) ** (step / max(1, steps - 1)))


class Sweep:
    """Takes in the losses one by one and says when to stop."""

    def __init__(self) -> None:
        self.points: list[tuple[float, float]] = []
        self._sum = 0.0
        self._best = math.inf

    def add(self, lr: float, loss: float) -> bool:
        """Take in the loss of a step; whether the test shall go on."""
        if not math.isfinite(loss):
            return False
        self._sum = SMOOTHING * self._sum + (1 - SMOOTHING) * loss
        # The sum begins at 0, so that early means are too small by this much (as in Adam).
        smooth = self._sum / (1 - SMOOTHING ** (len(self.points) + 1))
        self.points.append((lr, smooth))
        self._best = min(self._best, smooth)
        return len(self.points) <= ROUGH or smooth < DIVERGED * self._best

    def result(self, stopped: bool) -> dict[str, Any]:
        """What `lr_find` returns; `stopped` says that the loss had diverged."""
        lr, end = steepest(self.points), "The loss never diverged."
        if stopped and self.points:
            end = f"The loss diverged at {self.points[-1][0]:.2g}."
        fall = "It never fell clearly before, so no rate is suggested."
        if lr is not None:
            fall = f"It fell most steeply at {lr:.2g}."
        points = [list(point) for point in self.points]
        return {"suggestion": lr, "points": points, "reason": f"{end} {fall}", "method": METHOD}


def steepest(points: list[tuple[float, float]]) -> float | None:
    """The rate at which the loss falls most steeply, before its lowest point; None if it does not fall.

    `points` are pairs of rate and smoothed loss.
    """
    usable = points[ROUGH:]
    if len(usable) < 3:
        return None
    lowest = min(range(len(usable)), key=lambda number: usable[number][1])
    if usable[0][1] - usable[lowest][1] < SMALLEST_FALL * usable[0][1]:
        return None
    logs = [math.log(lr) for lr, _ in usable]
    losses = [loss for _, loss in usable]
    # Central differences, and one-sided ones at the ends.
    slopes = [
        (losses[min(n + 1, lowest)] - losses[max(n - 1, 0)]) / (logs[min(n + 1, lowest)] - logs[max(n - 1, 0)])
        for n in range(lowest + 1)
    ]
    return usable[min(range(len(slopes)), key=slopes.__getitem__)][0]
