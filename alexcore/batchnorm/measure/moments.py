"""What the layers give on a fixed set of pictures: values, moments, drift, zero and saturated units."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from alexcore.batchnorm.measure.undisturbed import undisturbed
from alexcore.batchnorm.measure.weighted_layers import WeightedLayer, by_channel, fan_channels, layers_of
from alexcore.batchnorm.read.quantities import CHANNEL_VALUES, MOMENTS, SATURATION, ZERO_UNITS, rounded
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

Measure = Callable[[WeightedLayer, Tensor], None]


@dataclass
class Moments:
    """Mean and deviation of every channel at one moment of training: what a later drift is measured against.

    Attributes:
        mean: Per layer (C,) float32 on the CPU, of the layer's own output.
        deviation: Likewise, the standard deviation with divisor N * H * W.
        normed_mean: The same of the norm's output; only layers with a norm.
        normed_deviation: Likewise.
    """

    mean: dict[str, Tensor] = field(default_factory=dict)
    deviation: dict[str, Tensor] = field(default_factory=dict)
    normed_mean: dict[str, Tensor] = field(default_factory=dict)
    normed_deviation: dict[str, Tensor] = field(default_factory=dict)

    def to_dict(self) -> dict[str, dict[str, Tensor]]:
        """Tensors and plain data, as a checkpoint holds them (`weights_only=True` loads it)."""
        return {name: dict(getattr(self, name)) for name in self.__dataclass_fields__}

    @classmethod
    def from_dict(cls, values: Mapping[str, Mapping[str, Tensor]]) -> Moments:
        """What `to_dict` returned."""
        return cls(**{name: dict(each) for name, each in values.items()})


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
    kept = fan_channels(model) if channels is None else channels
    layers = layers_of(model)
    convs = [layer.name for layer in layers if isinstance(layer.weighted, nn.Conv2d)]
    moments = Moments()
    fans: dict[str, dict[str, Any]] = {}
    rest: dict[str, dict[str, float]] = {layer.name: {} for layer in layers}

    def of_output(layer: WeightedLayer, values: Tensor) -> None:
        moments.mean[layer.name], moments.deviation[layer.name] = channel_moments(values)
        percentiles = LAST_CONV_PERCENTILES if convs and layer.name == convs[-1] else PERCENTILES
        chosen = list(kept.get(layer.name, ()))
        fans[layer.name] = {
            "channels": chosen,
            "percentiles": list(percentiles),
            "output": channel_percentiles(values, chosen, percentiles),
            "normed": None,
        }

    def of_norm(layer: WeightedLayer, values: Tensor) -> None:
        moments.normed_mean[layer.name], moments.normed_deviation[layer.name] = channel_moments(values)
        fan = fans[layer.name]
        fan["normed"] = channel_percentiles(values, fan["channels"], fan["percentiles"])

    def of_activation(layer: WeightedLayer, values: Tensor) -> None:
        rest[layer.name] = unit_shares(layer.activation, values)

    def heard(key: tuple[WeightedLayer, Measure], _module: nn.Module, _given: object, output: Tensor) -> None:
        layer, measure = key
        measure(layer, output)

    modules = [
        ((layer, measure), module)
        for layer in layers
        for module, measure in ((layer.weighted, of_output), (layer.norm, of_norm), (layer.activation, of_activation))
        if module is not None
    ]
    with undisturbed(model, train=True), torch.no_grad(), listening(modules, heard):
        model(images)
    names = [layer.name for layer in layers]

    def column(values: Mapping[str, Tensor]) -> list[float | None]:
        return [values[name].abs().mean().item() if name in values else None for name in names]

    def kept_of(values: Mapping[str, Tensor]) -> dict[str, list[float]]:
        return {name: values[name][list(kept.get(name, ()))].tolist() for name in names}

    depth = {
        "layers": names,
        "mean_abs": column(moments.mean),
        "deviation": column(moments.deviation),
        "normed_mean_abs": column(moments.normed_mean),
        "normed_deviation": column(moments.normed_deviation),
        "channels": {name: list(kept.get(name, ())) for name in names},
        "mu": kept_of(moments.mean),
        "sigma": kept_of(moments.deviation),
    }
    zeros = {"layers": names, **{key: [rest[name].get(key) for name in names] for key in ("zero", "dead")}}
    keys = ("saturated", "saturated_channels")
    saturated = {"layers": names, **{key: [rest[name].get(key) for name in names] for key in keys}}
    return rounded(
        {CHANNEL_VALUES: {name: fans[name] for name in names}, MOMENTS: depth, ZERO_UNITS: zeros, SATURATION: saturated}
    ), moments


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
    names = list(before.mean)

    def moved(mean: str, deviation: str) -> tuple[list[float | None], list[float | None]]:
        means: list[float | None] = []
        logs: list[float | None] = []
        for name in names:
            if name not in getattr(now, mean) or name not in getattr(before, mean):
                means.append(None)
                logs.append(None)
                continue
            old, new = getattr(before, deviation)[name].double(), getattr(now, deviation)[name].double()
            difference = (getattr(now, mean)[name].double() - getattr(before, mean)[name].double()).abs()
            means.append((difference / (old + TINY)).mean().item())
            alive = (old > 0) & (new > 0)
            logs.append((new[alive] / old[alive]).log().abs().mean().item() if alive.any() else None)
        return means, logs

    means, logs = moved("mean", "deviation")
    normed_means, normed_logs = moved("normed_mean", "normed_deviation")
    data: dict[str, Any] = rounded(
        {
            "steps": steps,
            "layers": names,
            "mean": means,
            "log_deviation": logs,
            "normed_mean": normed_means,
            "normed_log_deviation": normed_logs,
        }
    )
    return data


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
