"""Heat maps of layer and step: drift and the length of gradients; the arms share one scale of colours."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from alexcore.batchnorm.read.quantities import DRIFT, GRADIENT_SIZE
from alexcore.batchnorm.read.record import Experiment
from alexcore.batchnorm.views.probe_values import NOTHING, at_layer, layers_with, probes
from alexcore.batchnorm.views.view import View, arm_title, arms_in_order, each_arm, order_in_words
from alexcore.figures import narrow_figure
from alexcore.palette import HEAT
from alexcore.runs.series import thin
from alexcore.words.numbers import number


def drift(experiment: Experiment, name: str = "mean", seed: int | None = None) -> View:
    """How far the distribution of each layer has moved since the probe before: a heat map of layer and step.

    `name` is "mean" or "log_deviation", with the prefix "normed_" for what the norm gives on; no `seed` is the first.
    """
    plain = name.removeprefix("normed_")
    unit = {"mean": "shift of the mean (deviations)", "log_deviation": "change of the deviation (log)"}
    title = {"mean": "Drift of the means", "log_deviation": "Drift of the deviations"}[plain]
    view = _heat(
        experiment,
        DRIFT,
        name,
        title,
        unit[plain],
        seed,
        "Mean over the channels of |mean now - mean at the probe before| / deviation then (or of the change of the "
        "deviation's logarithm). Bright is far. The arms share one scale of colours. Probes are not equally far apart: "
        "a dense start makes the first columns look calmer than they are.",
    )
    return View(f"drift-{plain}", title, view.what, view.sentence, view.figures, view.table)


def _heat(
    experiment: Experiment,
    quantity: str,
    name: str,
    title: str,
    unit: str,
    seed: int | None,
    what: str,
    *,
    log: bool = False,
) -> View:
    events = probes(experiment, quantity)
    layers = layers_with(events)
    seeds = sorted({seed for _, seed in events})
    chosen = seed if seed in seeds else (seeds[0] if seeds else None)
    by_arm: dict[str, dict[str, list[tuple[float, float]]]] = {}
    per_arm: dict[str, dict[int, list[float]]] = {}
    rows = []
    for (arm, its_seed), some in sorted(events.items()):
        for row in some:
            for layer in layers:
                value = at_layer(row, name, layer)
                if value is None:
                    continue
                rows.append({"arm": arm, "seed": its_seed, "step": row["step"], "layer": layer, name: value})
                per_arm.setdefault(arm, {}).setdefault(its_seed, []).append(value)
                if its_seed == chosen:
                    by_arm.setdefault(arm, {}).setdefault(layer, []).append((float(row["step"]), value))
    shown = {arm: {layer: thin(points, 120) for layer, points in each.items()} for arm, each in by_arm.items()}
    figures = {
        f"{quantity}-{arm}": _heat_map(arm, shown[arm], title, unit, layers, shown, log) for arm in arms_in_order(shown)
    }
    middles = {arm: [statistics.median(values) for values in each.values()] for arm, each in per_arm.items()}
    words = f"Median over layers and probes: {each_arm(middles)}. {order_in_words(middles)}" if middles else NOTHING
    if by_arm:
        arm, layer, (step, value) = max(
            ((arm, layer, point) for arm, each in by_arm.items() for layer, points in each.items() for point in points),
            key=lambda found: found[2][1],
        )
        words += f" The largest single value is {arm_title(arm)}'s {number(value)} in {layer} at step {step:g}."
    return View(quantity, title, what, words.replace("  ", " "), figures, pd.DataFrame(rows))


def _heat_map(
    arm: str,
    mine: Mapping[str, list[tuple[float, float]]],
    title: str,
    unit: str,
    layers: Sequence[str],
    shown: Mapping[str, Mapping[str, list[tuple[float, float]]]],
    log: bool,
) -> go.Figure:
    def scaled(value: float) -> float | None:
        return (math.log10(value) if value > 0 else None) if log else value

    everything = [scaled(value) for each in shown.values() for points in each.values() for _, value in points]
    known = [value for value in everything if value is not None]
    used = [layer for layer in layers if layer in mine]
    steps = sorted({step for points in mine.values() for step, _ in points})
    cells = [[(dict(mine[layer])).get(step) for step in steps] for layer in used]
    figure = narrow_figure(f"{arm_title(arm)}: {title.lower()}", "optimizer step", "layer", 300)
    figure.add_heatmap(
        z=[[None if value is None else scaled(value) for value in row] for row in cells],
        x=[f"{step:g}" for step in steps],
        y=used,
        colorscale=HEAT,
        zmin=min(known, default=0),
        zmax=max(known, default=1),
        customdata=cells,
        hovertemplate="%{y}, step %{x}: %{customdata:.3g}<extra></extra>",
        colorbar={
            "title": {"text": f"{unit}, log10" if log else unit, "side": "top"},
            "thickness": 10,
            "orientation": "h",
            "y": -0.32,
            "yanchor": "top",
        },
    )
    return figure.update_xaxes(type="category", nticks=10).update_yaxes(type="category", autorange="reversed")


def gradients(experiment: Experiment, name: str = "relative", seed: int | None = None) -> View:
    """The length of each layer's gradient; `name` is "norm", or "relative" (rate x gradient / weights)."""
    title = {"norm": "Length of the gradient", "relative": "Relative step"}[name]
    unit = {"norm": "norm of the gradient", "relative": "rate x gradient / weights"}[name]
    view = _heat(
        experiment,
        GRADIENT_SIZE,
        name,
        title,
        unit,
        seed,
        "How long the gradient of each layer's weights is; the relative step divides by the length of the weights: it "
        "says by what part of itself a layer changes in one step of plain gradient descent. Layers that learn at the "
        "same pace have the same colour. Logarithmic; the arms share one scale of colours.",
        log=True,
    )
    return View(f"gradients-{name}", title, view.what, view.sentence, view.figures, view.table)
