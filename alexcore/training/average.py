"""A moving average of the weights beside the network that is trained."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


def averaged(model: nn.Module, decay: float) -> AveragedModel:
    """A copy of `model` that `update_parameters` moves a little towards it: a = d a + (1 - d) w.

    d is min(decay, (1 + n) / (10 + n)) in update n, because an average with the full decay, 0 to below 1, would for
    long remember the random weights of the start. The statistics of batch norm are averaged alike, so that they belong
    to the weights.
    """

    @torch.no_grad()
    def move(averages: Sequence[Tensor], values: Sequence[Tensor], updates: Tensor | int) -> None:
        number = int(updates)
        rate = 1 - min(decay, (1 + number) / (10 + number))
        for average, value in zip(averages, values, strict=True):
            if average.is_floating_point():
                average.lerp_(value, rate)
            else:  # batch norm counts its batches
                average.copy_(value)

    return AveragedModel(model, multi_avg_fn=move, use_buffers=True)
