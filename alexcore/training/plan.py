"""What a run will do, worked out before it starts: sizes, steps, and settings that contradict the data."""

from __future__ import annotations

import math
from dataclasses import dataclass

from alexcore.config import TrainConfig
from alexcore.data.index import DataIndex
from alexcore.data.shards import is_sharded
from alexcore.errors import ConfigError
from alexcore.fields import numbers_in
from alexcore.findings.before import (
    BatchTooLarge,
    ClassWeightsDoNotFit,
    IgnoredClassMissing,
    InputTooSmall,
    SinglePictureBatch,
)
from alexcore.nn import minimum_input_size
from alexcore.nn.norms import one_norm
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
        raise InputTooSmall(name, getattr(config, name), config.variant, minimum).refusal(ConfigError)
    train_images, val_images = len(index.select("train")), len(index.select("val"))
    ranks = config.processes
    batch = config.batch_size * ranks
    if batch > train_images:
        most = train_images // ranks
        raise BatchTooLarge(config.batch_size, ranks, train_images, most, fits=most > 0).refusal(ConfigError)
    micro_batches = math.ceil(train_images / batch)
    last_batch = train_images - (micro_batches - 1) * batch
    if one_norm(config.norm).over_batch:
        _require_no_single_picture(config, train_images, is_sharded(index))
    require_weights(config, len(index.classes))
    if config.ignore_index != -100 and not 0 <= config.ignore_index < len(index.classes):
        classes = len(index.classes)
        raise IgnoredClassMissing(config.ignore_index, classes, classes - 1).refusal(ConfigError)
    steps_per_epoch = math.ceil(micro_batches / config.accumulation_steps)
    total_steps = config.epochs * steps_per_epoch
    if config.max_steps:
        total_steps = min(total_steps, config.max_steps)
    return Plan(train_images, val_images, micro_batches, steps_per_epoch, total_steps, last_batch)


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
    finding = SinglePictureBatch(config.batch_size, ranks, train_images, norm, better, possible=better > 0)
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
        raise ClassWeightsDoNotFit(config.class_weights, found, classes).refusal(ConfigError)


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
