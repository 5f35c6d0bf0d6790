"""What a run shows: each view is its figures, one sentence from the numbers, and its table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from alexcore.analysis.metrics import left_out_in_words, most_frequent_mistake, most_mistaken
from alexcore.figures import new_figure, share_axis
from alexcore.palette import CELLS, GUIDE, LINES, REST, TRAIN, VAL
from alexcore.runs.events import Event
from alexcore.runs.series import Series, thin

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid")
# A chart of more classes is a tangle: the weakest are shown, the table has them all.
MOST_LINES = len(DASHES)
MOST_CELLS = 40
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
    return figure


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
    share_axis(figures["accuracy"])
    steps = [{**row, "of": "step", "train_loss": row.get("loss"), "train_acc1": row.get("acc1")} for row in thinned]
    columns = ["of", "epoch", "step", *BOTH, "images_per_s", "seconds"]
    table = pd.DataFrame([*({**row, "of": "epoch"} for row in series.epochs), *steps]).reindex(columns=columns)
    # Files count epochs from 0, people from 1.
    table["epoch"] = table["epoch"].astype("Float64").astype("Int64") + 1
    words = curves_in_words(series.epochs, len((series.start or {}).get("classes") or ()))
    return RunView(words, figures, table)


def curves_in_words(epochs: Sequence[Event], classes: int) -> str:
    """One sentence on what the curves show so far."""
    chance = f"Guessing among {classes} classes would be right {1 / classes:.0%} of the time." if classes else ""
    values = [float(str(each["val_acc1"])) for each in epochs if each.get("val_acc1") is not None]
    if not values:
        return f"The first validation point appears when epoch 1 ends. {chance}"
    best = max(range(len(values)), key=values.__getitem__)
    gap = float(str(epochs[-1].get("train_acc1") or 0)) - values[-1]
    apart = " Training is well ahead of validation: the network begins to learn the pictures by heart." * (gap > 0.15)
    return (
        f"Validation accuracy is {values[-1]:.1%} after epoch {len(values)}; "
        f"the best was {values[best]:.1%} in epoch {best + 1}. {chance}{apart}"
    )


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
    best = min((row for row in series.epochs if row.get("val_loss") is not None), key=lambda row: row["val_loss"])
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
    epochs = [row for row in series.epochs if row.get("confusion")]
    if not epochs:
        return RunView("The confusion matrix appears when epoch 1 ends.")
    matrix, epoch = epochs[-1]["confusion"], int(epochs[-1]["epoch"]) + 1
    names = _classes(series, len(matrix))
    table = pd.DataFrame(matrix, index=names, columns=names)
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
