"""A Gaussian's scores are the Mahalanobis distances that a textbook's formula gives."""

from __future__ import annotations

import numpy as np
import pytest

from alexcore.doubt.gaussian import DIRECTIONS, fit_gaussian, ledoit_wolf


def mixed(count: int, size: int, seed: int = 0) -> np.ndarray:
    """Rows whose numbers depend on each other, some of them ten times as large as others."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, size)) @ np.random.default_rng(9).normal(size=(size, size)) + 3


def by_the_textbook(rows: np.ndarray, asked: np.ndarray, share: float) -> np.ndarray:
    """log sqrt((x - m)' C^-1 (x - m)) in float64, with the inverse of the whole shrunk covariance."""
    mean, deviation = rows.mean(axis=0), rows.std(axis=0)
    scale = deviation + 0.001 * deviation.mean()
    covariance = np.atleast_2d(np.cov((rows / scale).T, bias=True))
    size = len(covariance)
    shrunk = (1 - share) * covariance + share * np.trace(covariance) / size * np.eye(size)
    away = (asked - mean) / scale
    return np.log(np.einsum("nd,de,ne->n", away, np.linalg.inv(shrunk), away)) / 2


@pytest.mark.parametrize(("size", "share"), [(1, 0.05), (14, 0.05), (40, 0.0), (60, 0.3)])
def test_scores_are_mahalanobis_distances(size, share):
    rows, asked = mixed(200, size), mixed(20, size, 1)
    assert fit_gaussian(rows, share).scores(asked) == pytest.approx(by_the_textbook(rows, asked, share), abs=2e-3)


def test_of_many_numbers_the_small_directions_are_one():
    """300 numbers that vary in 100 directions, and alike in all others: averaging those loses nothing."""
    rng = np.random.default_rng(0)
    strong = rng.normal(size=(100, 300)) * 2

    def rows(count: int) -> np.ndarray:
        return rng.normal(size=(count, 100)) @ strong + rng.normal(size=(count, 300))

    known, asked = rows(4000), np.concatenate([rows(50), rows(50) + 1.0, rng.normal(size=(50, 300)) * 9])
    found = fit_gaussian(known, 0.02)
    assert found.directions.shape == (DIRECTIONS, 300)
    assert found.directions @ found.directions.T == pytest.approx(np.eye(DIRECTIONS), abs=1e-4)
    assert found.scores(asked) == pytest.approx(by_the_textbook(known, asked, 0.02), abs=0.02)


def test_the_share_is_ledoit_and_wolfs():
    rows = mixed(30, 7)
    rows = rows - rows.mean(axis=0)
    count, size = rows.shape
    sample = sum(np.outer(row, row) for row in rows) / count
    target = np.trace(sample) / size * np.eye(size)
    apart = ((sample - target) ** 2).sum()
    error = sum(((np.outer(row, row) - sample) ** 2).sum() for row in rows) / count**2
    assert ledoit_wolf(rows, sample) == pytest.approx(min(error, apart) / apart)
    assert ledoit_wolf(np.zeros((5, 3)), np.zeros((3, 3))) == 1.0


def test_numbers_that_never_change_break_nothing_and_tell_when_they_do():
    rows = np.concatenate([mixed(50, 4), np.full((50, 2), 7.0)], axis=1)
    found = fit_gaussian(rows, 0.05)
    usual, odd = found.scores(rows), found.scores(rows + np.array([0, 0, 0, 0, 5.0, 0]))
    assert np.isfinite(usual).all()
    assert odd.min() > usual.max() + 1
    assert np.isfinite(fit_gaussian(np.ones((9, 3))).scores(np.ones((2, 3)))).all()
