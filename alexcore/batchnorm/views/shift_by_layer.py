"""Internal covariate shift: how much a layer's gradient changes because the layers before it are updated."""

from __future__ import annotations

import pandas as pd

from alexcore.batchnorm.read.decision import SEEDS_NEEDED, can_decide
from alexcore.batchnorm.read.quantities import COVARIATE_SHIFT
from alexcore.batchnorm.read.record import Experiment
from alexcore.batchnorm.views.arm_lines import Lines, add_lines, lines_of, medians_of, plain_range, table_of, values_of
from alexcore.batchnorm.views.probe_values import from_layer, layers_with, probes, real_steps
from alexcore.batchnorm.views.view import NOTHING, View, each_arm, order_in_words
from alexcore.figures import narrow_figure

MEASURES = {
    "relative": ("Relative shift", "|G - G'| / |G|"),
    "cosine": ("Direction", "cosine of G and G'"),
    "shift": ("Absolute shift", "|G - G'|"),
}


def covariate_shift(experiment: Experiment, measure: str = "relative") -> View:
    """A chart a layer; `measure` is one of MEASURES. All layers and arms share one y range."""
    events = probes(experiment, COVARIATE_SHIFT)
    title, unit = MEASURES[measure]
    by_measure: dict[str, dict[str, Lines]] = {}
    for name in MEASURES:
        found = {layer: lines_of(events, from_layer(name, layer)) for layer in layers_with(events)}
        by_measure[name] = {layer: lines for layer, lines in found.items() if lines}
    lines = by_measure[measure]
    values = [value for each in lines.values() for value in values_of(each)]
    shared = [-1.05, 1.05] if measure == "cosine" else plain_range(values)
    figures = {}
    for layer, each in lines.items():
        figure = narrow_figure(f"{title}: {layer}", "optimizer step", unit, 280)
        add_lines(figure, each, symbol="arm")
        figures[f"{measure}-{layer}"] = figure.update_yaxes(range=shared)
    tables = [
        table_of(each, "value").assign(layer=layer, measure=name)
        for name, some in by_measure.items()
        for layer, each in some.items()
    ]
    return View(
        "ics",
        f"Internal covariate shift: {title.lower()}",
        "G is the gradient of a layer's weights. Then only the layers before it take their step, as gradient descent "
        "would let them, and G' is the layer's gradient at that point. If what came before had not moved, G' would be "
        "G: relative shift 0, cosine 1. This is the definition of Santurkar et al. (2018), on one fixed batch.",
        _found(by_measure["relative"]) + real_steps(events),
        figures,
        pd.concat(tables) if tables else pd.DataFrame(),
    )


def _found(lines: dict[str, Lines]) -> str:
    """The honest finding: less with BatchNorm, more, or not decided."""
    per_layer = [medians_of(each) for each in lines.values()]
    middles: dict[str, list[float]] = {}
    for arm in {arm for each in per_layer for arm in each}:
        columns = list(zip(*(each[arm] for each in per_layer if arm in each), strict=False))
        middles[arm] = [sorted(column)[len(column) // 2] for column in columns]
    if not middles:
        return NOTHING
    words = f"Relative shift, median over layers and probes: {each_arm(middles)}."
    if "none" in middles and "batch" in middles:
        plain, normed = middles["none"], middles["batch"]
        if not can_decide(len(plain), len(normed)):
            lean = "less" if sorted(normed)[len(normed) // 2] < sorted(plain)[len(plain) // 2] else "more"
            few = "one seed cannot decide" if len(plain) == 1 else f"{len(plain)} seeds cannot decide"
            words += f" So far it leans to {lean} shift with BatchNorm; {few}, {SEEDS_NEEDED} can."
        elif max(normed) < min(plain):
            words += " With every seed BatchNorm has less internal covariate shift than any seed without it."
        elif min(normed) > max(plain):
            words += " With every seed BatchNorm has more internal covariate shift than any seed without it."
        else:
            words += " The seeds overlap: whether BatchNorm reduces internal covariate shift is not decided here."
        return words
    return f"{words} {order_in_words(middles)}"
