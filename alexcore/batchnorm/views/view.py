"""A view, and what all of them share: one colour an arm, lines with bands over seeds, spreads in words."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from alexcore.batchnorm.read.record import Arm, Point, band
from alexcore.nn.norms import NORMS, look_of
from alexcore.runs.events import Event, finite_number
from alexcore.runs.series import thin
from alexcore.words.numbers import number

# Below this a band says nothing, and so does an order.
ENOUGH_SEEDS = 3
# Points a line: more does not show on a screen, and every one costs the browser time.
MOST_POINTS = 300

# norm -> seed -> points, rising in x
Lines = dict[str, dict[int, list[Point]]]
Pick = Callable[[Event], Any]


@dataclass(frozen=True)
class View:
    """Something to look at.

    Attributes:
        name: Its name in links and file names, such as "drift".
        title: Its heading.
        what: What is measured and how to read it, in plain words.
        sentence: What the numbers of this experiment say; computed, never fixed.
        figures: Charts by name; several stand side by side and share their ranges.
        table: The numbers, a row each.
        stacked: Charts that need the whole width stand one below the other.
    """

    name: str
    title: str
    what: str
    sentence: str
    figures: dict[str, go.Figure] = field(default_factory=dict)
    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    stacked: bool = False


def arm_title(arm: str) -> str:
    """The arm in words; an arm of a later version keeps its name."""
    return look_of(arm).title


def arm_colour(arm: str) -> str:
    """The arm's colour."""
    return look_of(arm).colour


def from_field(name: str) -> Pick:
    """Pick a field of an event."""
    return lambda row: row.get(name)


def lines_of(events: Mapping[Arm, Sequence[Event]], pick: Pick, x: str = "step") -> Lines:
    """Collect one number an event, by arm and seed; what is missing or not finite is left out."""
    found: Lines = {}
    for (arm, seed), rows in sorted(events.items(), key=lambda item: (_rank(item[0][0]), item[0][1])):
        points = []
        for row in rows:
            at, value = finite_number(row.get(x)), finite_number(pick(row))
            if at is not None and value is not None:
                points.append((at, value))
        if points:
            found.setdefault(arm, {})[seed] = points
    return found


def _rank(arm: str) -> tuple[int, str]:
    order = list(NORMS)
    return (order.index(arm) if arm in order else len(order), arm)


def arms_in_order(arms: Iterable[str]) -> list[str]:
    """none, batch, group, then whatever else there is."""
    return sorted(set(arms), key=_rank)


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
        name = f"{arm_title(arm)}{f', {label}' if label else ''}"
        mark = look_of(arm).symbol if symbol == "arm" else symbol
        style: dict[str, Any] = {
            "mode": "lines+markers" if mark else "lines",
            "legendgroup": name,
            "line": {"color": arm_colour(arm), "width": 2, "dash": dash or look_of(arm).dash},
        }
        if mark:
            style["marker"] = {"symbol": mark, "size": 7, "color": arm_colour(arm)}
        if len(seeds) >= ENOUGH_SEEDS and rows:
            figure.add_scatter(
                x=[row.x for row in rows] + [row.x for row in reversed(rows)],
                y=[row.high for row in rows] + [row.low for row in reversed(rows)],
                fill="toself",
                fillcolor=faint(arm_colour(arm)),
                line={"width": 0},
                mode="lines",
                legendgroup=name,
                showlegend=False,
                hoverinfo="skip",
                name=f"{name}, all seeds",
            )
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


def spread(values: Sequence[float], shape: Callable[[float | None], str] = number) -> str:
    """A median with the range of its seeds: "0.6 (0.58 to 0.63, 3 seeds)"; one seed has no range."""
    middle = shape(statistics.median(values))
    if len(values) == 1:
        return middle
    return f"{middle} ({shape(min(values))} to {shape(max(values))}, {len(values)} seeds)"


def each_arm(values: Mapping[str, Sequence[float]], shape: Callable[[float | None], str] = number) -> str:
    """Every arm with its spread: "no norm 1.54, BatchNorm 0.6"."""
    return ", ".join(f"{arm_title(arm)} {spread(values[arm], shape)}" for arm in arms_in_order(values) if values[arm])


def order_in_words(values: Mapping[str, Sequence[float]], low: str = "lowest", high: str = "highest") -> str:
    """Which arm is lowest and which highest, as far as the seeds decide it; a sentence, or an empty text.

    `values` are numbers of the seeds, by arm; `low` and `high` are what the arms at either end are called.
    """
    known = {arm: list(each) for arm, each in values.items() if each}
    if len(known) < 2:
        return ""
    ranked = sorted(known, key=lambda arm: statistics.median(known[arm]))
    first, last = ranked[0], ranked[-1]
    few = min(len(each) for each in known.values())
    if statistics.median(known[first]) == statistics.median(known[last]):
        every = [value for each in known.values() for value in each]
        return "All arms agree." if min(every) == max(every) else "The medians are equal, the seeds are not: no order."
    if few < ENOUGH_SEEDS:
        seeds = "One seed" if few == 1 else f"{few} seeds"
        return f"{seeds} cannot decide an order; so far {arm_title(first)} is {low}, {arm_title(last)} {high}."
    said = []
    if max(known[first]) < min(min(known[arm]) for arm in ranked[1:]):
        said.append(f"{arm_title(first)} is {low} with every seed")
    if min(known[last]) > max(max(known[arm]) for arm in ranked[:-1]):
        said.append(f"{arm_title(last)} is {high} with every seed")
    if said:
        return f"{capital(', and '.join(said))}."
    return "The seeds overlap, so no order is decided."


def capital(sentence: str) -> str:
    """The sentence with a capital at its beginning; the rest stays ("BatchNorm" has two)."""
    return sentence[:1].upper() + sentence[1:]


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


def add_band(figure: go.Figure, low: Sequence[Point], high: Sequence[Point], colour: str, name: str) -> None:
    """Draw the area between two lines, and both of them."""
    figure.add_scatter(
        x=[x for x, _ in low] + [x for x, _ in reversed(high)],
        y=[y for _, y in low] + [y for _, y in reversed(high)],
        fill="toself",
        fillcolor=faint(colour, 0.25),
        line={"width": 0},
        mode="lines",
        name=name,
        hoverinfo="skip",
    )
    for points, dash in ((low, "dot"), (high, "solid")):
        figure.add_scatter(
            x=[x for x, _ in points],
            y=[y for _, y in points],
            mode="lines",
            showlegend=False,
            line={"color": colour, "width": 1.5, "dash": dash},
            name="lowest" if dash == "dot" else "highest",
        )
