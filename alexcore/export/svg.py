"""Charts as SVG text, for a file that has to work without scripts and without a network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

from alexcore.names import visible
from alexcore.palette import REST, TRAIN, VAL

WIDTH, HEIGHT = 640, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 14, 56, 44
_ROW = 22

Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """One line of a chart; a dash and markers tell it from the others without its colour."""

    name: str
    points: Sequence[Point]
    colour: str
    dash: str = ""
    markers: bool = False


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers from `low` to `high`: multiples of 1, 2 or 5 times a power of ten."""
    if not high > low:
        return [low]
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    first = math.ceil(low / step - 1e-9)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]


def _number(value: float) -> str:
    return f"{value:.10g}" if abs(value) >= 0.001 or not value else f"{value:.1e}"


def _text(x: float, y: float, text: str, anchor: str = "middle", extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{extra}>{escape(visible(text))}</text>'


def _frame(title: str, height: float, body: list[str]) -> Markup:
    head = (
        f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{escape(visible(title))}" '
        f'xmlns="http://www.w3.org/2000/svg">'
    )
    heading = _text(_LEFT, 18, title, "start", ' class="title"')
    return Markup("\n".join([head, heading, *body, "</svg>"]))  # every text in it was escaped


def line_chart(
    lines: Sequence[Line],
    title: str,
    x: str,
    y: str,
    *,
    share: bool = False,
    marks: Sequence[float] = (),
    other_until: float = -1,
) -> Markup:
    """Lines over a common x axis; those without a finite point are left out. `x` and `y` name the axes with units.

    With `share` the values are shares of 1, shown as percentages from 0 to 100 %. `marks` are places on the x axis
    where the run was resumed; up to `other_until` the figures are of other data, which is shaded.
    """
    kept = [(line, [p for p in line.points if math.isfinite(p[0]) and math.isfinite(p[1])]) for line in lines]
    kept = [(line, points) for line, points in kept if points]
    if not kept:
        return Markup()
    xs = [p[0] for _, points in kept for p in points]
    ys = [p[1] for _, points in kept for p in points]
    x0, x1 = min(xs), max(max(xs), min(xs) + 1)
    y0, y1 = (0.0, 1.0) if share else (min(0.0, *ys) if min(ys) < 0.5 * max(ys) else min(ys), max(ys))
    y1 = y1 if y1 > y0 else y0 + 1

    def at(point: Point) -> Point:
        across = (point[0] - x0) / (x1 - x0) * (WIDTH - _LEFT - _RIGHT)
        up = (point[1] - y0) / (y1 - y0) * (HEIGHT - _TOP - _BOTTOM)
        return _LEFT + across, HEIGHT - _BOTTOM - up

    body = []
    if other_until > x0:
        column, _ = at((min(other_until, x1), y0))
        width, height = column - _LEFT, HEIGHT - _TOP - _BOTTOM
        body.append(f'<rect class="other" x="{_LEFT}" y="{_TOP}" width="{width:.1f}" height="{height}"/>')
        body.append(_text(_LEFT + 4, HEIGHT - _BOTTOM - 6, "other data", "start"))
    for value in ticks(y0, y1):
        _, row = at((x0, value))
        body.append(f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{row:.1f}" y2="{row:.1f}"/>')
        body.append(_text(_LEFT - 6, row + 4, f"{value:.0%}" if share else _number(value), "end"))
    for value in ticks(x0, x1, 8):
        column, _ = at((value, y0))
        body.append(_text(column, HEIGHT - _BOTTOM + 16, _number(value)))
    for mark in marks:
        column, _ = at((mark, y0))
        body.append(f'<line class="mark" x1="{column:.1f}" x2="{column:.1f}" y1="{_TOP}" y2="{HEIGHT - _BOTTOM}"/>')
        body.append(_text(column, _TOP - 4, "resumed"))
    legend = float(_LEFT)
    for line, points in kept:
        places = [at(point) for point in points]
        path = " ".join(f"{'L' if number else 'M'}{px:.1f} {py:.1f}" for number, (px, py) in enumerate(places))
        dash = f' stroke-dasharray="{line.dash}"' if line.dash else ""
        body.append(f'<path d="{path}" fill="none" stroke="{line.colour}" stroke-width="2"{dash}/>')
        if line.markers:
            body += [f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3.5" fill="{line.colour}"/>' for px, py in places]
        body.append(f'<path d="M{legend} 36h24" stroke="{line.colour}" stroke-width="3"{dash}/>')
        body.append(_text(legend + 30, 40, line.name, "start"))
        legend += 46 + 7.2 * len(line.name)
    body.append(_text((_LEFT + WIDTH - _RIGHT) / 2, HEIGHT - 8, x))
    middle = (_TOP + HEIGHT - _BOTTOM) / 2
    body.append(_text(14, middle, y, "middle", f' transform="rotate(-90 14 {middle:.1f})"'))
    return _frame(title, HEIGHT, body)


def bar_chart(names: Sequence[str], bars: Mapping[str, Sequence[int]], title: str, x: str, y: str) -> Markup:
    """Horizontal bars, a row a name; `bars` has a value a name for each kind, drawn below each other."""
    if not names or not bars:
        return Markup()
    most = max([1, *(value for values in bars.values() for value in values)])
    left = min(220, 20 + 7 * max(len(name[:28]) for name in names))
    scale = (WIDTH - left - 60) / most
    thick = (_ROW - 6) / len(bars)
    colours = dict(zip(bars, (TRAIN, VAL, REST), strict=False))
    body, legend = [], float(_LEFT)
    for kind, colour in colours.items():
        body.append(f'<rect x="{legend}" y="30" width="12" height="12" fill="{colour}"/>')
        body.append(_text(legend + 18, 40, kind, "start"))
        legend += 40 + 7.2 * len(kind)
    for row, name in enumerate(names):
        top = _TOP + row * _ROW
        body.append(_text(left - 8, top + _ROW / 2 + 3, name if len(name) <= 28 else f"{name[:27]}…", "end"))
        for place, (kind, values) in enumerate(bars.items()):
            wide = max(values[row] * scale, 1.0 if values[row] else 0.0)
            up = top + place * thick + 2
            body.append(
                f'<rect x="{left}" y="{up:.1f}" width="{wide:.1f}" height="{thick:.1f}" fill="{colours[kind]}"/>'
            )
            if thick >= 7:
                body.append(_text(left + wide + 4, up + thick - 1, f"{values[row]:,}", "start", ' class="small"'))
    end = _TOP + len(names) * _ROW
    body.append(_text((left + WIDTH) / 2, end + 18, x))
    body.append(_text(left - 8, _TOP - 4, y, "end", ' class="small"'))
    return _frame(title, end + 28, body)
