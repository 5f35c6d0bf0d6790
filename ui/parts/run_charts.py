"""What a run shows: each view is its figures, one sentence from the numbers, and its table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from alexcore.analysis.metrics import left_out_in_words, most_frequent_mistake, most_mistaken
from alexcore.confusion import confusion_of
from alexcore.figures import new_figure, share_axis
from alexcore.palette import CELLS, GUIDE, LINES, REST, TRAIN, VAL
from alexcore.runs.events import Event
from alexcore.runs.series import Series, thin

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid")
# A chart of more classes is a tangle: the weakest are shown, the table has them all.
MOST_LINES = len(DASHES)
MOST_CELLS = 40
# What is written where figures are of a data set that has changed since, and where there are none.
OTHER_DATA, NO_VALUE = "other data", "no value"
BOTH = ("train_loss", "val_loss", "train_acc1", "val_acc1")


@dataclass(frozen=True)
class RunView:
    """Something to look at: figures by name, a sentence, and the numbers as a table."""

    sentence: str
    figures: dict[str, go.Figure] = field(default_factory=dict)
    table: pd.DataFrame = field(default_factory=pd.DataFrame)


def _figure(title: str, unit: str, series: Series) -> go.Figure:
    figure = new_figure(title, "optimizer step", unit)
    for step in series.resumes:
        figure.add_vline(x=step, line_dash="dot", line_color=GUIDE, annotation_text="resumed")
    if series.changes.figures >= 0:
        _shade(figure, 0, series.changes.figures, OTHER_DATA)
    return figure


def _shade(figure: go.Figure, begin: float, end: float, words: str) -> None:
    """Mark a stretch of steps whose figures are not what they seem, or of which there are none."""
    place = {"annotation_text": words, "annotation_position": "bottom left"}
    figure.add_vrect(x0=begin, x1=end, fillcolor=GUIDE, opacity=0.15, line_width=0, **place)


def stretches_without(epochs: Sequence[Event], names: Sequence[str]) -> list[tuple[int, int]]:
    """The stretches of steps, from and to, whose epochs lack one of these figures."""
    found: list[tuple[int, int]] = []
    before = 0
    for row in epochs:
        step = int(row.get("step") or 0)
        if any(row.get(name) is None for name in names):
            begin = found.pop()[0] if found and found[-1][1] == before else before
            found.append((begin, step))
        before = step
    return found


def remark(row: Event, series: Series) -> str:
    """What a row of a table says of a step or an epoch beside its figures; mostly nothing."""
    words = [OTHER_DATA] if row.get("step", 0) <= series.changes.figures else []
    names = ("loss",) if row["type"] == "step" else ("train_loss", "val_loss")
    words += [NO_VALUE] if any(row.get(name) is None for name in names) else []
    return ", ".join(words)


def _line(figure: go.Figure, rows: Sequence[Event], name: str, label: str, colour: str, **more: Any) -> None:
    """Add a curve; `more` is for the trace, whose `line_width` and so on are those of the line."""
    figure.add_scatter(
        x=[row.get("step") for row in rows],
        y=[row.get(name) for row in rows],
        name=label,
        **{"mode": "lines", "line_color": colour, "line_width": 2, **more},
    )


def _classes(series: Series, count: int) -> list[str]:
    known = [str(each) for each in (series.start or {}).get("classes") or ()]
    return known if len(known) == count else [str(number) for number in range(count)]


def learning(series: Series) -> RunView:
    """Loss and accuracy: training as a line, and as a point an epoch beside validation."""
    thinned = thin(series.steps)
    figures = {
        "loss": _figure("Loss", "cross entropy (nats)", series),
        "accuracy": _figure("Accuracy", "share", series),
    }
    for figure, name in zip(figures.values(), ("loss", "acc1"), strict=True):
        _line(figure, thinned, name, "train, by step", TRAIN, line_width=1, opacity=0.45)
        for split, colour, symbol in (("train", TRAIN, "circle"), ("val", VAL, "diamond")):
            mark = {"mode": "lines+markers", "marker": {"symbol": symbol, "size": 7}}
            _line(figure, series.epochs, f"{split}_{name}", f"{split}, by epoch", colour, **mark)
        for begin, end in stretches_without(series.epochs, [f"train_{name}", f"val_{name}"]):
            _shade(figure, begin, end, NO_VALUE)
    share_axis(figures["accuracy"])
    rows = [{**row, "of": "epoch"} for row in series.epochs]
    rows += [{**row, "of": "step", "train_loss": row.get("loss"), "train_acc1": row.get("acc1")} for row in thinned]
    columns = ["of", "epoch", "step", *BOTH, "images_per_s", "seconds", "remark"]
    told = [{**row, "remark": remark(row, series)} for row in rows]
    table = pd.DataFrame(told).reindex(columns=columns)
    # Files count epochs from 0, people from 1.
    table["epoch"] = table["epoch"].astype("Float64").astype("Int64") + 1
    words = changed_in_words(series) + curves_in_words(
        series.comparable, len((series.start or {}).get("classes") or ())
    )
    return RunView(words, figures, table)


def curves_in_words(epochs: Sequence[Event], classes: int) -> str:
    """One sentence on what the curves show so far, of epochs that can be compared."""
    chance = f"Guessing among {classes} classes would be right {1 / classes:.0%} of the time." if classes else ""
    validated = [(place, row) for place, row in enumerate(epochs) if row.get("val_acc1") is not None]
    if not validated:
        none = "No epoch has a validation accuracy: no image of the validation split counts."
        return f"{none if epochs else 'The first validation point appears when epoch 1 ends.'} {chance}"
    numbers = {place: int(row.get("epoch", place)) + 1 for place, row in validated}
    (end, last), (top, best) = validated[-1], max(validated, key=lambda each: float(each[1]["val_acc1"]))
    gap = float(last["train_acc1"]) - float(last["val_acc1"]) if last.get("train_acc1") is not None else 0.0
    apart = " Training is well ahead of validation: the network begins to learn the pictures by heart." * (gap > 0.15)
    return (
        f"Validation accuracy is {last['val_acc1']:.1%} after epoch {numbers[end]}; "
        f"the best was {best['val_acc1']:.1%} in epoch {numbers[top]}. {chance}{apart}"
    )


def changed_in_words(series: Series) -> str:
    """That figures are of a data set that has changed since; empty where none are."""
    since = series.changes.figures
    return f"Figures up to step {since:,} are of other data, because the data set has changed. " if since >= 0 else ""


def rate(series: Series) -> RunView:
    """Learning rate and gradient norm; runs of an older version have no norm."""
    steps = thin(series.steps)
    figures = {"rate": _figure("Learning rate", "rate", series)}
    _line(figures["rate"], steps, "lr", "rate", TRAIN)
    figures["rate"].update_yaxes(exponentformat="e", rangemode="tozero")
    table = pd.DataFrame([{name: row.get(name) for name in ("step", "lr", "grad_norm")} for row in steps])
    rates = [float(row["lr"]) for row in steps if row.get("lr") is not None]
    words = f"The rate is {rates[-1]:.2g} now; the highest so far was {max(rates):.2g}." if rates else ""
    norms = [float(row["grad_norm"]) for row in steps if row.get("grad_norm") is not None]
    if norms:
        figures["gradient"] = _figure("Length of the gradient", "norm", series)
        _line(figures["gradient"], steps, "grad_norm", "gradient norm", VAL)
        figures["gradient"].update_yaxes(type="log")
        middle = sorted(norms)[len(norms) // 2]
        words += f" The gradient's length is {norms[-1]:.2g}, its median {middle:.2g}, its largest {max(norms):.2g}."
    return RunView(words.strip(), figures, table)


def gap(series: Series) -> RunView:
    """How far training and validation are apart."""
    rows = [
        {
            "epoch": row["epoch"],
            "step": row["step"],
            "loss_gap": row["val_loss"] - row["train_loss"],
            "accuracy_gap": row["train_acc1"] - row["val_acc1"],
        }
        for row in series.epochs
        if all(row.get(name) is not None for name in BOTH)
    ]
    if not rows:
        return RunView("The gap between training and validation appears when epoch 1 ends.")
    figure = _figure("Gap between training and validation", "gap", series)
    _line(figure, rows, "loss_gap", "loss: val - train (nats)", VAL)
    _line(figure, rows, "accuracy_gap", "accuracy: train - val (share)", TRAIN, line_dash="dash")
    last, apart = rows[-1], rows[-1]["accuracy_gap"]
    validated = [row for row in series.epochs if row.get("val_loss") is not None]
    of_now = [row for row in validated if row["step"] > series.changes.validations]
    best = min(of_now or validated, key=lambda row: row["val_loss"])
    words = (
        f"After epoch {last['epoch'] + 1} training accuracy is {abs(apart):.1%} {'above' if apart > 0 else 'below'} "
        f"validation accuracy; validation loss was lowest in epoch {best['epoch'] + 1}."
    )
    if apart <= 0:
        words += " Training counts augmented pictures and dropout, so it may well be the lower one."
    return RunView(words, {"gap": figure}, pd.DataFrame(rows).assign(epoch=lambda table: table["epoch"] + 1))


def recall(series: Series) -> RunView:
    """Recall of each class, epoch by epoch."""
    epochs = [row for row in series.epochs if row.get("recall")]
    if not epochs:
        return RunView("Recall of each class appears when epoch 1 ends.")
    names = _classes(series, len(epochs[-1]["recall"]))
    epochs = [row for row in epochs if len(row["recall"]) == len(names)]
    table = pd.DataFrame([row["recall"] for row in epochs], columns=names).astype(float)
    last = table.iloc[-1].dropna().sort_values()
    if last.empty:
        return RunView("No class has a validation picture.")
    figure = _figure("Recall of each class", "recall", series)
    for number, name in enumerate(names if len(names) <= MOST_LINES else list(last.index[:MOST_LINES])):
        rows = [{"step": row["step"], "recall": row["recall"][names.index(name)]} for row in epochs]
        _line(figure, rows, "recall", name, LINES[number], line_dash=DASHES[number], mode="lines+markers")
    share_axis(figure)
    more = f" The chart shows the {MOST_LINES} classes with the lowest." if len(names) > MOST_LINES else ""
    least, most = (f"{last.iloc[each]:.0%}" for each in (0, -1))
    words = f"{last.index[0]} is recognised least, {least} of its pictures; {last.index[-1]} most, {most}."
    table.insert(0, "epoch", [row["epoch"] + 1 for row in epochs])
    return RunView(words + more, {"recall": figure}, table)


def confusion(series: Series) -> RunView:
    """Confusion matrix of the last epoch; of many classes, those with the most mistakes."""
    told = ((row, confusion_of(row.get("confusion"))) for row in reversed(series.epochs))
    row, matrix = next(((row, matrix) for row, matrix in told if matrix), (None, None))
    if row is None or matrix is None:
        return RunView("The confusion matrix appears when epoch 1 ends.")
    epoch = int(row["epoch"]) + 1
    names = _classes(series, len(matrix))
    table = pd.DataFrame(np.asarray(matrix), index=names, columns=names)
    mistake = most_frequent_mistake(matrix)
    if mistake:
        true, said = mistake
        pictures = "1 picture" if matrix[true][said] == 1 else f"{matrix[true][said]} pictures"
        words = f"The most frequent mistake of epoch {epoch}: {pictures} of {names[true]} taken for {names[said]}."
    else:
        words = f"In epoch {epoch} every validation picture was recognised."
    kept = most_mistaken(matrix, MOST_CELLS)
    figure = new_figure("Confusion matrix, validation", "answer", "truth", 420)
    add_cells(figure, table.iloc[kept, kept])
    words += left_out_in_words(len(names), MOST_CELLS)
    return RunView(words, {"confusion": figure}, table.reset_index(names="truth"))


def add_cells(figure: go.Figure, shown: pd.DataFrame, **more: Any) -> None:
    """Draw a confusion matrix, the truth downwards; `more` goes to the heat map."""
    figure.add_heatmap(
        z=shown.to_numpy().tolist(),
        x=list(shown.columns),
        y=list(shown.index),
        colorscale=CELLS,
        textfont={"color": "white"},
        texttemplate="%{z}" if len(shown) <= 20 else None,
        hovertemplate="%{y} taken for %{x}: %{z}<extra></extra>",
        **more,
    )
    figure.update_xaxes(type="category").update_yaxes(type="category", autorange="reversed")


def speed(series: Series) -> RunView:
    """Where the time goes: pictures a second, and the share of it spent waiting for data."""
    rows: list[dict[str, Any]] = []
    for before, row in zip(series.steps, series.steps[1:], strict=False):
        span = float(row.get("ts") or 0) - float(before.get("ts") or 0)
        if span > 0 and row.get("wait_s") is not None and row.get("epoch") == before.get("epoch"):
            share = min(1.0, float(row["wait_s"]) / span)
            rows.append({"step": row["step"], "wait_share": share, "wait_s": row["wait_s"]})
    if not rows:
        return RunView("How long steps wait for data appears after the first few of them.")
    figure = _figure("Waiting for data", "share of the time", series)
    _line(figure, thin(rows), "wait_share", "waiting for data", REST)
    share_axis(figure)
    share = sum(row["wait_share"] for row in rows) / len(rows)
    hint = " More loader processes or smaller files would make the run faster." if share > 0.3 else ""
    words = f"Steps spend {share:.0%} of their time waiting for pictures.{hint}"
    return RunView(words, {"wait": figure}, pd.DataFrame(rows))


VIEWS: dict[str, Callable[[Series], RunView]] = {
    "Loss and accuracy": learning,
    "Rate and gradient": rate,
    "Train against val": gap,
    "Recall": recall,
    "Confusion": confusion,
    "Waiting": speed,
}
# Those that only the end of an epoch changes.
BY_EPOCH = ("Train against val", "Recall", "Confusion")
