"""What a run will do and need, worked out before it starts: sizes, steps, contradictory settings, disk, time."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from alexcore.config import TrainConfig
from alexcore.data.index import DataIndex
from alexcore.data.shards import is_sharded
from alexcore.data.sources import open_for_start
from alexcore.errors import ConfigError
from alexcore.fields import numbers_in
from alexcore.findings import before
from alexcore.findings.finding import Finding
from alexcore.nn.blueprints import minimum_input_size
from alexcore.nn.norms import one_norm
from alexcore.training.room import require_room
from alexcore.training.schedule import image_side
from alexcore.training.sharing import last_parts


@dataclass(frozen=True)
class Plan:
    """The sizes of a run; a step is one optimizer step, made of up to `accumulation_steps` micro-batches.

    A micro-batch and the last one count the pictures of all processes.
    """

    train_images: int
    val_images: int
    micro_batches: int
    steps_per_epoch: int
    total_steps: int
    last_batch: int


def make_plan(config: TrainConfig, index: DataIndex) -> Plan:
    """Work out the sizes of a run.

    Raises:
        DataError: the data set has a problem that forbids a run.
        ConfigError: a setting contradicts the data set.
    """
    index.require_trainable()
    minimum = minimum_input_size(config.variant)
    name = "start_size" if 0 < config.start_size < minimum else "image_size"
    if min(config.image_size, config.start_size or config.image_size) < minimum:
        raise before.InputTooSmall(name, getattr(config, name), config.variant, minimum).refusal(ConfigError)
    train_images, val_images = len(index.select("train")), len(index.select("val"))
    ranks = config.processes
    batch = config.batch_size * ranks
    if batch > train_images:
        most = train_images // ranks
        raise before.BatchTooLarge(config.batch_size, ranks, train_images, most, fits=most > 0).refusal(ConfigError)
    micro_batches = math.ceil(train_images / batch)
    last_batch = train_images - (micro_batches - 1) * batch
    if one_norm(config.norm).over_batch:
        _require_no_single_picture(config, train_images, is_sharded(index))
    require_weights(config, len(index.classes))
    if config.ignore_index != -100 and not 0 <= config.ignore_index < len(index.classes):
        classes = len(index.classes)
        raise before.IgnoredClassMissing(config.ignore_index, classes, classes - 1).refusal(ConfigError)
    steps_per_epoch = math.ceil(micro_batches / config.accumulation_steps)
    total_steps = config.epochs * steps_per_epoch
    if config.max_steps:
        total_steps = min(total_steps, config.max_steps)
    return Plan(train_images, val_images, micro_batches, steps_per_epoch, total_steps, last_batch)


def plan_before_start(config: TrainConfig, folder: Path, networks: int = 1) -> tuple[DataIndex, Plan]:
    """The data and the plan of a run in `folder`, which is not made yet: what cannot work leaves no failed run behind.

    Raises:
        DataError, ConfigError: as `make_plan`, after a look at a few pictures of the data set.
        RunError: the disk has too little room for its `networks`.
    """
    index = open_for_start(config)
    plan = make_plan(config, index)
    require_room(config, len(index.classes), folder, networks)
    return index, plan


def replanned(config: TrainConfig, plan: Plan, position: Any) -> Plan:
    """The sizes of a run that goes on from a `Position`: all epochs that are left, whatever the others had."""
    begun_at = position.step - math.ceil(position.batch / config.accumulation_steps)
    total = begun_at + max(0, config.epochs - position.epoch) * plan.steps_per_epoch
    return replace(plan, total_steps=min(total, config.max_steps or total))


def validation_counts(config: TrainConfig, index: DataIndex) -> list[Finding]:
    """That no image of the validation split counts, if it is so: all are of the ignored class."""
    counts = index.counts().get("val")
    if counts is None or not 0 <= config.ignore_index < len(counts) or counts.sum() > counts.iloc[config.ignore_index]:
        return []
    return [before.ValidationCountsNothing(config.ignore_index, index.classes[config.ignore_index], int(counts.sum()))]


def alone(config: TrainConfig) -> TrainConfig:
    """The same steps in one process: what several do side by side it does one after the other, as micro-batches.

    Batch norm sees the same number of pictures at a time, unless the processes exchange its statistics.
    """
    steps = config.accumulation_steps * config.processes
    return config.model_copy(update={"processes": 1, "accumulation_steps": steps, "sync_batchnorm": False})


def _require_no_single_picture(config: TrainConfig, train_images: int, sharded: bool) -> None:
    ranks = config.processes

    def has_one(batch_size: int) -> bool:
        parts = last_parts(train_images, batch_size, ranks, sharded)
        return sum(parts) == 1 if config.sync_batchnorm else 1 in parts

    if not has_one(config.batch_size):
        return
    better = next((size for size in range(config.batch_size + 1, train_images // ranks + 1) if not has_one(size)), 0)
    norm = one_norm(config.norm).title
    finding = before.SinglePictureBatch(config.batch_size, ranks, train_images, norm, better, possible=better > 0)
    raise finding.refusal(ConfigError)


def require_weights(config: TrainConfig, classes: int) -> None:
    """Refuse typed class weights that are not one a class.

    Raises:
        ConfigError: there are more or fewer.
    """
    if config.class_weights in ("none", "inverse", "effective"):
        return
    found = len(numbers_in(config.class_weights))
    if found != classes:
        raise before.ClassWeightsDoNotFit(config.class_weights, found, classes).refusal(ConfigError)


def plan_in_words(config: TrainConfig, plan: Plan, classes: int) -> str:
    """One sentence with the derived sizes, to read before a run starts."""
    effective = config.effective_batch
    steps = f"{plan.total_steps:,} steps in all"
    if config.time_budget_s:
        steps = f"as many steps as fit into {config.time_budget_s / 60:g} minutes"
    return (
        f"{plan.train_images:,} training and {plan.val_images:,} validation pictures in {classes} classes; "
        f"{plan.steps_per_epoch:,} steps of {effective} pictures an epoch, {steps}."
    )


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
