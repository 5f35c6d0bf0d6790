"""When the seeds of an experiment decide something: one rule for the whole page, and how large a difference is.

The rule. Each question compares the seeds of two arms by the exact rank-sum test of Wilcoxon, Mann and Whitney, two
sided; equal values share their ranks. Holm's correction keeps all questions together at one error rate: of experiments
whose arms do not differ at all, at most 5 % say anything. Five questions need p <= 0.01 for the first, so 3 seeds,
whose smallest p is 0.1, cannot decide whatever they show; 5 can, with 0.008.

The arms of a seed share their initial weights and batches. Where that makes their values alike, the test only becomes
more careful; a test of the pairs would need 8 seeds (2 / 2^n <= 0.01) before it could say anything.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from math import comb
from typing import NamedTuple

QUESTIONS = 5
# Of experiments without any difference, the share that says something, over all its questions together.
ERROR = 0.05
# What the first question of Holm's order has to fall below; an interval of each question holds with one minus this.
LEVEL = ERROR / QUESTIONS
# Numbers in events have 6 digits, so what differs in the sixth differs by its rounding.
_DIGITS = 5


class Effect(NamedTuple):
    """How much larger the values of one arm are than those of another.

    Attributes:
        difference: The median of the differences between all pairs of seeds (Hodges and Lehmann).
        low: Lower end of its interval; None with one seed a side, which have none.
        high: Upper end.
        confidence: How often such an interval holds the true difference, 0 to 1: 0.99 or more, so that the intervals
            of five questions hold together with 0.95, or what few seeds can reach.
    """

    difference: float
    low: float | None
    high: float | None
    confidence: float


def smallest_p(one: int, other: int) -> float:
    """The smallest p that so many seeds of two arms can have: that of two groups apart."""
    return min(1.0, 2 / comb(one + other, one)) if one and other else 1.0


def can_decide(one: int, other: int) -> bool:
    """Whether so many seeds of two arms can decide a question by themselves."""
    return smallest_p(one, other) <= LEVEL


SEEDS_NEEDED = next(seeds for seeds in range(1, 100) if can_decide(seeds, seeds))


def rank_sum_p(one: Iterable[float], other: Iterable[float]) -> float:
    """The exact two-sided p of the rank-sum test, 0 to 1: how often chance alone parts two arms at least so far.

    Every way to hand out the ranks counts the same, those shared by equal values too, so ties need no approximation.
    """
    first, second = ([float(f"{value:.{_DIGITS}g}") for value in values] for values in (one, other))
    if not first or not second:
        return 1.0
    both = sorted([*first, *second])
    # Twice the rank of a value, in the middle of its equals: a whole number.
    ranks = {value: 2 * both.index(value) + both.count(value) + 1 for value in set(both)}
    sums = _sums(tuple(ranks[value] for value in both), len(first))
    middle = len(first) * (len(both) + 1)
    apart = abs(sum(ranks[value] for value in first) - middle)
    return sum(ways for total, ways in sums.items() if abs(total - middle) >= apart) / comb(len(both), len(first))


@lru_cache(maxsize=256)
def _sums(ranks: tuple[int, ...], size: int) -> dict[int, int]:
    """In how many ways `size` of the ranks have each sum."""
    found: list[dict[int, int]] = [{0: 1}, *({} for _ in range(size))]
    for rank in ranks:
        for count in range(size, 0, -1):
            for total, ways in found[count - 1].items():
                found[count][total + rank] = found[count].get(total + rank, 0) + ways
    return found[size]


def levels(ps: Sequence[float], error: float = ERROR) -> list[float]:
    """What each p of a family has to fall below, by Holm's step-down procedure; 0 once a smaller p has failed."""
    found = [0.0] * len(ps)
    for place, question in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        found[question] = error / (len(ps) - place)
        if ps[question] > found[question]:
            break
    return found


def effect(plain: Mapping[int, float], normed: Mapping[int, float]) -> Effect | None:
    """By how much the values of `normed` are larger; None where an arm has none.

    The interval is the test's: the differences that the seeds do not contradict at LEVEL, or, with too few seeds for
    that, from the smallest difference to the largest.
    """
    if not plain or not normed:
        return None
    apart = sorted(with_norm - without for with_norm in normed.values() for without in plain.values())
    one, other = len(plain), len(normed)
    in_all = comb(one + other, one)
    # How many ways have at most so many pairs the wrong way round, from none on.
    sums = _sums(tuple(range(1, one + other + 1)), one)
    tails = [2 * ways / in_all for ways in accumulate(ways for _, ways in sorted(sums.items()))]
    cut = max(0, sum(tail <= LEVEL for tail in tails) - 1)
    if cut >= len(apart) - cut or tails[cut] >= 1:
        return Effect(statistics.median(apart), None, None, 0.0)
    return Effect(statistics.median(apart), apart[cut], apart[-1 - cut], 1 - tails[cut])
