"""The places of a network where it is measured: each weighted layer with the norm and the activation that follow it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from alexcore.nn.norms import norm_of

WEIGHTED = (nn.Conv2d, nn.Linear)
ACTIVATIONS = (nn.ReLU, nn.Tanh, nn.Sigmoid)


@dataclass(frozen=True)
class WeightedLayer:
    """A convolution or linear layer, and what acts on its output: norm and activation (ReLU, tanh or sigmoid), if any.

    `name` is "conv1", "conv2", ... and "linear1", ... in the order of the network, `path` that in `named_modules()`.
    """

    name: str
    path: str
    weighted: nn.Conv2d | nn.Linear
    norm: nn.Module | None
    activation: nn.Module | None

    @property
    def weight(self) -> Tensor:
        """The weights (the biases are not among them)."""
        return self.weighted.weight

    @property
    def channels(self) -> int:
        """Output channels of a convolution, units of a linear layer."""
        return int(self.weight.shape[0])

    @property
    def last(self) -> nn.Module:
        """The module whose output the activation gets: the norm, or without one the layer itself."""
        return self.norm if self.norm is not None else self.weighted


def layers_of(model: nn.Module) -> list[WeightedLayer]:
    """The weighted layers of a network, in order.

    Norm and activation are those that are registered between a layer and the next one, which holds for all networks
    that are one sequence.
    """
    modules = [(path, module) for path, module in model.named_modules() if not list(module.children())]
    places = [number for number, (_, module) in enumerate(modules) if isinstance(module, WEIGHTED)]
    found: list[WeightedLayer] = []
    counts = {"conv": 0, "linear": 0}
    for place, following in zip(places, [*places[1:], len(modules)], strict=True):
        path, module = modules[place]
        assert isinstance(module, WEIGHTED)
        kind = "conv" if isinstance(module, nn.Conv2d) else "linear"
        counts[kind] += 1
        between = [each for _, each in modules[place + 1 : following]]
        norm = next((each for each in between if norm_of(each)), None)
        activation = next((each for each in between if isinstance(each, ACTIVATIONS)), None)
        found.append(WeightedLayer(f"{kind}{counts[kind]}", path, module, norm, activation))
    return found


def by_channel(values: Tensor) -> Tensor:
    """(N, C, ...) as (C, N * ...): a row a channel, over pictures and positions."""
    return values.transpose(0, 1).flatten(1)


def fan_channels(model: nn.Module, most: int = 32) -> dict[str, list[int]]:
    """Evenly spaced channels of each layer whose values are kept one by one: all, or `most` of a convolution.

    A linear layer keeps a quarter of that, because its units are many and alike.
    """
    chosen = {}
    for layer in layers_of(model):
        limit = most if isinstance(layer.weighted, nn.Conv2d) else max(1, most // 4)
        count = min(layer.channels, limit)
        chosen[layer.name] = [number * layer.channels // count for number in range(count)]
    return chosen


def length(tensors: list[Tensor]) -> float:
    """Euclidean length of tensors taken as one vector, summed in float64 so that comparing lengths adds no rounding."""
    sizes = [torch.linalg.vector_norm(each.detach(), dtype=torch.float64) for each in tensors]
    return torch.linalg.vector_norm(torch.stack(sizes)).item() if sizes else 0.0
