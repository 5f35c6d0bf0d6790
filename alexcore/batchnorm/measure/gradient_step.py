"""One step against the gradient, tried and taken back: what the probes of the loss surface are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Criterion = Callable[[Tensor, Tensor], Tensor]
"""Logits (N, C) and labels in, one number out."""
CROSS_ENTROPY: Criterion = F.cross_entropy
"""Its mean, without class weights or smoothing, so that arms and runs can be compared."""


class Gradient(NamedTuple):
    """The loss at a point, not finite if the network has diverged, and its gradient: a tensor a trained parameter."""

    loss: float
    parts: list[Tensor]


def trained(model: nn.Module) -> list[nn.Parameter]:
    """The parameters that training moves: theta."""
    return [each for each in model.parameters() if each.requires_grad]


def gradient(model: nn.Module, images: Tensor, labels: Tensor, criterion: Criterion = CROSS_ENTROPY) -> Gradient:
    """The loss and its gradient for all trained parameters: one pass forward and backward; `.grad` is not touched."""
    loss = criterion(model(images), labels)
    parts = torch.autograd.grad(loss, trained(model), allow_unused=True, materialize_grads=True)
    return Gradient(loss.item(), [part.detach() for part in parts])


@torch.no_grad()
def move(
    parameters: Sequence[nn.Parameter], origin: Sequence[Tensor], direction: Sequence[Tensor], step: float
) -> None:
    """Set parameters to `origin - step * direction`, in place."""
    for parameter, old, way in zip(parameters, origin, direction, strict=True):
        parameter.copy_(torch.sub(old, way, alpha=step))


@torch.no_grad()
def put_back(parameters: Sequence[nn.Parameter], origin: Sequence[Tensor]) -> None:
    """Set parameters to `origin` (a step of length 0 would not do: nought times no number is no number)."""
    for parameter, old in zip(parameters, origin, strict=True):
        parameter.copy_(old)


def cosine(one: float, other: float, apart: float) -> float:
    """Cosine of the angle between two vectors, from their lengths and that of their difference; nan if one is zero.

    Lengths are at hand anyway, and three more products of all weights would cost as much as the passes themselves.
    """
    product = one * other
    return (one**2 + other**2 - apart**2) / (2 * product) if product else float("nan")
