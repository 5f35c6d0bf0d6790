"""A run on one page: a single HTML file without scripts that asks no network.

Everything in it that a person has named (classes, files, the run) is escaped by the template.
"""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from markupsafe import Markup

from alexcore.analysis.metrics import left_out_in_words, most_frequent_mistake, most_mistaken
from alexcore.config import FIELDS, GROUPS
from alexcore.data.decoding.thumbnails import thumbnail
from alexcore.data.index import DataIndex
from alexcore.data.shards import picture_source
from alexcore.errors import DataError
from alexcore.export.card import Result, facts
from alexcore.export.formats import TENSORBOARD, Wish, Written
from alexcore.export.rendering import render
from alexcore.export.source import Source, open_data
from alexcore.export.svg import Line, bar_chart, line_chart
from alexcore.names import in_cell
from alexcore.palette import REST, TRAIN, VAL
from alexcore.runs.events import Event
from alexcore.words.findings import told

# More than these make a page heavy and its charts a tangle; the tables have them all.
MOST_SAMPLED, SAMPLES_EACH = 20, 4
MOST_BARS, MOST_CELLS = 40, 20
MOST_POINTS = 400
SIDE = 120


@dataclass(frozen=True)
class ReportTable:
    """Numbers to read, and to take along as CSV."""

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]

    @property
    def csv(self) -> str:
        """The table as an address that holds all of it."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(
            [in_cell(each) for each in row] for row in [self.columns, *self.rows]
        )
        return "data:text/csv;charset=utf-8," + quote(text.getvalue())


@dataclass(frozen=True)
class ReportSection:
    """Charts, the one sentence that says what they show, and their numbers."""

    sentence: str
    charts: list[Markup] = field(default_factory=list)
    table: ReportTable | None = None


class ReportPicture(NamedTuple):
    """A picture as the report holds it."""

    address: str
    caption: str


def write_report(source: Source, file: Path, wish: Wish) -> Written:
    """Write the page.

    Raises:
        CheckpointError: the run's mapping is missing.
    """
    known = facts(source)
    result: Result | None = known["result"]
    index, data_problem = None, ""
    try:
        index = open_data(source)
    except DataError as error:
        data_problem = f"The data set could not be opened when this report was written: {error.message}"
    samples = _samples(index) if index else {}
    worst = _worst(source, result, index)
    total = sum(map(len, samples.values())) + len(worst)
    done = 0

    def shrink(path: str, caption: str) -> ReportPicture:
        nonlocal done
        done += 1
        wish.on_progress(done, total)
        return ReportPicture(_address(index, path) if index else "", caption)

    page = render(
        "report.html.jinja",
        **known,
        data_problem=data_problem,
        problems=index.problems if index else (),
        balance=_balance(index) if index else None,
        samples={name: [shrink(path, name) for path in paths] for name, paths in samples.items()},
        learning=_learning(source, len(known["classes"])),
        **_confusion(result, known["classes"]),
        worst=[shrink(path, caption) for path, caption in worst],
        settings=_settings(source),
        environment_rows=_flat(known["environment"]),
        notes=[told(each)[0] for each in (*source.history.notes, *source.history.warnings)],
        tensorboard=TENSORBOARD.replace("`", ""),
        state=source.state,
    )
    file.write_bytes(page.encode())
    return Written()


def _address(index: DataIndex, path: str) -> str:
    try:
        data = thumbnail(picture_source(index, path), SIDE, index.rendering)
    except DataError:  # a shard that has gone since
        return ""
    return "data:image/jpeg;base64," + base64.b64encode(data).decode()


def _samples(index: DataIndex) -> dict[str, list[str]]:
    """The first training pictures of the first classes."""
    train = index.files[index.files["split"] == "train"]
    return {
        name: train[train["label"] == label]["path"].head(SAMPLES_EACH).tolist()
        for label, name in enumerate(index.classes[:MOST_SAMPLED])
    }


def _balance(index: DataIndex) -> ReportSection:
    counts = index.counts()
    splits = list(counts.columns)
    table = ReportTable(
        "pictures-per-class",
        ["class", *splits],
        [[name, *(int(value) for value in row)] for name, row in zip(counts.index, counts.to_numpy(), strict=True)],
    )
    train = counts["train"] if "train" in counts else counts.iloc[:, 0]
    most, least = str(train.idxmax()), str(train.idxmin())
    ratio = int(train.max()) / max(1, int(train.min()))
    if train.min() == train.max():
        words = f"Every class has {int(train.min()):,} training pictures."
    elif ratio < 1.05:
        words = f"All classes have about as many training pictures: from {int(train.min()):,} to {int(train.max()):,}."
    else:
        words = f"The largest class, {most}, has {ratio:.1f} times the training pictures of the smallest, {least}."
    if len(counts) > MOST_BARS:
        words += f" The chart shows the first {MOST_BARS} of {len(counts):,} classes; the table has them all."
    shown = counts.head(MOST_BARS)
    bars = {split: [int(value) for value in shown[split]] for split in splits}
    chart = bar_chart([str(name) for name in shown.index], bars, "Pictures per class", "pictures", "class")
    return ReportSection(words, [chart], table)


def _points(rows: Sequence[Event], name: str) -> list[tuple[float, float]]:
    return [(float(row["step"]), float(row[name])) for row in rows if row.get(name) is not None]


def _learning(source: Source, classes: int) -> ReportSection:
    """Loss, accuracy and rate against the step."""
    epochs, steps, marks = source.history.epochs, source.history.steps, source.history.resumes
    steps = steps[:: max(1, -(-len(steps) // MOST_POINTS))]
    other = source.history.changes.figures
    names = ["epoch", "step", "train_loss", "val_loss", "train_acc1", "val_acc1", "seconds"]
    rows = [[row["epoch"] + 1, *(row.get(name) for name in names[1:])] for row in epochs]
    if other >= 0:
        rows = [[*row, "other" if epoch["step"] <= other else ""] for row, epoch in zip(rows, epochs, strict=True)]
    table = ReportTable("epochs", [*names, "data"] if other >= 0 else names, rows)
    validated = [row for row in source.history.comparable if row.get("val_acc1") is not None]
    words = "The run has not been validated yet."
    if validated:
        best, last = max(validated, key=lambda row: float(row["val_acc1"])), validated[-1]  # the first of equals
        words = (
            f"Validation accuracy was best in epoch {best['epoch'] + 1}, {best['val_acc1']:.1%}, and is "
            f"{last['val_acc1']:.1%} after epoch {last['epoch'] + 1}; guessing among {classes} classes would reach "
            f"{1 / classes:.0%}."
        )
    if other >= 0:
        words += f" Figures up to step {other:,} are of other data, because the data set has changed."
    axis = "optimizer step"
    charts = []
    more: dict[str, Any] = {"marks": marks, "other_until": other}
    for title, name, unit in (("Loss", "loss", "cross entropy (nats)"), ("Accuracy", "acc1", "share of pictures")):
        lines = [
            Line("train, by step", _points(steps, name), TRAIN, "2 3"),
            Line("train, by epoch", _points(epochs, f"train_{name}"), TRAIN, "", True),
            Line("val, by epoch", _points(epochs, f"val_{name}"), VAL, "7 3", True),
        ]
        charts.append(line_chart(lines, title, axis, unit, share=name == "acc1", **more))
    charts.append(line_chart([Line("rate", _points(steps, "lr"), REST)], "Learning rate", axis, "rate", **more))
    return ReportSection(words, [chart for chart in charts if chart], table if rows else None)


def _confusion(result: Result | None, classes: Sequence[str]) -> dict[str, Any]:
    """The section `confusion`; and `cells` to look at: names, and rows of (pictures, share of the row, 0 to 100)."""
    if result is None or len(result.confusion) != len(classes):
        return {"confusion": None, "cells": None}
    matrix = result.confusion
    mistake = most_frequent_mistake(matrix)
    words = f"In epoch {result.epoch} every validation picture was recognised."
    if mistake:
        truth, answer = mistake
        mistakes = sum(map(sum, matrix)) - sum(row[label] for label, row in enumerate(matrix))
        words = (
            f"In epoch {result.epoch}, {mistakes:,} validation pictures were taken for another class; most often "
            f"{classes[truth]} for {classes[answer]} ({matrix[truth][answer]:,})."
        )
    words += left_out_in_words(len(classes), MOST_CELLS)
    rows = [[name, *row] for name, row in zip(classes, matrix, strict=True)]
    kept = most_mistaken(matrix, MOST_CELLS)
    cells = {
        "names": [classes[label] for label in kept],
        "rows": [[(matrix[t][a], round(100 * matrix[t][a] / max(1, sum(matrix[t])))) for a in kept] for t in kept],
    }
    section = ReportSection(words, [], ReportTable("confusion", ["truth", *classes], rows))
    return {"confusion": section, "cells": cells}


def _worst(source: Source, result: Result | None, index: DataIndex | None) -> list[tuple[str, str]]:
    """Path and caption of the worst mistakes that are still there."""
    if result is None or index is None:
        return []
    classes, known = source.classes, set(index.files["path"])
    found = []
    for row in result.worst:
        label, predicted = int(row.get("label", -1)), int(row.get("predicted", -1))
        if row.get("path") in known and min(label, predicted) >= 0 and max(label, predicted) < len(classes):
            caption = f"{classes[label]}, taken for {classes[predicted]} ({float(row.get('probability') or 0):.0%})"
            found.append((str(row["path"]), caption))
    return found


def _settings(source: Source) -> dict[str, list[tuple[str, str, str, bool]]]:
    """Per group: title, name, value, and whether it differs from the default."""
    groups: dict[str, list[tuple[str, str, str, bool]]] = {group: [] for group in GROUPS}
    for name, spec in FIELDS.items():
        value = getattr(source.config, name)
        groups[spec.group].append((spec.title, name, str(value) if value != "" else "(empty)", value != spec.default))
    return groups


def _flat(values: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows = []
    for name, value in values.items():
        if isinstance(value, dict):
            rows += _flat(value, f"{prefix}{name} ")
        else:
            shown = " ".join(map(str, value)) if isinstance(value, list) else str(value)
            rows.append((f"{prefix}{name}".replace("_", " "), shown))
    return rows
