"""Validating arms: with the running statistics, as any run is, and batch norm also with those of the batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch

from alexcore.augment.operations import Operation
from alexcore.batchnorm.measure.arms import Arm
from alexcore.batchnorm.measure.recalibration import evaluate_with_batch_statistics
from alexcore.data.index import DataIndex
from alexcore.findings.experiment import PartValidated
from alexcore.findings.finding import Finding
from alexcore.nn import Network
from alexcore.nn.norms import one_norm
from alexcore.training.evaluation import Evaluation, evaluate
from alexcore.training.loader import Batch, Lost
from alexcore.training.shard_loader import make_loader

# Validation pictures are kept as tensors, so that nine arms do not read them nine times; they may take so much memory.
KEPT_BYTES = 400_000_000
# Called with (pictures done, in all); it stops a validation by raising.
OnBatch = Callable[[int, int], None]
Figures = dict[str, float]


class ValBatches:
    """The validation split in memory: shuffled, because statistics of a batch of one class would be those of the class.

    Attributes:
        images: How many pictures there are: the split, or a part of it, drawn by the seed, where it is too large; those
            that can no longer be read are left out.
        in_all: How many the split has.
    """

    def __init__(
        self,
        index: DataIndex,
        operations: list[Operation],
        image_size: int,
        *,
        batch_size: int,
        seed: int,
        lost: Lost = "refused",
    ) -> None:
        self.in_all = len(index.select("val"))
        self.images = min(self.in_all, max(1, KEPT_BYTES // (3 * image_size**2 * 4)))
        size = even_size(self.images, batch_size)
        more: dict[str, Any] = {"seed": seed, "shuffle": True, "num_workers": 0, "lost": lost}
        self._loader = make_loader(index, "val", operations, batch_size=size, **more)
        self._batches: list[Batch] = []
        self._epoch = self._loader.epoch()

    @property
    def lost(self) -> Mapping[str, str]:
        """The pictures that could not be read so far, path -> sentence."""
        return self._loader.lost

    def worth_saying(self) -> list[Finding]:
        """That only a part is used, where it is so: for the reader of the accuracies."""
        if self.images == self.in_all:
            return []
        return [PartValidated(self.images, self.in_all, KEPT_BYTES)]

    def __iter__(self) -> Iterator[Batch]:
        """Yield images (N, 3, H, W) and labels (N,); the first pass reads the pictures."""
        yield from self._batches
        found = sum(len(labels) for _, labels in self._batches)
        while found < self.images:
            batch = next(self._epoch, None)
            if batch is None:  # some were lost, and there are no others to take their places
                self.images = found
                return
            images, labels = batch
            left = self.images - found
            self._batches.append((images[:left], labels[:left]))
            found += len(labels)
            yield self._batches[-1]


def even_size(pictures: int, least: int) -> int:
    """The smallest batch size from `least` on whose last batch is at least half full; all pictures if there are few."""
    for size in range(max(2, least), pictures):
        if pictures % size == 0 or pictures % size >= size / 2:
            return size
    return max(1, pictures)


def all_figures(
    arms: list[Arm], networks: Mapping[str, Network], val: ValBatches, device: torch.device, on_batch: OnBatch
) -> dict[str, Figures]:
    """Validate every arm as it is and, where there is a recalibrated network, that one, too; by the arms' keys."""
    found: dict[str, Figures] = {}
    for arm in arms:
        found[arm.key] = _figures(arm, arm.model, val, device, on_batch)
        if arm.key in networks:
            again = _figures(arm, networks[arm.key], val, device, on_batch)
            found[arm.key] |= {f"{name}_recalibrated": again[name] for name in ("val_loss", "val_acc1")}
    return found


def _figures(arm: Arm, model: Network, val: ValBatches, device: torch.device, on_batch: OnBatch) -> Figures:
    """Validation loss and accuracy of a network of an arm; of batch norm also with the statistics of each batch.

    Returns:
        {"val_loss", "val_acc1", "largest_share": that of the largest class among these pictures}, and for batch norm
        {"val_loss_batch", "val_acc1_batch"}.
    """

    def told(done: int) -> bool:
        on_batch(done, val.images)
        return True

    options: dict[str, Any] = {"on_batch": told, "ignore_index": arm.config.ignore_index}
    classes = model.num_classes
    evaluation = evaluate(model, val, classes, device, **options)
    figures = _pair(evaluation, "") | {"largest_share": _largest_share(evaluation)}
    if one_norm(arm.norm).running:
        figures |= _pair(evaluate_with_batch_statistics(model, val, classes, device, **options), "_batch")
    return figures


def _largest_share(evaluation: Evaluation | None) -> float:
    """The accuracy of whoever always answers with the class that most of the pictures have."""
    assert evaluation is not None
    return max(map(sum, evaluation.confusion)) / max(1, evaluation.images)


def _pair(evaluation: Evaluation | None, ending: str) -> Figures:
    # `told` never says no; it raises. And an experiment begins only where validation counts.
    assert evaluation is not None
    assert evaluation.loss is not None
    assert evaluation.acc1 is not None
    return {f"val_loss{ending}": evaluation.loss, f"val_acc1{ending}": evaluation.acc1}
