"""Accumulation with BatchNorm: is its gradient that of one big batch, and how far do statistics lag?"""

from __future__ import annotations

from typing import Any

import pandas as pd

from alexcore.batchnorm.read.quantities import ACCUMULATION, STATISTICS_LAG
from alexcore.batchnorm.read.record import Experiment
from alexcore.batchnorm.views.probe_values import probes
from alexcore.batchnorm.views.view import NOTHING, View, arms_in_order
from alexcore.figures import narrow_figure
from alexcore.nn.norms import look_of
from alexcore.palette import GUIDE
from alexcore.words.numbers import number, percent


def equivalence(experiment: Experiment) -> View:
    """The error of an accumulated gradient against that of one big batch, per norm and micro-batch."""
    rows = [
        {"arm": arm, "seed": seed, "step": row["step"]} | {name: each[name] for name in each if name != "norm"}
        for (arm, seed), some in sorted(probes(experiment, ACCUMULATION).items())
        for row in some[-1:]
        for each in row["data"].get("rows") or []
    ]
    figure = narrow_figure(
        "Error of the accumulated gradient", "pictures a micro-batch", "|accumulated - big| / |big| (log)"
    )
    table = pd.DataFrame(rows)
    for arm in arms_in_order(row["arm"] for row in rows):
        look, middle = look_of(arm), table[table["arm"] == arm].groupby("micro_batch")["exact_error"].median()
        figure.add_scatter(
            x=[str(each) for each in middle.index],
            y=middle.tolist(),
            name=look.title,
            mode="lines+markers",
            line={"color": look.colour, "width": 2, "dash": look.dash},
            marker={"symbol": look.symbol, "size": 8},
        )
    figure.update_yaxes(type="log", exponentformat="power").update_xaxes(type="category", autorange="reversed")
    return View(
        "accumulation",
        "Is an accumulated gradient that of one big batch?",
        "One batch is passed whole, and then in micro-batches whose losses are summed and divided by the weight of the "
        "whole batch (exact), or averaged (naive). Without a norm the exact way gives the same gradient but for "
        "rounding. BatchNorm normalises each micro-batch by its own mean and deviation, and no divisor mends that.",
        _errors_in_words(table),
        {"accumulation": figure} if rows else {},
        table,
    )


def _errors_in_words(table: pd.DataFrame) -> str:
    if table.empty:
        return NOTHING
    errors = table.dropna(subset="exact_error").groupby("arm")["exact_error"]
    least, worst = errors.min(), errors.max()
    said = [f"{look_of(arm).title} {number(least[arm])} to {number(worst[arm])}" for arm in arms_in_order(worst.index)]
    words = f"Error of the exact way: {', '.join(said)}."
    same, other = (
        " and ".join(look_of(arm).title for arm in some.index) for some in (worst[worst < 1e-4], worst[worst >= 1e-4])
    )
    if same:
        words += f" With {same} accumulating is training with a big batch."
    if other:
        words += f" With {other} it is not: the gradient is another one by up to {percent(worst.max())} of its length."
    return words


def statistics_lag(experiment: Experiment) -> View:
    """What is left of the initial running statistics after so many updates."""
    by_seed = sorted(probes(experiment, STATISTICS_LAG).items(), reverse=True)
    data: dict[str, Any] = next((rows[-1]["data"] for (arm, _), rows in by_seed if arm == "batch" and rows), {})
    curve = data.get("curve") or []
    updates = data.get("curve_updates") or list(range(len(curve)))
    figure = narrow_figure(
        "Weight left on the initial statistics", "updates of the running statistics", "weight (log)", 300
    )
    figure.add_scatter(
        x=updates, y=curve, mode="lines", line={"color": look_of("batch").colour, "width": 2}, name="(1 - m)^n"
    )
    half = data.get("half_life")
    if half:
        figure.add_vline(x=half, line_dash="dot", line_color=GUIDE, annotation_text="half")
    figure.update_yaxes(type="log", exponentformat="power")
    words = NOTHING
    if data:
        words = (
            f"With momentum {number(data.get('momentum'))} half of what the running statistics know is forgotten after "
            f"{number(half)} updates; after the {data.get('updates'):,} updates of this experiment "
            f"{number(data.get('weight'))} of the initial values is left."
        )
        if data.get("effective_momentum") != data.get("momentum"):
            words += (
                f" Micro-batches update them several times a step: an effective momentum of "
                f"{number(data.get('effective_momentum'))} a step; momentum {number(data.get('compensated_momentum'))} "
                "would restore the statistics, but not the gradient."
            )
    return View(
        "lag",
        "How far the running statistics lag behind",
        "Evaluation uses running averages: new = (1 - m) x old + m x the batch's. After n updates (1 - m)^n of the "
        "initial values (mean 0, variance 1) is left. While weights move fast, even a short memory is out of date.",
        words,
        {"lag": figure} if curve else {},
        pd.DataFrame({"updates": updates[: len(curve)], "weight": curve}),
    )
