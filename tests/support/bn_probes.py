"""Every probe after another, and everything that none of them may change."""

from __future__ import annotations

import torch
from torch import nn

from alexcore.batchnorm.measure.formula_example import channel_example
from alexcore.batchnorm.measure.gain import layer_gain, learned_scales
from alexcore.batchnorm.measure.gradients import gradient_magnitude, gradient_summands, internal_covariate_shift
from alexcore.batchnorm.measure.loss_surface import loss_surface, relative_loss
from alexcore.batchnorm.measure.moments import drift, layer_statistics
from alexcore.training.seeding import rng_state

LR = 0.05


def every_probe(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> None:
    _, before = layer_statistics(model, images)
    drift(before, layer_statistics(model, images)[1], 1)
    loss_surface(model, images, labels, LR)
    relative_loss(model, images, labels)
    internal_covariate_shift(model, images, labels, LR)
    gradient_summands(model, images, labels)
    gradient_magnitude(model, LR)
    layer_gain(model, images)
    learned_scales(model, images)
    if any(isinstance(each, nn.BatchNorm2d) for each in model.modules()):
        channel_example(model, images)


def plain(value: object) -> object:
    """Something that == compares, tensors with all their bits."""
    if isinstance(value, torch.Tensor):
        return value.tolist()
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def everything(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, object]:
    return plain(
        {
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "random": rng_state(),
            "grads": [each.grad for each in model.parameters()],
            "flags": [each.requires_grad for each in model.parameters()],
            "modes": [each.training for each in model.modules()],
            "momenta": [getattr(each, "momentum", None) for each in model.modules()],
        }
    )
