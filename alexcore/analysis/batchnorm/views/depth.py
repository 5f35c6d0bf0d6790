"""By depth, at the first probe and now: moments of the channels (Q2), and how a small change of the input grows."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from alexcore.analysis.batchnorm.record import Experiment
from alexcore.analysis.batchnorm.views.probing import (
    NOTHING,
    Pick,
    Probes,
    by_depth,
    each_layer,
    layers_with,
    middles,
    probes,
    step_at,
)
from alexcore.analysis.batchnorm.views.view import (
    ARM_SYMBOLS,
    GREY,
    View,
    arm_colour,
    arm_title,
    each_arm,
    finite,
    new_figure,
    order_in_words,
)
from alexcore.event_file import Event

FIRST, NOW = 0, -1
DASHES = {FIRST: "dot", NOW: "solid"}


def _figure(
    events: Probes, layers: list[str], pick: Pick, title: str, unit: str
) -> tuple[go.Figure, list[dict[str, Any]]]:
    """Dotted lines for the first probe, solid ones for the latest, an arm each; and their numbers."""
    figure, rows = new_figure(title, "layer", unit), []
    for at, dash in DASHES.items():
        for arm, values in by_depth(events, layers, pick, at).items():
            step, heights = step_at(events, arm, at), middles(values)
            figure.add_scatter(
                x=list(heights), y=list(heights.values()), mode="lines+markers", name=f"{arm_title(arm)}, step {step}",
                line={"color": arm_colour(arm), "dash": dash, "width": 2}, marker={"symbol": ARM_SYMBOLS.get(arm, "x")},
                opacity=0.65 if at == FIRST else 1.0,
            )  # fmt: skip
            rows += [
                {"arm": arm, "step": step, "layer": layer, "seed_number": number, "what": title, "value": value}
                for layer, each in values.items() for number, value in enumerate(each)
            ]  # fmt: skip
    figure.update_yaxes(type="log", exponentformat="power")
    figure.update_xaxes(type="category", categoryorder="array", categoryarray=layers)
    return figure, rows


def moments(experiment: Experiment, *, normed: bool = False) -> View:
    """Q2: deviation and mean of the channels by depth; `normed` takes what the norm gives on, where there is one."""
    events = probes(experiment, "Q2")
    layers = layers_with(events)
    prefix = "normed_" if normed else ""
    figures, rows = {}, []
    for name, title in (("deviation", "Deviation by depth"), ("mean_abs", "Distance of the mean from 0 by depth")):
        figures[name], some = _figure(
            events,
            layers,
            each_layer(prefix + name),
            title,
            "mean over channels",
        )
        rows += some
    where = "behind the norm" if normed else "as the convolution gives it, before any norm"
    return View(
        "moments", "Mean and deviation by depth",
        f"On the probe set, {where}: the deviation of each channel, averaged over the channels of a layer. If it "
        "shrinks layer by layer the signal vanishes; if it grows, it explodes. Dotted: before the first step; solid: "
        "now. Median of the seeds. A norm brings the deviation of what the activation gets to gamma, whatever the "
        "layer gave.",
        _moments_in_words(events, layers, prefix), figures if rows else {}, pd.DataFrame(rows),
    )  # fmt: skip


def _moments_in_words(events: Probes, layers: list[str], prefix: str) -> str:
    convs = [layer for layer in layers if layer.startswith("conv")] or layers
    said = []
    for at, when in ((FIRST, "At the first probe"), (NOW, "now")):
        ratios = {}
        for arm, values in by_depth(events, convs, each_layer(f"{prefix}deviation"), at).items():
            first, last = values.get(convs[0]), values.get(convs[-1])
            if first and last:
                ratios[arm] = [b / a for a, b in zip(first, last, strict=False) if a]
        if any(ratios.values()):
            said.append(f"{when} it is {each_arm(ratios)}")
    if not said:
        return NOTHING
    return f"The deviation of the last convolution against that of the first: {'; '.join(said)}.".replace(
        ": At", ": at"
    )


def gain(experiment: Experiment, direction: str = "random") -> View:
    """How far a small change of the input has grown by each layer.

    Args:
        experiment: The record.
        direction: "random" for random changes, "neighbour" for a step towards another picture.
    """
    events = probes(experiment, "gain")
    layers = layers_with(events)

    def pick(row: Event, layer: str) -> float | None:
        data = row["data"]
        values = (data.get(direction) or {}).get("relative") or []
        where = data["layers"].index(layer) if layer in (data.get("layers") or []) else len(values)
        return finite(values[where]) if where < len(values) else None

    figure, rows = _figure(events, layers, pick, "Growth of a small change", "relative change / the input's")
    figure.add_hline(y=1, line_dash="dot", line_color=GREY)
    ends = {
        arm: values[layers[-1]] for arm, values in by_depth(events, layers, pick, NOW).items() if layers[-1] in values
    }
    words = NOTHING
    if ends:
        eps = next((finite(rows[-1]["data"].get("eps")) for rows in events.values() if rows), None)
        words = (
            f"By {layers[-1]} a change of {f'{eps:.0%}' if eps else 'a small part'} of the input is now multiplied by: "
            f"{each_arm(ends)}. {order_in_words(ends)} Below 1 it is damped."
        )
    return View(
        "gain", "Does a small change of the input grow?",
        "Each picture is changed a little, in a random direction or towards another picture, and the relative change "
        "of each layer's output (behind the norm, where the activation gets it) is divided by that of the input: above "
        "1 the layers up to there amplify, below 1 they damp. Dotted: at the first probe; solid: now. Median of the "
        "seeds.",
        words, {"gain": figure} if rows else {}, pd.DataFrame(rows),
    )  # fmt: skip
