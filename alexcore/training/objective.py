"""The loss: weighted cross entropy whose micro-batches add up to exactly one large batch."""

from __future__ import annotations

import torch
from torch.nn import functional as F


def class_weights(scheme: str, counts: list[int]) -> torch.Tensor | None:
    """Weight per class from the pictures per class, scaled to a mean of 1 over the pictures.

    Args:
        scheme: "none"; "inverse": 1 / count; "effective": (1 - b) / (1 - b**count) with b = 0.999 (Cui et al. 2019,
            "Class-Balanced Loss Based on Effective Number of Samples", eq. 2).
        counts: Training pictures per class; a class without any gets the weight 0.

    Returns:
        (C,) float32, or None for "none".
    """
    if scheme == "none":
        return None
    count = torch.tensor(counts, dtype=torch.float64)
    effective = count if scheme == "inverse" else (1 - 0.999**count) / (1 - 0.999)
    weight = torch.where(count > 0, 1 / effective.clamp(min=1e-12), 0.0)
    return (weight * count.sum() / (weight * count).sum()).float()


def hard_labels(labels: torch.Tensor) -> torch.Tensor:
    """The class of each picture, (N,): of a mixed one, whose labels are (N, C), the one with the largest share."""
    return labels.argmax(dim=1) if labels.dim() == 2 else labels


class Objective:
    """Cross entropy over an effective batch that arrives in micro-batches.

    `CrossEntropyLoss(weight=w)` divides by the weights of its own micro-batch. Averaging such means is wrong as soon as
    weights or sizes differ, so each micro-batch's *sum* is divided by the weight of the whole effective batch.
    """

    def __init__(self, weight: torch.Tensor | None = None, label_smoothing: float = 0.0) -> None:
        self.weight = weight
        self.label_smoothing = label_smoothing

    def total_weight(self, labels: torch.Tensor) -> torch.Tensor:
        """The divisor for these labels: the sum of their class weights, or without weights their number.

        Mixed labels, (N, C), count one each, weights or not: so does torch's own mean.
        """
        if self.weight is None or labels.dim() == 2:
            return torch.tensor(float(len(labels)))
        return self.weight.to(labels.device)[labels].sum()

    def __call__(self, logits: torch.Tensor, labels: torch.Tensor, total: torch.Tensor) -> torch.Tensor:
        """The share of one micro-batch in the mean loss of its effective batch.

        Args:
            logits: (N, C), any float dtype; the loss itself is computed in float32.
            labels: (N,) int64, or (N, C) float: the share of each class in a mixed picture.
            total: `total_weight` of all labels of the effective batch.
        """
        weight = None if self.weight is None else self.weight.to(logits.device)
        summed = F.cross_entropy(
            logits.float(), labels, weight=weight, reduction="sum", label_smoothing=self.label_smoothing
        )
        return summed / total.to(logits.device)
