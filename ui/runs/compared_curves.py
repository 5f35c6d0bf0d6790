"""Curves of several runs in one figure: a colour, a dash and a mark for each, and the numbers as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from alexcore.figures import new_figure, share_axis
from alexcore.palette import LINES
from alexcore.runs.comparison import AXES, places, smooth
from alexcore.runs.events import Event
from alexcore.runs.series import Series, thin
from ui.parts.run_charts import DASHES, OTHER_DATA, RunView

# Beside eight colours: no two of the same colour family have the same dash and mark.
STYLES = (*DASHES[:-1], "dashdot", "dot")
MARKS = ("circle", "diamond", "square", "triangle-up", "x", "cross", "star", "pentagon")
# All lines of a figure together; more slows the browser down and shows nothing else.
POINTS = 3000
NOT_VALIDATED = "None of them has finished an epoch with a validation yet."
NO_STEP = "None of them has made a step yet."


@dataclass(frozen=True)
class Compared:
    """A run in a comparison: what to call it, and its history."""

    label: str
    series: Series


@dataclass(frozen=True)
class _Curve:
    """One figure of a group: which value, its title and unit."""

    field: str
    title: str
    unit: str


@dataclass(frozen=True)
class _Group:
    """What is drawn together: whether by epoch or by step, and what is said of it."""

    title: str
    by_epoch: bool
    curves: tuple[_Curve, _Curve]
    in_words: Callable[[Sequence[Compared]], str]

    def rows(self, run: Compared) -> Sequence[Event]:
        return run.series.epochs if self.by_epoch else run.series.steps


def curves(runs: Sequence[Compared], group: str, axis: str, weight: float) -> RunView:
    """The figures of a group, one of `GROUPS`, against one of `comparison.AXES`; the order of runs is that of colours.

    With a `weight` of smoothing the values themselves stay visible, pale, behind it.
    """
    chosen = GROUPS[group]
    figures = {each.field: _figure(runs, chosen, each, axis, weight) for each in chosen.curves}
    changed = [
        f"Figures of {run.label} up to step {run.series.changes.figures:,} are of other data."
        for run in runs
        if run.series.changes.figures >= 0
    ]
    return RunView(" ".join([chosen.in_words(runs), *changed]), figures, _table(runs, chosen, weight))


def _figure(runs: Sequence[Compared], group: _Group, curve: _Curve, axis: str, weight: float) -> go.Figure:
    figure = new_figure(curve.title, AXES[axis], curve.unit, 400 + 22 * len(runs))
    limit = max(100, POINTS // max(1, len(runs)))
    for number, run in enumerate(runs):
        rows = group.rows(run)
        values = [row.get(curve.field) for row in rows]
        if all(value is None for value in values):
            continue
        x = places(run.series, rows, axis)
        points = thin(list(zip(x, values, smooth(values, weight), strict=True)), limit)
        at, measured, smoothed = zip(*points, strict=True)
        known = [place for row, place in zip(rows, x, strict=True) if row.get("step", 0) <= run.series.changes.figures]
        if known and known[-1] is not None:
            words = {"annotation_text": OTHER_DATA, "annotation_position": "bottom left"}
            figure.add_vline(x=known[-1], line_dash="dot", line_color=LINES[number], **words)
        if weight:
            name, pale = f"{run.label}, not smoothed", {"color": LINES[number], "width": 1}
            more = {"mode": "lines", "showlegend": False, "line": pale, "opacity": 0.3}
            figure.add_scatter(x=at, y=measured, name=name, legendgroup=run.label, **more)
        figure.add_scatter(
            x=at,
            y=smoothed,
            name=run.label,
            legendgroup=run.label,
            mode="lines+markers" if group.by_epoch and len(points) <= 60 else "lines",
            line={"color": LINES[number], "width": 2, "dash": STYLES[number]},
            marker={"symbol": MARKS[number], "size": 8},
        )
    if curve.unit == "share":
        share_axis(figure)
    if curve.field == "grad_norm":  # its size spans decades
        figure.update_yaxes(type="log")
    # Names of runs are long: below the chart each has a line of its own.
    return figure.update_layout(
        legend={"orientation": "v", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0, "xanchor": "left"},
        margin_b=70 + 22 * len(runs),
        showlegend=True,
    )


def _table(runs: Sequence[Compared], group: _Group, weight: float) -> pd.DataFrame:
    """Every row of every run, on all three axes, neither thinned nor left out."""
    parts = []
    for run in runs:
        rows = group.rows(run)
        part = pd.DataFrame({"run": [run.label] * len(rows)})
        for axis, name in zip(AXES, ("step", "epoch", "working_time_s"), strict=True):
            part[name] = pd.Series(places(run.series, rows, axis), dtype=float)
        if any(each.series.changes.figures >= 0 for each in runs):
            part["other_data"] = [row.get("step", 0) <= run.series.changes.figures for row in rows]
        for each in group.curves:
            values = [row.get(each.field) for row in rows]
            part[each.field] = pd.Series(values, dtype=float)
            if weight:
                part[f"{each.field}_smoothed"] = pd.Series(smooth(values, weight), dtype=float)
        if len(part):
            parts.append(part)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _validation_words(runs: Sequence[Compared]) -> str:
    found = []
    for run in runs:
        validated = [row for row in run.series.comparable if row.get("val_acc1") is not None]
        if validated:
            best = max(validated, key=lambda row: float(row["val_acc1"]))
            found.append((float(best["val_acc1"]), int(best.get("epoch") or 0) + 1, run.label))
    if not found:
        return NOT_VALIDATED
    top, epoch, first = max(found, key=lambda each: each[0])
    low, _, last = min(found, key=lambda each: each[0])
    if len(found) == 1:
        return f"Only {first} has been validated so far: its best accuracy is {top:.1%}, in epoch {epoch}."
    return (
        f"{first} reached the best validation accuracy, {top:.1%} in epoch {epoch}; {last} the least, {low:.1%}: "
        f"{(top - low) * 100:.1f} percentage points apart."
    )


def _training_words(runs: Sequence[Compared]) -> str:
    found = []
    for run in runs:
        losses = [float(row["loss"]) for row in run.series.steps if row.get("loss") is not None]
        if losses:
            # One step is one batch: its loss jumps, the mean of the last tenth tells.
            tail = losses[-max(1, len(losses) // 10) :]
            found.append((sum(tail) / len(tail), run.label))
    if not found:
        return NO_STEP
    low, first = min(found)
    high, last = max(found)
    if len(found) == 1:
        return f"Over the last tenth of its steps the training loss of {first} is {low:.3g} nats."
    return (
        f"Over the last tenth of their steps {first} has the lowest training loss, {low:.3g} nats, and {last} the "
        f"highest, {high:.3g}."
    )


def _epoch_words(runs: Sequence[Compared]) -> str:
    found = [
        (float(row["train_acc1"]) - float(row["val_acc1"]), run.label)
        for run in runs
        for row in run.series.epochs[-1:]
        if row.get("train_acc1") is not None and row.get("val_acc1") is not None
    ]
    if not found:
        return NOT_VALIDATED
    gap, label = max(found)
    side = "above" if gap > 0 else "below"
    return f"Training accuracy is farthest ahead in {label}: {abs(gap):.1%} {side} its validation accuracy."


def _rate_words(runs: Sequence[Compared]) -> str:
    found = [
        (max(float(row["lr"]) for row in rows), run.label)
        for run in runs
        if (rows := [row for row in run.series.steps if row.get("lr") is not None])
    ]
    if not found:
        return NO_STEP
    (high, first), (low, last) = max(found), min(found)
    if high == low:
        return f"The highest learning rate is {high:.2g} in all of them."
    return f"The highest learning rate is {high:.2g}, of {first}; {last} never had more than {low:.2g}."


_ACCURACY, _LOSS = "share", "cross entropy (nats)"
GROUPS = {
    "validation": _Group(
        "Validation",
        True,
        (_Curve("val_acc1", "Validation accuracy", _ACCURACY), _Curve("val_loss", "Validation loss", _LOSS)),
        _validation_words,
    ),
    "training": _Group(
        "Training, by step",
        False,
        (_Curve("acc1", "Training accuracy, by step", _ACCURACY), _Curve("loss", "Training loss, by step", _LOSS)),
        _training_words,
    ),
    "epochs": _Group(
        "Training, by epoch",
        True,
        (
            _Curve("train_acc1", "Training accuracy, by epoch", _ACCURACY),
            _Curve("train_loss", "Training loss, by epoch", _LOSS),
        ),
        _epoch_words,
    ),
    "rate": _Group(
        "Rate and gradient",
        False,
        (_Curve("lr", "Learning rate", "rate"), _Curve("grad_norm", "Length of the gradient", "norm")),
        _rate_words,
    ),
}
