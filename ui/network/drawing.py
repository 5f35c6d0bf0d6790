"""Drawings as SVG: an architecture to scale, a convolution's grids, a graph. Lines and words take the page's colour."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from alexcore.nn.layers import Layer
from alexcore.palette import BLUE, GREEN, GREY, ORANGE

CONV, POOL, LINEAR, INPUT = BLUE, ORANGE, GREEN, GREY
_COLOURS = {"convolution": CONV, "max-pooling": POOL, "average pooling": POOL, "linear": LINEAR}
_HEIGHT, _WIDEST, _COLUMN, _BASE = 190.0, 62.0, 76.0, 240.0
# How far the side of a box leans back, as a share of its height.
_LEAN_X, _LEAN_Y = 0.34, 0.20


def architecture_svg(layers: Sequence[Layer], size: int) -> str:
    """The network as a row of boxes, to scale; norms, activations and dropout are words below the layer they follow."""
    boxes: list[tuple[Layer, list[str]]] = []
    for layer in layers:
        if layer.kind in _COLOURS:
            boxes.append((layer, []))
        elif boxes and layer.kind != "dropout":
            boxes[-1][1].append(layer.kind.replace("max-pooling", "pool"))
    channels = max(each.channels for each, _ in boxes if each.side)
    units = max((each.channels for each, _ in boxes if not each.side), default=1)
    # The picture itself gives the scale of all heights.
    parts = [_box(20.0, size, 3, size, channels, INPUT, ("input", "3 maps", f"{size} × {size}"), f"input: {size} px")]
    x = 20.0 + _room(size, 3, size, channels)
    for layer, words in boxes:
        title = _title(layer)
        side = f"{layer.side} × {layer.side}"
        maps = (f"{layer.channels} maps", side) if layer.side else (f"{layer.channels:,} units",)
        lines = (layer.name, *maps, *words)
        if layer.side:
            parts.append(_box(x, layer.side, layer.channels, size, channels, _COLOURS[layer.kind], lines, title))
            x += _room(layer.side, layer.channels, size, channels)
        else:
            parts.append(_bar(x, layer.channels, units, lines, title))
            x += _COLUMN
    label = f"The network to scale: {', '.join(f'{each.name} {each.shape}' for each, _ in boxes)}"
    return svg(x + 10, _BASE + 92, "".join(parts), label, least=760)


def _title(layer: Layer) -> str:
    window = f", kernel {layer.kernel}, stride {layer.stride}" if layer.kernel and layer.stride else ""
    return (
        f"{layer.name}: {layer.kind}{window}, output {layer.shape}, {layer.parameters:,} parameters, "
        f"{layer.multiply_adds / 1e6:,.1f} million multiply-adds, sees {layer.field.size} px"
    )


def _room(side: int, channels: int, size: int, most: int) -> float:
    return max(_COLUMN, _measures(side, channels, size, most)[1] + _measures(side, channels, size, most)[2] + 14)


def _measures(side: int, channels: int, size: int, most: int) -> tuple[float, float, float]:
    height = max(2.0, side / size * _HEIGHT)
    return height, max(2.0, channels / most * _WIDEST), height * _LEAN_X


def _box(
    x: float, side: int, channels: int, size: int, most: int, colour: str, lines: Sequence[str], title: str
) -> str:
    height, wide, lean = _measures(side, channels, size, most)
    up, top = height * _LEAN_Y, _BASE - height
    front = _rectangle(x, top, wide, height, colour, 0.75)
    roof = _polygon(((x, top), (x + lean, top - up), (x + wide + lean, top - up), (x + wide, top)), colour, 0.45)
    right = _polygon(
        ((x + wide, top), (x + wide + lean, top - up), (x + wide + lean, _BASE - up), (x + wide, _BASE)), colour, 0.3
    )
    return f"<g><title>{escape(title)}</title>{front}{roof}{right}{_lines(x, lines)}</g>"


def _bar(x: float, channels: int, most: int, lines: Sequence[str], title: str) -> str:
    height = max(2.0, channels / most * _HEIGHT)
    shape = _rectangle(x, _BASE - height, 10, height, LINEAR, 0.8)
    return f"<g><title>{escape(title)}</title>{shape}{_lines(x, lines)}</g>"


def _rectangle(x: float, y: float, width: float, height: float, colour: str, opacity: float) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}" '
        f'fill-opacity="{opacity}"/>'
    )


def _polygon(points: Sequence[tuple[float, float]], colour: str, opacity: float) -> str:
    text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polygon points="{text}" fill="{colour}" fill-opacity="{opacity}"/>'


def _lines(x: float, lines: Sequence[str]) -> str:
    return "".join(
        text(x, _BASE + 18 + 15 * number, line, 14 if number == 0 else 12.5, bold=number == 0)
        for number, line in enumerate(lines)
    )


def text(x: float, y: float, words: str, size: float = 11, bold: bool = False, middle: bool = False) -> str:
    """A line of words in the page's colour."""
    weight = ' font-weight="600"' if bold else ""
    anchor = ' text-anchor="middle"' if middle else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="currentColor"{weight}{anchor}>{escape(words)}</text>'
    )


def draw(drawing: str) -> None:
    """Put a drawing on the page. Through Markdown, because `st.html` lets no SVG pass; hand in no text of a user."""
    st.markdown(drawing, unsafe_allow_html=True)


def svg(width: float, height: float, body: str, words: str, least: int = 0) -> str:
    """A drawing as wide as the page; narrower than `least` px it is scrolled sideways instead of shrinking further."""
    return (
        f'<div style="overflow-x:auto"><svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
        f'aria-label="{escape(words)}" style="width:100%;min-width:{least}px;'
        f'max-width:{max(least, width * 1.25):.0f}px;height:auto;font-family:inherit">{body}</svg></div>'
    )
