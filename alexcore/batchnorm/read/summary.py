"""What an experiment found, as one number for each measure, arm and seed: what a verdict is made of."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from alexcore.batchnorm.read.quantities import (
    COVARIATE_SHIFT,
    DRIFT,
    GAIN,
    LEARNED_SCALES,
    MOMENTS,
    RATE_TOLERANCE,
    RELATIVE_LOSS,
    SATURATION,
    VALIDATION_GAP,
    ZERO_UNITS,
)
from alexcore.batchnorm.read.record import Arm
from alexcore.batchnorm.read.tolerance import DIVERGED, Row, classify, median_of, tolerances
from alexcore.runs.events import finite_number

Events = Sequence[Mapping[str, Any]]
Values = dict[str, dict[int, float]]


class Measure(NamedTuple):
    """One number that an experiment has for each arm and seed."""

    quantity: str
    title: str


MEASURES: Mapping[str, Measure] = {
    "growth": Measure(GAIN, "growth of a change by noise up to the last convolution, at the end"),
    "growth_start": Measure(GAIN, "the same before training"),
    "growth_neighbour": Measure(GAIN, "growth of a change towards another picture, at the end"),
    "depth_ratio": Measure(MOMENTS, "deviation of the last convolution by that of the first, before training"),
    "safe_rate": Measure(RELATIVE_LOSS, "largest rate up to which no single step raised the loss, at the end"),
    "drift_seen": Measure(DRIFT, "drift of what the activations get between two probes, in deviations, net a step"),
    "drift_output": Measure(
        DRIFT, "drift of the convolutions' own outputs between two probes, in deviations, net a step"
    ),
    "ics": Measure(COVARIATE_SHIFT, "relative change of a layer's gradient by the steps of earlier layers"),
    "gain_change": Measure(GAIN, "factor by which training changed the gain from layer to layer, in the mean"),
    "gamma_moved": Measure(LEARNED_SCALES, "mean |gamma - 1| at the end"),
    "gamma_spread": Measure(LEARNED_SCALES, "95th minus 5th percentile of gamma at the end"),
    "val_acc1": Measure(VALIDATION_GAP, "validation accuracy at the end, recalibrated where there is batch norm"),
    "train_loss": Measure(VALIDATION_GAP, "training loss at the end, in nats"),
    "steps_to_target": Measure(VALIDATION_GAP, "steps to the accuracy half-way between guessing and the best"),
    "late_gain": Measure(VALIDATION_GAP, "gain of the best validation accuracy in the second half of the steps"),
    "width": Measure(RATE_TOLERANCE, "decades of rates within 5 points of the best"),
    "best_acc1": Measure(RATE_TOLERANCE, "validation accuracy at the arm's own best rate"),
    "dead": Measure(ZERO_UNITS, "share of dead channels in the convolutions at the end"),
    "zero": Measure(ZERO_UNITS, "share of zero outputs in the convolutions at the end"),
    "saturated": Measure(SATURATION, "share of saturated outputs in the convolutions at the end"),
}


@dataclass(frozen=True)
class ExperimentSummary:
    """An experiment in numbers.

    Attributes:
        steps: Optimizer steps after which the values at the end were measured.
        lr: Learning rate.
        activation: "relu", "tanh" or "sigmoid".
        arms: The norms compared.
        values: `values[measure][arm][seed]`, finite numbers alone: what was not measured is not there.
        outcomes: `outcomes[arm][seed]`: "learned", "stuck" or "diverged".
        last_conv: Name of the layer up to which `growth` is measured.
        target_acc1: The accuracy of `steps_to_target`, 0 to 1; None if nothing was evaluated.
        best_rates: Per arm, the rate at which `best_acc1` was reached (median over the seeds).
    """

    steps: int
    lr: float
    activation: str
    arms: tuple[str, ...]
    values: Mapping[str, Mapping[str, Mapping[int, float]]] = field(default_factory=dict)
    outcomes: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    last_conv: str = "the last convolution"
    target_acc1: float | None = None
    best_rates: Mapping[str, float] = field(default_factory=dict)

    def of(self, measure: str, arm: str) -> dict[int, float]:
        """The values of one measure and arm by seed; empty if it was not measured."""
        return dict(self.values.get(measure, {}).get(arm, {}))

    def diverged(self, arm: str) -> list[int]:
        """The seeds with which an arm diverged."""
        return [seed for seed, word in self.outcomes.get(arm, {}).items() if word == DIVERGED]


def summarise(
    start: Mapping[str, Any],
    steps: Mapping[Arm, Events],
    evals: Mapping[Arm, Events],
    probes: Mapping[str, Mapping[Arm, Events]],
    rates: Iterable[Row] = (),
) -> ExperimentSummary:
    """Reduce what an experiment has recorded, finished or not, to the numbers of `MEASURES`.

    Args:
        start: The event: classes (a list, or their number), arms (keys such as "batch-s0"), steps, lr, activation.
        steps: Per (arm, seed), events with step and loss.
        evals: Per (arm, seed), events with step, train_loss, val_acc1, and for batch norm val_acc1_batch and, in the
            last one, val_acc1_recalibrated.
        probes: Per quantity and (arm, seed), events with step and data.
        rates: The flat rows of the sweep of rates (`tolerance.rows_of`).
    """
    given = start.get("classes")
    classes = given if isinstance(given, int) else len(given or ())
    arms = list(dict.fromkeys([*(_key(each) for each in start.get("arms") or ()), *evals, *steps]))
    values: dict[str, Values] = {}

    def put(measure: str, arm: Arm, value: float | None) -> None:
        if value is not None and math.isfinite(value):
            values.setdefault(measure, {}).setdefault(arm[0], {})[arm[1]] = value

    outcomes: dict[str, dict[int, str]] = {}
    for arm in arms:
        if evals.get(arm) or steps.get(arm):
            word = _outcome(evals.get(arm, ()), steps.get(arm, ()), max(classes, 2))
            outcomes.setdefault(arm[0], {})[arm[1]] = word
    target = _target(evals, classes)
    last_conv = ""
    for arm in arms:
        for measure, value in _measured({name: each[arm] for name, each in probes.items() if arm in each}).items():
            put(measure, arm, value)
        last_conv = last_conv or _last_conv(probes.get(GAIN, {}).get(arm, ()))
        # What a network was worth before it diverged is not what it ended with.
        if evals.get(arm) and outcomes[arm[0]][arm[1]] != DIVERGED:
            last = evals[arm][-1]
            # Before the end nothing is recalibrated, and running statistics that lag would make batch norm look bad.
            put("val_acc1", arm, _first(last, "val_acc1_recalibrated", "val_acc1_batch", "val_acc1"))
            put("train_loss", arm, _first(last, "train_loss"))
            put("late_gain", arm, _late_gain(evals[arm]))
            if target is not None:
                put("steps_to_target", arm, _reached(evals[arm], target))
    best_rates = _put_rates(rates, put)
    done = max((int(events[-1]["step"]) for events in evals.values() if events), default=0)
    return ExperimentSummary(
        steps=done or int(start.get("steps") or 0),
        lr=float(start.get("lr") or 0.0),
        activation=str(start.get("activation") or "relu"),
        arms=tuple(dict.fromkeys(arm for arm, _ in arms)),
        values=values,
        outcomes=outcomes,
        last_conv=last_conv or "the last convolution",
        target_acc1=target,
        best_rates=best_rates,
    )


def _put_rates(rates: Iterable[Row], put: Any) -> dict[str, float]:
    best: dict[str, float] = {}
    for arm, by_seed in tolerances(rates).items():
        for seed, found in by_seed.items():
            put("width", (arm, seed), found.width)
            put("best_acc1", (arm, seed), found.best_accuracy)
        known = [each.best_rate for each in by_seed.values() if each.best_rate is not None]
        if known:
            best[arm] = statistics.median_low(known)
    return best


def _measured(probes: Mapping[str, Events]) -> dict[str, float | None]:
    """The measures of one arm and seed that come from its probes."""
    gains, scales = _data(probes, GAIN), _data(probes, LEARNED_SCALES)
    moments, zeros, saturated = (_data(probes, name) for name in (MOMENTS, ZERO_UNITS, SATURATION))
    drifts, steps = _data(probes, DRIFT), _data(probes, RELATIVE_LOSS)
    found: dict[str, float | None] = {
        "drift_seen": median_of([_drift(each, seen=True) for each in drifts]),
        "drift_output": median_of([_drift(each, seen=False) for each in drifts]),
        "ics": median_of([_over_convs(each, "relative") for each in _data(probes, COVARIATE_SHIFT)]),
    }
    if gains:
        found["growth"], found["growth_start"] = _growth(gains[-1], "random"), _growth(gains[0], "random")
        found["growth_neighbour"] = _growth(gains[-1], "neighbour")
    if len(gains) > 1:
        found["gain_change"] = gain_change(gains[0], gains[-1])
    if scales:
        low, high = _over_convs(scales[-1], "gamma_low"), _over_convs(scales[-1], "gamma_high")
        found["gamma_moved"] = _over_convs(scales[-1], "gamma_moved")
        found["gamma_spread"] = None if low is None or high is None else high - low
    if moments:
        column = [each for each in _convs(moments[0], "deviation") if each is not None]
        found["depth_ratio"] = column[-1] / column[0] if column and column[0] else None
    if steps:
        found["safe_rate"] = _first(steps[-1], "largest_safe")
    if zeros:
        found["dead"], found["zero"] = _over_convs(zeros[-1], "dead"), _over_convs(zeros[-1], "zero")
    if saturated:
        found["saturated"] = _over_convs(saturated[-1], "saturated")
    return found


def _data(probes: Mapping[str, Events], quantity: str) -> list[Mapping[str, Any]]:
    return [each["data"] for each in probes.get(quantity, ()) if isinstance(each.get("data"), Mapping)]


def _convs(data: Mapping[str, Any], column: str, within: str = "") -> list[float | None]:
    """A column of the convolutions, where batch norm acts, or all of it in a network without any; `within` a field."""
    columns = (data.get(within) or {}) if within else data
    names, values = list(data.get("layers") or ()), list(columns.get(column) or ())
    kept = [value for name, value in zip(names, values, strict=False) if str(name).startswith("conv")]
    return [finite_number(each) for each in kept or values]


def _over_convs(data: Mapping[str, Any], column: str) -> float | None:
    known = [each for each in _convs(data, column) if each is not None]
    return statistics.fmean(known) if known else None


def _drift(data: Mapping[str, Any], *, seen: bool) -> float | None:
    """Mean drift over the convolutions, a step; `seen`: of the norm's output, where a layer has one."""
    own, normed = _convs(data, "mean"), _convs(data, "normed_mean")
    if seen:
        own = [other if other is not None else each for each, other in zip(own, normed or own, strict=False)]
    known, steps = [each for each in own if each is not None], finite_number(data.get("steps"))
    return statistics.fmean(known) / steps if known and steps else None


