"""The distribution of one channel over time, a fan an arm."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from alexcore.batchnorm.read.quantities import CHANNEL_VALUES, MOMENTS
from alexcore.batchnorm.read.record import Experiment
from alexcore.batchnorm.views.arm_lines import add_area, faint, plain_range
from alexcore.batchnorm.views.probe_values import probes
from alexcore.batchnorm.views.view import NOTHING, View, arms_in_order, capital
from alexcore.figures import narrow_figure
from alexcore.nn.norms import look_of
from alexcore.runs.events import finite_number
from alexcore.runs.series import thin
from alexcore.words.numbers import number

# An arm's fan: at each step the values of the percentiles.
Fan = list[tuple[float, list[float]]]


def fan_layers(experiment: Experiment) -> list[str]:
    """The layers that the fan chart can show."""
    rows = next((rows for rows in probes(experiment, CHANNEL_VALUES).values() if rows), None)
    return [str(each) for each in rows[-1]["data"]] if rows else []


def fan_channels(experiment: Experiment, layer: str) -> tuple[list[int], int | None]:
    """The channels of a layer that the fan chart can show, and the one with the median variance at the first probe."""
    channels: list[int] = []
    for rows in probes(experiment, CHANNEL_VALUES).values():
        for row in rows[:1]:
            channels = [int(each) for each in (row["data"].get(layer) or {}).get("channels", [])]
    for rows in probes(experiment, MOMENTS).values():
        for row in rows[:1]:
            sigmas = [finite_number(each) for each in (row["data"].get("sigma") or {}).get(layer) or []]
            known = [(sigma, channel) for sigma, channel in zip(sigmas, channels, strict=False) if sigma is not None]
            if known:
                return channels, sorted(known)[(len(known) - 1) // 2][1]
    return channels, channels[0] if channels else None


def fans(experiment: Experiment, layer: str, channel: int, seed: int, *, normed: bool = False) -> View:
    """The distribution of one channel over time, a fan an arm; the arms share the y range.

    Layer and channel are among `fan_layers` and `fan_channels`; `normed` looks behind the norm, for the arms that have
    one.
    """
    found: dict[str, Fan] = {}
    percentiles: list[float] = []
    for (arm, its_seed), rows in probes(experiment, CHANNEL_VALUES).items():
        if its_seed != seed:
            continue
        for row in rows:
            fan = row["data"].get(layer) or {}
            side = fan.get("normed" if normed and fan.get("normed") else "output") or []
            known = fan.get("channels") or []
            values = side[known.index(channel)] if channel in known and known.index(channel) < len(side) else []
            numbers = [finite_number(each) for each in values]
            if numbers and None not in numbers:
                percentiles = [float(each) for each in fan["percentiles"]]
                found.setdefault(arm, []).append((float(row["step"]), [each for each in numbers if each is not None]))
    shared = plain_range(value for fan in found.values() for _, values in fan for value in values)
    where = f"{layer}, channel {channel}"
    figures = {
        f"fan-{arm}": _fan(arm, thin(found[arm], 200), percentiles, where).update_yaxes(range=shared)
        for arm in arms_in_order(found)
    }
    table = pd.DataFrame(
        [
            {"arm": arm, "seed": seed, "layer": layer, "channel": channel, "step": step}
            | {f"p{percentile:g}": value for percentile, value in zip(percentiles, values, strict=False)}
            for arm, fan in found.items()
            for step, values in fan
        ]
    )
    outer = f"{percentiles[0]:g} % to {percentiles[-1]:g} %" if percentiles else "percentiles"
    place = "behind the norm" if normed else "as the convolution gives it"
    return View(
        "fans",
        "One channel's distribution over time",
        f"The values of one channel over all pictures and places of the probe set, {place}: the line is the median, "
        f"the fan reaches from {outer}, darker towards the middle. A distribution that stays where it is has a level "
        "fan. All arms have the same y range.",
        _fan_in_words(found),
        figures,
        table,
    )


def _fan(arm: str, fan: Fan, percentiles: Sequence[float], where: str) -> go.Figure:
    look = look_of(arm)
    figure = narrow_figure(f"{look.title}: {where}", "optimizer step", "value", 300)
    lines = [[(step, values[place]) for step, values in fan] for place in range(len(percentiles))]
    for low in range(len(percentiles) // 2):
        high = len(percentiles) - 1 - low
        name = f"{percentiles[low]:g} % to {percentiles[high]:g} %"
        add_area(figure, lines[high], lines[low], faint(look.colour, 0.22), name)
    middle = lines[len(percentiles) // 2]
    figure.add_scatter(
        x=[step for step, _ in middle],
        y=[value for _, value in middle],
        mode="lines+markers",
        name="median",
        line={"color": look.colour, "width": 2},
        marker={"size": 4},
    )
    # The title names the arm, and the text above says what the shades are.
    return figure.update_layout(showlegend=False)


def _fan_in_words(found: Mapping[str, Fan]) -> str:
    if not found:
        return NOTHING
    said = []
    for arm in arms_in_order(found):
        fan = found[arm]
        middle = len(fan[0][1]) // 2
        medians = [values[middle] for _, values in fan]
        width = statistics.median(values[-1] - values[0] for _, values in fan)
        moved = max(medians) - min(medians)
        share = f"{moved / width:.1f} times the fan's median width" if width else "while the fan has no width"
        said.append(f"{look_of(arm).title}'s median moves over {number(moved)}, {share}")
    return f"{capital('; '.join(said))}."
