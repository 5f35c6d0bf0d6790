"""The loss surface: what a step along the gradient does to loss and gradient, scale-free ones first."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from alexcore.batchnorm.read import quantities
from alexcore.batchnorm.read.record import Arm, Experiment
from alexcore.batchnorm.views import arm_lines
from alexcore.batchnorm.views.arm_lines import Lines, add_lines, lines_of, medians_of, table_of, values_of
from alexcore.batchnorm.views.probe_values import from_data, probes, real_steps
from alexcore.batchnorm.views.view import NOTHING, View, arms_in_order, each_arm, order_in_words, ranked
from alexcore.figures import narrow_figure
from alexcore.nn.norms import look_of
from alexcore.palette import GUIDE
from alexcore.runs.events import Event, finite_number
from alexcore.words.numbers import number

DIVERGED = 1e3
COLUMNS = ("rates", "ratios", "diverged")


def scale_free(experiment: Experiment) -> View:
    """How much the gradient turns and changes on steps of equal relative length."""
    turns = probes(experiment, quantities.GRADIENT_AT_EQUAL_STEPS)
    changes = probes(experiment, quantities.SCALE_FREE_SMOOTHNESS)
    rel, cosine, beta = (
        lines_of(events, from_data(name)) for events, name in ((turns, "rel"), (turns, "cosmin"), (changes, "beta"))
    )
    figures = {
        "rel": _lines_on_log("Largest relative change of the gradient", "|change| / |gradient|", rel),
        "cosmin": narrow_figure("Smallest cosine with the gradient", "optimizer step", "cosine"),
        "beta": _lines_on_log("Scale-free smoothness", "relative change / relative step", beta),
    }
    add_lines(figures["cosmin"], cosine, symbol="arm")
    figures["cosmin"].update_yaxes(range=[-1.05, 1.05])
    middle = medians_of(beta)
    rhos = next((row["data"].get("rhos") for rows in turns.values() for row in rows[-1:]), None) or []
    reach = f" of {number(rhos[0])} to {number(rhos[-1])} times the weights' length" if rhos else ""
    what = "Relative change of the gradient by relative step, median over the probes"
    return View(
        "scale-free",
        "On steps of equal relative length",
        f"All arms walk the same distances{reach} against the gradient of one fixed batch, so a network with small "
        "weights or a small gradient is not called smooth for that. A surface is smooth where the gradient that was "
        "measured still holds a step further: small change, cosine near 1.",
        ranked(what, middle, "smoothest", "roughest"),
        figures if middle else {},
        arm_lines.joined([table_of(rel, "rel"), table_of(cosine, "cosmin"), table_of(beta, "beta")]),
    )


def _lines_on_log(title: str, unit: str, lines: Lines) -> go.Figure:
    figure = narrow_figure(title, "optimizer step", unit)
    add_lines(figure, lines, symbol="arm")
    return figure.update_yaxes(type="log", range=arm_lines.log_range(values_of(lines)), exponentformat="power")


def loss_along(experiment: Experiment, *, relative: bool) -> View:
    """The range of the loss along the gradient, a band an arm, all with the same y range."""
    quantity = quantities.LOSS_AT_EQUAL_STEPS if relative else quantities.LOSS_ALONG_GRADIENT
    events = probes(experiment, quantity)
    low, high = (lines_of(events, from_data(name)) for name in ("min", "max"))
    width = lines_of(events, from_data("range"))
    figures = _bands(low, high, "loss on one batch (nats)", quantity, log=False)
    reach = "steps of equal relative length" if relative else "0.5 to 4 times the learning rate"
    what = "Highest minus lowest loss, median over the probes"
    return View(
        f"loss-along-{quantity.lower()}",
        "Loss along the gradient" + (", equal distances" if relative else ", by the learning rate"),
        f"The lowest and the highest loss found on {reach} along the gradient of one fixed batch. A narrow band: the "
        "loss is predictable. All arms have the same y range. A network that does not move has a narrow band, too.",
        ranked(what, medians_of(width), "steadiest", "least steady") + ("" if relative else real_steps(events)),
        figures,
        arm_lines.joined([table_of(low, "min"), table_of(high, "max"), table_of(width, "range")]),
    )


def _bands(low: Lines, high: Lines, unit: str, name: str, *, log: bool) -> dict[str, object]:
    everything = values_of(low) + values_of(high)
    axis = {"range": arm_lines.log_range(everything), "type": "log", "exponentformat": "power"} if log else {}
    figures = {}
    for arm in arms_in_order(low):
        look, ends = look_of(arm), (arm_lines.median_line(low[arm]), arm_lines.median_line(high.get(arm, {})))
        figure = narrow_figure(look.title, "optimizer step", unit, 280).update_layout(showlegend=False)
        arm_lines.add_band(figure, *ends, look.colour, "lowest to highest")
        figures[f"{name}-{arm}"] = figure.update_yaxes(**(axis or {"range": arm_lines.plain_range(everything)}))
    return figures


def predictiveness(experiment: Experiment) -> View:
    """How far the gradient changes on steps of the learning rate, a band an arm, all with the same y range."""
    events = probes(experiment, quantities.GRADIENT_PREDICTIVENESS)
    low, high = (lines_of(events, from_data(name)) for name in ("min", "max"))
    return View(
        "predictiveness",
        "Gradient predictiveness, by the learning rate",
        "Length of the difference between the gradient here and the gradient 0.5 to 4 learning rates further on, for "
        "the same batch. It grows with the gradient itself: compare the relative change above first.",
        ranked("Largest difference, median over the probes", medians_of(high)) + real_steps(events),
        _bands(low, high, "|difference of gradients| (log)", quantities.GRADIENT_PREDICTIVENESS, log=True)
        if high
        else {},
        arm_lines.joined([table_of(low, "min"), table_of(high, "max")]),
    )


def smoothness(experiment: Experiment) -> View:
    """Effective beta-smoothness, as in the paper."""
    events = probes(experiment, quantities.SMOOTHNESS)
    lines = lines_of(events, from_data("beta"))
    figure = _lines_on_log("Effective beta-smoothness", "|change of gradient| / |step| (log)", lines)
    return View(
        "smoothness",
        "Effective beta-smoothness, by the learning rate",
        "The largest change of the gradient divided by the length of the step (Santurkar et al. 2018). It has a unit: "
        "a network that hardly learns, or whose weights are large, looks smooth. Read the scale-free one first.",
        ranked("Median over the probes", medians_of(lines)) + real_steps(events),
        {"beta_raw": figure} if lines else {},
        table_of(lines, "beta"),
    )


def relative_loss(experiment: Experiment) -> View:
    """Loss after one step against its size, at the first probe and at later ones; both axes logarithmic."""
    events = probes(experiment, quantities.RELATIVE_LOSS)
    steps = sorted({int(row["step"]) for rows in events.values() for row in rows})
    shown = sorted({steps[0], steps[len(steps) // 2], steps[-1]}) if steps else []
    rows = [
        {"arm": arm, "seed": seed, "step": row["step"], "rate": rate, "ratio": ratio, "diverged": gone}
        for (arm, seed), some in sorted(events.items())
        for row in some
        for rate, ratio, gone in zip(*(row["data"].get(name) or [] for name in COLUMNS), strict=False)
    ]
    known = [ratio for row in rows if (ratio := finite_number(row["ratio"])) is not None]
    shared = arm_lines.log_range([min(max(ratio, 1e-6), DIVERGED * 10) for ratio in known])
    figures = {}
    for step in shown:
        figure = narrow_figure(f"After step {step}", "size of one gradient step (log)", "loss after / before (log)")
        for arm in arms_in_order(arm for arm, _ in events):
            look, points = look_of(arm), _ratios([row for row in rows if (row["arm"], row["step"]) == (arm, step)])
            figure.add_scatter(
                x=list(points),
                y=list(points.values()),
                mode="lines+markers",
                name=look.title,
                line={"color": look.colour, "dash": look.dash, "width": 2},
                marker={"size": 5},
            )
        figure.add_hline(y=1, line_dash="dot", line_color=GUIDE)
        figure.update_xaxes(type="log", exponentformat="power")
        figures[f"ratio-{step}"] = figure.update_yaxes(type="log", range=shared, exponentformat="power")
    return View(
        "relative-loss",
        "One step of any size",
        "From the same weights one step of plain gradient descent is taken, of every size from tiny to 10, on one "
        "fixed batch. Below the dotted line the step helps. Over 1,000, or not a number: diverged (left out of the "
        "chart, kept in the table). The point where a line crosses 1 is the largest step that does not harm.",
        _safe_in_words(events, steps),
        figures,
        pd.DataFrame(rows),
    )


def _ratios(rows: Sequence[Mapping[str, Any]]) -> dict[float, float]:
    """Rate -> median ratio over the seeds, as long as no seed has diverged there."""
    found: dict[float, list[float]] = {}
    for row in rows:
        ratio = finite_number(row["ratio"])
        found.setdefault(float(row["rate"]), []).append(math.inf if ratio is None else ratio)
    return {rate: statistics.median(values) for rate, values in sorted(found.items()) if max(values) <= DIVERGED}


def _safe_in_words(events: Mapping[Arm, Sequence[Event]], steps: Sequence[int]) -> str:
    if not steps:
        return NOTHING
    said = []
    for step in dict.fromkeys((steps[0], steps[-1])):
        safe: dict[str, list[float]] = {}
        for (arm, _), some in sorted(events.items()):
            for row in some:
                value = finite_number(row["data"].get("largest_safe"))
                if row["step"] == step and value is not None:
                    safe.setdefault(arm, []).append(value)
        if safe:
            said.append(f"at step {step} {each_arm(safe)}")
            sizes = {arm: [math.log(each) for each in values] for arm, values in safe.items()}
            last = order_in_words(sizes, "most easily harmed", "most tolerant")
    return f"The largest step size up to which no step harms: {'; '.join(said)}. {last}" if said else NOTHING
