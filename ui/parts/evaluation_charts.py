"""What an evaluation shows: each view is its figures, one sentence from the numbers, and its table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from alexcore.analysis.evaluation_store import about_seen
from alexcore.analysis.metrics import Matrix, left_out_in_words, most_frequent_mistake, most_mistaken
from alexcore.figures import new_figure, share_axis
from alexcore.palette import ORANGE, REST, TRAIN, VAL
from alexcore.words.numbers import percent
from ui.parts.run_charts import MOST_CELLS, RunView, add_cells

# A chart of more classes cannot be read: the weakest are shown, the table has them all.
MOST_CLASSES = 40
# Square markers that nobody sees: a heat map cannot be clicked, points above its cells can.
_TARGET_PX = 26


def classes_view(report: dict[str, Any]) -> RunView:
    """Recall with its interval, precision and F1 of each class."""
    table = pd.DataFrame(report["per_class"])
    known = table.dropna(subset=["recall"])
    if known.empty:
        return RunView("No class has a picture in this split.", table=table)
    shown = known.sort_values("recall", kind="stable").head(MOST_CLASSES)
    figure = new_figure("Scores of each class", "share", "class", 120 + 34 * len(shown))
    marks = (("recall", TRAIN, "circle"), ("precision", VAL, "diamond"), ("f1", REST, "x"))
    for name, colour, symbol in marks:
        bars: dict[str, Any] = {}
        if name == "recall":
            up, down = shown["recall_high"] - shown["recall"], shown["recall"] - shown["recall_low"]
            bars = {"error_x": {"array": up.tolist(), "arrayminus": down.tolist(), "thickness": 1.5}}
        figure.add_scatter(
            x=shown[name].tolist(),
            y=shown["class"].tolist(),
            name="F1" if name == "f1" else name,
            mode="markers",
            marker={"color": colour, "symbol": symbol, "size": 10},
            **bars,
        )
    figure.update_xaxes(range=[-0.02, 1.02], tickformat=".0%").update_yaxes(type="category", autorange="reversed")
    least, most = shown.iloc[0], known.sort_values("recall", kind="stable").iloc[-1]
    words = (
        f"{least['class']} is recognised least: {percent(least['recall'], 0)} of its {least['images']:,} pictures, and "
        f"with so many the true share may lie from {percent(least['recall_low'], 0)} to "
        f"{percent(least['recall_high'], 0)}. "
        f"{most['class']} is recognised most, {percent(most['recall'], 0)}."
    )
    if len(known) > MOST_CLASSES:
        words += f" The chart has the {MOST_CLASSES} weakest of {len(known)} classes."
    return RunView(words, {"classes": figure}, table)


def confusion_view(report: dict[str, Any], truth: str, answer: str) -> RunView:
    """The confusion matrix, with the chosen cell framed."""
    names, matrix = [str(each) for each in report["classes"]], report["confusion"]
    table = pd.DataFrame(matrix, index=names, columns=names)
    kept = [names[label] for label in most_mistaken(matrix, MOST_CELLS)]
    for name in (truth, answer):  # what was chosen is always in the picture
        if name in names and name not in kept:
            kept = [*kept, name]
    figure = new_figure("Confusion matrix", "answer", "truth", max(380, 140 + 22 * len(kept)))
    add_cells(figure, table.loc[kept, kept], xgap=1, ygap=1, colorbar={"title": "pictures"})
    cells = [(row, column) for row in kept for column in kept]
    figure.add_scatter(
        x=[column for _, column in cells],
        y=[row for row, _ in cells],
        mode="markers",
        showlegend=False,
        marker={"symbol": "square", "size": _TARGET_PX, "opacity": 0},
        customdata=[list(cell) for cell in cells],
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        text=[str(matrix[names.index(row)][names.index(column)]) for row, column in cells],
        hovertemplate="%{y} taken for %{x}: %{text}<extra></extra>",
    )
    if truth in kept and answer in kept:
        x, y = kept.index(answer), kept.index(truth)
        figure.add_shape(
            type="rect", x0=x - 0.5, x1=x + 0.5, y0=y - 0.5, y1=y + 0.5, line={"color": ORANGE, "width": 3}
        )
    words = _confusion_in_words(names, matrix) + left_out_in_words(len(names), MOST_CELLS)
    return RunView(words, {"confusion": figure}, table.reset_index(names="truth"))


def first_cell(report: dict[str, Any]) -> tuple[str, str]:
    """(truth, answer) of the most frequent mistake; of the first class where there is none."""
    truth, answer = most_frequent_mistake(report["confusion"]) or (0, 0)
    return str(report["classes"][truth]), str(report["classes"][answer])


def _confusion_in_words(names: Sequence[str], matrix: Matrix) -> str:
    mistake = most_frequent_mistake(matrix)
    if mistake is None:
        return "Every picture was recognised: all of them are on the diagonal."
    truth, answer = mistake
    count, own = matrix[truth][answer], sum(matrix[truth])
    return (
        f"The most frequent mistake: {count:,} of {own:,} pictures of {names[truth]} ({count / own:.0%}) are taken for "
        f"{names[answer]}. A click on a cell, or the two fields, open its pictures."
    )


def reliability(report: dict[str, Any], height: int) -> go.Figure:
    """The reliability diagram: how often the network is right when it is so and so sure, with Wilson's intervals."""
    bins = [each for each in report["calibration"] if each["images"]]
    figure = new_figure("Calibration", "probability of the answer", "share of right answers", height)
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", name="perfectly calibrated", line={"dash": "dot", "color": REST}
    )
    figure.add_scatter(
        x=[each["confidence"] for each in bins],
        y=[each["acc1"] for each in bins],
        name="this network, 95 % interval",
        mode="lines+markers",
        line={"color": TRAIN, "width": 2},
        marker={"size": 8},
        customdata=[each["images"] for each in bins],
        hovertemplate="sure %{x:.0%}, right %{y:.0%}, %{customdata} pictures<extra></extra>",
        error_y={
            "array": [each["acc1_high"] - each["acc1"] for each in bins],
            "arrayminus": [each["acc1"] - each["acc1_low"] for each in bins],
            "thickness": 1.2,
        },
    )
    figure.update_xaxes(range=[0, 1.02], tickformat=".0%")
    return share_axis(figure)


