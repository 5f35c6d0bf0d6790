"""What an experiment found, as one number for each measure, arm and seed: what a verdict is made of."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from alexcore.batchnorm.read import learning
from alexcore.batchnorm.read.learning import Cause, Events, first_known
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
from alexcore.batchnorm.read.tolerance import LEARNED, STUCK, Row, best_rates, median_of, tolerances
from alexcore.runs.events import finite_number

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
    "late_gain": Measure(VALIDATION_GAP, "gain of the best validation accuracy in the second half of the training"),
    "levelled": Measure(
        VALIDATION_GAP, "lead, half-way to its last accuracy, over the other arm half-way to that same accuracy"
    ),
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
        planned: Steps that it was to make; 0 if that is not known.
        lr: Learning rate.
        rates: Per arm its own rate, where a sweep before the start chose one for each.
        steady: Whether the rates stayed on: above half the highest through the second half of the steps.
        activation: "relu", "tanh" or "sigmoid".
        arms: The norms compared.
        values: `values[measure][arm][seed]`, finite numbers alone: what was not measured is not there.
        outcomes: `outcomes[arm][seed]`: "learned", "stuck" or "diverged".
        stuck: `stuck[arm][seed]`: what keeps those that are.
        last_conv: Name of the layer up to which `growth` is measured.
        target_acc1: The accuracy of `steps_to_target`, 0 to 1; None if nothing was evaluated.
        best_rates: Per arm, the rate of the sweep with the best accuracy (median over the seeds).
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
    planned: int = 0
    rates: Mapping[str, float] = field(default_factory=dict)
    steady: bool = False
    stuck: Mapping[str, Mapping[int, Cause]] = field(default_factory=dict)

    def of(self, measure: str, arm: str) -> dict[int, float]:
        """The values of one measure and arm by seed; empty if it was not measured."""
        return dict(self.values.get(measure, {}).get(arm, {}))

    def seeds_that(self, word: str, arm: str) -> list[int]:
        """The seeds with which an arm had an outcome."""
        return [seed for seed, each in self.outcomes.get(arm, {}).items() if each == word]

    def rate_of(self, arm: str) -> float:
        """The rate at which an arm was trained."""
        return self.rates.get(arm, self.lr)

    def at_its_best(self, arm: str) -> bool:
        """Whether an arm was trained at the best of the rates that a sweep has tried with it."""
        return self.best_rates.get(arm) == self.rate_of(arm)


def summarise(
    start: Mapping[str, Any],
    steps: Mapping[Arm, Events],
    evals: Mapping[Arm, Events],
    probes: Mapping[str, Mapping[Arm, Events]],
    rates: Iterable[Row] = (),
) -> ExperimentSummary:
    """Reduce what an experiment has recorded, finished or not, to the numbers of `MEASURES`.

    Only arms that learned have numbers: what one was worth before it diverged is not what it ended with, and one that
    is stuck shows nothing of its norm.

    Args:
        start: The event: classes (a list, or their number), arms (keys such as "batch-s0"), steps, lr, rates by arm
            where each has its own, activation.
        steps: Per (arm, seed), events with step, loss and lr.
        evals: Per (arm, seed), events with step, train_loss, val_acc1, largest_share, and for batch norm val_acc1_batch
            and, in the last one, val_acc1_recalibrated.
        probes: Per quantity and (arm, seed), events with step and data.
        rates: The flat rows of the sweep of rates (`tolerance.rows_of`).
    """
    given = start.get("classes")
    classes = given if isinstance(given, int) else len(given or ())
    arms = list(dict.fromkeys([*(_key(each) for each in start.get("arms") or ()), *evals, *steps]))
    done = max((int(events[-1]["step"]) for events in evals.values() if events), default=0)
    values: dict[str, Values] = {}

    def put(measure: str, arm: Arm, value: float | None) -> None:
        if value is not None and math.isfinite(value):
            values.setdefault(measure, {}).setdefault(arm[0], {})[arm[1]] = value

    outcomes: dict[str, dict[int, str]] = {}
    stuck: dict[str, dict[int, Cause]] = {}
    target = _target(evals, classes)
    last_conv = ""
    for arm in arms:
        mine = {name: each[arm] for name, each in probes.items() if arm in each}
        last_conv = last_conv or _last_conv(mine.get(GAIN, ()))
        if _last_step(evals, arm[1]) < done:
            continue  # a seed that was added, and has not come to its end
        word = learning.outcome(evals.get(arm, ()), steps.get(arm, ()), max(classes, 2))
        if word is None:
            continue
        if word == STUCK and done < int(start.get("steps") or 0):
            word = LEARNED  # stopped on its way, so it may still leave
        outcomes.setdefault(arm[0], {})[arm[1]] = word
        if word == STUCK:
            units = [*_data(mine, SATURATION)[-1:], *_data(mine, ZERO_UNITS)[-1:]]
            units = [each for each in units if any(each.get("dead") or each.get("saturated_channels") or ())]
            why = learning.cause(evals.get(arm, ()), steps.get(arm, ()), units[-1] if units else {})
            stuck.setdefault(arm[0], {})[arm[1]] = why
        if word != LEARNED:
            continue
        for measure, value in _measured(mine).items():
            put(measure, arm, value)
        if evals.get(arm):
            last = evals[arm][-1]
            # Before the end nothing is recalibrated, and running statistics that lag would make batch norm look bad.
            put("val_acc1", arm, first_known(last, "val_acc1_recalibrated", "val_acc1_batch", "val_acc1"))
            put("train_loss", arm, first_known(last, "train_loss"))
            if target is not None:
                put("steps_to_target", arm, learning.reached(evals[arm], target))
    _put_paths(evals, steps, outcomes, put)
    return ExperimentSummary(
        steps=done or int(start.get("steps") or 0),
        planned=int(start.get("steps") or 0),
        lr=float(start.get("lr") or 0.0),
        rates=_rates(start),
        steady=all(
            learning.rates_stay_on(each, done) for arm, each in steps.items() if _word(outcomes, arm) == LEARNED
        ),
        activation=str(start.get("activation") or "relu"),
        arms=tuple(dict.fromkeys(arm for arm, _ in arms)),
        values=values,
        outcomes=outcomes,
        stuck=stuck,
        last_conv=last_conv or "the last convolution",
        target_acc1=target,
        best_rates=_put_rates(list(rates), put),
    )


def _last_step(evals: Mapping[Arm, Events], seed: int) -> int:
    """The last validation of any arm of a seed."""
    return max((int(events[-1]["step"]) for arm, events in evals.items() if arm[1] == seed and events), default=0)


def _rates(start: Mapping[str, Any]) -> dict[str, float]:
    given = start.get("rates")
    known = {str(arm): finite_number(rate) for arm, rate in given.items()} if isinstance(given, Mapping) else {}
    return {arm: rate for arm, rate in known.items() if rate is not None}


def _put_paths(
    evals: Mapping[Arm, Events], steps: Mapping[Arm, Events], outcomes: Mapping[str, Mapping[int, str]], put: Any
) -> None:
    """How far each arm had come; batch norm is held against no norm, and every other arm against batch norm."""
    paths = {
        arm: found
        for arm in evals
        if _word(outcomes, arm) == LEARNED and (found := learning.path(evals[arm], steps.get(arm, ()))) is not None
    }
    for (norm, seed), path in paths.items():
        put("late_gain", (norm, seed), learning.late_gain(path))
        other = paths.get(("none" if norm == "batch" else "batch", seed))
        put("levelled", (norm, seed), learning.levelled(path, other) if other else None)


def _word(outcomes: Mapping[str, Mapping[int, str]], arm: Arm) -> str:
    return outcomes.get(arm[0], {}).get(arm[1], "")


def _put_rates(rates: Sequence[Row], put: Any) -> dict[str, float]:
    for arm, by_seed in tolerances(rates).items():
        for seed, found in by_seed.items():
            put("width", (arm, seed), found.width)
            put("best_acc1", (arm, seed), found.best_accuracy)
    return {row["arm"]: row["rate"] for row in best_rates(rates)}


def _measured(probes: Mapping[str, Events]) -> dict[str, float | None]:
    """The measures of one arm and seed that come from its probes."""
    gains, scales = _data(probes, GAIN), _data(probes, LEARNED_SCALES)
    drifts, steps = _data(probes, DRIFT), _data(probes, RELATIVE_LOSS)
    moments, zeros, saturated = (_data(probes, name) for name in (MOMENTS, ZERO_UNITS, SATURATION))
    found: dict[str, float | None] = {
        "drift_seen": median_of([_drift(each, seen=True) for each in drifts]),
        "drift_output": median_of([_drift(each, seen=False) for each in drifts]),
    }
    # The first probe of a kind looks into the untrained network; what is measured at the end takes a second one.
    if _trained(probes, COVARIATE_SHIFT):
        shifts = _data(probes, COVARIATE_SHIFT)[1:]
        found["ics"] = median_of([_over_convs(each, "relative") for each in shifts])
    if _trained(probes, GAIN):
        found["growth"], found["growth_start"] = _growth(gains[-1], "random"), _growth(gains[0], "random")
        found["growth_neighbour"] = _growth(gains[-1], "neighbour")
        found["gain_change"] = gain_change(gains[0], gains[-1])
    if _trained(probes, LEARNED_SCALES):
        low, high = _over_convs(scales[-1], "gamma_low"), _over_convs(scales[-1], "gamma_high")
        found["gamma_moved"] = _over_convs(scales[-1], "gamma_moved")
        found["gamma_spread"] = None if low is None or high is None else high - low
    if moments:
        column = [each for each in _convs(moments[0], "deviation") if each is not None]
        found["depth_ratio"] = column[-1] / column[0] if column and column[0] else None
    if _trained(probes, RELATIVE_LOSS):
        found["safe_rate"] = first_known(steps[-1], "largest_safe")
    if _trained(probes, ZERO_UNITS):
        found["dead"], found["zero"] = _over_convs(zeros[-1], "dead"), _over_convs(zeros[-1], "zero")
    if _trained(probes, SATURATION):
        found["saturated"] = _over_convs(saturated[-1], "saturated")
    return found


def _trained(probes: Mapping[str, Events], quantity: str) -> bool:
    """Whether there are at least two probes, and the last one is of a network that has made a step."""
    events = [each for each in probes.get(quantity, ()) if isinstance(each.get("data"), Mapping)]
    return len(events) > 1 and int(events[-1].get("step") or 0) > 0


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


def _target(evals: Mapping[Arm, Events], classes: int) -> float | None:
    best = max((value for events in evals.values() for _, value in learning.curve(events)), default=None)
    return None if best is None or not classes else (1 / classes + best) / 2


def _key(arm: Any) -> Arm:
    """("batch", 0) of "batch-s0"."""
    norm, _, seed = str(arm).rpartition("-s")
    return (norm, int(seed)) if norm and seed.isdigit() else (str(arm), 0)
