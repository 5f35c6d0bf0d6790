"""Gradients that `train_step` leaves behind, as vectors that can be compared."""

from __future__ import annotations

import copy

import torch
from torch import nn

from alexcore.nn import Network
from alexcore.training.objective import Objective
from alexcore.training.step import train_step

CLASSES, IMAGES = 3, 12


CPU = torch.device("cpu")


def network(norm: str) -> nn.Module:
    """A small AlexNet without dropout; its linear layers start at 0.01 and so would hardly pass a gradient on."""
    model = Network(
        CLASSES, norm=norm, width=0.25, dropout=0, init="kaiming", generator=torch.Generator().manual_seed(0)
    )
    return model.train()


NETWORKS = {norm: network(norm) for norm in ("none", "group", "batch")}


def effective_batch(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(IMAGES, 3, 64, 64, generator=generator)
    # Every class is there, and rare ones are rare: this is where averaging means goes wrong.
    labels = torch.tensor([0, 1, 2, *torch.randint(0, CLASSES, (IMAGES - 3,), generator=generator).tolist()])
    return images, labels


def gradient(norm: str, window: list, objective: Objective) -> torch.Tensor:
    """The gradient that train_step leaves behind, as one vector in float64; the network itself stays as it was."""
    model = copy.deepcopy(NETWORKS[norm])
    train_step(model, torch.optim.SGD(model.parameters(), lr=0.0), objective, window, CPU)
    return torch.cat([parameter.grad.flatten().double() for parameter in model.parameters()])


def error(ours: torch.Tensor, exact: torch.Tensor) -> float:
    return ((ours - exact).norm() / exact.norm()).item()
