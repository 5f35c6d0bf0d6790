"""Evaluate a network on a split: loss, accuracy, recall and confusion matrix, always in fp32 and without chance."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Evaluation:
    """The result for one split.

    Attributes:
        images: Pictures evaluated.
        loss: Mean cross entropy in nats, without class weights or smoothing, so that runs can be compared.
        acc1: Share of pictures whose most probable class is right, 0 to 1.
        confusion: `confusion[truth][answer]`, pictures.
    """

    images: int
    loss: float
    acc1: float
    confusion: list[list[int]]

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
    """Run `model` over `batches` in eval mode and put it back into the mode it was in.

    Args:
        model: Returns logits (N, C).
        batches: Pairs of images (N, 3, H, W) and labels (N,).
        num_classes: C.
        device: Where the model is.
        on_batch: Called with the pictures done so far; returning False ends the evaluation.
        ignore_index: A class whose pictures are left out of everything.

    Returns:
        The evaluation, or None if `on_batch` ended it.
    """
    was_training = model.training
    model.eval()
    confusion = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    loss_sum, done, passed = 0.0, 0, 0
    try:
        for images, labels in batches:
            passed += len(labels)
            if (labels == ignore_index).any():
                images, labels = images[labels != ignore_index], labels[labels != ignore_index]
            logits = model(images.to(device, memory_format=torch.channels_last)).float().cpu()
            loss_sum += F.cross_entropy(logits, labels, reduction="sum").item()
            answers = logits.argmax(dim=1)
            confusion.view(-1).index_add_(0, labels * num_classes + answers, torch.ones_like(labels))
            done += len(labels)
            if on_batch and not on_batch(passed):
                return None
    finally:
        model.train(was_training)
    correct = int(confusion.diag().sum())
    return Evaluation(done, loss_sum / max(done, 1), correct / max(done, 1), confusion.tolist())
