"""A network that learns one batch by heart, step by step."""

from __future__ import annotations

import torch

from alexcore.config import make_config
from alexcore.nn import Network
from alexcore.training.device import choose_precision
from alexcore.training.objective import Objective
from alexcore.training.optim import build_optimizer
from alexcore.training.step import StepResult, train_step

CPU = torch.device("cpu")


def network(device: torch.device = CPU) -> Network:
    generator = torch.Generator().manual_seed(0)
    return Network(3, norm="group", width=0.125, dropout=0, init="kaiming", generator=generator).to(device).train()


def batch(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(6, 3, 64, 64, generator=generator), torch.tensor([0, 1, 2, 0, 1, 2])


def learns(device: torch.device, precision: str, steps: int = 12, **values) -> list[StepResult]:
    config, model = make_config(**{"lr": 1e-3, **values}), network(device)
    dtype = choose_precision(precision, device)
    scaler = torch.amp.GradScaler(device.type) if dtype == torch.float16 else None
    optimizer, objective = build_optimizer(model, config), Objective()
    return [
        train_step(model, optimizer, objective, [batch()], device, dtype, config.grad_clip, scaler=scaler)
        for _ in range(steps)
    ]
