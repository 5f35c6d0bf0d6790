"""What a run reads: the data set, checked and planned with, and its batches; and whom it tells how far that is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any, Protocol

from alexcore.augment.operations import Operation
from alexcore.augment.presets import evaluation_operations, resized, training_operations, with_normalize
from alexcore.config import TrainConfig
from alexcore.data.decoding.levels import Rendering
from alexcore.data.index import DataIndex
from alexcore.data.shards import is_sharded
from alexcore.data.sources import choice_of, open_checked
from alexcore.data.statistics import measure
from alexcore.errors import DataError
from alexcore.training.distributed import ALONE, Group, StoppedBeforeStartError
from alexcore.training.loader import worker_count
from alexcore.training.plan import Plan, make_plan
from alexcore.training.schedule import image_side
from alexcore.training.shard_loader import BatchSource, make_loader
from alexcore.words.phases import Phase


class Reporter(Protocol):
    """Whoever watches a run: the loop tells it everything and asks it for requests, and knows nothing else of it."""

    def event(self, kind: str, **fields: Any) -> None:
        """Something that belongs to the run's history."""

    def progress(self, phase: Phase, done: int, total: int, **fields: Any) -> None:
        """Where the run is right now."""

    def request(self) -> str:
        """What has been asked for: "stop", "pause", or anything else for nothing."""

    def paused(self, paused: bool) -> None:
        """The loop has begun or ended a pause."""

    def moved(self) -> None:
        """A micro-batch was read, computed or validated: the work does not stand still."""


class Silent:
    """Tells nobody anything: a rank that does not write, a search without a history. It can be asked for a stop."""

    def __init__(self) -> None:
        self.word = ""

    def stop_on_signal(self, _number: int, _frame: FrameType | None) -> None:
        """Ask for a stop, which the ranks then agree upon."""
        self.word = "stop"

    def event(self, kind: str, **fields: Any) -> None:
        """Nobody listens."""

    def progress(self, phase: str, done: int, total: int, **fields: Any) -> None:
        """Nobody listens."""

    def request(self) -> str:
        """What a signal has asked for."""
        return self.word

    def paused(self, paused: bool) -> None:
        """Nobody listens."""

    def moved(self) -> None:
        """Nobody listens."""


@dataclass(frozen=True)
class RunData:
    """The data of a run."""

    index: DataIndex  # every readable picture
    plan: Plan  # sizes and steps
    counts: list[int]  # training pictures per class
    # What is done to a picture before it is evaluated; stored in every checkpoint.
    evaluation_operations: list[Operation]
    train: BatchSource  # the batches of the training split, shuffled and augmented; of several ranks, this one's parts
    val: BatchSource  # the batches of the validation split, likewise; `val_batch` is their size
    val_batch: int


def open_together(
    config: TrainConfig,
    reporter: Reporter,
    pin_memory: bool,
    group: Group,
    *,
    skipping: bool = False,
    learned: Collection[bytes] = (),
    rendering: Rendering | None = None,
) -> RunData:
    """`open_run_data` in every rank: the first checks the pictures, the others then find what it has remembered.

    Raises:
        DataError: a rank finds other pictures than the first; or as `open_run_data`.
        ConfigError, StoppedBeforeStartError: as `open_run_data`.
    """
    more: dict[str, Any] = {"skipping": skipping, "rendering": rendering, "learned": learned}
    if not group.first:
        if group.share(""):
            raise StoppedBeforeStartError
        data = open_run_data(config, reporter, pin_memory, group, **more)
    else:
        try:
            data = open_run_data(config, reporter, pin_memory, group, **more)
        except StoppedBeforeStartError:
            group.share("stop")
            raise
        group.share("")
    found = group.gather(data.index.fingerprint())
    if len(set(found)) > 1:
        other = next(rank for rank, each in enumerate(found) if each != found[0])
        raise DataError(
            f"The process of rank {other} finds other pictures in {config.data} than that of rank 0.",
            "Every machine needs the same data set at the same path: copy it again, or share the folder.",
        )
    return data


def open_run_data(
    config: TrainConfig,
    reporter: Reporter,
    pin_memory: bool,
    group: Group = ALONE,
    *,
    skipping: bool = False,
    learned: Collection[bytes] = (),
    rendering: Rendering | None = None,
) -> RunData:
    """Open and check the data set of a run.

    With `skipping` a picture that can no longer be read is left out of its batch, and whoever reads the batches looks
    at `lost`; without it reading ends with a DataError. `rendering` is the rule that the run has gone by so far, and
    `learned` are hashes of what its network has been trained on: where a split is drawn for the first time, they train.

    Raises:
        DataError: it cannot be used.
        ConfigError: a setting contradicts it.
        StoppedBeforeStartError: a stop was asked for meanwhile.
    """

    def tell(phase: Phase, done: int, total: int) -> None:
        reporter.progress(phase, done, total)
        if reporter.request() == "stop":
            raise StoppedBeforeStartError

    index = open_checked(
        config.data,
        config.val,
        lambda done, total: tell("checking-pictures", done, total),
        choice_of(config),
        config.intensity,
        learned=learned,
    )
    if rendering is not None:
        index = replace(index, rendering=rendering)
    plan = make_plan(config, index)
    training = training_operations(config.augment, config.image_size)
    evaluation = evaluation_operations(config.augment, config.image_size)
    if config.normalize == "data":
        found = measure(index, on_progress=lambda done, total: tell("measuring-colours", done, total))
        training = with_normalize(training, found.mean, found.divisors)
        evaluation = with_normalize(evaluation, found.mean, found.divisors)
    sides = [image_side(config, epoch, plan.steps_per_epoch) for epoch in range(config.epochs)]
    changes = [epoch for epoch, side in enumerate(sides) if epoch == 0 or side != sides[epoch - 1]]
    (_, first), *later = [(epoch, resized(training, config.image_size, sides[epoch])) for epoch in changes]

    def loader(split: str, operations: Sequence[Operation], batch_size: int, **more: Any) -> BatchSource:
        workers = worker_count(config.num_workers, batch_size, group.local_ranks)
        more |= {"pin_memory": pin_memory, "rank": group.rank, "world_size": group.ranks}
        more |= {"num_workers": workers, "decoded_mib": config.decoded_cache_mib}
        return make_loader(index, split, operations, batch_size=batch_size, **more)

    val_batch = max(config.batch_size, 32)
    # In validation each keeps its place, by which mistakes are named; nothing is named that lies in shards.
    lost, gap = ("skipped", "skipped" if is_sharded(index) else "blank") if skipping else ("refused", "refused")
    train = loader("train", first, config.batch_size, seed=config.seed, shuffle=True, later=later, lost=lost)
    val = loader("val", evaluation, val_batch, lost=gap)
    return RunData(index, plan, index.counts()["train"].tolist(), evaluation, train, val, val_batch)
