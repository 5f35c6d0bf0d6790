"""What an experiment has written, as a page, a report and a table read it.

Types of events in an experiment's events.jsonl, beside those of any run (note, warning, checkpoint, end):

    start       classes, sizes of the plan, arms (keys such as "batch-s0"), norms, seeds, steps, device, precision,
                layers (["conv1", ... "conv5"]), linear, channels (per layer, whose values are shown), parameters (per
                norm), chance (ln C), eval_steps, lr, rates (by norm, where each arm has its own)
    arm_step    arm, seed, step, round, loss, acc1, grad_norm, step_s
    arm_eval    arm, seed, step, train_loss, train_acc1, val_loss, val_acc1, largest_share (of a class among the
                validated pictures, 0 to 1); for batch also val_loss_batch and val_acc1_batch; in the last one also
                val_loss_recalibrated and val_acc1_recalibrated
    probe       arm, seed, step, quantity, seconds, data: what the probe's function returned
    probe_cost  share (of the run's time, 0 to 1), probe_s, total_s, step_s per norm
    resume      round: whatever is later than that is forgotten; seeds: of these alone, where others had finished
    verdict     answers: a list of five

The sweeps are files of their own, sweep-q14.jsonl and sweep-q15.jsonl: each line of type `sweep` is one run of it.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from alexcore.files import read_json
from alexcore.runs.events import Event, EventFollower
from alexcore.words.findings import same

Arm = tuple[str, int]
"""A norm and a seed, e.g. ("batch", 0)."""
Point = tuple[float, float]
SWEEPS = RATE_SWEEP, BATCH_SWEEP = "q14", "q15"
VERDICT = "verdict.json"
OLD_ANSWERS = "These answers are of an earlier stop. The experiment was resumed since; new ones are written at its end."


def sweep_file(run_dir: Path, kind: str) -> Path:
    """Where the results of a sweep lie; `kind` is one of SWEEPS."""
    return run_dir / f"sweep-{kind}.jsonl"


class Experiment:
    """The history of one experiment, kept up to date by `refresh`.

    Attributes:
        path: The run folder.
        start: The latest `start` event; None until there is one.
        steps: Per arm its `arm_step` events, increasing in step.
        evals: Per arm its `arm_eval` events, increasing in step.
        probes: Per quantity and arm the `probe` events, increasing in step: `probes[DRIFT]["batch", 0][-1]["data"]`.
        cost: The latest `probe_cost` event.
        answers: The five answers of the latest verdict, as plain dicts; empty until there is one.
        notes: `note` events, each sentence once.
        warnings: `warning` events, each sentence once.
        resumes: Rounds from which the experiment was resumed.
        end: The `end` event, None while the experiment goes on.
        sweeps: Per kind the results of its runs, one for each (arm, seed, x, mode).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._followed = {kind: EventFollower(sweep_file(path, kind)) for kind in SWEEPS}
        self._followed["events"] = EventFollower(path / "events.jsonl")
        self.sweeps: dict[str, list[Event]] = {kind: [] for kind in SWEEPS}
        self._verdict_file: list[dict[str, Any]] = []
        self._clear()

    def _clear(self) -> None:
        self.start: Event | None = None
        self.steps: dict[Arm, list[Event]] = defaultdict(list)
        self.evals: dict[Arm, list[Event]] = defaultdict(list)
        self.probes: dict[str, dict[Arm, list[Event]]] = defaultdict(lambda: defaultdict(list))
        self.cost: Event | None = None
        self.verdict: Event | None = None
        self.notes: list[Event] = []
        self.warnings: list[Event] = []
        self.resumes: list[int] = []
        self.end: Event | None = None
        self._resumed = False

    def refresh(self) -> bool:
        """Read what was written since the last call, sweeps and verdict too; whether there was anything."""
        found = self._followed["events"].tell(self._clear, self._add)
        for kind in SWEEPS:
            found |= self._followed[kind].tell(self.sweeps[kind].clear, partial(_add_swept, self.sweeps[kind]))
        answers = _answers(read_json(self.path / VERDICT))
        found, self._verdict_file = found or answers != self._verdict_file, answers
        return found

    @property
    def answers(self) -> list[dict[str, Any]]:
        """The five answers: those of verdict.json, which a sweep renews, else those of the last event."""
        return self._verdict_file or _answers(self.verdict)

    @property
    def answers_are_old(self) -> bool:
        """Whether the answers are of a stop, and the experiment has been resumed since without reaching an end."""
        return self._resumed and bool(self.answers)

    @property
    def arms(self) -> list[Arm]:
        """The arms that have said anything, in the order of the experiment: norm by norm, seed by seed."""
        order = [str(norm) for norm in (self.start or {}).get("norms") or []]
        found = {*self.steps, *self.evals, *(arm for by_arm in self.probes.values() for arm in by_arm)}
        return sorted(found, key=lambda arm: (order.index(arm[0]) if arm[0] in order else len(order), arm))

    @property
    def norms(self) -> list[str]:
        """The norms that are compared, in their order."""
        return list(dict.fromkeys(arm for arm, _ in self.arms))

    @property
    def seeds(self) -> list[int]:
        """The seeds that have said anything."""
        return sorted({seed for _, seed in self.arms})

    @property
    def diverged(self) -> dict[Arm, int]:
        """The arms that have diverged, with the step of it; from there on they stand still."""
        return {arm: events[-1]["step"] for arm, events in self.steps.items() if events and _exploded(events[-1])}

    def _add(self, event: Event) -> None:
        kind = event["type"]
        if kind in ("arm_step", "arm_eval", "probe"):
            self._add_measured(kind, event)
        elif kind in ("note", "warning"):
            told = self.warnings if kind == "warning" else self.notes
            # A resumed experiment checks its data again and finds the same.
            if not any(same(event, known) for known in told):
                told.append(event)
        elif kind == "start":
            self.start = _sound(event)
        elif kind == "probe_cost":
            self.cost = event
        elif kind == "verdict":
            self.verdict = event
            self._resumed = False
        elif kind == "end":
            self.end = event
        elif kind == "resume" and is_number(event.get("round")):
            seeds = event.get("seeds")
            self._forget(int(event["round"]), seeds if isinstance(seeds, list) else None)

    def _add_measured(self, kind: str, event: Event) -> None:
        norm, seed, step = event.get("arm"), event.get("seed"), event.get("step")
        if not isinstance(norm, str) or not isinstance(seed, int) or not isinstance(step, int):
            return
        if kind == "probe":
            if not isinstance(event.get("data"), dict) or not isinstance(event.get("quantity"), str):
                return
            events = self.probes[event["quantity"]][norm, seed]
        else:
            events = (self.steps if kind == "arm_step" else self.evals)[norm, seed]
        # Runs of an older version logged the mean of the steps before, at or after the divergence: it is no recovery.
        if kind == "arm_step" and events and _exploded(events[-1]) and not _exploded(event):
            return
        # A stop in the midst of a measurement repeats it after the resume: the latest counts.
        while events and events[-1]["step"] >= step:
            events.pop()
        events.append(event)

    def _forget(self, last: int, seeds: list[Any] | None) -> None:
        """A killed experiment had gone beyond its checkpoint; it goes there again, or with some of its seeds."""
        for events_of in (self.steps, self.evals, *self.probes.values()):
            for arm, events in events_of.items():
                if seeds is not None and arm[1] not in seeds:
                    continue
                events_of[arm] = [event for event in events if event["step"] <= last]
        self.resumes.append(last)
        self.end = self.verdict = None
        self._resumed = True


