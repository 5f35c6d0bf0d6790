"""Thresholds on constructed confidences, and entropy."""

from __future__ import annotations

import numpy as np
import pytest

from alexcore.doubt.confidence import (
    Threshold,
    entropy_bits,
    find_threshold,
)


def answers(*groups: tuple[float, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """(confidence, right, wrong) a group."""
    confidences = [value for value, right, wrong in groups for _ in range(right + wrong)]
    correct = [each for _, right, wrong in groups for each in [True] * right + [False] * wrong]
    order = np.random.default_rng(0).permutation(len(correct))
    return np.array(confidences)[order], np.array(correct)[order]


def test_the_threshold_parts_the_unsure_from_the_sure():
    found = find_threshold(*answers((0.3, 2, 8), (0.5, 3, 7), (0.9, 18, 2)))
    assert found == Threshold(pytest.approx(0.7), below=20, below_wrong=15, above=20, above_wrong=2)
    assert found.in_words == (
        "On the validation set, answers below 70% were wrong 75% of the time (15 of 20), the others 10% of the time "
        "(2 of 20)."
    )


def test_of_equally_good_thresholds_the_lowest_counts():
    # Between 0.5 and 0.9 lies a group that is as right as it is wrong, in shares: cutting before or after is the same.
    found = find_threshold(*answers((0.3, 0, 10), (0.6, 10, 10), (0.9, 10, 0)))
    assert found is not None
    assert found.value == pytest.approx(0.45)


@pytest.mark.parametrize(
    "groups",
    [
        [(0.3, 5, 5), (0.9, 5, 4)],  # too few
        [(0.3, 20, 0), (0.9, 20, 0)],  # all right
        [(0.3, 0, 20), (0.9, 0, 20)],  # all wrong
        [(0.5, 20, 20)],  # always as sure
        [(0.3, 20, 2), (0.9, 2, 20)],  # surer when wrong
    ],
)
def test_where_confidence_says_nothing_there_is_no_threshold(groups):
    assert find_threshold(*answers(*groups)) is None


@pytest.mark.parametrize(
    ("probabilities", "bits"), [([1, 0, 0], 0), ([0.5, 0.5], 1), ([0.25] * 4, 2), ([0.5, 0.25, 0.25], 1.5), ([1.0], 0)]
)
def test_entropy(probabilities, bits):
    assert entropy_bits(np.array(probabilities)) == pytest.approx(bits)
    assert entropy_bits(np.array(probabilities)) >= 0
