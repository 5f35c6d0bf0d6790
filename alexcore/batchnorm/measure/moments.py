"""What the layers give on a fixed set of pictures: values, moments, drift, zero and saturated units."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from alexcore.batchnorm.measure.undisturbed import undisturbed
from alexcore.batchnorm.measure.weighted_layers import by_channel, fan_channels, layers_of
from alexcore.batchnorm.read.quantities import CHANNEL_VALUES, MOMENTS, SATURATION, ZERO_UNITS, parallel, rounded
from alexcore.nn.listening import listening

# Ioffe and Szegedy 2015 show the 15th, 50th and 85th percentile of a unit's input over time.
PERCENTILES = (15, 50, 85)
LAST_CONV_PERCENTILES = (1, 15, 20, 50, 80, 85, 99)
# Values of a channel beyond which percentiles are read from every k-th one: sorting all would take seconds.
MOST_VALUES = 2**16
# Where a unit counts as saturated: the slope of tanh is then below 0.06, that of sigmoid below 0.03.
TANH_EDGE = 0.97
SIGMOID_EDGES = (0.03, 0.97)
# Keeps the drift of a channel that was constant finite (BATCHNORM's definition).
TINY = 1e-8

Moments = dict[str, dict[str, Tensor]]
"""Mean and deviation of every channel at one moment of training, which a later drift is measured against.