# What readers count, walk through or write with separators; a damaged line may hold anything.
_KINDS: dict[type, tuple[str, ...]] = {
    list: ("classes", "arms", "norms", "seeds", "layers", "linear", "eval_steps"),
    dict: ("channels", "parameters"),
}
_NUMBERS = ("steps", "chance", "lr", "batch_size", "probe_images", "probe_batch", "probe_every")


def _sound(start: Event) -> Event:
    """A `start` event without the fields that are not of their kind."""
    wrong = {name for kind, names in _KINDS.items() for name in names if not isinstance(start.get(name, kind()), kind)}
    wrong |= {name for name in _NUMBERS if not is_number(start.get(name, 0))}
    return {name: value for name, value in start.items() if name not in wrong}


def _exploded(event: Event) -> bool:
    """Whether this step's loss or gradient was not finite, which is written as null."""
    return "grad_norm" in event and event["grad_norm"] is None and event.get("loss") is None


def _answers(value: dict[str, Any] | None) -> list[dict[str, Any]]:
    answers = (value or {}).get("answers")
    if not isinstance(answers, list):
        return []
    return [
        each for each in answers if isinstance(each, dict) and (each.get("code") or isinstance(each.get("short"), str))
    ]


def _add_swept(lines: list[Event], line: Event) -> None:
    """A run that was made again takes the place of its earlier result."""

    def key(each: Event) -> list[Any]:
        return [each.get(name) for name in ("arm", "seed", "x", "mode")]

    if line["type"] == "sweep":
        lines[:] = [known for known in lines if key(known) != key(line)]
        lines.append(line)


def is_number(value: Any) -> bool:
    """Whether a value of an event is a number; what is not finite was written as null."""
    return isinstance(value, int | float) and not isinstance(value, bool)


class BandPoint(NamedTuple):
    """Several curves at one x."""

    x: float
    low: float
    median: float
    high: float
    curves: int


def band(curves: Iterable[Sequence[Point]]) -> list[BandPoint]:
    """The lowest, the median and the highest of several curves (x, y), of those that have the point, by x.

    A curve that ends early, because its network diverged, must not end the others.
    """
    columns: dict[float, list[float]] = defaultdict(list)
    for curve in curves:
        for x, y in dict(curve).items():
            columns[x].append(y)
    return [BandPoint(x, min(y), statistics.median(y), max(y), len(y)) for x, y in sorted(columns.items())]
