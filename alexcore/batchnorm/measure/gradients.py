"""The gradients themselves: how far their summands agree, how large they are, and what earlier layers do to them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from alexcore.batchnorm.measure.gradient_step import CROSS_ENTROPY, Criterion, Origin, cosine
from alexcore.batchnorm.measure.undisturbed import undisturbed
from alexcore.batchnorm.measure.weighted_layers import WeightedLayer, by_channel, layers_of, length
from alexcore.batchnorm.read.quantities import parallel, rounded
from alexcore.nn.listening import listening


def gradient_summands(
    model: nn.Module, images: Tensor, labels: Tensor, *, criterion: Criterion = CROSS_ENTROPY
) -> dict[str, Any]:
    """How far the contributions to a weight's gradient agree over pictures and positions.

    The gradient of one weight is a sum over pictures b and positions p of d[b, p] = dL/dO[b, p] * a[b, p], with O the
    layer's output and a the input value that the weight multiplies. sum |d| / |sum d| is 1 if all pull the same way,
    and large if they cancel. Since |x y| = |x| |y|, sum |d| is the weight's gradient for |dL/dO| and |a|, so that no
    summand need be kept.

    What the same sum gives for the bias stands apart: behind a layer that batch norm follows, the sum of dL/dO over
    pictures and positions is 0 for each channel, because adding a constant to a channel changes nothing.

    One pass forward and backward, and the weights' part of the latter twice more; at the quick preset's size
    it takes some 3 training steps.

    Args:
        model: Any network; norms use the statistics of the batch.
        images: (N, 3, H, W) float32 on the network's device.
        labels: (N,) int64.
        criterion: The loss.

    Returns:
        Parallel lists over the weighted layers: {"layers", "absolute": mean over the weights of sum |d|, "signed": mean
        of |sum d|, "ratio": the former by the latter, "ratio_median": median over the weights of sum |d| / |sum d|,
        "bias_gradient": length of the vector of the channels' sums of dL/dO, "bias_relative": sum over the channels of
        |sum dL/dO| by sum |dL/dO|, 0 to 1}. None where nothing reaches a layer.

    Source: Bjorck et al. 2018, "Understanding batch normalization", section 3.2.
    """
    layers = layers_of(model)
    inputs: dict[str, Tensor] = {}
    outputs: dict[str, Tensor] = {}

    def heard(name: str, _module: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> Tensor:
        inputs[name], outputs[name] = given[0].detach().clone(), output
        # The network goes on with a copy: an activation that works in place would change what is differentiated.
        return output.clone()

    with undisturbed(model, train=True):
        for layer in layers:  # also behind frozen layers there is a gradient of the output
            layer.weight.requires_grad_(True)
        with listening([(layer.name, layer.weighted) for layer in layers], heard):
            loss = criterion(model(images), labels)
        used = [layer for layer in layers if layer.name in outputs]
        flows = torch.autograd.grad(
            loss, [outputs[layer.name] for layer in used], allow_unused=True, materialize_grads=True
        )
        rows = [_row(layer, inputs[layer.name], flow) for layer, flow in zip(used, flows, strict=True)]
    names = ("layers", "absolute", "signed", "ratio", "ratio_median", "bias_gradient", "bias_relative")
    return rounded(parallel(names, rows))


def _row(layer: WeightedLayer, given: Tensor, flow: Tensor) -> tuple[str | float | None, ...]:
    signed = _weight_gradient(layer, given, flow).abs().double()
    absolute = _weight_gradient(layer, given.abs(), flow.abs()).double()
    sums = by_channel(flow).double().sum(dim=1)
    total = flow.double().abs().sum().item()
    some = signed > 0
    return (
        layer.name,
        absolute.mean().item(),
        signed.mean().item(),
        absolute.mean().item() / signed.mean().item() if some.any() else None,
        (absolute[some] / signed[some]).median().item() if some.any() else None,
        sums.norm().item(),
        sums.abs().sum().item() / total if total else None,
    )


def _weight_gradient(layer: WeightedLayer, given: Tensor, flow: Tensor) -> Tensor:
    """The gradient of the layer's weights for an input and a gradient of its output."""
    weight = layer.weight.detach().requires_grad_(True)
    output = functional_call(layer.weighted, {"weight": weight}, (given,))
    (found,) = torch.autograd.grad(output, [weight], flow)
    return found


def gradient_magnitude(model: nn.Module, lr: float) -> dict[str, Any]:
    """The size of the last step's gradients, layer by layer. No pass: it reads `.grad`.

    Call it after the step and before anybody zeroes them. With clipping they are the clipped ones.

    Args:
        model: Any network.
        lr: Rate of that step.

    Returns:
        {"lr", "layers", "norm": ||dL/dW||, "weight_norm": ||W||, "relative": lr ||dL/dW|| / ||W||}; None where a layer
        has no gradient or only zero weights.
    """
    rows = []
    for layer in layers_of(model):
        size = None if layer.weight.grad is None else length([layer.weight.grad])
        weight = length([layer.weight])
        rows.append((layer.name, size, weight, lr * size / weight if size is not None and weight else None))
    return rounded({"lr": lr, **parallel(("layers", "norm", "weight_norm", "relative"), rows)})


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
    rows = []
    with undisturbed(model, train=True):
        origin = Origin(model, images, labels, criterion)
        position = {id(each): number for number, each in enumerate(origin.parameters)}
        for layer in layers_of(model)[1:]:
            place = position.get(id(layer.weight))
            if place is None:
                continue
            origin.step(lr, place)
            (there,) = torch.autograd.grad(criterion(model(images), labels), [layer.weight])
            origin.back()
            here = origin.gradient[place]
            shift, own = length([there - here]), length([here])
            turned = cosine(own, length([there]), shift)
            rows.append((layer.name, shift, shift / own if own else None, turned, own))
    return rounded({"lr": lr, **parallel(("layers", "shift", "relative", "cosine", "grad_norm"), rows)})
