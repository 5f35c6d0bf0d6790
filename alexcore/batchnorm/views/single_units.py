"""Single units: zero, dead and saturated ones, what cancels in a gradient, what gamma amplifies."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from alexcore.batchnorm.read.quantities import GRADIENT_SUMMANDS, LEARNED_SCALES, SATURATION, ZERO_UNITS
from alexcore.batchnorm.read.record import Experiment
from alexcore.batchnorm.views.arm_lines import add_lines, joined, last_of, lines_of, median_line, table_of
from alexcore.batchnorm.views.probe_values import (
    at_layer,
    by_depth,
    each_layer,
    from_layer,
    layers_with,
    middles,
    probes,
)
from alexcore.batchnorm.views.view import NOTHING, View, each_arm, ranked
from alexcore.figures import narrow_figure, share_axis
from alexcore.nn.norms import look_of
from alexcore.palette import LINES
from alexcore.runs.events import Event
from alexcore.words.numbers import number, percent

DASHES = ("solid", "dash", "dot")
TITLES = {
    "zero": "Outputs that are 0",
    "dead": "Dead channels or units",
    "saturated": "Saturated outputs",
    "saturated_channels": "Channels saturated everywhere",
}


def summands(experiment: Experiment) -> View:
    """How much of a kernel's gradient cancels while it is summed over pictures and places; a bar a layer."""
    events = probes(experiment, GRADIENT_SUMMANDS)
    layers = layers_with(events)
    figure = narrow_figure("How much a kernel's gradient cancels", "layer", "sum of |parts| / |sum of parts|")
    rows: list[dict[str, Any]] = []
    ends: dict[str, list[float]] = {}
    bias: dict[str, list[float]] = {}
    for arm, values in by_depth(events, layers, each_layer("ratio"), -1).items():
        _add_bars(figure, arm, middles(values))
        ends[arm] = [statistics.median(each) for each in zip(*values.values(), strict=False)]
    for (arm, seed), some in sorted(events.items()):
        for layer in layers if some else ():
            row = {name: at_layer(some[-1], name, layer) for name in ("ratio", "ratio_median", "bias_relative")}
            rows.append({"arm": arm, "seed": seed, "step": some[-1]["step"], "layer": layer, **row})
            if row["bias_relative"] is not None:
                bias.setdefault(arm, []).append(row["bias_relative"])
    figure.update_yaxes(type="log", exponentformat="power").update_xaxes(type="category")
    words = ranked("Median over the layers at the last probe", ends)
    if bias.get("batch") and bias.get("none"):
        words += (
            " The gradient of a bias before the norm, against the size of its parts: "
            f"{number(statistics.median(bias['batch']))} with BatchNorm, {number(statistics.median(bias['none']))} "
            "without. BatchNorm subtracts such a bias again, so its gradient can only be 0 and rounding."
        )
    return View(
        "summands",
        "What adds up to a kernel's gradient",
        "A kernel's gradient is a sum over every picture and every place. 1: all parts point the same way; 100: nearly "
        "everything cancels, and what is left is small beside its parts.",
        words,
        {"summands": figure} if ends else {},
        pd.DataFrame(rows),
    )


def _add_bars(figure: go.Figure, arm: str, heights: Mapping[str, float]) -> None:
    look = look_of(arm)
    figure.add_bar(x=list(heights), y=list(heights.values()), name=look.title, marker_color=look.colour)


