"""One convolution to play with: its sizes with the numbers filled in, and each step of its window.

Unlike `arithmetic`, which serves the networks, the two sides of a picture may differ here, and so may its four borders.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from alexcore.errors import ConfigError
from alexcore.nn.arithmetic import window_span

MAXIMUM_SIDE, MAXIMUM_KERNEL, MAXIMUM_STEP, MAXIMUM_CHANNELS = 64, 16, 16, 512
Numbers = npt.NDArray[np.int64]


class Pair(NamedTuple):
    """A number for each side, in torch's order."""

    height: int
    width: int


class Sides(NamedTuple):
    """Padding at the four borders, in the order of `nn.ZeroPad2d`."""

    left: int = 0
    right: int = 0
    top: int = 0
    bottom: int = 0


def read_numbers(text: str, name: str, counts: tuple[int, ...], low: int, high: int) -> tuple[int, ...]:
    """Read "3" or "3, 5" or "(3, 5)", as many numbers as `counts` allows, each from `low` to `high`.

    Raises:
        ConfigError: it is something else.
    """
    parts = [part for part in re.split(r"[,;\s]+", text.strip().strip("()[]")) if part]
    numbers = [int(part) if re.fullmatch(r"-?\d{1,6}", part) else None for part in parts]
    if len(numbers) not in counts or any(each is None or not low <= each <= high for each in numbers):
        how = " or ".join(f"{count} whole number{'s' if count > 1 else ''}" for count in counts)
        raise ConfigError(
            f"{name} = {text.strip()[:40]!r} is not allowed: it must be {how} from {low} to {high}.",
            'Type for example "1", or "1, 2" for height and width.' if 2 in counts else "",
        )
    return tuple(each for each in numbers if each is not None)


def read_pair(text: str, name: str, low: int, high: int) -> Pair:
    """Read one number for both sides, or two: height, width.

    Raises:
        ConfigError: it is something else.
    """
    numbers = read_numbers(text, name, (1, 2), low, high)
    return Pair(numbers[0], numbers[-1])


ONE, THREE, NO_PADDING = Pair(1, 1), Pair(3, 3), Sides()


