"""One step against the gradient, tried and taken back: what the probes of the loss surface are made of."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Criterion = Callable[[Tensor, Tensor], Tensor]
"""Logits (N, C) and labels in, one number out."""
CROSS_ENTROPY: Criterion = F.cross_entropy
"""Its mean, without class weights or smoothing, so that arms and runs can be compared."""


class Origin:
    """Where a network stands: the point from which steps against its gradient are tried, and taken back.

    Attributes:
        parameters: Those that training moves, theta.
        values: Theta as it is here.
        loss: The loss here, not finite if the network has diverged.
        gradient: Its gradient, a tensor a parameter.
    """

    def __init__(self, model: nn.Module, images: Tensor, labels: Tensor, criterion: Criterion) -> None:
        self.parameters = trained(model)
        self.values = [each.detach().clone() for each in self.parameters]
        self.loss, self.gradient = gradient(model, images, labels, criterion)

    @torch.no_grad()
    def step(self, size: float, count: int | None = None) -> None:
        """Set the parameters, or the first `count` of them, to theta - size * gradient, in place."""
        for parameter, old, way in list(zip(self.parameters, self.values, self.gradient, strict=True))[:count]:
            parameter.copy_(torch.sub(old, way, alpha=size))

    @torch.no_grad()
    def back(self) -> None:
        """Set them to theta (a step of length 0 would not do: nought times no number is no number)."""
        for parameter, old in zip(self.parameters, self.values, strict=True):
            parameter.copy_(old)


def trained(model: nn.Module) -> list[nn.Parameter]:
    """The parameters that training moves."""
    return [each for each in model.parameters() if each.requires_grad]


def gradient(model: nn.Module, images: Tensor, labels: Tensor, criterion: Criterion) -> tuple[float, list[Tensor]]:
    """The loss and its gradient for all trained parameters: one pass forward and backward; `.grad` is not touched."""
    loss = criterion(model(images), labels)
    parts = torch.autograd.grad(loss, trained(model), allow_unused=True, materialize_grads=True)
    return loss.item(), [part.detach() for part in parts]


def cosine(one: float, other: float, apart: float) -> float:
    """Cosine of the angle between two vectors, from their lengths and that of their difference; nan if one is zero.

    Lengths are at hand anyway, and three more products of all weights would cost as much as the passes themselves.
    """
    product = one * other
    return (one**2 + other**2 - apart**2) / (2 * product) if product else float("nan")
