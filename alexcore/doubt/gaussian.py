"""One Gaussian for all classes, from few rows of many numbers: its covariance shrunk, its small directions averaged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.floating[Any]]
# Of larger covariances only so many directions are kept.
DIRECTIONS = 128
SPARE, ITERATIONS = 32, 4
# A number that never changes is divided by this fraction of the mean deviation, and so by more than zero.
LEAST_SCALE = 1e-3
TINY = 1e-12


@dataclass(frozen=True, eq=False)
class Gaussian:
    """What rows of D numbers are like.

    Attributes:
        mean: (D,), what is subtracted.
        scale: (D,), by what is then divided.
        directions: (K, D), orthonormal rows, K at most 128: where the rows vary most.
        variances: (K,), how much they vary there.
        rest: How much they vary in each of the other D - K directions.
    """

    mean: Floats
    scale: Floats
    directions: Floats
    variances: Floats
    rest: float

    def scores(self, rows: Rows) -> Floats:
        """The logarithm of the Mahalanobis distance of each row (N, D), as (N,) float32."""
        centered = (np.asarray(rows, dtype=np.float32) - self.mean) / self.scale
        along = centered @ self.directions.T
        squares = (along**2 / self.variances).sum(axis=1)
        if len(self.directions) < len(self.mean):
            # What the directions leave over, by Pythagoras; rounding may take it below zero.
            squares += ((centered**2).sum(axis=1) - (along**2).sum(axis=1)).clip(0) / self.rest
        return np.asarray(np.log(squares + TINY) / 2, dtype=np.float32)


def fit_gaussian(rows: Rows, shrinkage: float | None = None) -> Gaussian:
    """Fit a Gaussian to rows (N, D).

    The covariance S becomes (1 - a) S + a m I, where m is the mean of its diagonal; `shrinkage` is a, and None takes
    `ledoit_wolf`'s. Of more than 128 directions the largest are kept, with one mean variance for the others
    (probabilistic PCA, Tipping and Bishop 1999).
    """
    values = np.asarray(rows, dtype=np.float32)
    mean, deviation = values.mean(axis=0), values.std(axis=0)
    scale = deviation + LEAST_SCALE * deviation.mean() + TINY
    centered = (values - mean) / scale
    covariance = centered.T @ centered / len(values)
    share = ledoit_wolf(centered, covariance) if shrinkage is None else shrinkage
    count = len(mean)
    variances, directions = _largest(covariance, min(DIRECTIONS, count))
    total, middle = float(np.trace(covariance)), float(np.trace(covariance)) / count
    others = max(0.0, total - float(variances.sum())) / max(1, count - len(variances))
    return Gaussian(
        mean,
        scale,
        directions,
        np.asarray((1 - share) * variances.clip(0) + share * middle + TINY, dtype=np.float32),
        (1 - share) * others + share * middle + TINY,
    )


def _largest(covariance: Floats, count: int) -> tuple[Floats, Floats]:
    """The `count` largest variances (count,) of a covariance (D, D), and their directions (count, D).

    By subspace iteration with some directions to spare (Halko, Martinsson and Tropp 2011): of a thousand numbers it
    takes a tenth of the time of all eigenvectors, and what it finds less exactly are the smallest of those it keeps.
    """
    size = len(covariance)
    if size <= 2 * count:
        variances, vectors = np.linalg.eigh(covariance)
    else:
        basis = np.random.default_rng(0).standard_normal((size, count + SPARE), dtype=np.float32)
        for _ in range(ITERATIONS):
            basis = np.linalg.qr(covariance @ basis)[0]
        variances, within = np.linalg.eigh(basis.T @ covariance @ basis)
        vectors = basis @ within
    return variances[-count:], np.ascontiguousarray(vectors[:, -count:].T, dtype=np.float32)


def ledoit_wolf(centered: Rows, covariance: Rows) -> float:
    """How far to shrink the covariance (D, D) of centered rows (N, D) towards a multiple of the identity, 0 to 1.

    The sampling error of the covariance over its distance from that multiple, both estimated from the rows themselves:
    Ledoit and Wolf 2004, "A well-conditioned estimator for large-dimensional covariance matrices", lemmas 3.2 to 3.4.
    """
    count, size = centered.shape
    square = float((covariance.astype(np.float64) ** 2).sum())
    apart = square - float(np.trace(covariance, dtype=np.float64)) ** 2 / size
    lengths = (centered.astype(np.float64) ** 2).sum(axis=1)
    error = (float((lengths**2).sum()) / count - square) / count
    return min(1.0, max(0.0, error / apart)) if apart > 0 else 1.0
