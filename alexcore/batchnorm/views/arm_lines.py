"""What an experiment measured as lines, an arm and seed each: drawn with a band over the seeds, counted, as a table."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from alexcore.batchnorm.read.record import Arm, Experiment, Point, band, is_number
from alexcore.batchnorm.views.view import ENOUGH_SEEDS, arm_rank, arms_in_order
from alexcore.nn.norms import look_of
from alexcore.runs.events import Event, finite_number
from alexcore.runs.series import thin

# Points a line: more does not show on a screen, and every one costs the browser time.
MOST_POINTS = 300

# norm -> seed -> points, rising in x
Lines = dict[str, dict[int, list[Point]]]
Pick = Callable[[Event], Any]


def from_field(name: str) -> Pick:
    """Pick a field of an event."""
    return lambda row: row.get(name)


def lines_of(events: Mapping[Arm, Sequence[Event]], pick: Pick, x: str = "step") -> Lines:
    """Collect one number an event, by arm and seed; what is missing or not finite is left out."""
    found: Lines = {}
    for (arm, seed), rows in sorted(events.items(), key=lambda item: (arm_rank(item[0][0]), item[0][1])):
        points = []
        for row in rows:
            at, value = finite_number(row.get(x)), finite_number(pick(row))
            if at is not None and value is not None:
                points.append((at, value))
        if points:
            found.setdefault(arm, {})[seed] = points
    return found


def smoothed(points: Sequence[Point], window: int) -> list[Point]:
    """The trailing mean over `window` points; the first ones average what there is."""
    kept: list[Point] = []
    for at, (x, _) in enumerate(points):
        last = [value for _, value in points[max(0, at + 1 - window) : at + 1]]
        kept.append((x, sum(last) / len(last)))
    return kept


def add_lines(
    figure: go.Figure, lines: Lines, *, dash: str = "", label: str = "", symbol: str = "", window: int = 1
) -> None:
    """Draw the arms: a median with a band from three seeds on, else one line a seed.

    An empty `dash` takes the arm's own, and `symbol` "arm" its mark; `label` goes behind the arm's name in the legend.
    Drawn is the trailing mean over `window` points.
    """
    for arm in arms_in_order(lines):
        whole = {seed: smoothed(points, window) for seed, points in lines[arm].items()}
        # Thinned behind the band: seeds of different lengths would each keep other points.
        rows = thin(band(whole.values()), MOST_POINTS)
        seeds = {seed: thin(points, MOST_POINTS) for seed, points in whole.items()}
        look = look_of(arm)
        name = f"{look.title}, {label}" if label else look.title
        mark = look.symbol if symbol == "arm" else symbol
        style: dict[str, Any] = {
            "mode": "lines+markers" if mark else "lines",
            "legendgroup": name,
            "line": {"color": look.colour, "width": 2, "dash": dash or look.dash},
        }
        if mark:
            style["marker"] = {"symbol": mark, "size": 7, "color": look.colour}
        if len(seeds) >= ENOUGH_SEEDS and rows:
            high, low = [(row.x, row.high) for row in rows], [(row.x, row.low) for row in rows]
            add_area(figure, high, low, faint(look.colour), f"{name}, all seeds", legendgroup=name, showlegend=False)
            least = min(row.curves for row in rows)
            figure.add_scatter(
                x=[row.x for row in rows],
                y=[row.median for row in rows],
                name=name if least == len(seeds) else f"{name}, in part {least} of {len(seeds)} seeds",
                hovertext=[f"{row.curves} of {len(seeds)} seeds" for row in rows],
                **style,
            )
            continue
        for at, (seed, points) in enumerate(sorted(seeds.items())):
            figure.add_scatter(
                x=[x for x, _ in points],
                y=[y for _, y in points],
                name=name,
                showlegend=not at,
                opacity=1.0 if not at else 0.6,
                hovertext=f"seed {seed}",
                **style,
            )


def faint(colour: str, alpha: float = 0.18) -> str:
    """A colour "#RRGGBB" that lets what is behind it shine through."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {alpha})"


