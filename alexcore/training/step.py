"""One optimizer step: the micro-batches of an effective batch forward and backward, then one change of the weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import NamedTuple

import torch
from torch import nn

from alexcore.training.distributed import ALONE, Group
from alexcore.training.loader import Batch
from alexcore.training.objective import Objective, hard_labels


class StepResult(NamedTuple):
    """What one optimizer step tells: the mean loss in nats, and what was right of the pictures not of an ignored class.

    `grad_norm` is the Euclidean length of the whole gradient, before clipping.
    """

    loss: float
    correct: int
    images: int
    grad_norm: float


def train_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    objective: Objective,
    window: Sequence[Batch],
    device: torch.device,
    precision: torch.dtype = torch.float32,
    grad_clip: float = 0.0,
    *,
    scaler: torch.amp.GradScaler | None = None,
    channels_last: bool = True,
    group: Group = ALONE,
    moved: Callable[[], None] = lambda: None,
) -> StepResult:
    """One optimizer step over the micro-batches of one effective batch; the sums are those over all ranks.

    The gradients of the micro-batches in `window` add up to exactly that of one batch. Of several ranks each has its
    parts of them, also those without a picture, and `model`, in train mode, is what `group.wrap` has made of it. Heavy
    layers compute in `precision`, with a `scaler` for float16. `grad_clip` is the longest gradient norm, 0 for any;
    `channels_last` the order of the pictures' memory, which should be that of the network's; `moved` is called after
    each micro-batch.
    """
    order = torch.channels_last if channels_last else torch.contiguous_format
    own = sum((objective.total_weight(labels) for _, labels in window), torch.tensor(0.0))
    own_counted = sum(int(objective.counted(labels).sum()) for _, labels in window)
    weight, counted = group.sum(own.item(), own_counted)
    total = torch.tensor(weight)
    loss_sum, correct = torch.zeros((), device=device), torch.zeros((), dtype=torch.int64, device=device)
    for number, (images, labels) in enumerate(window):
        images = images.to(device, non_blocking=True, memory_format=order)
        labels = labels.to(device, non_blocking=True)
        # The ranks exchange gradients once a step, in the backward pass of the last micro-batch.
        with group.keeping(model) if number < len(window) - 1 else nullcontext():
            with torch.autocast(device.type, dtype=precision, enabled=precision != torch.float32):
                outputs = model(images)
            loss = objective(outputs, labels, total)
            if number == 0:
                optimizer.zero_grad()
            share = loss * group.ranks
            (scaler.scale(share) if scaler else share).backward()
        loss_sum += loss.detach()
        moved()
        correct += ((outputs.detach().argmax(dim=1) == hard_labels(labels)) & objective.counted(labels)).sum()
    if scaler:
        scaler.unscale_(optimizer)
    norm = nn.utils.get_total_norm([p.grad for p in model.parameters() if p.grad is not None])
    loss_of_all, correct_of_all = group.sum(loss_sum.item(), correct.item())
    result = StepResult(loss_of_all, int(correct_of_all), int(counted), norm.item())
    if grad_clip:
        nn.utils.clip_grads_with_norm_(model.parameters(), grad_clip, norm)
    if scaler:
        scaler.step(optimizer)
        scaler.update()
    elif math.isfinite(result.grad_norm):
        optimizer.step()
    return result


def without_lone(window: Sequence[Batch]) -> list[Batch]:
    """A window in which no micro-batch has a single picture: a norm over the batch has nothing to compare it with.

    The plan makes no such batch, so where one is alone the others could not be read, and it waits for the next epoch
    with them.
    """
    return [(images[:0], labels[:0]) if len(labels) == 1 else (images, labels) for images, labels in window]


def windows(batches: Iterator[Batch], size: int, moved: Callable[[], None] = lambda: None) -> Iterator[list[Batch]]:
    """Group micro-batches into effective batches; the last one of an epoch may be shorter.

    `moved` is called for each that is read.
    """
    window: list[Batch] = []
    for batch in batches:
        moved()
        window.append(batch)
        if len(window) == size:
            yield window
            window = []
    if window:
        yield window
