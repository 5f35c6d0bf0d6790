"""The layers of a network as a table: shapes, parameters, multiply-adds and receptive fields, before torch is there.

Read from the description that the network is built from; tests hold every column against torch's own layers.

A multiply-add is one multiplication and one addition, as published figures count them (torch's FLOP counter counts
both, so twice as many). Only convolutions and linear layers are counted; biases, norms, activations and pooling are
left out, as there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from alexcore.errors import ConfigError
from alexcore.nn.arithmetic import conv_output_size, window_span
from alexcore.nn.blueprints import MAXIMUM_WIDTH, describe, minimum_input_size
from alexcore.nn.description import Description, Place, Window

MAXIMUM_SIZE = 1024
MAXIMUM_CLASSES = 100_000


class Field(NamedTuple):
    """What one output pixel sees of the input, along one side."""

    size: int = 1  # pixels of the input that it depends on, were there no border
    jump: int = 1  # pixels of the input from one output pixel to the next
    start: int = 0  # where the field of output pixel 0 begins; negative where it reaches into the padding

    def through(self, window: Window) -> Field:
        """The field of a pixel that a window of such pixels gives (Araujo, Norris and Sim 2019, equations 1 and 2)."""
        size = self.size + (window_span(window.kernel, window.dilation) - 1) * self.jump
        return Field(size, self.jump * window.stride, self.start - window.padding * self.jump)


PIXEL = Field()


@dataclass(frozen=True)
class Layer:
    """One layer and what comes out of it."""

    name: str  # for people: conv1, norm1, relu1, pool1, avgpool, linear1
    path: str  # its name in `named_modules()` of the network
    kind: str  # convolution, batch norm, group norm, relu, LRN, max-pooling, average pooling, dropout or linear
    channels: int  # of the output; of a linear layer its units
    side: int  # of the output map in pixels; 0 where there is no map any more
    parameters: int = 0  # numbers that are learned
    multiply_adds: int = 0  # for one picture
    kernel: int = 0  # side of the window in pixels; 0 where there is none, like stride and padding
    stride: int = 0  # from one window to the next
    padding: int = 0  # at each border
    groups: int = 1  # of a convolution (each sees its part of the channels) or of a group norm; 1 elsewhere
    field: Field = PIXEL  # what an output sees of the picture
    note: str = ""  # what else a person should know

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
    """The layers of a network with these settings, for pictures of `size` x `size` px, in the order they act.

    Raises:
        ConfigError: a value is out of range; all such are named.
    """
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
    return layers_of_description(describe(variant, num_classes, norm, width, activation=activation), size)


def layers_of_description(description: Description, size: int) -> list[Layer]:
    """The rows of a network for pictures of `size` x `size` px, which it has to take."""
    features, classifier = description.places()
    rows: list[Layer] = []
    channels, side, field = 3, size, PIXEL
    for place in features:
        window = place.spec.window
        if window:
            side, field = conv_output_size(side, *window), field.through(window)
        channels = place.spec.outputs or channels
        rows.append(_row(place, channels, side, field))
    rows.append(_average(rows[-1], description))
    # A layer of units sees the whole map, and so the whole picture.
    jump = field.jump
    whole = Field(rows[-1].field.size + (description.grid - 1) * jump, jump, field.start)
    units = channels * description.grid**2
    for place in classifier:
        units = place.spec.outputs or units
        rows.append(_row(place, units, 0, whole))
    return rows


def _row(place: Place, channels: int, side: int, field: Field) -> Layer:
    spec = place.spec
    window = spec.window or Window(0, 0)
    return Layer(
        place.name,
        place.path,
        spec.kind,
        channels,
        side,
        spec.weights + spec.more,
        spec.weights * max(1, side) ** 2,
        window.kernel,
        window.stride,
        window.padding,
        spec.groups,
        field,
        spec.note,
    )


def _average(last: Layer, description: Description) -> Layer:
    """The average over a fixed grid; its windows are of one pixel where the map has the grid's size."""
    grid, name = description.grid, description.parts[1]
    starts = [i * last.side // grid for i in range(grid)]
    ends = [-(-(i + 1) * last.side // grid) for i in range(grid)]
    kernel = max(end - start for start, end in zip(starts, ends, strict=True))
    note = f"to {grid} × {grid}; changes nothing at this size" if last.side == grid else f"to {grid} × {grid}"
    field = Field(last.field.size + (kernel - 1) * last.field.jump, last.field.jump, last.field.start)
    return Layer(name, name, "average pooling", last.channels, grid, kernel=kernel, field=field, note=note)


def totals(layers: Sequence[Layer]) -> tuple[int, int]:
    """(parameters, multiply-adds) of all layers."""
    return sum(each.parameters for each in layers), sum(each.multiply_adds for each in layers)
