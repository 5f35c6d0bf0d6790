"""Sweeps: which learning rates work, and what the batch size does."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

import pandas as pd

from alexcore.batchnorm.read.record import BATCH_SWEEP, RATE_SWEEP, Experiment
from alexcore.batchnorm.read.tolerance import width
from alexcore.batchnorm.views.view import View, add_lines, arm_title, arms_in_order, capital, each_arm, order_in_words
from alexcore.figures import narrow_figure, share_axis
from alexcore.palette import HEAT
from alexcore.runs.events import finite_number
from alexcore.words.numbers import number, percent

Row = dict[str, Any]
OUTCOMES = {"learned": "", "stuck": "stuck", "diverged": "diverged"}
NOT_YET = "This sweep has not been run yet."


def flat(experiment: Experiment, kind: str) -> list[Row]:
    """The runs of a sweep as flat rows: arm, seed, rate or batch, mode, train_loss, val_acc1, outcome."""
    name = "rate" if kind == RATE_SWEEP else "batch"
    rows = []
    for event in experiment.sweeps[kind]:
        result = event.get("result")
        row: Row = {**event, **(result if isinstance(result, dict) else {})}
        row[name] = row.get(name, event.get("x"))
        row["mode"] = row.get("mode", event.get("table"))
        if finite_number(row[name]) is not None and isinstance(row.get("arm"), str):
            rows.append(row)
    return rows


def _median(rows: Sequence[Row], field: str) -> float | None:
    known = [value for row in rows if (value := finite_number(row.get(field))) is not None]
    return statistics.median(known) if known else None


def rates(experiment: Experiment) -> View:
    """A heat map of arm and rate: best validation accuracy; diverged and stuck cells say so."""
    rows = flat(experiment, RATE_SWEEP)
    tried = sorted({float(row["rate"]) for row in rows})
    arms = arms_in_order(row["arm"] for row in rows)
    figures = {}
    for field, title, unit, shape in (
        ("val_acc1", "Best validation accuracy", "accuracy", ".0%"),
        ("train_loss", "Training loss at the end", "cross entropy (nats)", ".2f"),
    ):
        cells, texts = [], []
        for arm in arms:
            mine = [[row for row in rows if row["arm"] == arm and float(row["rate"]) == rate] for rate in tried]
            cells.append([None if _outcome(some) == "diverged" else _median(some, field) for some in mine])
            texts.append([_cell(some, field, shape) for some in mine])
        figure = narrow_figure(title, "learning rate", "arm", 170 + 50 * len(arms))
        figure.add_heatmap(
            z=cells,
            x=[f"{rate:g}" for rate in tried],
            y=[arm_title(arm) for arm in arms],
            colorscale=HEAT,
            reversescale=field == "train_loss",
            text=texts,
            texttemplate="%{text}",
            hoverongaps=False,
            colorbar={
                "title": {"text": unit, "side": "top"},
                "thickness": 10,
                "orientation": "h",
                "y": -0.42,
                "yanchor": "top",
            },
        )
        figure.update_xaxes(type="category").update_yaxes(type="category", autorange="reversed")
        figures[f"rates-{field}"] = figure
    keep = ("arm", "seed", "rate", "train_loss", "val_acc1", "outcome")
    table = pd.DataFrame([{name: row.get(name) for name in keep} for row in rows])
    return View(
        "rates",
        "Every rate, every arm",
        "Each cell is a run of its own with this rate, with equally many steps and the same batch size: the median "
        "over the seeds. Diverged: the loss was not a number, or over 1,000 times that of guessing. Stuck: the loss "
        "stayed that of guessing, or ended above it.",
        _outcomes_in_words(rows),
        figures if rows else {},
        table,
        stacked=True,
    )


def _outcome(rows: Sequence[Row]) -> str:
    """What most seeds did; of equals, the worse."""
    found = [str(row.get("outcome")) for row in rows]
    return max(("diverged", "stuck", "learned"), key=found.count) if found else ""


def _cell(rows: Sequence[Row], field: str, shape: str) -> str:
    value = _median(rows, field)
    said = OUTCOMES.get(_outcome(rows), "")
    shown = "" if value is None else format(value, shape)
    return said if said == "diverged" else f"{shown} {said}".strip()


def _outcomes_in_words(rows: Sequence[Row]) -> str:
    if not rows:
        return NOT_YET
    said = []
    for arm in arms_in_order(row["arm"] for row in rows):
        mine = [row for row in rows if row["arm"] == arm]
        counts = [f"{sum(row.get('outcome') == name for row in mine)} {name}" for name in OUTCOMES]
        learned = [row for row in mine if row.get("outcome") == "learned"]
        if not learned:
            said.append(f"{arm_title(arm)}: of {len(mine)} runs {', '.join(counts)}")
            continue
        best = max(learned, key=lambda row: finite_number(row.get("val_acc1")) or -1.0)
        said.append(
            f"{arm_title(arm)}: of {len(mine)} runs {', '.join(counts)}; best at rate {number(float(best['rate']))} "
            f"with {percent(finite_number(best.get('val_acc1')))}"
        )
    return f"{capital('; '.join(said))}."


def tolerance(experiment: Experiment) -> View:
    """How wide the range of rates is that work, a number of decades an arm, and each arm at its best rate."""
    rows = flat(experiment, RATE_SWEEP)
    figure = narrow_figure("Validation accuracy against the learning rate", "learning rate (log)", "best accuracy")
    widths: dict[str, list[float]] = {}
    best: dict[str, list[float]] = {}
    table = []
    for arm in arms_in_order(row["arm"] for row in rows):
        curves = {}
        for seed in sorted({row["seed"] for row in rows if row["arm"] == arm}):
            mine = sorted(
                (row for row in rows if row["arm"] == arm and row["seed"] == seed), key=lambda row: row["rate"]
            )
            curves[seed] = [
                (float(row["rate"]), acc) for row in mine if (acc := finite_number(row.get("val_acc1"))) is not None
            ]
            found = width(
                [float(row["rate"]) for row in mine],
                [finite_number(row.get("val_acc1")) for row in mine],
                [str(row.get("outcome")) for row in mine],
            )
            if found.best_rate is not None:
                widths.setdefault(arm, []).append(float(found.width or 0.0))
                best.setdefault(arm, []).append(float(found.best_accuracy or 0.0))
            row = {"arm": arm, "seed": seed, "width_decades": found.width, "gaps": bool(found.gaps)}
            table.append(
                row | {name: getattr(found, name) for name in ("lowest", "highest", "best_rate", "best_accuracy")}
            )
        add_lines(figure, {arm: curves}, symbol="arm")
    share_axis(figure).update_xaxes(type="log", exponentformat="power")
    words = "No arm learned at any of the rates." if rows else NOT_YET
    if widths:
        none = [arm_title(arm) for arm in arms_in_order(row["arm"] for row in rows) if arm not in widths]
        words = (
            f"Width of the range of rates within 5 points of the arm's best, in decades: {each_arm(widths)}. "
            f"{order_in_words(widths, 'pickiest', 'most tolerant')} Each at its best rate: {each_arm(best, percent)}. "
            f"{order_in_words(best, 'worst', 'best')}"
        )
        if none:
            words += f" {' and '.join(none)} learned at no rate, and so has no width."
    return View(
        "tolerance",
        "Learning-rate tolerance",
        "How much may one miss the best rate by? The width is log10 of the largest over the smallest rate that comes "
        "within 5 points of the arm's own best validation accuracy: 1 is a factor of ten.",
        words,
        {"tolerance": figure} if rows else {},
        pd.DataFrame(table),
    )


def batches(experiment: Experiment, mode: str) -> View:
    """Error against batch size; `mode` is "epochs" (equal epochs) or "steps" (equal optimizer steps)."""
    rows = [row for row in flat(experiment, BATCH_SWEEP) if row["mode"] == mode]
    lines: dict[str, dict[int, list[tuple[float, float]]]] = {}
    for row in sorted(rows, key=lambda each: float(each["batch"])):
        accuracy = finite_number(row.get("val_acc1"))
        if accuracy is not None:
            lines.setdefault(row["arm"], {}).setdefault(int(row["seed"]), []).append(
                (float(row["batch"]), 1 - accuracy)
            )
    figure = narrow_figure(f"Validation error, equal {mode}", "pictures a batch (log)", "share of wrong answers")
    add_lines(figure, lines, symbol="arm")
    sizes = sorted({float(row["batch"]) for row in rows})
    figure.update_xaxes(type="log", tickvals=sizes, ticktext=[f"{size:g}" for size in sizes])
    keep = ("arm", "seed", "batch", "rate", "steps", "train_loss", "val_acc1", "outcome")
    table = pd.DataFrame([{name: row.get(name) for name in keep} for row in rows])
    equal = {
        "epochs": "Every run sees each picture equally often, so small batches make more steps.",
        "steps": "Every run makes equally many steps, so small batches see fewer pictures.",
    }[mode]
    return View(
        f"batches-{mode}",
        f"Batch size, equal {mode}",
        f"{equal} The rate grows with the batch: rate x N / 32. Statistics over two pictures are noise, so BatchNorm "
        "is expected to suffer first; GroupNorm does not look at the batch.",
        _batches_in_words(lines),
        {f"batches-{mode}": share_axis(figure)} if rows else {},
        table,
    )


def _batches_in_words(lines: dict[str, dict[int, list[tuple[float, float]]]]) -> str:
    if not lines:
        return NOT_YET
    sizes = sorted({x for seeds in lines.values() for points in seeds.values() for x, _ in points})
    said = []
    for size in dict.fromkeys((sizes[0], sizes[-1])):
        errors = {arm: [y for points in seeds.values() for x, y in points if x == size] for arm, seeds in lines.items()}
        errors = {arm: values for arm, values in errors.items() if values}
        said.append(f"Batch {size:g}: error {each_arm(errors, percent)}. {order_in_words(errors)}")
    return " ".join(said)
