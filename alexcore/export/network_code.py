"""A network as the lines of Python that build it, each with the size of what comes out of it."""

from __future__ import annotations

from typing import cast

from torch import nn

from alexcore.errors import CheckpointError
from alexcore.nn.arithmetic import conv_output_size
from alexcore.nn.norms import norm_of
from alexcore.nn.variants import GRID


def feature_lines(features: nn.Module, side: int) -> tuple[list[str], int]:
    """The layers before the classifier, a line each, and the side of the map that comes out.

    Args:
        features: `AlexNet.features`.
        side: Of the pictures, in pixels.
    """
    lines: list[tuple[str, str]] = []
    channels = 3
    for layer in cast(nn.Sequential, features):
        norm = norm_of(layer)
        code = str(norm.layer(channels)) if norm and norm.layer else _code(layer)
        if isinstance(layer, nn.Conv2d):
            channels = layer.out_channels
            side = conv_output_size(side, _one(layer.kernel_size), _one(layer.stride), _one(layer.padding))
        elif isinstance(layer, nn.MaxPool2d):
            side = conv_output_size(side, _one(layer.kernel_size), _one(layer.stride))
        else:
            lines.append((f"{code},", ""))
            continue
        lines.append((f"{code},", f"  # {channels} x {side} x {side}"))
    # The comments stand below each other.
    width = max(len(code) for code, _ in lines)
    return [(code.ljust(width) if comment else code) + comment for code, comment in lines], side


def classifier_lines(classifier: nn.Module) -> list[str]:
    """The layers after the features, a line each; the last one has as many outputs as the caller has classes."""
    layers = list(cast(nn.Sequential, classifier))
    last = cast(nn.Linear, layers[-1])
    return [*(f"{_code(layer)}," for layer in layers[:-1]), f"nn.Linear({last.in_features}, num_classes),"]


def pool_line(side: int) -> str:
    """What brings the feature map to the 6 x 6 that the classifier reads; nothing where it is that already."""
    if side == GRID:
        return ""
    grid = f"{GRID} x {GRID}"
    return f"self.avgpool = nn.AdaptiveAvgPool2d(({GRID}, {GRID}))  # {side} x {side} -> {grid}, without any weight"


def _one(value: object) -> int:
    """The square kernels, strides and paddings of this network as one number."""
    return int(value[0] if isinstance(value, tuple) else cast(int, value))


def _code(layer: nn.Module) -> str:
    if isinstance(layer, nn.Conv2d):
        options = {"kernel_size": _one(layer.kernel_size)}
        usual = {"stride": (_one(layer.stride), 1), "padding": (_one(layer.padding), 0), "groups": (layer.groups, 1)}
        options |= {name: value for name, (value, default) in usual.items() if value != default}
        given = "".join(f", {name}={value}" for name, value in options.items())
        bias = "" if layer.bias is not None else ", bias=False"
        return f"nn.Conv2d({layer.in_channels}, {layer.out_channels}{given}{bias})"
    if isinstance(layer, nn.LocalResponseNorm):
        return f"nn.LocalResponseNorm({layer.size}, alpha={layer.alpha!r}, beta={layer.beta!r}, k={layer.k!r})"
    if isinstance(layer, nn.MaxPool2d):
        return f"nn.MaxPool2d(kernel_size={_one(layer.kernel_size)}, stride={_one(layer.stride)})"
    if isinstance(layer, nn.Linear):
        return f"nn.Linear({layer.in_features}, {layer.out_features})"
    if isinstance(layer, nn.Dropout):
        return f"nn.Dropout({layer.p!r})"
    if isinstance(layer, nn.ReLU | nn.Tanh | nn.Sigmoid):
        return f"nn.{type(layer).__name__}()"
    raise CheckpointError(f"A layer of the kind {type(layer).__name__} cannot be written as code.", "Export weights.")
