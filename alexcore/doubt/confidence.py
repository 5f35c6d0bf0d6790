"""How confident a prediction is, and below which confidence it is called unsure.

The threshold is the one that best parts right from wrong predictions on the validation images, with the error rates
that were measured there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
# Fewer answers than this say nothing about the next one.
FEWEST = 20


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


def entropy_bits(probabilities: Floats) -> float:
    """How undecided an answer is, in bits: 0 for one certain class, log2 C if all C classes are equally probable."""
    values = np.asarray(probabilities, dtype=float)
    values = values[values > 0]
    return float(abs(-(values * np.log2(values)).sum()))