def _growth(data: Mapping[str, Any], kind: str) -> float | None:
    column = _convs(data, "spread", kind)
    return column[-1] if column else None


def gain_change(first: Mapping[str, Any], last: Mapping[str, Any]) -> float | None:
    """By what factor the gains from layer to layer changed between two probes, in the mean of the convolutions."""
    old, new = (_convs(data, "factor", "random") for data in (first, last))
    logs = [abs(math.log(now / then)) for then, now in zip(old, new, strict=False) if then and now and now / then > 0]
    return math.exp(statistics.fmean(logs)) if logs else None


def _last_conv(gains: Events) -> str:
    names = [str(name) for event in gains[:1] for name in (event.get("data") or {}).get("layers") or ()]
    return ([name for name in names if name.startswith("conv")] or names or [""])[-1]


def _outcome(evals: Events, steps: Events, classes: int) -> str:
    """How an arm went.

    A step whose loss or gradient was not finite has null there. An evaluation before the first step, or of an arm that
    stands still since it diverged, has no training loss either, and says nothing.
    """
    losses = [finite_number(event["loss"]) for event in steps if "loss" in event]
    exploded = any("grad_norm" in event and finite_number(event["grad_norm"]) is None for event in steps)
    ends = [value for event in evals if (value := finite_number(event.get("train_loss"))) is not None]
    final = ends[-1] if ends else losses[-1] if losses else None
    return classify(final, [*losses, *ends, *([None] if exploded else [])], classes)


