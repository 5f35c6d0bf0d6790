"""Small networks whose numbers can be written down, for the tests of the probes."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def tiny(norm: str = "batch", activation: type[nn.Module] = nn.ReLU, dropout: float = 0.0, seed: int = 0) -> nn.Module:
    """Two convolutions and a linear layer on (N, 3, 8, 8), 4 classes."""
    torch.manual_seed(seed)

    def stage(channels: int, out: int) -> list[nn.Module]:
        norms = {"batch": [nn.BatchNorm2d(out)], "group": [nn.GroupNorm(2, out)], "none": []}[norm]
        return [nn.Conv2d(channels, out, 3, padding=1, bias=norm == "none"), *norms, activation()]

    layers = [*stage(3, 6), nn.MaxPool2d(2), *stage(6, 8), nn.Flatten(), nn.Dropout(dropout), nn.Linear(8 * 16, 4)]
    return nn.Sequential(*layers)


def batch(pictures: int = 12, seed: int = 1) -> tuple[Tensor, Tensor]:
    """Pictures (N, 3, 8, 8) and labels of 4 classes."""
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.randn(pictures, 3, 8, 8, generator=generator),
        torch.randint(0, 4, (pictures,), generator=generator),
    )


class Point(nn.Module):
    """A network that ignores its input and returns its weights, so that the loss is any function of them."""

    def __init__(self, values: Tensor) -> None:
        super().__init__()
        self.theta = nn.Parameter(values.clone())

    def forward(self, _images: Tensor) -> Tensor:
        return self.theta
