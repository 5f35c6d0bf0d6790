"""The sweeps: the same arms trained anew with many learning rates, or many batch sizes.

Whatever can be is shared as in the experiment itself: all networks of one seed (every rate, every norm) take their
steps side by side on the same batches. A sweep writes a line a finished training and leaves out what is there already,
so one that was interrupted goes on where it was.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from alexcore.batchnorm.measure.arm_validation import ValBatches
from alexcore.batchnorm.measure.arms import Arm, build_arm
from alexcore.batchnorm.measure.batches import open_seeds, probe_set, windows_from
from alexcore.batchnorm.measure.recalibration import batch_norms, recalibrate
from alexcore.batchnorm.read.conclusion import conclude, sweep_sentences
from alexcore.batchnorm.read.record import BATCH_SWEEP, RATE_SWEEP, Experiment, sweep_file
from alexcore.batchnorm.read.tolerance import classify
from alexcore.batchnorm.settings import BnConfig
from alexcore.config import TrainConfig
from alexcore.data.decoding.levels import Rendering, kept_rendering
from alexcore.errors import DataError
from alexcore.fields import numbers_in
from alexcore.runs.events import EventWriter
from alexcore.training.device import choose_device
from alexcore.training.evaluation import Evaluation, evaluate
from alexcore.training.loader import Batch
from alexcore.training.objective import Objective, weights_for
from alexcore.training.run_data import RunData, Silent
from alexcore.training.schedule import lr_factor
from alexcore.training.seeding import seed_everything

# Memory for networks that train side by side; weights, gradients and momentum are 12 bytes a parameter.
NETWORKS_BYTES = 600_000_000
# The rates of the batch sweep are in proportion to this batch size.
BASE_BATCH = 32
# Training pictures, as validation transforms them: batch norm is recalibrated on them before a validation, and the
# final training loss is theirs. That of the steps would not do: dropout keeps it above ln C in networks that learn.
TRAIN_IMAGES = 256
# How often a training is validated; its accuracy is the best of them.
VALIDATIONS = 3

Progress = Callable[[int, int], None]
Key = tuple[str, int, float, str]


@dataclass(frozen=True)
class Training:
    """One training of a sweep; `x` is its rate, or its batch size.

    `mode` is "rates", or in the batch sweep "epochs" or "steps": what is equal for all.
    """

    norm: str
    seed: int
    x: float
    mode: str
    batch_size: int
    lr: float
    steps: int

    @property
    def key(self) -> Key:
        """What a result is known by."""
        return self.norm, self.seed, self.x, self.mode


def sweep_rates(config: TrainConfig, bn: BnConfig) -> list[Training]:
    """Every rate for every arm and seed, all as long."""
    batch = config.batch_size
    return [
        Training(norm, seed, rate, "rates", batch, rate, bn.sweep_steps)
        for seed in _seeds(config, bn)
        for rate in numbers_in(bn.sweep_rates)
        for norm in bn.norms
    ]


def sweep_batches(config: TrainConfig, bn: BnConfig, train_images: int) -> list[Training]:
    """Every batch size that the training split has, for equal epochs and for equal steps.

    The rate grows with the batch, rate_32 * N / 32, where rate_32 is the experiment's rate brought to 32 pictures: its
    batch is what one optimizer step sees, micro-batches and all. A run of the sweep makes a step a batch.
    """
    base = config.lr * BASE_BATCH / (config.batch_size * config.accumulation_steps)
    found = []
    for seed in _seeds(config, bn):
        for size in numbers_in(bn.sweep_batches, int):
            if size > train_images:
                continue
            # A last batch of one picture is left out for every arm: batch norm has no deviation over it.
            an_epoch = math.ceil(train_images / size) - (train_images % size == 1)
            for mode, steps in (("epochs", bn.sweep_epochs * an_epoch), ("steps", bn.sweep_steps)):
                lr = base * size / BASE_BATCH
                found += [Training(norm, seed, size, mode, size, lr, steps) for norm in bn.norms]
    return found


def _seeds(config: TrainConfig, bn: BnConfig) -> list[int]:
    return [config.seed + number for number in range(bn.sweep_seeds)]


def sweep(
    run_dir: Path,
    config: TrainConfig,
    bn: BnConfig,
    kind: str,
    on_progress: Progress,
    rendering: Rendering | None = None,
) -> dict[str, Any]:
    """Carry out what is left of a sweep (RATE_SWEEP or BATCH_SWEEP), and renew the experiment's verdict.

    `on_progress` is called with (optimizer steps done, in all). `rendering` is how the pictures become numbers, where
    the experiment has not begun and so has not kept it yet.

    Returns:
        {"runs": results in the file, "new": made now, "sentences": what they say}.

    Raises:
        AlexError: data or settings cannot be used.
    """
    work = _Work(config, kind, rendering or kept_rendering(run_dir))
    record = Experiment(run_dir)
    record.refresh()
    done = {(each.get("arm"), each.get("seed"), each.get("x"), each.get("mode")) for each in record.sweeps[kind]}
    trainings = sweep_rates(config, bn) if kind == RATE_SWEEP else sweep_batches(config, bn, work.train_images)
    left = [each for each in trainings if each.key not in done]
    total, before = sum(each.steps for each in trainings), sum(each.steps for each in trainings if each not in left)
    writer = EventWriter(sweep_file(run_dir, kind))
    made = 0
    try:
        for group in groups(left, work.at_once(bn)):
            for training, result in work.train(group, partial(_add, on_progress, before, total)):
                writer.write(
                    "sweep", arm=training.norm, seed=training.seed, x=training.x, mode=training.mode, result=result
                )
                made += 1
            before += sum(each.steps for each in group)
    finally:
        writer.close()
    on_progress(total, total)
    record.refresh()
    if record.end is not None:  # while it runs, the experiment is the one who writes its verdict
        conclude(run_dir)
    return {"runs": len(record.sweeps[kind]), "new": made, "sentences": sweep_sentences(record, kind)}


def _add(on_progress: Progress, before: int, total: int, steps: int) -> None:
    on_progress(before + steps, total)


def groups(trainings: list[Training], most: int) -> Iterator[list[Training]]:
    """Trainings that can go side by side on the same batches: of one seed, batch size and length; `most` at a time."""
    by_batches: dict[tuple[int, int, int], list[Training]] = {}
    for each in trainings:
        by_batches.setdefault((each.seed, each.batch_size, each.steps), []).append(each)
    for same in by_batches.values():
        for start in range(0, len(same), most):
            yield same[start : start + most]


class _Work:
    """What the trainings of one sweep share."""

    def __init__(self, config: TrainConfig, kind: str, rendering: Rendering) -> None:
        self.rendering = rendering
        # Without a norm in its name, a last batch of one picture is not refused; it is left out below.
        self.config = config.model_copy(update={"norm": "none"}) if kind == BATCH_SWEEP else config
        self.device = choose_device(config.device)
        seed_everything(config.seed, config.deterministic, config.cudnn_benchmark)
        self._opened: tuple[tuple[int, int], RunData] | None = None
        data = self._open(config.seed, config.batch_size)
        self.train_images, self.classes = data.plan.train_images, len(data.index.classes)
        if self.train_images < 2:
            raise DataError("The training split has fewer than 2 pictures.", "Choose a larger data set.")
        self.operations = data.evaluation_operations
        self.val = ValBatches(
            data.index, self.operations, config.image_size, batch_size=max(32, config.batch_size), seed=config.seed
        )
        self.training = [probe_set(data.index, self.operations, TRAIN_IMAGES, config.seed)]
        self.objective = Objective(weights_for(config, data.counts), config.label_smoothing, config.ignore_index)

    def _open(self, seed: int, batch_size: int) -> RunData:
        """The data of a seed and batch size; the last one stays open, with its loader processes."""
        if self._opened is None or self._opened[0] != (seed, batch_size):
            own = self.config.model_copy(update={"batch_size": batch_size})
            self._opened = (seed, batch_size), self._data(own, seed)
        return self._opened[1]

    def _data(self, config: TrainConfig, seed: int) -> RunData:
        cuda = self.device.type == "cuda"
        return open_seeds(config, [seed], Silent(), cuda, rendering=self.rendering)[seed]

    def at_once(self, bn: BnConfig) -> int:
        """How many networks may be in memory together: all norms of one rate in any case."""
        arm = build_arm(self.config, "batch", self.config.seed, self.classes, torch.device("cpu"))
        each = 12 * sum(parameter.numel() for parameter in arm.model.parameters())
        return max(len(bn.norms), NETWORKS_BYTES // each)

    def train(
        self, group: list[Training], on_steps: Callable[[int], None]
    ) -> Iterator[tuple[Training, dict[str, Any]]]:
        """Train networks side by side, and yield each with its result."""
        first = group[0]
        data = self._open(first.seed, first.batch_size)
        config = self.config.model_copy(update={"batch_size": first.batch_size, "accumulation_steps": 1})
        arms = [
            build_arm(config.model_copy(update={"lr": each.lr}), each.norm, each.seed, self.classes, self.device)
            for each in group
        ]
        losses: list[list[float | None]] = [[] for _ in group]
        best: list[float | None] = [None] * len(group)
        looks = {round(first.steps * (number + 1) / VALIDATIONS) for number in range(VALIDATIONS)}
        batches = whole_windows(windows_from(data.train, config, data.plan, 0))
        for step in range(first.steps):
            window = next(batches)
            factor = lr_factor(config, step, first.steps, data.plan.steps_per_epoch)
            for place, (each, arm) in enumerate(zip(group, arms, strict=True)):
                if arm.diverged_at is None:
                    losses[place].append(arm.step(window, self.objective, each.lr * factor, step, self.device))
                if step + 1 in looks and arm.diverged_at is None:
                    model = self._recalibrated(arm)
                    best[place] = max(self._measured(model, self.val).acc1 or 0.0, best[place] or 0.0)
            on_steps((step + 1) * len(group))
        for each, arm, some, accuracy in zip(group, arms, losses, best, strict=True):
            yield each, self._result(each, arm, some, accuracy)

    def _result(
        self, training: Training, arm: Arm, losses: list[float | None], accuracy: float | None
    ) -> dict[str, Any]:
        lost = arm.diverged_at is not None
        final = None if lost else self._measured(self._recalibrated(arm), self.training).loss
        finite = final is not None and math.isfinite(final)
        return {
            "train_loss": round(final, 6) if final is not None and finite else None,
            "val_acc1": None if accuracy is None else round(accuracy, 6),
            "outcome": classify(final, losses, self.classes),
            "steps": training.steps,
            "lr": training.lr,
            "diverged_at": arm.diverged_at,
        }

    def _recalibrated(self, arm: Arm) -> torch.nn.Module:
        """The network, and with batch norm a copy with statistics of now: in a short training they lag."""
        if not batch_norms(arm.model):
            return arm.model
        model = copy.deepcopy(arm.model)
        recalibrate(model, split(self.training[0], max(2, arm.config.batch_size)))
        return model

    def _measured(self, model: torch.nn.Module, batches: Iterable[Batch]) -> Evaluation:
        found = evaluate(model, batches, self.classes, self.device, None, self.config.ignore_index)
        assert found is not None  # nobody asked it to stop
        return found


def whole_windows(windows: Iterator[list[Batch]]) -> Iterator[list[Batch]]:
    """Leave out batches of one picture."""
    return (window for window in windows if len(window[0][1]) > 1)


def split(batch: Batch, size: int) -> list[Batch]:
    """A batch in parts of one size; what is left over at the end is left out, unless it is all there is."""
    images, labels = batch
    size = min(size, len(labels))
    count = len(labels) // size
    return [(images[n * size : (n + 1) * size], labels[n * size : (n + 1) * size]) for n in range(count)]
