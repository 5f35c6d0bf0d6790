"""What the sweeps say: which rates an arm tolerates, and how it takes small batches."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alexcore.runs.events import finite_number

LEARNED, STUCK, DIVERGED = "learned", "stuck", "diverged"
# A loss this many times ln C, that of guessing, has diverged (BATCHNORM's definition).
DIVERGED_LOSS = 1e3
# A loss this close to ln C, in nats, is that of guessing.
STUCK_LOSS = 0.02
# Rates within this much of the best validation accuracy are as good as the best.
AS_GOOD = 0.05
# 0.55 - 0.50 is a little more than 0.05 in floating point.
ROUNDING = 1e-9

Row = dict[str, Any]


@dataclass(frozen=True)
class Tolerance:
    """How wide the range of good rates is.

    Attributes:
        width: log10(highest / lowest), in decades; None if no rate learned anything.
        lowest: Lowest rate within 5 points of the best accuracy.
        highest: Highest such rate.
        best_rate: The rate with the best accuracy, the lowest of equals.
        best_accuracy: 0 to 1.
        gaps: Rates between lowest and highest that are not within 5 points of the best: the range has holes.
    """

    width: float | None = None
    lowest: float | None = None
    highest: float | None = None
    best_rate: float | None = None
    best_accuracy: float | None = None
    gaps: tuple[float, ...] = ()


def classify(final_train_loss: float | None, losses: Iterable[float | None], classes: int) -> str:
    """How a training went: "diverged", "stuck" or "learned"; losses in nats, None or nan for one that was not finite.

    Diverged: any loss is not finite or above 1e3 ln C. Stuck: the final one is within 0.02 of ln C, that of guessing,
    or above it, which is no learning either. Otherwise learned.
    """
    chance = math.log(classes)

    def exploded(loss: float | None) -> bool:
        return loss is None or not math.isfinite(loss) or loss > DIVERGED_LOSS * chance

    if exploded(final_train_loss) or any(exploded(loss) for loss in losses):
        return DIVERGED
    assert final_train_loss is not None
    return STUCK if final_train_loss > chance - STUCK_LOSS else LEARNED


def width(
    rates: Sequence[float], accuracies: Sequence[float | None], outcomes: Sequence[str] | None = None
) -> Tolerance:
    """The range of rates whose best validation accuracy is within 5 points of the best of all.

    Args:
        rates: Above 0, in any order.
        accuracies: Best validation accuracy at each, 0 to 1; None where there is none.
        outcomes: `classify` of each; what has not learned does not count, because a network that guesses at every rate
            would tolerate them all. None lets every rate count that has an accuracy.
    """
    words = [LEARNED] * len(rates) if outcomes is None else outcomes
    good = [
        (rate, accuracy)
        for rate, accuracy, word in sorted(zip(rates, accuracies, words, strict=True), key=lambda each: each[0])
        if word == LEARNED and accuracy is not None and math.isfinite(accuracy)
    ]
    if not good:
        return Tolerance()
    best_rate, best = max(good, key=lambda each: (each[1], -each[0]))
    fine = [rate for rate, accuracy in good if accuracy >= best - AS_GOOD - ROUNDING]
    lowest, highest = fine[0], fine[-1]
    gaps = tuple(sorted(rate for rate in rates if lowest < rate < highest and rate not in fine))
    return Tolerance(math.log10(highest / lowest), lowest, highest, best_rate, best, gaps)


def rows_of(lines: Iterable[Mapping[str, Any]], name: str) -> list[Row]:
    """The results of a sweep, the lines of its file, as flat rows; `name` says what x is, "rate" or "batch".

    A line has `arm`, `seed`, `x`, and `result` or its fields themselves.
    """
    rows = []
    for line in lines:
        result = line.get("result")
        row = {**line, **(result if isinstance(result, Mapping) else {})}
        row.setdefault(name, row.get("x"))
        known = isinstance(row.get("arm"), str) and isinstance(row.get("seed"), int)
        if known and finite_number(row[name]) is not None:
            rows.append(row)
    return rows


def tolerances(rows: Iterable[Row]) -> dict[str, dict[int, Tolerance]]:
    """`width` of every arm and seed: {arm: {seed: Tolerance}}."""
    found: dict[str, dict[int, Tolerance]] = {}
    for (arm, seed), some in grouped(rows, "arm", "seed").items():
        found.setdefault(arm, {})[seed] = width(
            [row["rate"] for row in some],
            [finite_number(row.get("val_acc1")) for row in some],
            [str(row.get("outcome", LEARNED)) for row in some],
        )
    return found


def rate_table(rows: Iterable[Row]) -> list[Row]:
    """As a table, a row for each arm and rate: the heat map, and the comparison at the same rate.

    Returns:
        {"arm", "rate", "seeds", "val_acc1", "val_acc1_low", "val_acc1_high": median and ends over the seeds,
        "train_loss": median, "learned", "stuck", "diverged": counts}, by arm and rate; what is unknown is None.
    """
    return [
        {
            "arm": arm,
            "rate": rate,
            "seeds": len(some),
            **_band(some, "val_acc1"),
            "train_loss": median_of([finite_number(row.get("train_loss")) for row in some]),
            **{word: sum(row.get("outcome") == word for row in some) for word in (LEARNED, STUCK, DIVERGED)},
        }
        for (arm, rate), some in grouped(rows, "arm", "rate").items()
    ]


def best_rates(rows: Iterable[Row]) -> list[Row]:
    """Each arm at its own best rate: that with the highest median accuracy over the seeds, the lowest of equals.

    Returns:
        The rows of `rate_table` for those rates, with "width" (median over the seeds, in decades), "width_low" and
        "width_high"; an arm that learned at no rate is left out.
    """
    rows = list(rows)
    widths = tolerances(rows)
    found: dict[str, Row] = {}
    for row in rate_table(rows):
        if row["val_acc1"] is None or not row["learned"]:
            continue
        if row["arm"] not in found or row["val_acc1"] > found[row["arm"]]["val_acc1"]:
            found[row["arm"]] = row
    for arm, row in found.items():
        row.update(_band([{"width": each.width} for each in widths[arm].values()], "width"))
    return list(found.values())


def batch_table(rows: Iterable[Row]) -> list[Row]:
    """As a table, a row for each mode, arm and batch size.

    Args:
        rows: arm, seed, batch, mode ("epochs": equal epochs, "steps": equal optimizer steps), val_acc1, outcome.

    Returns:
        {"mode", "arm", "batch", "seeds", "error", "error_low", "error_high": 1 - accuracy, median and ends over the
        seeds, "diverged": count}, by mode, arm and batch.
    """
    table = []
    for (mode, arm, batch), some in grouped(rows, "mode", "arm", "batch").items():
        about = {"mode": mode, "arm": arm, "batch": batch, "seeds": len(some)}
        errors = _band([{"error": error_of(row)} for row in some], "error")
        table.append({**about, **errors, "diverged": sum(row.get("outcome") == DIVERGED for row in some)})
    return table


def error_of(row: Row) -> float | None:
    """The share of wrong answers; None where nothing was validated."""
    accuracy = finite_number(row.get("val_acc1"))
    return None if accuracy is None else 1 - accuracy


def grouped(rows: Iterable[Row], *names: str) -> dict[tuple[Any, ...], list[Row]]:
    """Rows by the values of some columns, in the order of these; arms keep that of their first row."""
    rows = list(rows)
    arms = list(dict.fromkeys(row["arm"] for row in rows))

    def place(row: Row) -> tuple[Any, ...]:
        return tuple(arms.index(row["arm"]) if name == "arm" else row.get(name, "") for name in names)

    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in sorted(rows, key=place):
        groups.setdefault(tuple(row.get(name, "") for name in names), []).append(row)
    return groups


def _band(rows: Sequence[Row], name: str) -> Row:
    known = [each for row in rows if (each := finite_number(row.get(name))) is not None]
    return {name: median_of(known), f"{name}_low": min(known, default=None), f"{name}_high": max(known, default=None)}


def median_of(values: Iterable[float | None]) -> float | None:
    """The median of those that are known, None without any."""
    known = [each for each in values if each is not None]
    return statistics.median(known) if known else None