def _curve(events: Events) -> list[tuple[int, float]]:
    """Validation accuracy by step; with batch norm by batch statistics, because the running ones lag at first."""
    found = [(int(event["step"]), _first(event, "val_acc1_batch", "val_acc1")) for event in events]
    return [(step, value) for step, value in found if value is not None]


def _late_gain(events: Events) -> float | None:
    """How much the best accuracy rose in the second half of the steps; None with less than two points in a half."""
    curve = _curve(events)
    middle = curve[-1][0] / 2 if curve else 0.0
    early, late = ([value for step, value in curve if (step > middle) == second] for second in (False, True))
    return max(late) - max(early) if min(len(early), len(late)) >= 2 else None


def _target(evals: Mapping[Arm, Events], classes: int) -> float | None:
    best = max((value for events in evals.values() for _, value in _curve(events)), default=None)
    return None if best is None or not classes else (1 / classes + best) / 2


def _reached(events: Events, target: float) -> float | None:
    return next((float(step) for step, value in _curve(events) if value >= target), None)


def _key(arm: Any) -> Arm:
    """("batch", 0) of "batch-s0"."""
    norm, _, seed = str(arm).rpartition("-s")
    return (norm, int(seed)) if norm and seed.isdigit() else (str(arm), 0)


def _first(event: Mapping[str, Any], *names: str) -> float | None:
    """The first of some fields that holds a number."""
    return next((each for name in names if (each := finite_number(event.get(name))) is not None), None)
