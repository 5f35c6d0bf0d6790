"""Internal covariate shift, measured by what it does to a layer's gradient."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from alexcore.batchnorm.measure.gradient_step import CROSS_ENTROPY, Criterion, cosine, gradient, move, put_back, trained
from alexcore.batchnorm.measure.undisturbed import undisturbed
from alexcore.batchnorm.measure.weighted_layers import layers_of, length
from alexcore.batchnorm.read.quantities import rounded


def internal_covariate_shift(
    model: nn.Module, images: Tensor, labels: Tensor, lr: float, *, criterion: Criterion = CROSS_ENTROPY
) -> dict[str, Any]:
    """How much a layer's gradient changes when only the layers before it take their step.

    For each weighted layer i: G is the gradient of its weights W_i now. All trained parameters registered before W_i,
    the gammas and betas of earlier norms among them, move by -lr times their gradient. G' is the gradient of W_i there.
    If the earlier layers did not matter to layer i, G' would be G.

    One pass forward and backward, and one more for each layer but the first (AlexNet: 8 in all); at the quick preset's
    size it takes 4 to 7 training steps.

    Args:
        model: Any network whose parameters are registered in the order in which it computes; norms use the statistics
            of the batch.
        images: (N, 3, H, W) float32 on the network's device.
        labels: (N,) int64.
        lr: Rate of the training.
        criterion: The loss.

    Returns:
        {"lr", "layers", "shift": ||G - G'||, "relative": ||G - G'|| / ||G||, "cosine": cos(G, G'), "grad_norm": ||G||},
        parallel lists from the second layer on: before the first there is nothing. Frozen layers are left out.

    Source: Santurkar et al. 2018, "How does batch normalization help optimization?", definition 2.1.
    """
    rows: list[dict[str, Any]] = []
    with undisturbed(model, train=True):
        parameters = trained(model)
        start = gradient(model, images, labels, criterion)
        origin = [each.detach().clone() for each in parameters]
        position = {id(each): number for number, each in enumerate(parameters)}
        for layer in layers_of(model)[1:]:
            place = position.get(id(layer.weight))
            if place is None:
                continue
            move(parameters[:place], origin[:place], start.parts[:place], lr)
            (there,) = torch.autograd.grad(criterion(model(images), labels), [layer.weight])
            put_back(parameters[:place], origin[:place])
            here = start.parts[place]
            shift, own = length([there - here]), length([here])
            rows.append(
                {
                    "layers": layer.name,
                    "shift": shift,
                    "relative": shift / own if own else None,
                    "cosine": cosine(own, length([there]), shift),
                    "grad_norm": own,
                }
            )
    names = ("layers", "shift", "relative", "cosine", "grad_norm")
    data: dict[str, Any] = rounded({"lr": lr, **{name: [row[name] for row in rows] for name in names}})
    return data
