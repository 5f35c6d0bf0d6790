"""Runs beside each other: which settings differ, where a row stands on an axis, and smoothing."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from alexcore.config import FIELDS
from alexcore.runs.events import Event
from alexcore.runs.series import Series

# More curves than these cannot be told apart by colour and dash.
MOST = 8
AXES = {"step": "optimizer step", "epoch": "epoch", "time": "working time (s)"}


def ids_in(text: str) -> list[str]:
    """The ids in a URL's `compare=a,b,c`, each once; a comma within an id is written %2C."""
    return list(dict.fromkeys(unquote(part) for part in text.split(",") if part))


def ids_as_text(ids: Sequence[str]) -> str:
    """What `ids_in` reads."""
    return ",".join(quote(each, safe="") if {",", "%"} & set(each) else each for each in ids)


@dataclass(frozen=True)
class Difference:
    """One setting that is not the same in all runs: its title and each run's value, in words."""

    name: str
    title: str
    values: tuple[str, ...]


def differing(settings: Sequence[Mapping[str, Any]]) -> list[Difference]:
    """The settings in which runs differ, in the order of the form; what a run lacks had its default."""
    found = []
    for name, spec in FIELDS.items():
        values = [each.get(name, spec.default) for each in settings]
        if any(value != values[0] for value in values[1:]):
            found.append(Difference(name, spec.title, tuple(in_words(value) for value in values)))
    return found


def in_words(value: Any) -> str:
    """A setting's value as a cell of a table shows it: a pipeline with all its parameters, else two look alike."""
    if isinstance(value, list):
        return "; ".join(
            " ".join([str(each.get("op")), *(f"{k}={json.dumps(v)}" for k, v in each.items() if k != "op")])
            for each in value
        )
    if isinstance(value, float):
        return f"{value:g}"
    return str(value) if value != "" else "(none)"


def places(series: Series, rows: Sequence[Event], axis: str) -> list[float | None]:
    """Where rows stand on an axis of `AXES`.

    Epochs are counted from 1 at the end of the first, so a step lies between two. Time is work alone: what passed
    between a stop and its resume, and steps that a resume has undone, do not count; a pause does.
    """
    if axis == "time":
        return _working_time(series, rows)
    if axis == "epoch":
        per_epoch = float((series.start or {}).get("steps_per_epoch") or 0)
        return [_epochs(row, per_epoch, series) for row in rows]
    return [row.get("step") for row in rows]


def _epochs(row: Event, per_epoch: float, series: Series) -> float | None:
    """How many epochs lie behind a row; None where it does not say."""
    if row["type"] == "epoch":
        return None if row.get("epoch") is None else float(row["epoch"]) + 1
    if row.get("step") is None or not per_epoch:
        return None
    if series.changes.figures < 0 or row.get("epoch") is None:
        return float(row["step"]) / per_epoch
    # The data set has changed, and with it the steps of an epoch.
    ends = {each["epoch"]: float(each["step"]) for each in series.epochs if each.get("epoch") is not None}
    begin = ends.get(row["epoch"] - 1, 0.0)
    length = max(ends.get(row["epoch"], begin + per_epoch) - begin, 1.0)
    return float(row["epoch"]) + (float(row["step"]) - begin) / length


def _working_time(series: Series, rows: Sequence[Event]) -> list[float | None]:
    kept = [*series.steps, *series.epochs]
    attempts = series.attempts or [(0, min(map(_time, kept), default=0.0))]

    def attempt_of(step: int, among: int) -> int:
        """The latest of the first `among` attempts that went beyond its beginning to reach this step."""
        return max(number for number in range(among) if number == 0 or attempts[number][0] < step)

    # How much work lay behind each attempt when it began: up to the last row that it did not do again.
    behind = [0.0]
    for number in range(1, len(attempts)):
        begun, before = attempts[number][0], attempt_of(attempts[number][0], number)
        done = [
            _time(row) - attempts[before][1]
            for row in kept
            if _step(row) <= begun and attempt_of(_step(row), number) == before
        ]
        behind.append(behind[before] + max([0.0, *done]))
    found: list[float | None] = []
    for row in rows:
        number = attempt_of(_step(row), len(attempts))
        found.append(behind[number] + max(0.0, _time(row) - attempts[number][1]))
    return found


def unseen(
    paths: Sequence[str], hashes: Mapping[str, bytes], seen: Mapping[str, Collection[bytes]]
) -> tuple[list[str], list[str]]:
    """The pictures that none of some runs was trained on, and a sentence for each run that was trained on others.

    Args:
        paths: The pictures.
        hashes: What they are by their content, by path.
        seen: What each run was trained on, by what it is called.
    """
    learned = {label: {path for path in paths if hashes.get(path) in known} for label, known in seen.items()}
    left = [path for path in paths if not any(path in known for known in learned.values())]
    told = [
        f"{len(known):,} of {len(paths):,} images were in the training set of {label}: left out."
        for label, known in learned.items()
        if known
    ]
    return left, told


def _step(row: Event) -> int:
    return int(row.get("step") or 0)


def _time(row: Event) -> float:
    return float(row.get("ts") or 0)


def smooth(values: Sequence[float | None], weight: float) -> list[float | None]:
    """Exponential moving average, corrected for its empty beginning (Kingma and Ba 2015, section 3).

    `weight`, 0 to below 1, is how much of the past each value carries. A gap (None) stays one and changes nothing after
    it.

    Raises:
        ValueError: the weight is outside that range.
    """
    if not 0 <= weight < 1:
        raise ValueError(f"weight = {weight} is not from 0 to below 1")
    average, share = 0.0, 0.0
    found: list[float | None] = []
    for value in values:
        if value is None:
            found.append(None)
            continue
        average = weight * average + (1 - weight) * value
        share = weight * share + (1 - weight)
        found.append(average / share)
    return found
