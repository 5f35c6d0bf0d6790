"""How an arm of an experiment learned: its outcome, how fast it was, and whether it had gone as far as it goes.

An arm that is behind may be nothing but slower. Then its curve is the other's, drawn out by some factor: where it ends,
the other passed at the same accuracy some time before, and half-way to there both were equally far. "Time" is the sum
of the rates so far, so that a schedule bends neither curve against the other.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from alexcore.batchnorm.read.tolerance import DIVERGED, LEARNED, STUCK, classify
from alexcore.runs.events import finite_number

Events = Sequence[Mapping[str, Any]]
# An accuracy above the share of the largest class by less than this part of it has not left it.
LEFT = 0.02
# Rates below this part of the highest are switched off: a curve that is flat there has not reached its plateau.
ON = 0.5


class Cause(NamedTuple):
    """Why an arm is stuck, as far as its last probes and steps tell.

    Attributes:
        share: That of the largest class, which it never left, 0 to 1; None where it is not known.
        layer: The layer with most units that do nothing for any image; "" if no probe was made.
        dead: Their share in that layer, 0 to 1: dead with ReLU, saturated with tanh and sigmoid.
        gradient: Length of the gradient in the last step that was logged.
    """

    share: float | None
    layer: str
    dead: float | None
    gradient: float | None


def first_known(event: Mapping[str, Any], *names: str) -> float | None:
    """The first of some fields that holds a number."""
    return next((each for name in names if (each := finite_number(event.get(name))) is not None), None)


def outcome(evals: Events, steps: Events, classes: int) -> str | None:
    """How an arm went: "diverged", "stuck" or "learned"; None before its first step.

    A step whose loss or gradient was not finite has null there. An evaluation before the first step, or of an arm that
    stands still since it diverged, has no training loss either, and says nothing. Stuck is what never leaves the share
    of the largest class; where that was not recorded, by earlier versions, the loss says it.
    """
    losses = [finite_number(event["loss"]) for event in steps if "loss" in event]
    exploded = any("grad_norm" in event and finite_number(event["grad_norm"]) is None for event in steps)
    ends = [value for event in evals if (value := finite_number(event.get("train_loss"))) is not None]
    if not losses and not ends:
        return None
    word = classify(ends[-1] if ends else losses[-1], [*losses, *ends, *([None] if exploded else [])], classes)
    share = largest_share(evals)
    reached = [
        value
        for event in evals
        for name in ("val_acc1", "val_acc1_batch", "val_acc1_recalibrated")
        if event["step"] and (value := finite_number(event.get(name))) is not None
    ]
    if word == DIVERGED or share is None or not reached:
        return word
    return STUCK if max(reached) <= share * (1 + LEFT) else LEARNED


def largest_share(evals: Events) -> float | None:
    """The share of the largest class among the images that were validated; None in what earlier versions wrote."""
    return next((share for event in evals if (share := finite_number(event.get("largest_share")))), None)


def cause(evals: Events, steps: Events, units: Mapping[str, Any]) -> Cause:
    """What keeps a stuck arm; `units` is the data of its last probe of zero or of saturated units."""
    shares = units.get("dead") or units.get("saturated_channels") or ()
    known = [
        (share, str(layer))
        for layer, each in zip(units.get("layers") or (), shares, strict=False)
        if (share := finite_number(each)) is not None
    ]
    dead, layer = max(known, default=(None, ""))
    gradient = first_known(steps[-1], "grad_norm") if steps else None
    return Cause(largest_share(evals), layer, dead, gradient)


def curve(events: Events) -> list[tuple[int, float]]:
    """Validation accuracy by step; with batch norm by batch statistics, because the running ones lag at first."""
    found = [(int(event["step"]), first_known(event, "val_acc1_batch", "val_acc1")) for event in events]
    return [(step, value) for step, value in found if value is not None]


def reached(events: Events, target: float) -> float | None:
    """The first step of a validation with this accuracy; what an untrained network has by chance does not count."""
    return next((float(step) for step, value in curve(events) if step and value >= target), None)


class Path(NamedTuple):
    """The best accuracy so far at each validation, against the sum of the rates up to there, which rises from 0."""

    times: list[float]
    best: list[float]

    @property
    def half(self) -> float:
        """The best accuracy at the last validation within the first half of the time."""
        return self.best[bisect_right(self.times, self.times[-1] / 2) - 1]


def path(evals: Events, steps: Events) -> Path | None:
    """The path of an arm; None with less than two validations in either half, or where no rates were recorded."""
    points = curve(evals)
    rates = [(int(event["step"]), rate) for event in steps if (rate := finite_number(event.get("lr"))) is not None]
    if not points or not rates:
        return None
    found = Path([_sum_of_rates(rates, step) for step, _ in points], list(accumulate((y for _, y in points), max)))
    early = bisect_right(found.times, found.times[-1] / 2)
    return found if min(early, len(points) - early) >= 2 else None


def _sum_of_rates(rates: Sequence[tuple[int, float]], step: int) -> float:
    """The sum of the rates of all steps up to one, between those that were logged along a line."""
    known = [(0, rates[0][1]), *(each for each in rates if each[0] < step)]
    at = next((rate for logged, rate in rates if logged >= step), known[-1][1])
    return sum(
        (later - earlier) * (one + other) / 2 for (earlier, one), (later, other) in pairwise([*known, (step, at)])
    )


def late_gain(arm: Path) -> float:
    """How much the best accuracy rose in the second half of the time."""
    return arm.best[-1] - arm.half


def levelled(arm: Path, other: Path) -> float | None:
    """By how much an arm was further half-way to its end than the other half-way to that same accuracy.

    0 or less for an arm that is the other drawn out, by whatever factor and whatever the curve's shape: both halves are
    taken so that the few validations cannot make more of it. None where the other never was as good.
    """
    at = bisect_left(other.best, arm.best[-1])
    if at == len(other.best):
        return None
    return arm.half - other.best[bisect_left(other.times, other.times[at] / 2)]


def rates_stay_on(steps: Events, last: int) -> bool:
    """Whether the rate stayed above half its highest all through the second half of the steps."""
    rates = [(int(event["step"]), rate) for event in steps if (rate := finite_number(event.get("lr"))) is not None]
    late = [rate for step, rate in rates if step > last / 2]
    return bool(late) and min(late) >= ON * max(rate for _, rate in rates)
