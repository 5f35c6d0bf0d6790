"""One optimizer step: the micro-batches of an effective batch forward and backward, then one change of the weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import nn

from alexcore.training.loader import Batch
from alexcore.training.objective import Objective


def train_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    objective: Objective,
    window: Sequence[Batch],
    device: torch.device,
    precision: torch.dtype = torch.float32,
    grad_clip: float = 0.0,
) -> tuple[float, int]:
    """One optimizer step over the micro-batches of one effective batch.

    Args:
        model: In train mode, on `device`.
        optimizer: Of the model's parameters.
        objective: The loss.
        window: The micro-batches; their gradients add up to exactly that of one batch.
        device: Where to compute.
        precision: Format of the heavy layers.
        grad_clip: Longest gradient norm, 0 for any.

    Returns:
        The mean loss of the effective batch, and how many of its pictures were answered rightly.
    """
    total = sum((objective.total_weight(labels) for _, labels in window), torch.tensor(0.0))
    loss_sum, correct = torch.zeros((), device=device), torch.zeros((), dtype=torch.int64, device=device)
    for number, (images, labels) in enumerate(window):
        images = images.to(device, non_blocking=True, memory_format=torch.channels_last)
        labels = labels.to(device, non_blocking=True)
        with _autocast(device, precision):
            outputs = model(images)
        loss = objective(outputs, labels, total)
        if number == 0:
            optimizer.zero_grad()
        loss.backward()
        loss_sum += loss.detach()
        correct += (outputs.detach().argmax(dim=1) == labels).sum()
    if grad_clip:
        nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    return loss_sum.item(), int(correct.item())


def _autocast(device: torch.device, precision: torch.dtype) -> AbstractContextManager[Any]:
    return torch.autocast(device.type, dtype=precision, enabled=precision != torch.float32)


def windows(batches: Iterator[Batch], size: int) -> Iterator[list[Batch]]:
    """Group micro-batches into effective batches; the last one of an epoch may be shorter."""
    window: list[Batch] = []
    for batch in batches:
        window.append(batch)
        if len(window) == size:
            yield window
            window = []
    if window:
        yield window
