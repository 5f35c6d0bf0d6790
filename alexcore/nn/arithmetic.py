"""How large the output of a convolution or a pooling window is, and how large its input must be.

All sizes are pixels along one side; the two sides of an image never mix. A max-pooling layer is a window like
that of a convolution, so the same two functions serve both (torch's `ceil_mode` is not covered).
"""

from __future__ import annotations

from alexcore.errors import ConfigError


def window_span(kernel: int, dilation: int = 1) -> int:
    """Return how many pixels a kernel covers from its first to its last tap; both arguments are at least 1.

    Raises:
        ConfigError: a value is below 1.
    """
    _at_least(1, kernel=kernel, dilation=dilation)
    return dilation * (kernel - 1) + 1


def conv_output_size(size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Return the output size of a convolution or pooling layer: how many positions the window has.

    floor((size + 2 * padding - span) / stride) + 1, where span = dilation * (kernel - 1) + 1
    (Dumoulin and Visin 2016, "A guide to convolution arithmetic", relationship 14; torch.nn.Conv2d).

    Args:
        size: Input pixels, at least 1.
        kernel: Taps along one side, at least 1.
        stride: Pixels from one window to the next, at least 1.
        padding: Pixels added at either end, at least 0.
        dilation: Pixels from one tap to the next, at least 1.

    Raises:
        ConfigError: a value is below its minimum, or the window is larger than the padded input.
    """
    span = window_span(kernel, dilation)
    _at_least(1, size=size, stride=stride)
    _at_least(0, padding=padding)
    room = size + 2 * padding
    if span > room:
        raise ConfigError(
            f"A window over {span} pixels does not fit into an input of {size} with padding {padding}, "
            f"which makes {room}.",
            f"Use an input of at least {span - 2 * padding}, or more padding.",
        )
    return (room - span) // stride + 1


def conv_minimum_input_size(output: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Return the smallest input for which the layer gives at least `output` pixels.

    The inverse of `conv_output_size`: the last window begins at (output - 1) * stride and needs `span` pixels,
    of which padding supplies some at both ends. Never below 1, however much padding there is.

    `output` is at least 1; the other arguments are as in `conv_output_size`.

    Raises:
        ConfigError: a value is below its minimum.
    """
    span = window_span(kernel, dilation)
    _at_least(1, output=output, stride=stride)
    _at_least(0, padding=padding)
    return max(1, (output - 1) * stride + span - 2 * padding)


def _at_least(minimum: int, **values: int) -> None:
    for name, value in values.items():
        if value < minimum:
            raise ConfigError(f"{name} = {value!r} is not allowed: it must be a whole number from {minimum}.")
