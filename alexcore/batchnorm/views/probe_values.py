"""Reading probes: what was measured of a layer, at which step, over the seeds."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from alexcore.batchnorm.read.record import Arm, Experiment
from alexcore.batchnorm.views.arm_lines import lines_of, medians_of
from alexcore.batchnorm.views.view import arms_in_order, each_arm
from alexcore.runs.events import Event, finite_number

Pick = Callable[[Event, str], float | None]
Probes = Mapping[Arm, Sequence[Event]]


def probes(experiment: Experiment, quantity: str) -> Probes:
    """The probes of a quantity by arm, without making an entry for one that there is none of."""
    return experiment.probes.get(quantity, {})


def layers_with(events: Probes) -> list[str]:
    """The layers of a quantity, in order: of the latest event that has any."""
    for rows in events.values():
        for row in reversed(rows):
            if row["data"].get("layers"):
                return [str(each) for each in row["data"]["layers"]]
    return []


def at_layer(row: Event, name: str, layer: str, within: str = "") -> float | None:
    """The value of one layer in the parallel lists of a probe, or in those that it has `within` a field."""
    data = row["data"]
    lists = (data.get(within) or {}) if within else data
    layers, values = data.get("layers") or [], lists.get(name) or []
    where = layers.index(layer) if layer in layers else -1
    return finite_number(values[where]) if 0 <= where < len(values) else None


def from_data(name: str) -> Callable[[Event], Any]:
    """Pick a field of what a probe measured."""
    return lambda row: row["data"].get(name)


def from_layer(name: str, layer: str) -> Callable[[Event], float | None]:
    """Pick what a probe measured of one layer."""
    return lambda row: at_layer(row, name, layer)


def real_steps(events: Probes) -> str:
    """How much longer the training's own steps are than the lr x gradient of a probe; "" where that is not known."""
    lines = lines_of(events, from_data("real_by_gradient"))
    middle = medians_of(lines)
    if not any(middle.values()):
        return ""
    return f" The training's own steps were longer or shorter than lr x gradient, by a factor of: {each_arm(middle)}."


def each_layer(name: str, within: str = "") -> Pick:
    """Pick a list of a probe by layer, as `at_layer`."""
    return lambda row, layer: at_layer(row, name, layer, within)


def by_depth(events: Probes, layers: Sequence[str], pick: Pick, at: int) -> dict[str, dict[str, list[float]]]:
    """Arm -> layer -> the values of the seeds, at the first probe (`at` = 0) or the latest (-1)."""
    found: dict[str, dict[str, list[float]]] = {}
    for arm in arms_in_order(arm for arm, _ in events):
        for _, rows in sorted((key, rows) for key, rows in events.items() if key[0] == arm and rows):
            for layer in layers:
                value = pick(rows[at], layer)
                if value is not None:
                    found.setdefault(arm, {}).setdefault(layer, []).append(value)
    return found


def middles(values: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Layer -> median over the seeds."""
    return {layer: statistics.median(each) for layer, each in values.items() if each}
