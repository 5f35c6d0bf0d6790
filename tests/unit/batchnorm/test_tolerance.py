"""Learning-rate tolerance on constructed curves, and the tables of both sweeps."""

from __future__ import annotations

import math

import pytest

from alexcore.batchnorm.read.tolerance import (
    Tolerance,
    batch_table,
    best_rates,
    classify,
    rate_table,
    rows_of,
    tolerances,
    width,
)

LN5 = math.log(5)


@pytest.mark.parametrize(
    ("final", "losses", "word"),
    [
        (0.6, [1.6, 1.0, 0.6], "learned"),
        (LN5 - 0.021, [], "learned"),
        (LN5 - 0.019, [], "stuck"),
        (LN5 + 0.019, [], "stuck"),
        # Worse than guessing, but no explosion: it has learned nothing, either.
        (4.0, [1.6, 9.0, 4.0], "stuck"),
        (1001 * LN5, [], "diverged"),
        (999 * LN5, [], "stuck"),
        # One explosion on the way is one, also if the end looks harmless.
        (0.5, [1.6, 1001 * LN5, 0.5], "diverged"),
        (math.nan, [1.6], "diverged"),
        (math.inf, [], "diverged"),
        (None, [1.6], "diverged"),
        (1.0, [1.6, None, 1.0], "diverged"),
        (1.0, [1.6, math.nan], "diverged"),
    ],
)
def test_how_a_training_went(final, losses, word):
    assert classify(final, losses, 5) == word


def test_guessing_depends_on_the_number_of_classes():
    assert classify(math.log(2), [], 2) == "stuck"
    assert classify(math.log(2), [], 5) == "learned"


def test_the_width_spans_the_rates_within_five_points():
    rates = [1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1]
    found = width(rates, [0.30, 0.55, 0.60, 0.56, 0.54, 0.20])
    assert found == Tolerance(pytest.approx(math.log10(10)), 3e-3, 3e-2, 1e-2, 0.60, ())
    # Exactly 5 points below the best are within them, although 0.14 - 0.05 is 0.09000000000000001.
    assert width([1e-3, 1e-2], [0.09, 0.14]).width == pytest.approx(1)
    assert width([1e-3, 1e-2], [0.089, 0.14]).width == 0


def test_order_does_not_matter_and_holes_are_named():
    found = width([1.0, 0.01, 0.1], [0.6, 0.58, 0.2])
    assert (found.width, found.gaps, found.best_rate) == (pytest.approx(2), (0.1,), 1.0)


def test_ties_go_to_the_lowest_rate():
    assert width([0.1, 0.01], [0.5, 0.5]).best_rate == 0.01


def test_what_has_not_learned_is_not_tolerated():
    outcomes = ["stuck", "learned", "diverged", "learned"]
    found = width([1e-3, 1e-2, 1e-1, 1.0], [0.9, 0.6, None, 0.3], outcomes)
    assert (found.width, found.best_rate) == (0, 1e-2)
    assert width([1e-3, 1e-2], [0.2, 0.2], ["stuck", "stuck"]) == Tolerance()
    assert width([1e-3], [None]) == width([1e-3], [math.nan]) == width([], []) == Tolerance()


def sweep() -> list[dict]:
    def row(arm: str, seed: int, rate: float, accuracy: float | None, outcome: str = "learned") -> dict:
        return {"arm": arm, "seed": seed, "rate": rate, "val_acc1": accuracy, "train_loss": 1.0, "outcome": outcome}

    return [
        row("none", 0, 0.1, 0.5),
        row("none", 0, 0.01, 0.6),
        row("none", 1, 0.1, None, "diverged"),
        row("none", 1, 0.01, 0.7),
        row("batch", 0, 0.01, 0.62),
        row("batch", 0, 0.1, 0.65),
        row("batch", 1, 0.01, 0.8),
        row("batch", 1, 0.1, 0.79),
        row("group", 0, 0.1, 0.2, "stuck"),
    ]


def test_the_table_of_rates():
    table = rate_table(sweep())
    assert [(row["arm"], row["rate"]) for row in table] == [
        ("none", 0.01),
        ("none", 0.1),
        ("batch", 0.01),
        ("batch", 0.1),
        ("group", 0.1),
    ]
    assert table[0] == {
        "arm": "none",
        "rate": 0.01,
        "seeds": 2,
        "val_acc1": pytest.approx(0.65),
        "val_acc1_low": 0.6,
        "val_acc1_high": 0.7,
        "train_loss": 1.0,
        "learned": 2,
        "stuck": 0,
        "diverged": 0,
    }
    assert (table[1]["val_acc1"], table[1]["diverged"]) == (0.5, 1)
    assert tolerances(sweep())["batch"][0].width == pytest.approx(1)


def test_each_arm_at_its_best_rate():
    best = {row["arm"]: row for row in best_rates(sweep())}
    assert set(best) == {"none", "batch"}
    assert (best["none"]["rate"], best["none"]["width"]) == (0.01, 0)
    assert (best["batch"]["rate"], best["batch"]["width_low"]) == (0.1, pytest.approx(1))


def test_the_table_of_batch_sizes():
    rows = [
        {"arm": "batch", "seed": seed, "batch": size, "mode": mode, "val_acc1": accuracy, "outcome": "learned"}
        for seed in (0, 1)
        for mode in ("steps", "epochs")
        for size, accuracy in ((32, 0.7), (2, 0.4 + 0.1 * seed))
    ]
    table = batch_table(rows)
    assert [(row["mode"], row["batch"]) for row in table] == [
        ("epochs", 2),
        ("epochs", 32),
        ("steps", 2),
        ("steps", 32),
    ]
    assert table[0] == {
        "mode": "epochs",
        "arm": "batch",
        "batch": 2,
        "seeds": 2,
        "error": pytest.approx(0.55),
        "error_low": pytest.approx(0.5),
        "error_high": pytest.approx(0.6),
        "diverged": 0,
    }


def test_lines_of_a_sweep_become_rows():
    lines = [
        {"type": "sweep", "arm": "batch", "seed": 0, "x": 0.1, "result": {"val_acc1": 0.5, "outcome": "learned"}},
        {"type": "sweep", "arm": "none", "seed": 0, "x": 0.1, "val_acc1": 0.4},
        {"type": "sweep", "arm": "none", "seed": 0, "x": None},
        {"type": "sweep", "seed": 0, "x": 1.0},
    ]
    rows = rows_of(lines, "rate")
    assert [(row["arm"], row["rate"], row["val_acc1"]) for row in rows] == [("batch", 0.1, 0.5), ("none", 0.1, 0.4)]