def units(experiment: Experiment, layer: str) -> View:
    """For one layer: zero outputs and dead channels with ReLU, saturated ones with tanh and sigmoid."""
    latest = [rows[-1] for rows in probes(experiment, ZERO_UNITS).values() if rows]
    relu = any(at_layer(row, "zero", layer) is not None for row in latest)
    quantity, names = (ZERO_UNITS, ("zero", "dead")) if relu else (SATURATION, ("saturated", "saturated_channels"))
    lines = {name: lines_of(probes(experiment, quantity), from_layer(name, layer)) for name in names}
    figures = {}
    for name in names:
        figures[name] = share_axis(narrow_figure(f"{TITLES[name]}: {layer}", "optimizer step", "share"))
        add_lines(figures[name], lines[name], symbol="arm")
    ends = last_of(lines[names[0]])
    words = ranked(f"{TITLES[names[0]]} in {layer} at the last probe", ends, shape=percent)
    if ends:
        words += f" {TITLES[names[1]]}: {each_arm(last_of(lines[names[1]]), percent)}."
    what = (
        "A ReLU that gives 0 passes no gradient back. That is normal for about half of its outputs; a channel that is "
        "0 on every picture of the probe set is dead: nothing trains it any more."
        if relu
        else "An output near the end of tanh or sigmoid (|tanh| > 0.97, sigmoid outside 0.03 to 0.97) hardly passes a "
        "gradient back."
    )
    tables = [table_of(each, name) for name, each in lines.items()]
    return View(
        "units", "Dead and saturated units", what, words, figures if ends else {}, joined(tables).assign(layer=layer)
    )


def by_layer(experiment: Experiment) -> View:
    """By depth at the latest probe: which layers have the most silent or saturated outputs."""
    for quantity, name in ((ZERO_UNITS, "zero"), (SATURATION, "saturated")):
        events = probes(experiment, quantity)
        found = by_depth(events, layers_with(events), each_layer(name), -1)
        if found:
            break
    title = TITLES[name]
    figure = share_axis(narrow_figure(f"{title}, by layer", "layer", "share, at the latest probe"))
    said, rows = [], []
    for arm, values in found.items():
        heights = middles(values)
        _add_bars(figure, arm, heights)
        worst = max(heights, key=heights.__getitem__)
        said.append(f"{look_of(arm).title} in {worst}, {percent(heights[worst])}")
        rows += [
            {"arm": arm, "layer": layer, "seed_number": at, name: value}
            for layer, each in values.items()
            for at, value in enumerate(each)
        ]
    return View(
        "units-by-layer",
        f"{title}, by layer",
        "The same share in every layer, at the latest probe; median of the seeds.",
        f"Most of them: {'; '.join(said)}." if said else NOTHING,
        {"by_layer": figure} if said else {},
        pd.DataFrame(rows),
    )


def scales(experiment: Experiment) -> View:
    """BatchNorm's learned gamma against the deviation that it divides by: what the network chooses to amplify."""
    events = probes(experiment, LEARNED_SCALES)
    of_batch = {arm: rows for arm, rows in events.items() if arm[0] == "batch"}
    layers = layers_with(events)
    figures, tables = {}, []
    for name, title, unit in (
        ("gamma_mean", "Learned gamma", "mean over the channels"),
        ("scale", "What a norm multiplies by", "mean of |gamma| / deviation (log)"),
    ):
        figure = narrow_figure(title, "optimizer step", unit)
        for at, layer in enumerate(layers):
            lines = lines_of(of_batch, from_layer(name, layer))
            points = median_line(lines.get("batch", {}))
            figure.add_scatter(
                x=[x for x, _ in points],
                y=[y for _, y in points],
                name=layer,
                mode="lines",
                line={"color": LINES[at % len(LINES)], "width": 2, "dash": DASHES[at % 3]},
            )
            tables.append(table_of(lines, name).assign(layer=layer, quantity=name).rename(columns={name: "value"}))
        figures[name] = figure
    figures["scale"].update_yaxes(type="log", exponentformat="power")

    def moved(row: Event) -> float | None:
        known = [value for layer in layers if (value := at_layer(row, "gamma_moved", layer)) is not None]
        return statistics.fmean(known) if known else None

    ends = last_of(lines_of(events, moved))
    words = (
        f"At the last probe a gamma is away from its start, 1, by {each_arm(ends)} on average. "
        "That is the amplification that the network has learned itself."
        if ends
        else NOTHING
    )
    return View(
        "scales",
        "What the network chooses to amplify",
        "A norm divides each channel by its deviation and multiplies by gamma, which is learned: the network may undo "
        "the norm, or amplify one channel and silence another. This is where it decides by itself. Median of the "
        "seeds, BatchNorm's layers.",
        words,
        figures if ends else {},
        pd.concat(tables) if tables else pd.DataFrame(),
    )
