"""The loss surface: what a step along the gradient does to loss and gradient, scale-free ones first."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

import pandas as pd

from alexcore.batchnorm.read.quantities import (
    GRADIENT_AT_EQUAL_STEPS,
    GRADIENT_PREDICTIVENESS,
    LOSS_ALONG_GRADIENT,
    LOSS_AT_EQUAL_STEPS,
    RELATIVE_LOSS,
    SCALE_FREE_SMOOTHNESS,
    SMOOTHNESS,
)
from alexcore.batchnorm.read.record import Arm, Experiment, is_number
from alexcore.batchnorm.views.probe_values import NOTHING, from_data, probes
from alexcore.batchnorm.views.view import (
    Lines,
    View,
    add_band,
    add_lines,
    arm_colour,
    arm_title,
    arms_in_order,
    each_arm,
    joined,
    lines_of,
    log_range,
    median_line,
    medians_of,
    order_in_words,
    plain_range,
    table_of,
    values_of,
)
from alexcore.figures import narrow_figure
from alexcore.nn.norms import look_of
from alexcore.palette import GUIDE
from alexcore.runs.events import Event, finite_number
from alexcore.words.numbers import number

DIVERGED = 1e3


def scale_free(experiment: Experiment) -> View:
    """How much the gradient turns and changes on steps of equal relative length."""
    turns, changes = probes(experiment, GRADIENT_AT_EQUAL_STEPS), probes(experiment, SCALE_FREE_SMOOTHNESS)
    rel, cosine, beta = (
        lines_of(events, from_data(name)) for events, name in ((turns, "rel"), (turns, "cosmin"), (changes, "beta"))
    )
    figures = {
        "rel": narrow_figure("Largest relative change of the gradient", "optimizer step", "|change| / |gradient|"),
        "cosmin": narrow_figure("Smallest cosine with the gradient", "optimizer step", "cosine"),
        "beta": narrow_figure("Scale-free smoothness", "optimizer step", "relative change / relative step"),
    }
    for name, lines in (("rel", rel), ("cosmin", cosine), ("beta", beta)):
        add_lines(figures[name], lines, symbol="arm")
    figures["cosmin"].update_yaxes(range=[-1.05, 1.05])
    for name, lines in (("rel", rel), ("beta", beta)):
        figures[name].update_yaxes(type="log", range=log_range(values_of(lines)), exponentformat="power")
    middle = medians_of(beta)
    rhos = next((row["data"].get("rhos") for rows in turns.values() for row in rows[-1:]), None) or []
    reach = f" of {number(rhos[0])} to {number(rhos[-1])} times the weights' length" if rhos else ""
    words = (
        f"Relative change of the gradient by relative step, median over the probes: {each_arm(middle)}. "
        if middle
        else NOTHING
    )
    if middle:
        words += order_in_words(middle, "smoothest", "roughest")
    return View(
        "scale-free",
        "On steps of equal relative length",
        f"All arms walk the same distances{reach} against the gradient of one fixed batch, so a network with small "
        "weights or a small gradient is not called smooth for that. A surface is smooth where the gradient that was "
        "measured still holds a step further: small change, cosine near 1.",
        words,
        figures if middle else {},
        joined([table_of(rel, "rel"), table_of(cosine, "cosmin"), table_of(beta, "beta")]),
    )


def loss_along(experiment: Experiment, *, relative: bool) -> View:
    """The range of the loss along the gradient, a band an arm, all with the same y range."""
    quantity = LOSS_AT_EQUAL_STEPS if relative else LOSS_ALONG_GRADIENT
    events = probes(experiment, quantity)
    low, high = (lines_of(events, from_data(name)) for name in ("min", "max"))
    width = lines_of(events, from_data("range"))
    figures = _bands(low, high, "loss on one batch (nats)", quantity, log=False)
    reach = "steps of equal relative length" if relative else "0.5 to 4 times the learning rate"
    words = f"Highest minus lowest loss, median over the probes: {each_arm(medians_of(width))}." if width else NOTHING
    if width:
        words += f" {order_in_words(medians_of(width), 'steadiest', 'least steady')}"
    return View(
        f"loss-along-{quantity.lower()}",
        "Loss along the gradient" + (", equal distances" if relative else ", by the learning rate"),
        f"The lowest and the highest loss found on {reach} along the gradient of one fixed batch. A narrow band: the "
        "loss is predictable. All arms have the same y range. A network that does not move has a narrow band, too.",
        words,
        figures if width else {},
        joined([table_of(low, "min"), table_of(high, "max"), table_of(width, "range")]),
    )


def _bands(low: Lines, high: Lines, unit: str, name: str, *, log: bool) -> dict[str, object]:
    everything = values_of(low) + values_of(high)
    shared = log_range(everything) if log else plain_range(everything)
    figures = {}
    for arm in arms_in_order(low):
        figure = narrow_figure(arm_title(arm), "optimizer step", unit, 280)
        figure.update_layout(showlegend=False)
        add_band(figure, median_line(low[arm]), median_line(high.get(arm, {})), arm_colour(arm), "lowest to highest")
        figures[f"{name}-{arm}"] = figure.update_yaxes(
            range=shared, **({"type": "log", "exponentformat": "power"} if log else {})
        )
    return figures


def predictiveness(experiment: Experiment) -> View:
    """How far the gradient changes on steps of the learning rate, a band an arm, all with the same y range."""
    events = probes(experiment, GRADIENT_PREDICTIVENESS)
    low, high = (lines_of(events, from_data(name)) for name in ("min", "max"))
    middle = medians_of(high)
    words = (
        f"Largest difference, median over the probes: {each_arm(middle)}. {order_in_words(middle)}"
        if middle
        else NOTHING
    )
    return View(
        "predictiveness",
        "Gradient predictiveness, by the learning rate",
        "Length of the difference between the gradient here and the gradient 0.5 to 4 learning rates further on, for "
        "the same batch. It grows with the gradient itself: compare the relative change above first.",
        words,
        _bands(low, high, "|difference of gradients| (log)", GRADIENT_PREDICTIVENESS, log=True) if middle else {},
        joined([table_of(low, "min"), table_of(high, "max")]),
    )


def smoothness(experiment: Experiment) -> View:
    """Effective beta-smoothness, as in the paper."""
    lines = lines_of(probes(experiment, SMOOTHNESS), from_data("beta"))
    figure = narrow_figure("Effective beta-smoothness", "optimizer step", "|change of gradient| / |step| (log)")
    add_lines(figure, lines, symbol="arm")
    figure.update_yaxes(type="log", range=log_range(values_of(lines)), exponentformat="power")
    middle = medians_of(lines)
    words = f"Median over the probes: {each_arm(middle)}. {order_in_words(middle)}" if middle else NOTHING
    return View(
        "smoothness",
        "Effective beta-smoothness, by the learning rate",
        "The largest change of the gradient divided by the length of the step (Santurkar et al. 2018). It has a unit: "
        "a network that hardly learns, or whose weights are large, looks smooth. Read the scale-free one first.",
        words,
        {"beta_raw": figure} if middle else {},
        table_of(lines, "beta"),
    )


def relative_loss(experiment: Experiment) -> View:
    """Loss after one step against its size, at the first probe and at later ones; both axes logarithmic."""
    events = probes(experiment, RELATIVE_LOSS)
    steps = sorted({int(row["step"]) for rows in events.values() for row in rows})
    shown = sorted({steps[0], steps[len(steps) // 2], steps[-1]}) if steps else []
    known = [
        ratio
        for rows in events.values()
        for row in rows
        for ratio in row["data"].get("ratios") or []
        if is_number(ratio)
    ]
    shared = log_range([min(max(ratio, 1e-6), DIVERGED * 10) for ratio in known])
    figures, rows = {}, []
    for step in shown:
        figure = narrow_figure(f"After step {step}", "size of one gradient step (log)", "loss after / before (log)")
        for arm in arms_in_order(arm for arm, _ in events):
            mine = [
                row for (its, _), some in sorted(events.items()) if its == arm for row in some if row["step"] == step
            ]
            points = _ratios(mine)
            figure.add_scatter(
                x=list(points),
                y=list(points.values()),
                mode="lines+markers",
                name=arm_title(arm),
                line={"color": arm_colour(arm), "dash": look_of(arm).dash, "width": 2},
                marker={"size": 5},
            )
        figure.add_hline(y=1, line_dash="dot", line_color=GUIDE)
        figure.update_xaxes(type="log", exponentformat="power")
        figures[f"ratio-{step}"] = figure.update_yaxes(type="log", range=shared, exponentformat="power")
    for (arm, seed), some in sorted(events.items()):
        for row in some:
            data = row["data"]
            for rate, ratio, gone in zip(
                (data.get("rates") or []), (data.get("ratios") or []), (data.get("diverged") or []), strict=False
            ):
                rows.append(
                    {"arm": arm, "seed": seed, "step": row["step"], "rate": rate, "ratio": ratio, "diverged": gone}
                )
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


def _ratios(rows: Sequence[Event]) -> dict[float, float]:
    """Rate -> median ratio over the seeds, as long as no seed has diverged there."""
    found: dict[float, list[float | None]] = {}
    for row in rows:
        for rate, ratio in zip((row["data"].get("rates") or []), (row["data"].get("ratios") or []), strict=False):
            found.setdefault(float(rate), []).append(finite_number(ratio))
    return {
        rate: statistics.median(each for each in values if each is not None)
        for rate, values in sorted(found.items())
        if None not in values and max(each for each in values if each is not None) <= DIVERGED
    }


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
            last = order_in_words(
                {arm: [math.log(each) for each in values] for arm, values in safe.items()},
                "most easily harmed",
                "most tolerant",
            )
    return f"The largest step size up to which no step harms: {'; '.join(said)}. {last}" if said else NOTHING
