"""Intervals, calibration and scores, against cases worked out by hand and against other people's code."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from torchmetrics.functional.classification import multiclass_calibration_error

from alexcore.analysis.metrics import (
    calibration,
    calibration_error,
    class_scores,
    confusion_matrix,
    mean_of,
    wilson,
)


def test_wilson_by_hand():
    """8 of 10 with z = 2: middle (0.8 + 0.2) / 1.4, half 2 / 1.4 * sqrt(0.16 / 10 + 4 / 400)."""
    low, high = wilson(8, 10, z=2.0)
    half = 2 / 1.4 / 10 * math.sqrt(10 * 0.16 + 1)
    assert (low, high) == (pytest.approx(1 / 1.4 - half), pytest.approx(1 / 1.4 + half))
    assert wilson(0, 0) is None
    assert wilson(0, 10)[0] == 0.0
    assert wilson(10, 10)[1] == 1.0
    assert wilson(10, 10)[0] == pytest.approx(1 / (1 + 1.959964**2 / 10), abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(total=st.integers(1, 5000), share=st.floats(0, 1))
def test_wilson_is_scipys(total, share):
    correct = round(total * share)
    theirs = binomtest(correct, total).proportion_ci(0.95, method="wilson")
    assert wilson(correct, total) == (pytest.approx(theirs.low, abs=1e-9), pytest.approx(theirs.high, abs=1e-9))


def test_calibration_by_hand():
    """Two bins: 0.2, 0.4 (one right), 0.5 | 0.9, 1.0 (both right). An edge belongs to the bin below it."""
    probability = np.array([0.2, 0.4, 0.5, 0.9, 1.0])
    right = np.array([False, True, False, True, True])
    low, high = calibration(probability, right, bins=2)
    assert (low.images, low.confidence, low.acc1) == (3, pytest.approx(1.1 / 3), pytest.approx(1 / 3))
    assert (high.images, high.confidence, high.acc1) == (2, pytest.approx(0.95), pytest.approx(1.0))
    expected = 3 / 5 * (1.1 / 3 - 1 / 3) + 2 / 5 * 0.05
    assert calibration_error([low, high]) == pytest.approx(expected)


def test_empty_bins_weigh_nothing():
    bins = calibration(np.array([0.95, 0.95]), np.array([True, False]))
    assert [each.images for each in bins] == [0] * 9 + [2]
    assert bins[0].acc1 is None
    assert calibration_error(bins) == pytest.approx(0.45)
    assert calibration_error(calibration(np.array([]), np.array([], dtype=bool))) is None


def test_probability_0_and_1_are_in_the_outer_bins():
    bins = calibration(np.array([0.0, 1.0]), np.array([False, True]), bins=4)
    assert [each.images for each in bins] == [1, 0, 0, 1]
    assert calibration_error(bins) == 0.0


@pytest.mark.parametrize("bins", [5, 10, 15])
def test_the_calibration_error_is_torchmetrics(bins):
    logits = torch.randn(400, 4, generator=torch.Generator().manual_seed(0)) * 2
    labels = torch.randint(0, 4, (400,), generator=torch.Generator().manual_seed(1))
    probability, answer = logits.softmax(1).max(1)
    ours = calibration_error(calibration(probability.double().numpy(), (answer == labels).numpy(), bins))
    theirs = multiclass_calibration_error(logits.softmax(1), labels, num_classes=4, n_bins=bins, norm="l1")
    assert ours == pytest.approx(float(theirs), abs=1e-6)


def test_scores_by_hand():
    """Truth 0 0 0 1 1 2, answers 0 0 1 1 2 0: class 0 has 2 of 3 right and 2 of 3 answers right."""
    labels, predicted = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 2, 0])
    rows = class_scores(labels, predicted, 4)
    assert [row["images"] for row in rows] == [3, 2, 1, 0]
    assert [row["answers"] for row in rows] == [3, 2, 1, 0]
    assert [row["recall"] for row in rows] == [pytest.approx(2 / 3), 0.5, 0.0, None]
    assert [row["precision"] for row in rows] == [pytest.approx(2 / 3), 0.5, 0.0, None]
    assert [row["f1"] for row in rows] == [pytest.approx(2 / 3), 0.5, 0.0, None]
    assert mean_of(rows, "recall") == pytest.approx((2 / 3 + 0.5) / 3), "a class without pictures has no part in it"
    assert rows[3]["recall_low"] is None
    assert rows[0]["recall_low"] < 2 / 3 < rows[0]["recall_high"]
    assert confusion_matrix(labels, predicted, 4) == [[2, 1, 0, 0], [0, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]]


def test_scores_without_a_picture_or_with_one_class():
    none = np.array([], dtype=int)
    assert mean_of(class_scores(none, none, 3), "recall") is None
    assert class_scores(np.array([0, 0]), np.array([0, 0]), 1)[0]["f1"] == 1.0
