"""Optimizers: what decays, and at which rate."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

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
