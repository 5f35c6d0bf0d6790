"""What a list shows of an events.jsonl: read once, then only what is new, and without the steps."""

from __future__ import annotations

from pathlib import Path

from alexcore.findings.outcome import OUTCOMES
from alexcore.findings.run import PicturesSkipped
from alexcore.findings.saved import CheckpointDamaged
from alexcore.runs.data_changes import DataChanges
from alexcore.runs.events import Event, EventFollower

# By far the most lines, and none of them in a list.
UNREAD = ("step", "arm_step", "probe")
# Seconds since 1970; what lies beyond is no time that a page could show (it is the year 5138).
_LATEST_TIME = 1e11


class Digest:
    """The figures of one run's history, kept up to date by `refresh`.

    Attributes:
        began: Time of the first event (seconds since 1970), None before there is one.
        seconds: Working time that the last `end` says, of the last attempt alone; None while there is none.
        duration_s: Working time of all attempts; of one that was killed, up to the last event that was read.
        open_since: When the attempt began that has not ended; None if there is none.
        images_per_s: Training pictures a second in the last epoch.
        skipped: Pictures that could no longer be read and were left out.
        went_back: That it went on from an earlier checkpoint, because the last one was damaged: as `outcome`.
        outcome: The rule that has ended it: code, values and message of its event; None while it goes on.
        changes: Up to which steps the figures are of other data.
        epochs: (step, validation accuracy or None) of each epoch that counts: what a resume has undone does not.
        arms: Of an experiment, by the arm's name the same of its validations; the last one is of the network that was
            saved, whose running statistics may have been measured anew.
    """

    def __init__(self, path: Path) -> None:
        self._follower = EventFollower(path, without=UNREAD)
        self._clear()

    def _clear(self) -> None:
        self._latest = 0.0
        self.began: float | None = None
        self.seconds: float | None = None
        self.duration_s = 0.0
        self.open_since: float | None = None
        self.images_per_s: float | None = None
        self.skipped = 0
        self.outcome: Event | None = None
        self.changes = DataChanges()
        self.went_back: Event | None = None
        self.epochs: list[tuple[int, float | None]] = []
        self.arms: dict[str, list[tuple[int, float | None]]] = {}

    @property
    def last(self) -> float | None:
        """Validation accuracy of the last epoch, 0 to 1; None as long as there is none on the data as they are now."""
        return next((value for step, value in reversed(self.epochs) if value is not None and self._counts(step)), None)

    @property
    def best(self) -> float | None:
        """The best validation accuracy, 0 to 1; None as long as there is none on the data as they are now."""
        return max((value for step, value in self.epochs if value is not None and self._counts(step)), default=None)

    def _counts(self, step: int) -> bool:
        return step > self.changes.validations

    @property
    def arm_val_acc1(self) -> dict[str, float | None]:
        """Of an experiment, validation accuracy of each arm as it is now, 0 to 1."""
        return {arm: next((value for _, value in reversed(rows)), None) for arm, rows in self.arms.items()}

    def refresh(self) -> None:
        """Read what was written since the last call; a file that another one has replaced is read anew."""
        self._follower.tell(self._clear, self._add)

    def _add(self, event: Event) -> None:
        kind, now = event["type"], float(event.get("ts") or 0)
        if not 0 <= now < _LATEST_TIME:
            raise ValueError(f"ts = {now} is no time")
        self.began = now if self.began is None else self.began
        self.changes.take(event)
        if event.get("code") in OUTCOMES:
            self.outcome = {name: event.get(name) for name in ("code", "values", "message")}
        if event.get("code") == CheckpointDamaged.code:
            self.went_back = {name: event.get(name) for name in ("code", "values", "message")}
        if kind == "resume":
            self.outcome = None
            step, seeds = int(event.get("step") or 0), event.get("seeds")
            # More seeds begin anew, beside arms that have finished.
            undone = [
                each for arm, each in self.arms.items() if not seeds or arm.rpartition("-s")[2] in map(str, seeds)
            ]
            for epochs in (self.epochs, *undone):
                epochs[:] = [each for each in epochs if each[0] <= step]
        elif kind == "start":
            if self.open_since is not None:  # killed: it never said when it ended
                self.duration_s += max(0.0, self._latest - self.open_since)
            self.open_since = now
        elif kind == "warning" and event.get("code") == PicturesSkipped.code:
            self.skipped = max(self.skipped, int(event["values"]["count"]))
        elif kind in ("epoch", "arm_eval"):
            arm = f"{event.get('arm')}-s{event.get('seed')}"
            epochs = self.epochs if kind == "epoch" else self.arms.setdefault(arm, [])
            accuracy = event.get("val_acc1_recalibrated", event.get("val_acc1"))
            epochs.append((int(event.get("step") or 0), None if accuracy is None else float(accuracy)))
            if event.get("images_per_s") is not None:
                self.images_per_s = float(event["images_per_s"])
        elif kind == "end":
            since, self.open_since = self.open_since, None
            told = event.get("seconds")
            self.seconds = None if told is None else float(told)
            self.duration_s += max(0.0, now - since if since is not None else 0.0) if told is None else float(told)
        self._latest = now
