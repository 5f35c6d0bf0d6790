"""The loss: weighted cross entropy whose micro-batches add up to exactly one large batch."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from alexcore.training.weighting import scheme_weights


def class_weights(scheme: str, counts: list[int]) -> torch.Tensor | None:
    """`weighting.scheme_weights` as (C,) float32, or None for "none"."""
    weights = scheme_weights(scheme, counts)
    return None if weights is None else torch.tensor(weights, dtype=torch.float32)


class Objective:
    """Cross entropy over an effective batch that arrives in micro-batches.

    `CrossEntropyLoss(weight=w)` divides by the weights of its own micro-batch. Averaging such means is wrong as soon as
    weights or sizes differ, so each micro-batch's *sum* is divided by the weight of the whole effective batch.
    """

    def __init__(self, weight: torch.Tensor | None = None, label_smoothing: float = 0.0) -> None:
        self.weight = weight
        self.label_smoothing = label_smoothing

    def total_weight(self, labels: torch.Tensor) -> torch.Tensor:
        """The divisor for these labels, (N,) int64: the sum of their class weights, or their number."""
        if self.weight is None:
            return torch.tensor(float(labels.numel()))
        return self.weight.to(labels.device)[labels].sum()

    def __call__(self, logits: torch.Tensor, labels: torch.Tensor, total: torch.Tensor) -> torch.Tensor:
        """The share of one micro-batch in the mean loss of its effective batch.

        Args:
            logits: (N, C), any float dtype; the loss itself is computed in float32.
            labels: (N,) int64.
            total: `total_weight` of all labels of the effective batch.
        """
        weight = None if self.weight is None else self.weight.to(logits.device)
        summed = F.cross_entropy(
            logits.float(), labels, weight=weight, reduction="sum", label_smoothing=self.label_smoothing
        )
        return summed / total.to(logits.device)