def calibration_view(report: dict[str, Any]) -> RunView:
    """How often the network is right when it is so and so sure."""
    bins = [each for each in report["calibration"] if each["images"]]
    table = pd.DataFrame(report["calibration"])
    if not bins:
        return RunView("There is no answer to calibrate.", table=table)
    figure = reliability(report, 360)
    counts = new_figure("Pictures in each bin", "probability of the answer", "pictures", 360)
    counts.add_bar(
        x=[(each["low"] + each["high"]) / 2 for each in report["calibration"]],
        y=[each["images"] for each in report["calibration"]],
        marker_color=TRAIN,
        width=0.095,
    )
    counts.update_xaxes(range=[0, 1.02], tickformat=".0%")
    total = sum(each["images"] for each in bins)
    sure = sum(each["confidence"] * each["images"] for each in bins) / total
    points = 100 * (sure - report["acc1"])
    lean = "about as sure as it is right"
    if abs(points) >= 1:
        lean = f"{abs(points):.1f} points {'too sure' if points > 0 else 'not sure enough'} on average"
    words = (
        f"The network is {lean}: its mean probability is {sure:.0%}, its accuracy {report['acc1']:.0%}. The expected "
        f"calibration error over {len(report['calibration'])} bins is {report['ece']:.3f}; 0 would be perfect."
    )
    return RunView(words, {"calibration": figure, "bins": counts}, table)


def headline(report: dict[str, Any]) -> str:
    """One sentence on the whole evaluation."""
    count = report["labelled"]
    right = round(report["acc1"] * count)
    chance = 1 / max(1, len(report["classes"]))
    low, high = report.get("acc1_low"), report.get("acc1_high")
    words = (
        f"{right:,} of {count:,} pictures are recognised, {report['acc1']:.1%}; with so many the true accuracy "
        f"may lie from {percent(low)} to {percent(high)} (95 %, Wilson)."
    )
    if low is not None and low <= chance <= (high or 0):
        words += f" That is not clearly better than guessing, {chance:.0%}."
    if about := about_seen(report):
        words += f" {about}"
    return words + (
        f" {report['ignored']:,} pictures of an ignored class are left out." if report.get("ignored") else ""
    )
