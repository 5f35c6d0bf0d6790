"""What a run reads: the data set, checked and planned with, and its batches; and whom it tells how far that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from alexcore.augment.operations import Operation
from alexcore.augment.presets import evaluation_operations, resized, training_operations, with_normalize
from alexcore.config import TrainConfig
from alexcore.data.index import DataIndex
from alexcore.data.sources import open_checked
from alexcore.data.statistics import measure
from alexcore.training.plan import Plan, make_plan
from alexcore.training.schedule import image_side
from alexcore.training.shard_loader import BatchSource, make_loader


class Reporter(Protocol):
    """Whoever watches a run: the loop tells it everything and asks it for requests, and knows nothing else of it."""

    def event(self, kind: str, **fields: Any) -> None:
        """Something that belongs to the run's history."""

    def progress(self, phase: str, done: int, total: int, **fields: Any) -> None:
        """Where the run is right now."""

    def request(self) -> str:
        """What has been asked for: "stop", "pause", or anything else for nothing."""

    def paused(self, paused: bool) -> None:
        """The loop has begun or ended a pause."""


class StoppedBeforeStartError(Exception):
    """A stop was asked for while the pictures were checked; there is nothing to save yet."""


@dataclass(frozen=True)
class RunData:
    """The data of a run.

    Attributes:
        index: Every readable picture.
        plan: Sizes and steps.
        counts: Training pictures per class.
        evaluation_operations: What is done to a picture before it is evaluated; stored in every checkpoint.
        train: The batches of the training split, shuffled and augmented.
        val: The batches of the validation split.
    """

    index: DataIndex
    plan: Plan
    counts: list[int]
    evaluation_operations: list[Operation]
    train: BatchSource
    val: BatchSource


def open_run_data(config: TrainConfig, reporter: Reporter, pin_memory: bool) -> RunData:
    """Open and check the data set of a run.

    Raises:
        DataError: it cannot be used.
        ConfigError: a setting contradicts it.
        StoppedBeforeStartError: a stop was asked for meanwhile.
    """

    def tell(phase: str, done: int, total: int) -> None:
        reporter.progress(phase, done, total)
        if reporter.request() == "stop":
            raise StoppedBeforeStartError

    index = open_checked(config.data, config.val, lambda done, total: tell("checking pictures", done, total))
    plan = make_plan(config, index)
    training = training_operations(config.augment, config.image_size)
    evaluation = evaluation_operations(config.augment, config.image_size)
    if config.normalize == "data":
        found = measure(index, on_progress=lambda done, total: tell("measuring colours", done, total))
        training = with_normalize(training, found.mean, found.std)
        evaluation = with_normalize(evaluation, found.mean, found.std)
    sides = [image_side(config, epoch) for epoch in range(config.epochs)]
    changes = [epoch for epoch, side in enumerate(sides) if epoch == 0 or side != sides[epoch - 1]]
    (_, first), *later = [(epoch, resized(training, config.image_size, sides[epoch])) for epoch in changes]
    train = make_loader(
        index, "train", first, batch_size=config.batch_size, seed=config.seed, shuffle=True,
        num_workers=config.num_workers, pin_memory=pin_memory, decoded_mib=config.decoded_cache_mib,
        later=later,
    )  # fmt: skip
    val = make_loader(
        index, "val", evaluation, batch_size=max(config.batch_size, 32), num_workers=config.num_workers,
        pin_memory=pin_memory, decoded_mib=config.decoded_cache_mib,
    )  # fmt: skip
    return RunData(index, plan, index.counts()["train"].tolist(), evaluation, train, val)
