"""When to doubt an answer: thresholds from the validation set's own answers, with the error rates measured there.

unsure   the network's probability is below the threshold that best parts right from wrong validation answers
unlike   the picture's features lie farther from every class's mean than those of 99 % of the validation pictures
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
# Fewer answers than this say nothing about the next one.
FEWEST = 20
# The share of validation pictures that lie nearer than what is called unlike.
NEAR_SHARE = 0.99


@dataclass(frozen=True)
class Threshold:
    """A confidence, 0 to 1, and how many validation answers below it (called unsure) and above it were wrong."""

    value: float
    below: int
    below_wrong: int
    above: int
    above_wrong: int

    @property
    def in_words(self) -> str:
        """What was measured, as a sentence."""
        return (
            f"On the validation set, answers below {self.value:.0%} were wrong {_share(self.below_wrong, self.below)}, "
            f"the others {_share(self.above_wrong, self.above)}."
        )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%} of the time ({part} of {whole})" if whole else "never, because there were none"


def find_threshold(confidences: Floats, correct: npt.NDArray[np.bool_]) -> Threshold | None:
    """Find the confidence that best parts wrong answers from right ones; both arguments are (N,).

    It is the one at which the share of the wrong answers below it exceeds that of the right ones by most (Youden's J);
    of equally good ones, the lowest.

    Returns:
        The threshold, or None: there are fewer than 20 answers, no wrong or no right ones, or the wrong ones are no
        less confident than the right ones.
    """
    order = np.argsort(confidences, kind="stable")
    values, right = np.asarray(confidences, dtype=float)[order], np.asarray(correct, dtype=bool)[order]
    wrong_count, right_count = int((~right).sum()), int(right.sum())
    if len(values) < FEWEST or not wrong_count or not right_count:
        return None
    # Before which answer to cut: only where the confidence changes.
    cuts = np.flatnonzero(np.diff(values)) + 1
    if not len(cuts):
        return None
    wrong_below, right_below = np.cumsum(~right)[cuts - 1], np.cumsum(right)[cuts - 1]
    gain = wrong_below / wrong_count - right_below / right_count
    best = int(np.argmax(gain))
    if gain[best] <= 0:
        return None
    cut = int(cuts[best])
    below_wrong = int(wrong_below[best])
    value = float(values[cut - 1] + values[cut]) / 2
    return Threshold(value, cut, below_wrong, len(values) - cut, wrong_count - below_wrong)


def far_from(distances: Floats) -> float | None:
    """The distance below which 99 % of the validation pictures lie, or None for fewer than 20 of them."""
    return float(np.quantile(distances, NEAR_SHARE)) if len(distances) >= FEWEST else None


def unit(vectors: Floats) -> npt.NDArray[np.float32]:
    """Vectors (N, D) brought to length 1, so that a dot product is a cosine; one without length stays 0."""
    wide = np.asarray(vectors, dtype=np.float32)
    lengths = np.linalg.norm(wide, axis=-1, keepdims=True)
    return np.asarray(wide / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def distance_to_nearest(features: Floats, means: Floats) -> npt.NDArray[np.float32]:
    """The cosine distance (0: same direction, 1: nothing in common) of each row of `features` to the nearest mean."""
    return np.asarray(1 - (unit(features) @ unit(means).T).max(axis=1), dtype=np.float32)


def entropy_bits(probabilities: Floats) -> float:
    """How undecided an answer is, in bits: 0 for one certain class, log2 C if all C classes are equally probable."""
    values = np.asarray(probabilities, dtype=float)
    values = values[values > 0]
    return float(abs(-(values * np.log2(values)).sum()))


@dataclass(frozen=True)
class Doubt:
    """What answers of one checkpoint are held against.

    `acc1` is of the `images` validation pictures. Below `threshold` an answer is called unsure; farther than `far` from
    the nearest class mean a picture is called unlike.
    """

    images: int
    acc1: float
    threshold: Threshold | None = None
    far: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """The form in which it is kept as JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Doubt:
        """Read what `as_dict` wrote. Raises KeyError, TypeError or ValueError for anything else."""
        threshold = None if raw["threshold"] is None else Threshold(**raw["threshold"])
        far = None if raw["far"] is None else float(raw["far"])
        return cls(int(raw["images"]), float(raw["acc1"]), threshold, far)

    def hints(self, confidence: float, distance: float | None) -> list[str]:
        """Why to doubt an answer, each with the measured rate; empty if nothing speaks against it."""
        found = []
        if self.threshold and confidence < self.threshold.value:
            found.append(f"The network is unsure: {confidence:.0%} is little. {self.threshold.in_words}")
        if self.far is not None and distance is not None and distance > self.far:
            found.append(
                f"The picture is unlike the training data: its features are {distance:.2f} from the nearest class; "
                f"of the validation pictures {1 - NEAR_SHARE:.0%} are farther than {self.far:.2f}."
            )
        return found


def short_hint(doubt: Doubt | None, confidence: float, distance: float | None) -> str:
    """The hints as words for a table: "", "unsure", "unlike" or both; "not measured" without a doubt."""
    if doubt is None:
        return "not measured"
    unsure = doubt.threshold is not None and confidence < doubt.threshold.value
    unlike = doubt.far is not None and distance is not None and distance > doubt.far
    return ", ".join(word for word, holds in (("unsure", unsure), ("unlike", unlike)) if holds)


def evenly(count: int, most: int) -> Sequence[int]:
    """`most` of `count` positions, evenly spread, or all."""
    return range(count) if count <= most else np.linspace(0, count - 1, most).astype(int).tolist()
