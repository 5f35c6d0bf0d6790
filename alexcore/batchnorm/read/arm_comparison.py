"""What one measure says about two arms: which is lower, as far as the seeds decide it."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass

SEEDS_NEEDED = 3
# Values closer than this, relative to the larger, are the same: they were rounded to 6 digits.
SAME = 1e-5


@dataclass(frozen=True)
class Comparison:
    """What one measure says about the arms with and without batch norm.

    Attributes:
        state: "lower" or "higher": all seeds with BN are below or above all without; "overlap": some are not; "tie":
            all are the same; "few": fewer than 3 seeds; "missing": an arm has no number at all.
        lean: "lower", "higher" or "equal", by the medians; what "few" and "overlap" lean to. "" without numbers.
        plain: Values without batch norm, by seed.
        normed: Values with batch norm.
    """

    state: str
    lean: str
    plain: Mapping[int, float]
    normed: Mapping[int, float]

    @property
    def decided(self) -> bool:
        """Whether one arm is wholly below the other."""
        return self.state in ("lower", "higher")

    @property
    def seeds(self) -> int:
        """Seeds that the weaker of the two arms has."""
        return min(len(self.plain), len(self.normed))


def compare(plain: Mapping[int, float], normed: Mapping[int, float]) -> Comparison:
    """Compare the values over the seeds of the arm without batch norm with those of the arm with it."""
    if not plain or not normed:
        return Comparison("missing", "", plain, normed)
    low, high = (statistics.median(each.values()) for each in (plain, normed))
    every = [*plain.values(), *normed.values()]
    tie = max(every) - min(every) <= SAME * max(map(abs, every))
    lean = "equal" if tie or low == high else "lower" if high < low else "higher"
    if min(len(plain), len(normed)) < SEEDS_NEEDED:
        return Comparison("few", lean, plain, normed)
    if tie:
        return Comparison("tie", lean, plain, normed)
    apart = max(normed.values()) < min(plain.values()) or min(normed.values()) > max(plain.values())
    return Comparison(lean if apart else "overlap", lean, plain, normed)
