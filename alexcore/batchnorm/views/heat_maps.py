"""Heat maps of layer and step: drift and the length of gradients; the arms share one scale of colours."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from alexcore.batchnorm.read.quantities import DRIFT, GRADIENT_SIZE
from alexcore.batchnorm.read.record import Experiment
from alexcore.batchnorm.views.probe_values import at_layer, layers_with, probes
from alexcore.batchnorm.views.view import View, arms_in_order, colour_bar, ranked
from alexcore.figures import narrow_figure
from alexcore.nn.norms import look_of
from alexcore.palette import HEAT
from alexcore.runs.series import thin
from alexcore.words.numbers import number

# Layer -> (step, value) of its probes.
Layers = Mapping[str, list[tuple[float, float]]]


def drift(experiment: Experiment, name: str = "mean", seed: int | None = None) -> View:
    """How far the distribution of each layer has moved since the probe before: a heat map of layer and step.

    `name` is "mean" or "log_deviation", with the prefix "normed_" for what the norm gives on; no `seed` is the first.
    """
    plain = name.removeprefix("normed_")
    title, unit = {
        "mean": ("Drift of the means", "shift of the mean (deviations)"),
        "log_deviation": ("Drift of the deviations", "change of the deviation (log)"),
    }[plain]
    what = (
        "Mean over the channels of |mean now - mean at the probe before| / deviation then (or of the change of the "
        "deviation's logarithm). Bright is far. The arms share one scale of colours. Probes are not equally far apart: "
        "a dense start makes the first columns look calmer than they are."
    )
    return View(f"drift-{plain}", title, what, *_heat(experiment, DRIFT, name, title, unit, seed))


def gradients(experiment: Experiment, name: str = "relative", seed: int | None = None) -> View:
    """The length of each layer's gradient; `name` is "norm", or "relative" (rate x gradient / weights)."""
    title, unit = {
        "norm": ("Length of the gradient", "norm of the gradient"),
        "relative": ("Relative step", "rate x gradient / weights"),
    }[name]
    what = (
        "How long the gradient of each layer's weights is; the relative step divides by the length of the weights: it "
        "says by what part of itself a layer changes in one step of plain gradient descent. Layers that learn at the "
        "same pace have the same colour. Logarithmic; the arms share one scale of colours."
    )
    return View(f"gradients-{name}", title, what, *_heat(experiment, GRADIENT_SIZE, name, title, unit, seed, log=True))


def _heat(
    experiment: Experiment, quantity: str, name: str, title: str, unit: str, seed: int | None, *, log: bool = False
) -> tuple[str, dict[str, go.Figure], pd.DataFrame]:
    """A heat map an arm of one list of a probe: the sentence, the charts and the table."""
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
    words = ranked("Median over layers and probes", middles)
    if by_arm:
        arm, layer, (step, value) = max(
            ((arm, layer, point) for arm, each in by_arm.items() for layer, points in each.items() for point in points),
            key=lambda found: found[2][1],
        )
        words += f" The largest single value is {look_of(arm).title}'s {number(value)} in {layer} at step {step:g}."
    return words, figures, pd.DataFrame(rows)


def _heat_map(
    arm: str, mine: Layers, title: str, unit: str, layers: Sequence[str], shown: Mapping[str, Layers], log: bool
) -> go.Figure:
    def scaled(value: float | None) -> float | None:
        if not log or value is None:
            return value
        return math.log10(value) if value > 0 else None

    everything = [scaled(value) for each in shown.values() for points in each.values() for _, value in points]
    known = [value for value in everything if value is not None]
    used = [layer for layer in layers if layer in mine]
    steps = sorted({step for points in mine.values() for step, _ in points})
    cells = [[dict(mine[layer]).get(step) for step in steps] for layer in used]
    figure = narrow_figure(f"{look_of(arm).title}: {title.lower()}", "optimizer step", "layer", 300)
    figure.add_heatmap(
        z=[[scaled(value) for value in row] for row in cells],
        x=[f"{step:g}" for step in steps],
        y=used,
        colorscale=HEAT,
        zmin=min(known, default=0),
        zmax=max(known, default=1),
        customdata=cells,
        hovertemplate="%{y}, step %{x}: %{customdata:.3g}<extra></extra>",
        colorbar=colour_bar(f"{unit}, log10" if log else unit, -0.32),
    )
    return figure.update_xaxes(type="category", nticks=10).update_yaxes(type="category", autorange="reversed")
