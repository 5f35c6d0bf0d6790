"""By depth, at the first probe and now: moments of the channels, and how a small change of the input grows."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from alexcore.batchnorm.read.quantities import GAIN, MOMENTS
from alexcore.batchnorm.read.record import Experiment
from alexcore.batchnorm.read.summary import gain_change
from alexcore.batchnorm.views.probe_values import Pick, Probes, by_depth, each_layer, layers_with, middles, probes
from alexcore.batchnorm.views.view import NOTHING, View, arms_in_order, each_arm, order_in_words, ranked
from alexcore.figures import narrow_figure
from alexcore.nn.norms import look_of
from alexcore.palette import GUIDE
from alexcore.runs.events import finite_number

FIRST, NOW = 0, -1
DASHES = {FIRST: "dot", NOW: "solid"}


def _figure(
    events: Probes, layers: list[str], pick: Pick, title: str, unit: str, *, growth: bool = False
) -> tuple[go.Figure, list[dict[str, Any]]]:
    """Dotted lines for the first probe, solid ones for the latest, an arm each; and their numbers.

    `growth` draws where nothing grows, too.
    """
    figure, rows = narrow_figure(title, "layer", unit), []
    for at, dash in DASHES.items():
        for arm, values in by_depth(events, layers, pick, at).items():
            look, heights = look_of(arm), middles(values)
            step = next(int(some[at]["step"]) for (its, _), some in sorted(events.items()) if its == arm and some)
            figure.add_scatter(
                x=list(heights),
                y=list(heights.values()),
                mode="lines+markers",
                name=f"{look.title}, step {step}",
                line={"color": look.colour, "dash": dash, "width": 2},
                marker={"symbol": look.symbol},
                opacity=0.65 if at == FIRST else 1.0,
            )
            rows += [
                {"arm": arm, "step": step, "layer": layer, "seed_number": number, "what": title, "value": value}
                for layer, each in values.items()
                for number, value in enumerate(each)
            ]
    figure.update_yaxes(type="log", exponentformat="power")
    figure.update_xaxes(type="category", categoryorder="array", categoryarray=layers)
    if growth:
        figure.add_hline(y=1, line_dash="dot", line_color=GUIDE)
    return figure, rows


def moments(experiment: Experiment, *, normed: bool = False) -> View:
    """Deviation and mean of the channels by depth; `normed` takes what the norm gives on, where there is one."""
    events = probes(experiment, MOMENTS)
    layers = layers_with(events)
    prefix = "normed_" if normed else ""
    figures, rows = {}, []
    for name, title in (("deviation", "Deviation by depth"), ("mean_abs", "Distance of the mean from 0 by depth")):
        figures[name], some = _figure(events, layers, each_layer(prefix + name), title, "mean over channels")
        rows += some
    where = "behind the norm" if normed else "as the convolution gives it, before any norm"
    return View(
        "moments",
        "Mean and deviation by depth",
        f"On the probe set, {where}: the deviation of each channel, averaged over the channels of a layer. If it "
        "shrinks layer by layer the signal vanishes; if it grows, it explodes. Dotted: before the first step; solid: "
        "now. Median of the seeds. A norm brings the deviation of what the activation gets to gamma, whatever the "
        "layer gave.",
        _moments_in_words(events, _convs(layers), each_layer(f"{prefix}deviation")),
        figures if rows else {},
        pd.DataFrame(rows),
    )


def _convs(layers: list[str]) -> list[str]:
    """The convolutions, as the verdict takes them; all layers where there is none."""
    return [layer for layer in layers if layer.startswith("conv")] or layers


def _moments_in_words(events: Probes, convs: list[str], pick: Pick) -> str:
    said = []
    for at, when in ((FIRST, "at the first probe"), (NOW, "now")):
        ratios = {}
        for arm, values in by_depth(events, convs, pick, at).items():
            first, last = values.get(convs[0]), values.get(convs[-1])
            if first and last:
                ratios[arm] = [b / a for a, b in zip(first, last, strict=False) if a]
        if any(ratios.values()):
            said.append(f"{when} it is {each_arm(ratios)}")
    return f"The deviation of the last convolution against that of the first: {'; '.join(said)}." if said else NOTHING


def gain(experiment: Experiment, direction: str = "random") -> View:
    """How far a small change of the input, "random" or towards a "neighbour" picture, has grown by each layer."""
    events = probes(experiment, GAIN)
    layers, pick = layers_with(events), each_layer("relative", direction)
    figure, rows = _figure(
        events, layers, pick, "Growth of a small change", "relative change / the input's", growth=True
    )
    ends = _at_last(events, layers, pick, NOW)
    words = NOTHING
    if ends:
        eps = next((finite_number(rows[-1]["data"].get("eps")) for rows in events.values() if rows), None)
        share = f"{eps:.0%}" if eps else "a small part"
        what = f"By {layers[-1]} a change of {share} of the input is now multiplied by"
        words = f"{ranked(what, ends)} Below 1 it is damped."
    return View(
        "gain",
        "Does a small change of the input grow?",
        "Each picture is changed a little, in a random direction or towards another picture, and the relative change "
        "of each layer's output (behind the norm, where the activation gets it) is divided by that of the input: above "
        "1 the layers up to there amplify, below 1 they damp. Dotted: at the first probe; solid: now. Median of the "
        "seeds.",
        words,
        {"gain": figure} if rows else {},
        pd.DataFrame(rows),
    )


def _at_last(events: Probes, layers: list[str], pick: Pick, at: int) -> dict[str, list[float]]:
    """The values of the last layer, by arm."""
    return {arm: each[layers[-1]] for arm, each in by_depth(events, layers, pick, at).items() if layers[-1] in each}


def differences(experiment: Experiment, direction: str = "random") -> View:
    """The measure of the first answer: growth of a change against how much pictures differ, up to the last convolution.

    The change is "random" or a step towards a "neighbour" picture.
    """
    events = probes(experiment, GAIN)
    layers, pick = _convs(layers_with(events)), each_layer("spread", direction)
    figure, rows = _figure(
        events, layers, pick, "Growth against differences of pictures", "growth, input = 1", growth=True
    )
    ends = _at_last(events, layers, pick, NOW)
    words = NOTHING
    if ends:
        words = (
            f"At {layers[-1]} 1 % of change is now worth, in percent of how pictures differ there: {each_arm(ends)}; "
            f"at the first probe {each_arm(_at_last(events, layers, pick, FIRST))}. {order_in_words(ends)}"
        )
    return View(
        "differences",
        "Does a small change grow against what tells pictures apart?",
        "The verdict's first answer is made of this. A change that grows says little where everything grows: so the "
        "change of each layer's output is divided by how much the outputs of different pictures differ, and that by "
        "the same at the input. Above 1 the change stands out more than in the picture itself.",
        words,
        {"differences": figure} if rows else {},
        pd.DataFrame(rows),
    )


def factors(experiment: Experiment) -> View:
    """The measure of the third answer: the gain of each layer by itself, up to the last convolution."""
    events = probes(experiment, GAIN)
    layers, pick = _convs(layers_with(events)), each_layer("factor", "random")
    figure, rows = _figure(events, layers, pick, "Gain of each layer", "gain from the layer before", growth=True)
    changed = {arm: values for arm in arms_in_order(arm for arm, _ in events) if (values := _changes(events, arm))}
    words = "There is one probe so far, and so no change yet." if rows else NOTHING
    if changed:
        what = "From the first probe to now a layer's gain changed, in the mean over the layers, by a factor of"
        words = f"{ranked(what, changed)} A factor of 1 is no change."
    return View(
        "factors",
        "Which layers amplify, and does training change that?",
        "The verdict's third answer is made of this: how much each layer by itself amplifies a small random change of "
        "the input. Where the solid line leaves the dotted one, the network has learned what to amplify.",
        words,
        {"factors": figure} if rows else {},
        pd.DataFrame(rows),
    )


def _changes(events: Probes, arm: str) -> list[float]:
    """By what factor training changed the gains of an arm, a number a seed."""
    each = [rows for (its_arm, _), rows in sorted(events.items()) if its_arm == arm and len(rows) > 1]
    found = (gain_change(rows[FIRST]["data"], rows[NOW]["data"]) for rows in each)
    return [value for value in found if value is not None]