@dataclass(frozen=True)
class Convolution:
    """A convolution over pictures of one size, with zeros around them.

    Raises:
        ConfigError: the window does not fit into the padded input.
    """

    size: Pair
    in_channels: int = 1
    out_channels: int = 1
    kernel: Pair = THREE
    stride: Pair = ONE
    dilation: Pair = ONE
    padding: Sides = NO_PADDING

    def __post_init__(self) -> None:
        for side, room, span in zip(Pair._fields, self.padded, self.span, strict=True):
            if span > room:
                raise ConfigError(
                    f"The window spans {span} pixels of {side}, but the padded input has only {room}.",
                    "Use a larger input or more padding, or a smaller kernel or dilation.",
                )

    @property
    def padded(self) -> Pair:
        """The input with its zeros."""
        pad = self.padding
        return Pair(self.size.height + pad.top + pad.bottom, self.size.width + pad.left + pad.right)

    @property
    def span(self) -> Pair:
        """From the first to the last tap, both included."""
        return Pair(*(window_span(k, d) for k, d in zip(self.kernel, self.dilation, strict=True)))

    @property
    def output(self) -> Pair:
        """Positions of the window (torch.nn.Conv2d, section Shape)."""
        rooms = zip(self.padded, self.span, self.stride, strict=True)
        return Pair(*((room - span) // step + 1 for room, span, step in rooms))

    @property
    def positions(self) -> int:
        """How many there are in all."""
        return self.output.height * self.output.width

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return self.out_channels * (self.in_channels * self.kernel.height * self.kernel.width + 1)

    @property
    def multiply_adds(self) -> int:
        """For one picture."""
        weights = self.out_channels * self.in_channels * self.kernel.height * self.kernel.width
        return weights * self.positions

    def formulas(self) -> list[str]:
        """The output size of height and width, with the numbers filled in."""
        pad = self.padding
        borders = {"height": (pad.top, pad.bottom), "width": (pad.left, pad.right)}
        lines = []
        for number, side in enumerate(Pair._fields):
            (before, after), size, kernel = borders[side], self.size[number], self.kernel[number]
            stride, dilation = self.stride[number], self.dilation[number]
            rest = self.padded[number] - self.span[number]
            lines.append(
                f"{side}: floor(({size} + {before} + {after} - {dilation}*({kernel} - 1) - 1) / {stride}) + 1"
                f" = floor({rest} / {stride}) + 1 = {rest // stride} + 1 = {self.output[number]}"
            )
        return lines

    def place(self, position: int) -> Pair:
        """Row and column of the output that a position (row by row) fills."""
        return Pair(*divmod(position, self.output.width))

    def taps(self, position: int) -> list[Pair]:
        """The pixels of the padded input under the kernel, row by row."""
        row, column = self.place(position)
        top, left = row * self.stride.height, column * self.stride.width
        return [
            Pair(top + y * self.dilation.height, left + x * self.dilation.width)
            for y in range(self.kernel.height)
            for x in range(self.kernel.width)
        ]

    def inside(self, pixel: Pair) -> bool:
        """Whether a pixel of the padded input is one of the picture, not a zero around it."""
        row, column = pixel.height - self.padding.top, pixel.width - self.padding.left
        return 0 <= row < self.size.height and 0 <= column < self.size.width

    def code(self) -> str:
        """The same as torch writes it; four different borders need a layer of their own."""
        pad = self.padding
        even = pad.top == pad.bottom and pad.left == pad.right
        pairs = {"kernel_size": self.kernel, "stride": self.stride, "dilation": self.dilation}
        if even:
            pairs["padding"] = Pair(pad.top, pad.left)
        usual = {"stride": Pair(1, 1), "dilation": Pair(1, 1), "padding": Pair(0, 0)}
        arguments = [
            f"{name}={pair.height if pair.height == pair.width else tuple(pair)}"
            for name, pair in pairs.items()
            if pair != usual.get(name)
        ]
        conv = f"nn.Conv2d({self.in_channels}, {self.out_channels}, {', '.join(arguments)})"
        return conv if even else f"nn.Sequential(\n    nn.ZeroPad2d({tuple(pad)}),\n    {conv},\n)"


def sample_input(conv: Convolution) -> Numbers:
    """A picture of small whole numbers, (in_channels, H, W): the same ones each time, and no two rows alike."""
    channel, row, column = np.indices((conv.in_channels, *conv.size))
    return np.asarray((7 * row + 3 * column + row * column + 5 * channel) % 10, dtype=np.int64)


def sample_weights(conv: Convolution) -> Numbers:
    """Kernels of small whole numbers, (out_channels, in_channels, kernel height, kernel width), from -2 to 2."""
    out, channel, row, column = np.indices((conv.out_channels, conv.in_channels, *conv.kernel))
    return np.asarray((out + 2 * channel + 3 * row + 2 * column + row * column) % 5 - 2, dtype=np.int64)


def padded_input(conv: Convolution) -> Numbers:
    """`sample_input` with its zeros."""
    pad = conv.padding
    return np.pad(sample_input(conv), ((0, 0), (pad.top, pad.bottom), (pad.left, pad.right)))


def convolve(conv: Convolution) -> Numbers:
    """The first output channel, (H, W), worked out window by window; without a bias."""
    picture, kernel = padded_input(conv), sample_weights(conv)[0]
    result = np.zeros(conv.output, dtype=np.int64)
    for position in range(conv.positions):
        rows, columns = zip(*conv.taps(position), strict=True)
        result[conv.place(position)] = int((picture[:, rows, columns] * kernel.reshape(conv.in_channels, -1)).sum())
    return result


def products(conv: Convolution, position: int) -> list[tuple[int, int]]:
    """(input, weight) under each tap of the first kernel's first channel, row by row."""
    picture, kernel = padded_input(conv)[0], sample_weights(conv)[0, 0].reshape(-1)
    return [(int(picture[tap]), int(weight)) for tap, weight in zip(conv.taps(position), kernel, strict=True)]
