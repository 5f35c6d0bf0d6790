"""Sweeps: which learning rates work, and what the batch size does."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from alexcore.batchnorm.read.record import BATCH_SWEEP, RATE_SWEEP, Experiment
from alexcore.batchnorm.read.tolerance import (
    DIVERGED,
    LEARNED,
    STUCK,
    Row,
    error_of,
    grouped,
    rate_table,
    rows_of,
    tolerances,
)
from alexcore.batchnorm.views.arm_lines import Lines, add_lines, from_field, lines_of
from alexcore.batchnorm.views.view import View, arms_in_order, capital, colour_bar, each_arm, order_in_words, ranked
from alexcore.figures import narrow_figure, share_axis
from alexcore.nn.norms import look_of
from alexcore.palette import HEAT
from alexcore.runs.events import finite_number
from alexcore.words.numbers import number, percent

NOT_YET = "This sweep has not been run yet."


def rates(experiment: Experiment) -> View:
    """A heat map of arm and rate: best validation accuracy; diverged and stuck cells say so."""
    rows = rows_of(experiment.sweeps[RATE_SWEEP], "rate")
    by_cell = {(row["arm"], row["rate"]): row for row in rate_table(rows)}
    arms, tried = arms_in_order(arm for arm, _ in by_cell), sorted({rate for _, rate in by_cell})
    cells = [[by_cell.get((arm, rate)) for rate in tried] for arm in arms]
    figures = {}
    for field, title, unit, shape in (
        ("val_acc1", "Best validation accuracy", "accuracy", ".0%"),
        ("train_loss", "Training loss at the end", "cross entropy (nats)", ".2f"),
    ):
        figure = narrow_figure(title, "learning rate", "arm", 170 + 50 * len(arms))
        figure.add_heatmap(
            z=[[None if _outcome(cell) == DIVERGED else cell and cell[field] for cell in row] for row in cells],
            x=[f"{rate:g}" for rate in tried],
            y=[look_of(arm).title for arm in arms],
            colorscale=HEAT,
            reversescale=field == "train_loss",
            text=[[_text(cell, field, shape) for cell in row] for row in cells],
            texttemplate="%{text}",
            hoverongaps=False,
            colorbar=colour_bar(unit, -0.42),
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


def _outcome(cell: Row | None) -> str:
    """What most seeds did; of equals, the worse."""
    return max((DIVERGED, STUCK, LEARNED), key=cell.__getitem__) if cell else ""


def _text(cell: Row | None, field: str, shape: str) -> str:
    outcome = _outcome(cell)
    if cell is None or outcome == DIVERGED:
        return outcome
    shown = "" if cell[field] is None else format(cell[field], shape)
    return f"{shown} {STUCK}".strip() if outcome == STUCK else shown


def _outcomes_in_words(rows: Sequence[Row]) -> str:
    if not rows:
        return NOT_YET
    said = []
    for arm in arms_in_order(row["arm"] for row in rows):
        mine = [row for row in rows if row["arm"] == arm]
        counts = ", ".join(
            f"{sum(row.get('outcome') == name for row in mine)} {name}" for name in (LEARNED, STUCK, DIVERGED)
        )
        said.append(f"{look_of(arm).title}: of {len(mine)} runs {counts}")
        learned = [row for row in mine if row.get("outcome") == LEARNED]
        if learned:
            best = max(learned, key=lambda row: finite_number(row.get("val_acc1")) or -1.0)
            accuracy = percent(finite_number(best.get("val_acc1")))
            said[-1] += f"; best at rate {number(float(best['rate']))} with {accuracy}"
    return f"{capital('; '.join(said))}."


def tolerance(experiment: Experiment) -> View:
    """How wide the range of rates is that work, a number of decades an arm, and each arm at its best rate."""
    rows = rows_of(experiment.sweeps[RATE_SWEEP], "rate")
    figure = narrow_figure("Validation accuracy against the learning rate", "learning rate (log)", "best accuracy")
    add_lines(figure, lines_of(_by_run(rows, "rate"), from_field("val_acc1"), "rate"), symbol="arm")
    share_axis(figure).update_xaxes(type="log", exponentformat="power")
    found = tolerances(rows)
    widths = {arm: [each.width for each in seeds.values() if each.width is not None] for arm, seeds in found.items()}
    best = {
        arm: [each.best_accuracy for each in seeds.values() if each.best_accuracy is not None]
        for arm, seeds in found.items()
    }
    words = "No arm learned at any of the rates." if rows else NOT_YET
    if any(widths.values()):
        what = "Width of the range of rates within 5 points of the arm's best, in decades"
        words = (
            f"{ranked(what, widths, 'pickiest', 'most tolerant')} Each at its best rate: {each_arm(best, percent)}. "
            f"{order_in_words(best, 'worst', 'best')}"
        )
        none = [look_of(arm).title for arm in arms_in_order(found) if not widths[arm]]
        if none:
            words += f" {' and '.join(none)} learned at no rate, and so has no width."
    table = [
        {
            "arm": arm,
            "seed": seed,
            "width_decades": each.width,
            "gaps": bool(each.gaps),
            "lowest": each.lowest,
            "highest": each.highest,
            "best_rate": each.best_rate,
            "best_accuracy": each.best_accuracy,
        }
        for arm in arms_in_order(found)
        for seed, each in found[arm].items()
    ]
    return View(
        "tolerance",
        "Learning-rate tolerance",
        "How much may one miss the best rate by? The width is log10 of the largest over the smallest rate that comes "
        "within 5 points of the arm's own best validation accuracy: 1 is a factor of ten.",
        words,
        {"tolerance": figure} if rows else {},
        pd.DataFrame(table),
    )


def _by_run(rows: list[Row], x: str) -> dict[tuple[str, int], list[Row]]:
    """The rows by arm and seed, each of these rising in x."""
    return grouped(sorted(rows, key=lambda row: float(row[x])), "arm", "seed")


def batches(experiment: Experiment, mode: str) -> View:
    """Error against batch size; `mode` is "epochs" (equal epochs) or "steps" (equal optimizer steps)."""
    rows = [row for row in rows_of(experiment.sweeps[BATCH_SWEEP], "batch") if row.get("mode") == mode]
    lines = lines_of(_by_run(rows, "batch"), error_of, "batch")
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


def _batches_in_words(lines: Lines) -> str:
    if not lines:
        return NOT_YET
    sizes = sorted({x for seeds in lines.values() for points in seeds.values() for x, _ in points})
    said = []
    for size in dict.fromkeys((sizes[0], sizes[-1])):
        errors = {arm: [y for points in seeds.values() for x, y in points if x == size] for arm, seeds in lines.items()}
        said.append(f"Batch {size:g}: error {each_arm(errors, percent)}. {order_in_words(errors)}")
    return " ".join(said)
