"""The loss: weighted cross entropy whose micro-batches add up to exactly one large batch."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from alexcore.config import TrainConfig
from alexcore.training.weighting import run_weights

# torch's own default: the number of no class.
NO_CLASS = -100


def weights_for(config: TrainConfig, counts: list[int]) -> torch.Tensor | None:
    """`weighting.run_weights` as (C,) float32, or None. Raises as that."""
    weights = run_weights(config, counts)
    return None if weights is None else torch.tensor(weights, dtype=torch.float32)


def hard_labels(labels: torch.Tensor) -> torch.Tensor:
    """The class of each picture, (N,): of a mixed one, whose labels are (N, C), the one with the largest share."""
    return labels.argmax(dim=1) if labels.dim() == 2 else labels


class Objective:
    """Cross entropy over an effective batch that arrives in micro-batches.

    `CrossEntropyLoss(weight=w)` divides by the weights of its own micro-batch. Averaging such means is wrong as soon as
    weights or sizes differ, so each micro-batch's *sum* is divided by the weight of the whole effective batch.
    """

    def __init__(
        self, weight: torch.Tensor | None = None, label_smoothing: float = 0.0, ignore_index: int = NO_CLASS
    ) -> None:
        self.weight = weight
        self.label_smoothing = label_smoothing
        self.ignore_index = ignore_index

    def counted(self, labels: torch.Tensor) -> torch.Tensor:
        """Which of these labels, (N,) or mixed (N, C), count: all but those of the ignored class."""
        return hard_labels(labels) != self.ignore_index

    def _shares(self, labels: torch.Tensor) -> torch.Tensor:
        """Mixed labels without the ignored class, which torch itself would not leave out of them."""
        if self.ignore_index < 0:
            return labels
        return labels.index_fill(1, torch.tensor([self.ignore_index], device=labels.device), 0.0)

    def total_weight(self, labels: torch.Tensor) -> torch.Tensor:
        """The divisor for these labels: the sum of their class weights, or without weights their number.

        Mixed labels, (N, C), count one each, weights or not: so does torch's own mean. What an ignored class has in
        them does not count.
        """
        if labels.dim() == 2:
            return self._shares(labels).sum() if self.ignore_index >= 0 else torch.tensor(float(len(labels)))
        labels = labels[self.counted(labels)]
        if self.weight is None:
            return torch.tensor(float(len(labels)))
        return self.weight.to(labels.device)[labels].sum()

    def __call__(self, logits: torch.Tensor, labels: torch.Tensor, total: torch.Tensor) -> torch.Tensor:
        """The share of one micro-batch in the mean loss of its effective batch, from logits (N, C) taken as float32.

        `labels` are (N,) int64, or (N, C) float: the share of each class in a mixed picture. `total` is `total_weight`
        of all labels of the effective batch.
        """
        weight = None if self.weight is None else self.weight.to(logits.device)
        ignored = self.ignore_index
        if labels.dim() == 2:
            labels, ignored = self._shares(labels), NO_CLASS
        summed = F.cross_entropy(
            logits.float(),
            labels,
            weight=weight,
            reduction="sum",
            label_smoothing=self.label_smoothing,
            ignore_index=ignored,
        )
        # An effective batch in which nothing counts has the loss 0 and no gradient, instead of 0 / 0.
        return summed / total.where(total > 0, 1.0).to(logits.device)
