"""The pictures of an experiment: the batches of each seed as a function of the step alone, and those of the probes."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch

from alexcore.augment.operations import Operation
from alexcore.config import TrainConfig
from alexcore.data.index import DataIndex
from alexcore.training.loader import Batch, worker_count
from alexcore.training.plan import Plan
from alexcore.training.run_data import Reporter, RunData, open_run_data
from alexcore.training.shard_loader import BatchSource, make_loader
from alexcore.training.step import windows

# Epochs that no training reaches: other orders, and other draws of the augmentation, than any step has seen.
PROBE_EPOCH = 1_000_003
RECALIBRATION_EPOCH = 1_000_033


def open_seeds(
    config: TrainConfig, seeds: Sequence[int], reporter: Reporter, pin_memory: bool, **more: Any
) -> dict[int, RunData]:
    """The data of every seed: the same pictures, each seed with an order and an augmentation of its own.

    The loader processes that the setting allows are shared out, because all seeds read at the same time. `more` is
    handed on to `open_run_data`.

    Raises:
        AlexError: they cannot be used, or a setting contradicts them.
    """
    workers = worker_count(config.num_workers, config.batch_size)
    each = max(1, workers // len(seeds)) if workers else 0
    return {
        seed: open_run_data(config.model_copy(update={"seed": seed, "num_workers": each}), reporter, pin_memory, **more)
        for seed in seeds
    }


def windows_from(source: BatchSource, config: TrainConfig, plan: Plan, step: int) -> Iterator[list[Batch]]:
    """The windows of all steps from `step` on (0 is the first one), epoch after epoch, without end."""
    first, passed = divmod(step, plan.steps_per_epoch)
    for epoch in itertools.count(first):
        start = passed * config.accumulation_steps if epoch == first else 0
        yield from windows(source.epoch(epoch, start), config.accumulation_steps)


def probe_set(
    index: DataIndex, operations: Sequence[Operation], count: int, seed: int, lost: dict[str, str] | None = None
) -> Batch:
    """The fixed pictures on which probes measure: `count` of the training split, or all if there are fewer.

    They go through the evaluation transform, `operations`, so that two probes differ by the weights alone. The seed,
    the same for every arm, decides which. One that can no longer be read is left out and put into `lost`, where that is
    given.

    Returns:
        Images (count, 3, H, W) float32 and labels (count,) int64, on the CPU.
    """
    more: dict[str, Any] = {"num_workers": 0, "lost": "refused" if lost is None else "skipped"}
    loader = make_loader(index, "train", operations, batch_size=min(64, count), seed=seed, shuffle=True, **more)
    found = joined(loader.epoch(PROBE_EPOCH), count)
    if lost is not None:
        lost |= loader.lost
    return found


def joined(batches: Iterable[Batch], count: int) -> Batch:
    """The first `count` pictures of some batches as one batch; all of them if there are fewer."""
    parts: list[Batch] = []
    for batch in batches:
        parts.append(batch)
        if sum(len(labels) for _, labels in parts) >= count:
            break
    images, labels = (torch.cat(each) for each in zip(*parts, strict=True))
    return images[:count], labels[:count]


def recalibration_batches(data: RunData, config: TrainConfig, images: int) -> Iterator[Batch]:
    """Training batches, augmented as in training, that no step has seen: equal in size, about `images` pictures in all.

    0 images takes one epoch. `data` is that of the arm's seed.
    """
    wanted = images or data.plan.train_images
    count = min(-(-wanted // config.batch_size), data.plan.train_images // config.batch_size)
    # The last batch of an epoch may be smaller; whole ones come first.
    return itertools.islice(data.train.epoch(RECALIBRATION_EPOCH), max(1, count))
