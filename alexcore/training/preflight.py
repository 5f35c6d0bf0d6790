"""What a run will need, said before it starts: batches in words, disk, time."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

from alexcore.config import TrainConfig
from alexcore.nn.blueprints import describe
from alexcore.nn.norms import one_norm
from alexcore.training.plan import Plan
from alexcore.training.schedule import image_side

# last.pt, best.pt, and the temporary file that becomes one of them.
CHECKPOINT_FILES = 3


def batch_in_words(config: TrainConfig) -> str:
    """How many pictures decide a gradient, and how many the statistics of a norm."""
    effective, norm = config.effective_batch, one_norm(config.norm)
    if effective == config.batch_size:
        statistics = f" and for {norm.title}'s statistics" if norm.over_batch else ""
        return f"Batch {effective} for the gradient{statistics}."
    head = f"Effective batch {effective} for the gradient"
    if config.processes > 1:
        head += f" ({config.processes} processes"
        head += f", {config.accumulation_steps} micro-batches)" if config.accumulation_steps > 1 else ")"
    if norm.over_batch:
        seen = config.batch_size * (config.processes if config.sync_batchnorm else 1)
        if seen == effective:
            return f"{head} and for {norm.title}'s statistics, which the processes exchange."
        return (
            f"{head}, {seen} for {norm.title}'s statistics: each micro-batch is normalised by itself, so "
            f"this is not training with a batch of {effective}."
        )
    why = f"{norm.kind} looks at one picture at a time, so" if norm.layer else "without a norm"
    memory = f"{config.batch_size}{' in each' * (config.processes > 1)}"
    return f"{head}: {why} it is exactly that of one batch of {effective}, on the memory of {memory}."


def checkpoint_bytes(config: TrainConfig, num_classes: int) -> int:
    """The size of one checkpoint: fp32 weights, what the optimizer keeps for each, and their moving average, if any."""
    kept = 2 if config.optimizer in ("adam", "adamw") else int(config.momentum > 0)
    averaged = int(bool(getattr(config, "ema_decay", 0)))
    parameters = describe(config.variant, num_classes, config.norm, config.width).parameters
    return 4 * parameters * (1 + kept + averaged)


def free_bytes(folder: Path) -> int:
    """Free bytes on the disk where `folder` is or will be."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def estimated_seconds(config: TrainConfig, plan: Plan, measured: dict[str, Any]) -> float:
    """How long a run takes by the measured seconds of a step with pictures of the full size.

    The work of a step grows with the area of its pictures. Validation runs forward only: about a third of a training
    step's work for each picture.
    """
    step_s = float(measured["step_s"])
    epochs = plan.total_steps / plan.steps_per_epoch
    sides = [image_side(config, epoch, plan.steps_per_epoch) for epoch in range(math.ceil(epochs))]
    areas = [(side / config.image_size) ** 2 for side in sides]
    effective = min(config.effective_batch, plan.train_images)
    return plan.total_steps * step_s * sum(areas) / len(areas) + epochs * plan.val_images / effective * step_s / 3
