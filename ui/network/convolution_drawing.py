"""The drawing of a convolution: the padded input with the kernel on it, and the output that it fills."""

from __future__ import annotations

from html import escape

from alexcore.nn.convolution import Convolution, Numbers, Pair, convolve, padded_input
from ui.network.drawing import CONV, POOL, svg, text

# With more cells a side, numbers could not be read; the colours still can.
MOST_NUMBERS = 16
_LARGEST_CELL, _WIDEST = 34.0, 460.0


def grids_svg(conv: Convolution, position: int) -> str:
    """Channel 0 of the padded input with the taps of one position, beside output channel 0 with the cell they give."""
    picture, output = padded_input(conv)[0], convolve(conv)
    cell = min(_LARGEST_CELL, _WIDEST / max(conv.padded))
    under = set(conv.taps(position))
    place = conv.place(position)
    left = [
        _cell(30 + tap.width * cell, 30 + tap.height * cell, cell, tap, picture, conv, tap in under)
        for tap in (Pair(row, column) for row in range(conv.padded.height) for column in range(conv.padded.width))
    ]
    x = 30 + conv.padded.width * cell + 60
    small = min(cell, _WIDEST / max(conv.output))
    right = [
        _output(
            x + column * small,
            30 + row * small,
            small,
            int(output[row, column]),
            row * conv.output.width + column - position,
            max(conv.output) <= MOST_NUMBERS,
        )
        for row in range(conv.output.height)
        for column in range(conv.output.width)
    ]
    words = (
        f"input {conv.size.height} × {conv.size.width}, padded {conv.padded.height} × {conv.padded.width}",
        f"output {conv.output.height} × {conv.output.width}",
    )
    head = text(30, 20, words[0], 12, bold=True) + text(x, 20, words[1], 12, bold=True)
    high = max(conv.padded.height * cell, conv.output.height * small) + 46
    wide = x + max(conv.output.width * small, 110) + 12
    label = f"{words[0]}; the kernel makes row {place.height}, column {place.width} of the {words[1]}"
    return svg(wide, high, head + "".join(left) + "".join(right), label, least=min(360, int(wide)))


def _cell(x: float, y: float, side: float, tap: Pair, picture: Numbers, conv: Convolution, under: bool) -> str:
    inside = conv.inside(tap)
    fill = f'fill="{CONV}" fill-opacity="0.55"' if under else 'fill="currentColor" fill-opacity="0.06"'
    if not inside and not under:
        fill = 'fill="none"'
    dash = "" if inside else ' stroke-dasharray="3 2"'
    shape = (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{side:.1f}" height="{side:.1f}" {fill} stroke="currentColor" '
        f'stroke-opacity="{0.55 if inside else 0.35}"{dash}/>'
    )
    if max(conv.padded) > MOST_NUMBERS:
        return shape
    return shape + text(x + side / 2, y + side * 0.64, str(int(picture[tap])), side * 0.42, bold=under, middle=True)


def _output(x: float, y: float, side: float, value: int, after: int, numbered: bool) -> str:
    """A cell of the output; `after` is below 0 for what is done, 0 for the current one, above for what is to come."""
    fill = f'fill="{POOL}" fill-opacity="0.75"' if after == 0 else 'fill="currentColor" fill-opacity="0.06"'
    if after > 0:
        fill = 'fill="none"'
    shape = (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{side:.1f}" height="{side:.1f}" {fill} stroke="currentColor" '
        f'stroke-opacity="0.5"/>'
    )
    if after > 0 or not numbered:
        return shape
    return shape + text(x + side / 2, y + side * 0.62, escape(str(value)), side * 0.36, bold=after == 0, middle=True)
