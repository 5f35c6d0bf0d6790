"""Thin what a screen cannot show, so that the points of a growing curve stay where they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

# More points than this a chart does not show on a screen, and each costs the browser time.
MAX_POINTS = 500


def thin(points: Sequence[T], limit: int = MAX_POINTS) -> list[T]:
    """Keep every 2**k-th point, counted from the first, and the last one.

    A stride that only ever doubles, anchored at the first point, leaves the points of a growing curve where they are.
    """
    stride = 1
    while len(points) > limit * stride:
        stride *= 2
    kept = list(points[::stride])
    if points and (len(points) - 1) % stride:
        kept.append(points[-1])
    return kept
