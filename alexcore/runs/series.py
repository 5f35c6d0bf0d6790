"""From events to curves: read only what is new, forget what a resume has undone, thin what a screen cannot show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from alexcore.findings.outcome import OUTCOMES
from alexcore.runs.data_changes import DataChanges
from alexcore.runs.events import Event, EventFollower
from alexcore.words.findings import same

T = TypeVar("T")
# More points than this a chart does not show on a screen, and each costs the browser time.
MAX_POINTS = 500


class Series:
    """The history of one run, kept up to date by `refresh`.

    Attributes:
        start: The latest `start` event: sizes, classes, device; None until there is one.
        steps: `step` events, increasing in step.
        epochs: `epoch` events, increasing in step.
        warnings: `warning` events.
        notes: `note` events: what the run has decided by itself.
        changes: Up to which steps the figures are of other data.
        resumes: Steps at which the run was resumed.
        attempts: (step, time) of each beginning and each resume: the step that it went on from, and its clock.
        end: The `end` event, None while the run goes on.
        outcome: The note or warning that says by which rule a finished run has ended; it is in none of the others.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._follower = EventFollower(path)
        self._clear()

    def _clear(self) -> None:
        self.start: Event | None = None
        self.steps: list[Event] = []
        self.epochs: list[Event] = []
        self.warnings: list[Event] = []
        self.notes: list[Event] = []
        self.changes = DataChanges()
        self.resumes: list[int] = []
        self.attempts: list[tuple[int, float]] = []
        self.end: Event | None = None
        self.outcome: Event | None = None

    def refresh(self) -> bool:
        """Read the events written since the last call; whether there were any."""
        return self._follower.tell(self._clear, self._add)

    @property
    def comparable(self) -> list[Event]:
        """The epochs that were validated on the data that the run has now: only their accuracies can be compared."""
        return [each for each in self.epochs if each.get("step", 0) > self.changes.validations]

    def _add(self, event: Event) -> None:
        kind = event["type"]
        self.changes.take(event)
        if kind in ("step", "epoch"):
            # What has no place on an axis would break every chart.
            if math.isfinite(event.get("step", 0)):
                (self.steps if kind == "step" else self.epochs).append(event)
        elif event.get("code") in OUTCOMES:
            self.outcome = event
        elif kind in ("warning", "note"):
            told = self.warnings if kind == "warning" else self.notes
            # A resumed run checks its data again and finds the same.
            if not any(same(event, known) for known in told):
                told.append(event)
        elif kind == "start":
            self.attempts.append((self.resumes[-1] if self.resumes else 0, float(event.get("ts") or 0)))
            self.start = event
        elif kind == "end":
            self.end = event
        elif kind == "resume":
            step = int(event.get("step") or 0)
            # A killed run had gone beyond its checkpoint; it goes there again, and the curve must not double back.
            self.steps = [each for each in self.steps if each.get("step", 0) <= step]
            self.epochs = [each for each in self.epochs if each.get("step", 0) <= step]
            self.resumes.append(step)
            self.end = self.outcome = None


def thin(points: Sequence[T], limit: int = MAX_POINTS) -> list[T]:
    """Keep every 2**k-th point, counted from the first, and the last one.

    A stride that only ever doubles, anchored at the first point, leaves the points of a growing curve where they are.
    """
    stride = 1
    while len(points) > limit * stride:
        stride *= 2
    kept = list(points[::stride])
    if points and (len(points) - 1) % stride:
        kept.append(points[-1])
    return kept
