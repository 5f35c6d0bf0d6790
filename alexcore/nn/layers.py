"""The layers of an AlexNet as a table: shapes, parameters, multiply-adds and receptive fields.

Worked out from the same numbers that `AlexNet` is built from (`variants`), so a page can show them before torch is
there; tests hold every column against torch's own layers and counters.

A multiply-add is one multiplication and one addition, as published figures count them (torch's FLOP counter counts
both, so twice as many). Only convolutions and linear layers are counted; biases, norms, activations and pooling are
left out, as there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from alexcore.errors import ConfigError
from alexcore.nn.arithmetic import conv_output_size, window_span
from alexcore.nn.choices import ACTIVATIONS, check_choice
from alexcore.nn.norms import Norm, one_norm
from alexcore.nn.variants import (
    GRID,
    MAXIMUM_WIDTH,
    POOL_KERNEL,
    POOL_STRIDE,
    Variant,
    minimum_input_size,
    one_variant,
    scaled,
)

MAXIMUM_SIZE = 1024
MAXIMUM_CLASSES = 100_000


class Window(NamedTuple):
    """A sliding window along one side, in pixels of its input."""

    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1


class Field(NamedTuple):
    """What one output pixel sees of the input, along one side.

    Attributes:
        size: Pixels of the input that it depends on, were there no border.
        jump: Pixels of the input from one output pixel to the next.
        start: Where the field of output pixel 0 begins; negative where it reaches into the padding.
    """

    size: int = 1
    jump: int = 1
    start: int = 0

    def through(self, window: Window) -> Field:
        """The field of a pixel that a window of such pixels gives (Araujo, Norris and Sim 2019, equations 1 and 2)."""
        span = window_span(window.kernel, window.dilation)
        return Field(
            self.size + (span - 1) * self.jump, self.jump * window.stride, self.start - window.padding * self.jump
        )


def receptive_fields(windows: Iterable[Window]) -> list[Field]:
    """The field after each of a sequence of windows."""
    fields, field = [], PIXEL
    for window in windows:
        field = field.through(window)
        fields.append(field)
    return fields


PIXEL = Field()


@dataclass(frozen=True)
class Layer:
    """One layer and what comes out of it.

    Attributes:
        name: For people: conv1, norm1, relu1, pool1, avgpool, linear1.
        path: Its name in `named_modules()` of the network.
        kind: convolution, batch norm, group norm, relu, LRN, max-pooling, average pooling, dropout or linear.
        channels: Of the output; of a linear layer its units.
        side: Of the output map in pixels; 0 where there is no map any more.
        kernel: Side of the window in pixels; 0 where there is none, like stride and padding.
        stride: From one window to the next.
        padding: At each border.
        groups: Of a convolution (each sees its part of the channels) or of a group norm; 1 elsewhere.
        parameters: Numbers that are learned.
        multiply_adds: For one picture.
        field: What an output sees of the picture.
        note: What else a person should know.
    """

    name: str
    path: str
    kind: str
    channels: int
    side: int
    parameters: int = 0
    multiply_adds: int = 0
    kernel: int = 0
    stride: int = 0
    padding: int = 0
    groups: int = 1
    field: Field = PIXEL
    note: str = ""

    @property
    def shape(self) -> str:
        """The output for one picture: "64 × 55 × 55" (channels, height, width) or "4,096"."""
        return f"{self.channels} × {self.side} × {self.side}" if self.side else f"{self.channels:,}"


def layer_table(
    variant: str = "seed",
    size: int = 224,
    norm: str = "batch",
    width: float = 1.0,
    num_classes: int = 5,
    activation: str = "relu",
) -> list[Layer]:
    """The layers of `AlexNet` with these arguments, for pictures of `size` x `size` px, in the order they act.

    Raises:
        ConfigError: a value is out of range; all such are named.
    """
    spec = one_variant(variant)
    chosen = one_norm(norm)
    check_choice("activation", activation, ACTIVATIONS)
    least = minimum_input_size(variant)
    wrong = []
    if not least <= size <= MAXIMUM_SIZE:
        wrong.append(
            f"size = {size!r} is not allowed: {variant} takes pictures from {least} to {MAXIMUM_SIZE} px a side."
        )
    if not 0 < width <= MAXIMUM_WIDTH:  # written so that NaN fails, too
        wrong.append(f"width = {width!r} is not allowed: it must be above 0 and at most {MAXIMUM_WIDTH:g}.")
    if not 1 <= num_classes <= MAXIMUM_CLASSES:
        wrong.append(f"classes = {num_classes!r} is not allowed: it must be from 1 to {MAXIMUM_CLASSES:,}.")
    if wrong:
        raise ConfigError(" ".join(wrong), "Correct the value; the table then follows.")
    features = _features(spec, size, chosen, width, activation)
    last = features[-1]
    pooled = _average(last)
    return [*features, pooled, *_classifier(spec, pooled, width, num_classes, activation)]


def _features(spec: Variant, size: int, norm: Norm, width: float, activation: str) -> list[Layer]:
    layers: list[Layer] = []
    channels, side, field, pools = 3, size, PIXEL, 0

    def add(name: str, kind: str, **values: int | str) -> None:
        path = f"features.{len(layers)}"
        layers.append(Layer(name, path, kind, channels, side, field=field, **values))  # type: ignore[arg-type]

    for number, conv in enumerate(spec.convs, start=1):
        inputs, channels = channels, scaled(conv.channels, width)
        side = conv_output_size(side, conv.kernel, conv.stride, conv.padding)
        field = field.through(Window(conv.kernel, conv.stride, conv.padding))
        weights = channels * (inputs // conv.groups) * conv.kernel**2
        add(
            f"conv{number}",
            "convolution",
            parameters=weights + (0 if norm.layer else channels),
            multiply_adds=weights * side**2,
            kernel=conv.kernel,
            stride=conv.stride,
            padding=conv.padding,
            groups=conv.groups,
            note="without a bias: the norm has a shift of its own" if norm.layer else "",
        )
        if norm.layer:
            groups = norm.groups(channels) if norm.groups else 1
            add(f"norm{number}", norm.kind, parameters=norm.per_channel * channels, groups=groups)
        add(f"{activation}{number}", activation)
        if conv.lrn and not norm.layer:
            add(f"lrn{number}", "LRN", note="over 5 neighbouring channels")
        if conv.pool:
            pools += 1
            side = conv_output_size(side, POOL_KERNEL, POOL_STRIDE)
            field = field.through(Window(POOL_KERNEL, POOL_STRIDE))
            add(f"pool{pools}", "max-pooling", kernel=POOL_KERNEL, stride=POOL_STRIDE)
    return layers


def _average(last: Layer) -> Layer:
    """The average over a fixed grid; its windows are of one pixel where the map has the grid's size."""
    starts = [i * last.side // GRID for i in range(GRID)]
    ends = [-(-(i + 1) * last.side // GRID) for i in range(GRID)]
    kernel = max(end - start for start, end in zip(starts, ends, strict=True))
    note = f"to {GRID} × {GRID}; changes nothing at this size" if last.side == GRID else f"to {GRID} × {GRID}"
    field = Field(last.field.size + (kernel - 1) * last.field.jump, last.field.jump, last.field.start)
    return Layer("avgpool", "avgpool", "average pooling", last.channels, GRID, kernel=kernel, field=field, note=note)


def _classifier(spec: Variant, pooled: Layer, width: float, num_classes: int, activation: str) -> list[Layer]:
    layers: list[Layer] = []
    units = pooled.channels * GRID**2
    # A linear layer sees the whole map, and so the whole picture.
    whole = Field(pooled.field.size + (GRID - 1) * pooled.field.jump, pooled.field.jump, pooled.field.start)

    def add(name: str, kind: str, outputs: int, parameters: int = 0, multiply_adds: int = 0) -> None:
        path = f"classifier.{len(layers)}"
        layers.append(Layer(name, path, kind, outputs, 0, parameters, multiply_adds, field=whole))

    for number, hidden in enumerate((scaled(each, width) for each in spec.hidden), start=1):
        if spec.dropout_before:
            add(f"dropout{number}", "dropout", units)
        add(f"linear{number}", "linear", hidden, parameters=hidden * (units + 1), multiply_adds=hidden * units)
        add(f"{activation}{len(spec.convs) + number}", activation, hidden)
        if not spec.dropout_before:
            add(f"dropout{number}", "dropout", hidden)
        units = hidden
    last = len(spec.hidden) + 1
    add(f"linear{last}", "linear", num_classes, parameters=num_classes * (units + 1), multiply_adds=num_classes * units)
    return layers


def totals(layers: Sequence[Layer]) -> tuple[int, int]:
    """(parameters, multiply-adds) of all layers."""
    return sum(each.parameters for each in layers), sum(each.multiply_adds for each in layers)
