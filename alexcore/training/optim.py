"""Optimizers: what decays, and at which rate; and a moving average of the weights that they move."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from alexcore.config import TrainConfig


def parameter_groups(model: nn.Module, weight_decay: float, decay_all: bool = False) -> list[dict[str, Any]]:
    """Two groups: matrices and kernels, which decay, and norms and biases (one dimension), which do not.

    With `decay_all` there is one group of all. Frozen parameters are in none.
    """
    learned = [p for p in model.parameters() if p.requires_grad]
    decay = [p for p in learned if decay_all or p.ndim > 1]
    rest = [p for p in learned if not decay_all and p.ndim <= 1]
    groups = [{"params": decay, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


def build_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """The optimizer of a run; `fused` is the same formula in one pass over the weights instead of several."""
    groups = parameter_groups(model, config.weight_decay, config.decay_all)
    if config.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=config.lr, momentum=config.momentum, nesterov=config.nesterov, fused=True)
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind(groups, lr=config.lr, fused=True)


def set_lr(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Give every parameter group this learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = lr


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
