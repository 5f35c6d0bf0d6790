"""Up to which step the figures of a run are of other data than it has now: its data set changed before a resume."""

from __future__ import annotations

from alexcore.findings.run import DataChanged
from alexcore.runs.events import Event


class DataChanges:
    """Takes in the events of a run in their order."""

    def __init__(self) -> None:
        self._told: bool | None = None  # a change that its resume has still to place; whether validation has changed
        self._found: list[tuple[int, bool]] = []
        self._saved = False

    @property
    def figures(self) -> int:
        """The last step whose figures are of other data; -1 if none is."""
        return max((step for step, _ in self._found), default=-1)

    @property
    def validations(self) -> int:
        """The last step up to which validation was on other pictures, so that accuracies cannot be compared; -1."""
        return max((step for step, validation in self._found if validation), default=-1)

    def take(self, event: Event) -> None:
        """Take in an event; the change is told before the resume that places it."""
        if event.get("code") == DataChanged.code:
            values = event.get("values")
            known = values if isinstance(values, dict) and values.get("counted") else {}
            self._told = bool(known.get("val_changed", True))
        elif event["type"] == "checkpoint" and event.get("name") != "best.pt":
            self._saved = True
        elif event["type"] == "resume":
            step = int(event.get("step") or 0)
            # Back at a checkpoint from before the change: the change is undone, or told once more.
            self._found = [each for each in self._found if each[0] < step or (each[0] == step and self._saved)]
            if self._told is not None:
                self._found.append((step, self._told))
            self._told, self._saved = None, False