def log_range(values: Iterable[float]) -> list[float] | None:
    """The range of a logarithmic axis (in powers of ten) that holds all positive values; None without any."""
    positive = [value for value in values if value > 0 and math.isfinite(value)]
    if not positive:
        return None
    return [math.log10(min(positive)) - 0.1, math.log10(max(positive)) + 0.1]


def plain_range(values: Iterable[float]) -> list[float] | None:
    """The range of a linear axis that holds all values, with a twentieth to spare; None without any."""
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return None
    low, high = min(known), max(known)
    spare = (high - low or abs(high) or 1.0) / 20
    return [low - spare, high + spare]


def values_of(lines: Lines) -> list[float]:
    """Every value, whatever arm and seed."""
    return [value for seeds in lines.values() for points in seeds.values() for _, value in points]


def last_of(lines: Lines) -> dict[str, list[float]]:
    """The last value of each seed, by arm."""
    return {arm: [points[-1][1] for _, points in sorted(seeds.items())] for arm, seeds in lines.items()}


def medians_of(lines: Lines) -> dict[str, list[float]]:
    """The median over the steps of each seed, by arm."""
    return {
        arm: [statistics.median(value for _, value in points) for _, points in sorted(seeds.items())]
        for arm, seeds in lines.items()
    }


def table_of(lines: Lines, name: str, x: str = "step") -> pd.DataFrame:
    """The numbers as rows: arm, seed, x, value."""
    rows = [
        {"arm": arm, "seed": seed, x: at, name: value}
        for arm, seeds in lines.items()
        for seed, points in seeds.items()
        for at, value in points
    ]
    return pd.DataFrame(rows, columns=["arm", "seed", x, name])


def joined(tables: Iterable[pd.DataFrame], on: Sequence[str] = ("arm", "seed", "step")) -> pd.DataFrame:
    """Tables of one index side by side; where one lacks a row its cells stay empty."""
    whole: pd.DataFrame | None = None
    for table in tables:
        whole = table if whole is None else whole.merge(table, how="outer", on=list(on))
    return pd.DataFrame() if whole is None else whole


def median_line(seeds: Mapping[int, Sequence[Point]]) -> list[Point]:
    """The median over the seeds that have the point."""
    return [(row.x, row.median) for row in band(seeds.values())]


def add_area(
    figure: go.Figure, there: Sequence[Point], back: Sequence[Point], fillcolor: str, name: str, **more: Any
) -> None:
    """Draw the area between two lines, along the one and back along the other."""
    outline = [*there, *reversed(back)]
    x, y = [x for x, _ in outline], [y for _, y in outline]
    style: dict[str, Any] = {"fill": "toself", "line": {"width": 0}, "mode": "lines", "hoverinfo": "skip"}
    figure.add_scatter(x=x, y=y, fillcolor=fillcolor, name=name, **style, **more)


def add_band(figure: go.Figure, low: Sequence[Point], high: Sequence[Point], colour: str, name: str) -> None:
    """Draw the area between two lines, and both of them."""
    add_area(figure, low, high, faint(colour, 0.25), name)
    for points, dash in ((low, "dot"), (high, "solid")):
        figure.add_scatter(
            x=[x for x, _ in points],
            y=[y for _, y in points],
            mode="lines",
            showlegend=False,
            line={"color": colour, "width": 1.5, "dash": dash},
            name="lowest" if dash == "dot" else "highest",
        )


def rates_in_words(experiment: Experiment) -> str:
    """Which rate each arm has, where each has its own: "no norm 0.003, BatchNorm 0.01"; else an empty text."""
    rates = (experiment.start or {}).get("rates")
    if not isinstance(rates, dict):
        return ""
    return ", ".join(f"{look_of(arm).title} {rate:g}" for arm, rate in rates.items() if is_number(rate))
