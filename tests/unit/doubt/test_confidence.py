"""Thresholds on constructed confidences, hints with their rates, entropy."""

from __future__ import annotations

import numpy as np
import pytest

from alexcore.analysis.confidence import (
    Doubt,
    Threshold,
    distance_to_nearest,
    entropy_bits,
    evenly,
    far_from,
    find_threshold,
    short_hint,
    unit,
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


def test_hints_carry_the_measured_rates():
    doubt = Doubt(100, 0.8, Threshold(0.7, 20, 15, 80, 5), far=0.3)
    assert doubt.hints(0.9, 0.1) == []
    (unsure,) = doubt.hints(0.4, 0.3)
    assert "40% is little" in unsure
    assert "75% of the time (15 of 20)" in unsure
    unsure, unlike = doubt.hints(0.4, 0.31)
    assert "unlike the training data" in unlike
    assert [short_hint(doubt, *each) for each in ((0.9, 0.1), (0.4, None), (0.9, 0.4), (0.1, 0.9))] == [
        "",
        "unsure",
        "unlike",
        "unsure, unlike",
    ]
    assert short_hint(None, 0.1, 0.9) == "not measured"
    assert Doubt(9, 1.0).hints(0.01, 5.0) == []


def test_a_doubt_survives_json():
    for doubt in (Doubt(100, 0.8, Threshold(0.7, 20, 15, 80, 5), 0.3), Doubt(9, 1.0)):
        assert Doubt.from_dict(doubt.as_dict()) == doubt


@pytest.mark.parametrize(
    ("probabilities", "bits"), [([1, 0, 0], 0), ([0.5, 0.5], 1), ([0.25] * 4, 2), ([0.5, 0.25, 0.25], 1.5), ([1.0], 0)]
)
def test_entropy(probabilities, bits):
    assert entropy_bits(np.array(probabilities)) == pytest.approx(bits)
    assert entropy_bits(np.array(probabilities)) >= 0


def test_distances_are_cosines_to_the_nearest_class():
    means = np.array([[1, 0, 0], [0, 2, 0], [0, 0, 0]], dtype=np.float32)
    features = np.array([[5, 0, 0], [0, 1, 0], [3, 3, 0], [0, 0, 7], [0, 0, 0]], dtype=np.float32)
    assert distance_to_nearest(features, means) == pytest.approx([0, 0, 1 - 2**-0.5, 1, 1], abs=1e-6)
    assert not np.isnan(unit(np.zeros((1, 3)))).any()


def test_far_is_the_99th_of_a_hundred():
    assert far_from(np.arange(101) / 100) == pytest.approx(0.99)
    assert far_from(np.arange(19.0)) is None


@pytest.mark.parametrize(("count", "most", "expected"), [(3, 5, [0, 1, 2]), (5, 5, [0, 1, 2, 3, 4]), (9, 3, [0, 4, 8])])
def test_evenly(count, most, expected):
    assert list(evenly(count, most)) == expected
