"""Optimizers and the learning rate as a function of the step."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from alexcore.config import TrainConfig


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Two groups: matrices and kernels, which decay, and norms and biases (one dimension), which do not."""
    decay = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
    rest = [p for p in model.parameters() if p.requires_grad and p.ndim <= 1]
    groups = [{"params": decay, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


def build_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """The optimizer of a run; `fused` is the same formula in one pass over the weights instead of several."""
    groups = parameter_groups(model, config.weight_decay)
    if config.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=config.lr, momentum=config.momentum, fused=True)
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind(groups, lr=config.lr, fused=True)


def lr_factor(scheduler: str, step: int, total_steps: int, warmup_steps: int = 0) -> float:
    """What the learning rate is multiplied by in a step; a pure function, so a resumed run needs no state.

    Args:
        scheduler: "constant"; "cosine": from 1 to 0; "onecycle": up from 1/25 over the first 30 %, then to 0.
        step: 0 for the first optimizer step.
        total_steps: Optimizer steps of the whole run.
        warmup_steps: Steps over which the factor also rises evenly from 1 / warmup_steps to 1.
    """
    warm = min(1.0, (step + 1) / warmup_steps) if warmup_steps else 1.0
    if scheduler == "constant":
        return warm
    if scheduler == "cosine":
        begin = min(warmup_steps, total_steps - 1)
        done = max(0, step - begin) / max(1, total_steps - begin)
        return warm * (1 + math.cos(math.pi * done)) / 2
    peak = max(1, round(0.3 * total_steps))
    if step < peak:
        return warm * (1 - (1 - 1 / 25) * (1 + math.cos(math.pi * step / peak)) / 2)
    return warm * (1 + math.cos(math.pi * (step - peak) / max(1, total_steps - peak))) / 2


def set_lr(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Give every parameter group this learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = lr
