"""The recipe on numbers that are drawn: what it flags, how often it is wrong, what is kept of it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from alexcore.doubt import novelty
from alexcore.doubt.novelty import FARTHEST, Described, Novelty, fit_novelty


def drawn(count: int, seed: int, moved: tuple[float, float] = (0, 0)) -> Described:
    """30 channels and 14 pixel numbers of `count` images, of one kind or moved away from it in either."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).normal(size=(30, 30))
    channels = rng.normal(size=(count, 30)) @ mixing + moved[0]
    return Described(channels.astype(np.float32), (rng.normal(size=(count, 14)) + moved[1]).astype(np.float32))


@pytest.fixture(scope="module")
def fitted() -> Novelty:
    return fit_novelty(drawn(300, 0), np.arange(300))


def test_the_same_kind_is_rarely_flagged_and_another_one_by_either_part(fitted):
    assert (fitted.scores(drawn(1000, 1)) > 0).mean() == pytest.approx(0.05, abs=0.025)
    for moved in ((9, 0), (0, 4)):
        assert (fitted.scores(drawn(100, 2, moved)) > 0).all()
    assert (fitted.images, fitted.views) == (300, 0)


def test_the_threshold_is_the_rank_that_the_formula_says(monkeypatch):
    """By hand: each fifth scored by a fit of the others, brought to units, the ceil(0.95 (n + 1))-th smallest."""
    rows, images = drawn(60, 3), np.repeat(np.arange(20), 3)
    folds: list[np.ndarray] = []
    fit = novelty._fits
    monkeypatch.setattr(novelty, "_fits", lambda known, kept: folds.append(kept) or fit(known, kept))
    found = fit_novelty(rows, images)
    *crossed, whole = folds
    assert whole.all()
    assert np.sum([~kept for kept in crossed], axis=0).tolist() == [1] * 60, "each is scored once"
    assert all(len(set(kept[images == number])) == 1 for kept in crossed for number in range(20)), "views stay together"
    scores = np.empty((2, 60))
    for kept in crossed:
        for part, gaussian in enumerate(fit(rows, kept)):
            scores[part, ~kept] = gaussian.scores(rows[part][~kept])
    higher = sorted(((scores - np.median(scores, axis=1)[:, None]) / scores.std(axis=1)[:, None]).max(axis=0))
    assert found.threshold == pytest.approx(higher[math.ceil(0.95 * 61) - 1], rel=1e-4)
    assert (found.images, found.views) == (20, 40)


def test_what_is_kept_scores_alike(fitted):
    rows = drawn(200, 4, (3, 0.5))
    again = Novelty.from_arrays(fitted.as_arrays())
    assert again.scores(rows) == pytest.approx(fitted.scores(rows), abs=5e-3)
    assert sum(each.nbytes for each in fitted.as_arrays().values()) < 10_000


def test_numbers_that_are_none_are_far_out(fitted):
    rows = drawn(2, 5)
    rows.channels[0, 0] = np.nan
    rows.channels[1, 0] = np.inf
    assert fitted.scores(rows).tolist() == [FARTHEST, FARTHEST]