By "mean" and "deviation" (divisor N * H * W) of a layer's own output, "normed_mean" and "normed_deviation" of its
norm's, and by layer: (C,) float32 on the CPU. A checkpoint can hold it (`weights_only=True` loads it).
"""
_MOMENTS = ("mean", "deviation", "normed_mean", "normed_deviation")


def layer_statistics(
    model: nn.Module, images: Tensor, channels: Mapping[str, Sequence[int]] | None = None
) -> tuple[dict[str, Any], Moments]:
    """Measure every layer in one pass.

    Norms use the statistics of these pictures: their running ones are still those of an untrained network at the start.
    One pass forward over `images`, without gradients, plus sorting for the percentiles; at the quick preset's size and
    256 pictures it takes 6 to 14 training steps.

    Args:
        model: Any network of convolutions and linear layers.
        images: (N, 3, H, W) float32 on the network's device, all at once, so that norms see one batch; N >= 256 makes
            the percentiles steady. The largest feature map has to fit into memory some three times.
        channels: Per layer, the channels whose percentiles and moments are kept; None takes `fan_channels(model)`.

    Returns:
        The data of four quantities, and the moments of all channels for `drift`. With `layers` the parallel names:

        CHANNEL_VALUES: {layer: {"channels", "percentiles", "output": [[value per percentile] per
            channel], "normed": same or None}}
        MOMENTS: {"layers", "mean_abs", "deviation", "normed_mean_abs", "normed_deviation", "channels", "mu",
            "sigma"}; the last three by layer, of the kept channels alone
        ZERO_UNITS: {"layers", "zero", "dead"}, shares 0 to 1, None where the activation is no ReLU
        SATURATION: {"layers", "saturated", "saturated_channels"}, shares, None where it is neither tanh nor sigmoid
    """
    layers = layers_of(model)
    names = [layer.name for layer in layers]
    chosen = fan_channels(model) if channels is None else channels
    kept = {name: list(chosen.get(name, ())) for name in names}
    last_conv = next((layer.name for layer in reversed(layers) if isinstance(layer.weighted, nn.Conv2d)), "")
    percentiles = {name: list(LAST_CONV_PERCENTILES if name == last_conv else PERCENTILES) for name in names}
    fans: dict[str, dict[str, Any]] = {
        name: {"channels": kept[name], "percentiles": percentiles[name], "output": [], "normed": None} for name in names
    }
    moments: Moments = {name: {} for name in _MOMENTS}
    shares: dict[str, dict[str, float]] = {name: {} for name in names}

    def heard(key: tuple[str, str], _module: nn.Module, _given: object, output: Tensor) -> None:
        name, prefix = key
        moments[f"{prefix}mean"][name], moments[f"{prefix}deviation"][name] = channel_moments(output)
        fans[name]["normed" if prefix else "output"] = channel_percentiles(output, kept[name], percentiles[name])

    def heard_units(name: str, activation: nn.Module, _given: object, output: Tensor) -> None:
        shares[name] = unit_shares(activation, output)

    outputs: list[tuple[tuple[str, str], nn.Module]] = [((layer.name, ""), layer.weighted) for layer in layers]
    outputs += [((layer.name, "normed_"), layer.norm) for layer in layers if layer.norm is not None]
    units = [(layer.name, layer.activation) for layer in layers if layer.activation is not None]
    with undisturbed(model, train=True), torch.no_grad(), listening(outputs, heard), listening(units, heard_units):
        model(images)

    def column(of: Mapping[str, Tensor]) -> list[float | None]:
        return [of[name].abs().mean().item() if name in of else None for name in names]

    def of_units(*keys: str) -> dict[str, Any]:
        return {"layers": names, **{key: [shares[name].get(key) for name in names] for key in keys}}

    depth = {
        "layers": names,
        "mean_abs": column(moments["mean"]),
        "deviation": column(moments["deviation"]),
        "normed_mean_abs": column(moments["normed_mean"]),
        "normed_deviation": column(moments["normed_deviation"]),
        "channels": kept,
        "mu": {name: moments["mean"][name][kept[name]].tolist() for name in names},
        "sigma": {name: moments["deviation"][name][kept[name]].tolist() for name in names},
    }
    zero, saturated = of_units("zero", "dead"), of_units("saturated", "saturated_channels")
    return rounded({CHANNEL_VALUES: fans, MOMENTS: depth, ZERO_UNITS: zero, SATURATION: saturated}), moments


def drift(before: Moments, now: Moments, steps: int) -> dict[str, Any]:
    """How far the distributions have moved between two probes of one network. No pass.

    Args:
        before: Of the earlier probe.
        now: Of the later one, on the same pictures.
        steps: Optimizer steps between them.

    Returns:
        {"steps", "layers", "mean", "log_deviation", "normed_mean", "normed_log_deviation"}: per layer, the means over
        its channels of |mu - mu'| / (sigma' + 1e-8) and of |ln(sigma / sigma')|, of its own output and of its norm's
        (None without one). A channel that is constant at either time has no logarithm and is left out of that mean.
    """

    def moved(name: str, prefix: str) -> tuple[float | None, float | None]:
        mean, deviation = f"{prefix}mean", f"{prefix}deviation"
        if name not in now[mean] or name not in before[mean]:
            return None, None
        old, new = before[deviation][name].double(), now[deviation][name].double()
        difference = (now[mean][name].double() - before[mean][name].double()).abs()
        alive = (old > 0) & (new > 0)
        log = (new[alive] / old[alive]).log().abs().mean().item() if alive.any() else None
        return (difference / (old + TINY)).mean().item(), log

    names = ("layers", "mean", "log_deviation", "normed_mean", "normed_log_deviation")
    rows = [(layer, *moved(layer, ""), *moved(layer, "normed_")) for layer in before["mean"]]
    return rounded({"steps": steps, **parallel(names, rows)})


def channel_moments(values: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (divisor: the count) of each channel of (N, C, ...), each (C,) on the CPU."""
    variance, mean = torch.var_mean(values, dim=[0, *range(2, values.dim())], correction=0)
    return mean.cpu(), variance.sqrt().cpu()


def channel_percentiles(values: Tensor, channels: Sequence[int], percentiles: Sequence[float]) -> list[list[float]]:
    """Percentiles of chosen channels of (N, C, ...), over pictures and positions, a row a channel.

    They are exact up to 2**16 values a channel; above, they are those of evenly spaced ones, off by some 0.002
    deviations.
    """
    if not channels:
        return []
    rows = by_channel(values[:, list(channels)])
    count = rows.shape[1]
    stride = -(-count // MOST_VALUES)
    # A stride that shares a factor with the size of the map would visit some of its positions alone.
    while math.gcd(stride, values[0, 0].numel()) > 1:
        stride += 1
    plain = rows[:, ::stride].float().cpu().numpy()
    with np.errstate(all="ignore"):  # a network that has diverged has values which are no numbers
        found = np.percentile(plain, list(percentiles), axis=1)
    return [[float(each) for each in row] for row in found.T]


def unit_shares(activation: nn.Module | None, values: Tensor) -> dict[str, float]:
    """Shares of an activation's outputs (N, C, ...) that carry no gradient, and of channels for which all are such."""
    if isinstance(activation, nn.ReLU):
        flat, names = values <= 0, ("zero", "dead")
    elif isinstance(activation, nn.Tanh):
        flat, names = values.abs() > TANH_EDGE, ("saturated", "saturated_channels")
    elif isinstance(activation, nn.Sigmoid):
        flat = (values < SIGMOID_EDGES[0]) | (values > SIGMOID_EDGES[1])
        names = ("saturated", "saturated_channels")
    else:
        return {}
    always = by_channel(flat).all(dim=1)
    return dict(zip(names, (flat.float().mean().item(), always.float().mean().item()), strict=True))
