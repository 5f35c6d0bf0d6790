"""A network as data, the one description of it: torch builds it, the table of layers counts it, an export prints it.

Layers that keep a map (`features`) come first, then the average over a fixed grid, then layers of plain units
(`classifier`), the last of them linear with an output a class.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from alexcore.nn.arithmetic import conv_minimum_input_size
from alexcore.nn.call import Call
from alexcore.nn.norms import Norm


class Design(NamedTuple):
    """What a run's settings ask of a network, whichever it is."""

    num_classes: int
    norm: Norm
    width: float
    dropout: float
    activation: str


class Window(NamedTuple):
    """A sliding window along one side, in pixels of its input."""

    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1


@dataclass(frozen=True)
class LayerSpec:
    """One layer, whatever the size of the picture."""

    kind: str  # for people: convolution, batch norm, group norm, relu, LRN, max-pooling, dropout or linear
    call: Call  # how torch makes it
    stem: str  # of its name, such as "conv" of conv1
    outputs: int = 0  # channels or units that come out; 0: as many as go in
    window: Window | None = None  # that of a convolution or a pooling
    groups: int = 1  # of a convolution (each sees its part of the channels) or of a norm (each has its own mean)
    weights: int = 0  # numbers that are multiplied, each once for every pixel of the output
    more: int = 0  # other numbers that are learned: biases, and those of a norm
    note: str = ""  # what else a person should know


class Place(NamedTuple):
    """A layer with its name for people, such as "conv1", and its path in `named_modules()`."""

    name: str
    path: str
    spec: LayerSpec


@dataclass(frozen=True)
class Description:
    """A network, layer by layer."""

    features: tuple[LayerSpec, ...]  # every convolution is followed by its norm, if any, and an activation
    grid: int  # side of the map that the classifier reads
    classifier: tuple[LayerSpec, ...]  # ends with a linear layer
    # What the modules of the three are called in the state dict.
    parts: tuple[str, str, str] = ("features", "avgpool", "classifier")

    @property
    def parameters(self) -> int:
        """How many numbers are learned."""
        return sum(each.weights + each.more for each in chain(self.features, self.classifier))

    @property
    def minimum_size(self) -> int:
        """The smallest side of a picture, in pixels, from which every layer gets something to see.

        Computed from the last layer back: it must give one pixel, so the layer before it must give what that takes.
        """
        size = 1
        for window in reversed([each.window for each in self.features if each.window]):
            size = conv_minimum_input_size(size, *window)
        return size

    def places(self) -> tuple[list[Place], list[Place]]:
        """Features and classifier with their names; layers of one stem are counted through, from 1."""
        counts: dict[str, int] = {}

        def named(part: str, specs: tuple[LayerSpec, ...]) -> Iterator[Place]:
            for number, spec in enumerate(specs):
                counts[spec.stem] = counts.get(spec.stem, 0) + 1
                yield Place(f"{spec.stem}{counts[spec.stem]}", f"{part}.{number}", spec)

        return list(named(self.parts[0], self.features)), list(named(self.parts[2], self.classifier))


def convolution(inputs: int, outputs: int, window: Window, groups: int = 1, bias: bool = True) -> LayerSpec:
    """A convolution."""
    given = {"stride": window.stride, "padding": window.padding, "groups": groups, "bias": bias}
    usual = {"stride": 1, "padding": 0, "groups": 1, "bias": True}
    options = {"kernel_size": window.kernel} | {name: each for name, each in given.items() if each != usual[name]}
    return LayerSpec(
        "convolution",
        Call("torch.nn:Conv2d", (inputs, outputs), options),
        "conv",
        outputs,
        window,
        groups,
        weights=outputs * (inputs // groups) * window.kernel**2,
        more=outputs if bias else 0,
        note="" if bias else "without a bias: the norm has a shift of its own",
    )


def norm_layer(norm: Norm, channels: int) -> list[LayerSpec]:
    """The layer of a norm; nothing if it is the norm "none"."""
    if norm.layer is None:
        return []
    groups = norm.groups(channels) if norm.groups else 1
    return [LayerSpec(norm.kind, norm.layer(channels), "norm", groups=groups, more=norm.per_channel * channels)]


def activation(name: str) -> LayerSpec:
    """An activation, never in place: a hook on the layer before (Grad-CAM, a probe) must find what that layer gave."""
    kind = {"relu": "ReLU", "tanh": "Tanh", "sigmoid": "Sigmoid"}[name]
    return LayerSpec(name, Call(f"torch.nn:{kind}"), name)


def local_response() -> LayerSpec:
    """The paper's local response normalisation: its alpha = 1e-4 multiplies the sum over a window, torch's the mean."""
    size = 5
    call = Call("torch.nn:LocalResponseNorm", (size,), {"alpha": 1e-4 * size, "beta": 0.75, "k": 2.0})
    return LayerSpec("LRN", call, "lrn", note=f"over {size} neighbouring channels")


def max_pooling(kernel: int, stride: int) -> LayerSpec:
    """A maximum over windows."""
    call = Call("torch.nn:MaxPool2d", options={"kernel_size": kernel, "stride": stride})
    return LayerSpec("max-pooling", call, "pool", window=Window(kernel, stride))


def dropout(share: float) -> LayerSpec:
    """Units that are set to zero in training, as a share."""
    return LayerSpec("dropout", Call("torch.nn:Dropout", (share,)), "dropout")


def linear(inputs: int, outputs: int) -> LayerSpec:
    """A linear layer with a bias."""
    call = Call("torch.nn:Linear", (inputs, outputs))
    return LayerSpec("linear", call, "linear", outputs, weights=inputs * outputs, more=outputs)
