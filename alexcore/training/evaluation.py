"""Evaluate a network on a split: loss, accuracy, recall and confusion matrix, always in fp32 and without chance."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from alexcore.data.index import DataIndex
from alexcore.data.shards import is_sharded

# Mistakes that an evaluation hands out: what a page shows without scrolling.
MOST_WRONG = 12


class Mistake(NamedTuple):
    """A picture that was answered wrongly; the loss comes first, so that mistakes sort by it."""

    loss: float  # cross entropy in nats: minus the logarithm of the probability of the true class
    position: int  # which picture it was, counted from 0 in the order of the batches
    label: int
    predicted: int
    probability: float  # of the predicted class, 0 to 1


@dataclass(frozen=True)
class Evaluation:
    """The result for one split."""

    images: int  # pictures evaluated
    # Mean cross entropy in nats, without class weights or smoothing, so that runs can be compared; and the share of
    # pictures whose most probable class is right, 0 to 1. Of no picture there is neither.
    loss: float | None
    acc1: float | None
    confusion: list[list[int]]  # `confusion[truth][answer]`, pictures
    worst: tuple[Mistake, ...] = ()  # the 12 wrong answers with the highest loss, highest first

    @property
    def recall(self) -> list[float | None]:
        """Per class, the share of its pictures that was recognised; None for a class without pictures."""
        return [row[label] / sum(row) if sum(row) else None for label, row in enumerate(self.confusion)]


@torch.no_grad()
def evaluate(
    model: nn.Module,
    batches: Iterable[tuple[torch.Tensor, torch.Tensor]],
    num_classes: int,
    device: torch.device,
    on_batch: Callable[[int], bool] | None = None,
    ignore_index: int = -100,
) -> Evaluation | None:
    """Run `model`, which is on `device` and returns logits (N, C), in eval mode, and put it back into its mode.

    `batches` are pairs of images (N, 3, H, W) and labels (N,); pictures of the class `ignore_index`, and blanks with a
    label below 0, are left out of everything. `on_batch` is called with the pictures done so far; if it returns False,
    the evaluation ends as None.
    """
    was_training = model.training
    model.eval()
    confusion = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    loss_sum, done, passed = 0.0, 0, 0
    worst: list[Mistake] = []
    try:
        for images, labels in batches:
            positions = torch.arange(passed, passed + len(labels))
            passed += len(labels)
            counted = (labels != ignore_index) & (labels >= 0)
            if not counted.all():
                images, labels, positions = images[counted], labels[counted], positions[counted]
            if len(labels):  # a rank's part of the last batch may be empty; the ranks still keep in step
                logits = model(images.to(device, memory_format=torch.channels_last)).float().cpu()
                loss_sum += F.cross_entropy(logits, labels, reduction="sum").item()
                answers = logits.argmax(dim=1)
                worst = heapq.nlargest(MOST_WRONG, [*worst, *_mistakes(logits, labels, answers, positions)])
                confusion.view(-1).index_add_(0, labels * num_classes + answers, torch.ones_like(labels))
                done += len(labels)
            if on_batch and not on_batch(passed):
                return None
    finally:
        model.train(was_training)
    correct = int(confusion.diag().sum())
    if not done:
        return Evaluation(0, None, None, confusion.tolist())
    return Evaluation(done, loss_sum / done, correct / done, confusion.tolist(), tuple(worst))


def combined(parts: Sequence[Evaluation], place: Callable[[int, int], int]) -> Evaluation:
    """Put together what ranks, in their order, have found on their parts of a split.

    `place` turns (rank, position among its pictures) into the position among all.
    """
    images = sum(part.images for part in parts)
    confusion = torch.tensor([part.confusion for part in parts]).sum(dim=0)
    worst = [
        mistake._replace(position=place(rank, mistake.position))
        for rank, part in enumerate(parts)
        for mistake in part.worst
    ]
    if not images:
        return Evaluation(0, None, None, confusion.tolist())
    return Evaluation(
        images,
        sum(part.loss * part.images for part in parts if part.loss is not None) / images,
        int(confusion.diag().sum()) / images,
        confusion.tolist(),
        tuple(heapq.nlargest(MOST_WRONG, worst)),
    )


def _mistakes(
    logits: torch.Tensor, labels: torch.Tensor, answers: torch.Tensor, positions: torch.Tensor
) -> list[Mistake]:
    """The wrong answers of a batch; a loss of nan counts 0."""
    wrong = (answers != labels).nonzero().flatten()
    losses = F.cross_entropy(logits[wrong], labels[wrong], reduction="none").nan_to_num(nan=0.0)
    probabilities = torch.softmax(logits[wrong], dim=1).amax(dim=1)
    columns = (losses, positions[wrong], labels[wrong], answers[wrong], probabilities)
    return [Mistake(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def most_wrong(evaluation: Evaluation, index: DataIndex) -> list[dict[str, str | int | float]]:
    """The worst mistakes on the validation split as an event holds them: path, label, predicted, probability, loss.

    Empty for shards: several processes read them, and which picture comes when is not fixed.
    """
    if is_sharded(index):
        return []
    paths = index.select("val")["path"]
    return [
        {
            "path": str(paths.iloc[each.position]),
            "label": each.label,
            "predicted": each.predicted,
            "probability": round(each.probability, 4),
            "loss": round(each.loss, 4),
        }
        for each in evaluation.worst
    ]
