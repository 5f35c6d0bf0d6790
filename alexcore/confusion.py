"""A confusion matrix as an event of a run holds it: whole of few classes; of many only the cells that are not 0.

Of 800 classes the whole one has 640,000 cells, two megabytes an epoch, and hardly more of them are not 0 than there are
validation images.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

# Up to so many classes a matrix is written whole, which any script can read; more than `MOST` nobody looks at.
WHOLE, MOST = 50, 5000

Matrix = list[list[int]]


def confusion_as_event(matrix: Sequence[Sequence[int]]) -> Matrix | dict[str, Any]:
    """`matrix[truth][answer]`, or {"classes", "places", "counts"}, where a place is truth * classes + answer."""
    if len(matrix) <= WHOLE:
        return [list(row) for row in matrix]
    flat = np.asarray(matrix, dtype=np.int64).ravel()
    places = np.flatnonzero(flat)
    return {"classes": len(matrix), "places": places.tolist(), "counts": flat[places].tolist()}


def confusion_of(told: Any) -> Matrix | None:
    """The whole matrix of what `confusion_as_event` has made; None of anything else."""
    if isinstance(told, list):
        square = all(isinstance(row, list) and len(row) == len(told) for row in told)
        return told if told and square and all(map(_counts, told)) else None
    if not isinstance(told, dict):
        return None
    classes, places, counts = (told.get(name) for name in ("classes", "places", "counts"))
    if not isinstance(places, list) or not isinstance(counts, list) or not _counts([*places, *counts]):
        return None
    if not isinstance(classes, int) or not 0 < classes <= MOST or len(places) != len(counts):
        return None
    if places and max(places) >= classes**2:
        return None
    flat = np.zeros(classes**2, dtype=np.int64)
    flat[places] = counts
    whole: Matrix = flat.reshape(classes, classes).tolist()
    return whole


def _counts(values: list[Any]) -> bool:
    return all(type(each) is int and 0 <= each < 2**53 for each in values)
