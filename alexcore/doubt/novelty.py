"""Is an image of another kind than the training images? The recipe, on numbers that describe each image.

A fit is made of the channels' statistics and of the pixels' (`channels`, `pixels`), of training images and chance
views of them. An image is called unlike if either of the two lies farther out than 95 % of training images and views
did, each scored by a fit without it. So the threshold costs no validation image, and validation can check it.

The idea of several layers is of Lee et al. 2018, a threshold by rank of Vovk et al. 2005 (conformal prediction).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from alexcore.doubt.gaussian import Gaussian, fit_gaussian

Floats = npt.NDArray[np.float32]
# Fewer training images have not been tried, and describe no kind.
FEWEST = 40
FOLDS = 5
# Of training images and views so many stay below the threshold.
COVERED = 0.95
# The pixels' 14 numbers are shrunk by a fixed share; the channels' by what their rows ask for.
SHRINKAGE: tuple[float | None, float] = (None, 0.05)
# Where a network overflows, its numbers are none: as far out as anything.
FARTHEST = 1e6


class Described(NamedTuple):
    """Images as numbers: `channels` (N, D) and `pixels` (N, 14), float32."""

    channels: Floats
    pixels: Floats


@dataclass(frozen=True, eq=False)
class Novelty:
    """The fit of one network's training images.

    Attributes:
        fits: Of the channels, and of the pixels.
        middles: The median of either score over the training images and views.
        spreads: The standard deviation of either.
        threshold: What an image's higher score, in these units, must exceed to be called unlike.
        images: How many training images were fitted.
        views: How many views of them.
    """

    fits: tuple[Gaussian, Gaussian]
    middles: tuple[float, float]
    spreads: tuple[float, float]
    threshold: float
    images: int
    views: int

    def scores(self, described: Described) -> Floats:
        """How far each image is beyond the threshold, (N,) float32: above 0 it is unlike the training images."""
        with np.errstate(over="ignore", invalid="ignore"):
            found = np.maximum(*_in_units(_raw(self.fits, described), self.middles, self.spreads)) - self.threshold
        return np.asarray(np.nan_to_num(found, nan=FARTHEST, posinf=FARTHEST), dtype=np.float32)

    def as_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The form in which it is kept: the large arrays at half precision, which moves no score by a thousandth."""
        kept: dict[str, npt.NDArray[Any]] = {
            "middles": np.array(self.middles),
            "spreads": np.array(self.spreads),
            "threshold": np.array(self.threshold),
            "counts": np.array([self.images, self.views]),
        }
        for name, fit in zip(("channels", "pixels"), self.fits, strict=True):
            kept |= {f"{name}_mean": fit.mean, f"{name}_scale": fit.scale, f"{name}_variances": fit.variances}
            kept |= {f"{name}_directions": fit.directions.astype(np.float16), f"{name}_rest": np.array(fit.rest)}
        return kept

    @classmethod
    def from_arrays(cls, kept: dict[str, npt.NDArray[Any]]) -> Self:
        """Read what `as_arrays` gave. Raises KeyError, TypeError or ValueError for anything else."""
        names = ("mean", "scale", "directions", "variances")
        channels, pixels = (
            Gaussian(
                **{part: kept[f"{name}_{part}"].astype(np.float32) for part in names}, rest=float(kept[f"{name}_rest"])
            )
            for name in ("channels", "pixels")
        )
        (first, second), (wide, high) = kept["middles"].tolist(), kept["spreads"].tolist()
        images, views = kept["counts"].tolist()
        return cls((channels, pixels), (first, second), (wide, high), float(kept["threshold"]), images, views)


def fit_novelty(described: Described, images: npt.NDArray[np.intp]) -> Novelty:
    """Fit training images and views of them.

    Args:
        described: Each of them, in any order.
        images: (N,), the number of the image that each is or is a view of; an image and its views share a fold.
    """
    numbers, image_of = np.unique(images, return_inverse=True)
    # Dealt out like cards, so that no fold is of one class where images come class by class.
    fold_of = np.random.default_rng(0).permutation(len(numbers))[image_of] % FOLDS
    raw = np.empty((2, len(images)), dtype=np.float32)
    for fold in range(FOLDS):
        out = fold_of == fold
        raw[:, out] = _raw(_fits(described, ~out), Described(described.channels[out], described.pixels[out]))
    middles = tuple(float(each) for each in np.median(raw, axis=1))
    spreads = tuple(max(float(each), 1e-6) for each in raw.std(axis=1))
    higher = np.sort(np.maximum(*_in_units(raw, middles, spreads)))
    rank = min(len(higher), math.ceil(COVERED * (len(higher) + 1)))
    fits = _fits(described, np.ones(len(images), dtype=bool))
    return Novelty(fits, middles, spreads, float(higher[rank - 1]), len(numbers), len(images) - len(numbers))  # type: ignore[arg-type]


def _fits(described: Described, rows: npt.NDArray[np.bool_]) -> tuple[Gaussian, Gaussian]:
    channels, pixels = (fit_gaussian(each[rows], share) for each, share in zip(described, SHRINKAGE, strict=True))
    return channels, pixels


def _raw(fits: tuple[Gaussian, Gaussian], described: Described) -> Floats:
    """Either score of each image, (2, N)."""
    return np.stack([fit.scores(rows) for fit, rows in zip(fits, described, strict=True)])


def _in_units(raw: Floats, middles: tuple[float, ...], spreads: tuple[float, ...]) -> Floats:
    return np.asarray((raw - np.array(middles)[:, None]) / np.array(spreads)[:, None], dtype=np.float32)
