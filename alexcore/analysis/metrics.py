"""How good is good: intervals, calibration, confusion and a table of classes, from labels and answers alone.

The scores of each class come from torchmetrics (`class_scores`), which is imported where an evaluation runs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

# A confusion matrix: `matrix[truth][answer]` pictures.
Matrix = Sequence[Sequence[int]]
# The 97.5th percentile of the normal distribution: 95 % lie within, 2.5 % outside at either end.
Z_95 = 1.959963984540054
BINS = 10


def wilson(correct: int, total: int, z: float = Z_95) -> tuple[float, float] | None:
    """The Wilson interval (low, high) of a share: where the true one may well lie, after `total` independent trials.

    Unlike share +- z * sqrt(share * (1 - share) / total) it stays within 0 and 1 and is not of width 0 at either end
    (Wilson 1927; Brown, Cai and DasGupta 2001). The default z gives 95 %; without a trial there is none.
    """
    if not total:
        return None
    share, spread = correct / total, z * z / total
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / total + spread / (4 * total))
    # At 0 and 1 the formula is exact and its rounding is not.
    low = 0.0 if correct == 0 else max(0.0, middle - half)
    high = 1.0 if correct == total else min(1.0, middle + half)
    return low, high


@dataclass(frozen=True)
class Bin:
    """The pictures whose answers were about equally sure: above `low` (the first bin also holds 0) and up to `high`.

    `confidence` is the mean probability of the answers, `acc1` the share of right ones, between `acc1_low` and
    `acc1_high` (Wilson, 95 %); None for an empty bin.
    """

    low: float
    high: float
    images: int
    confidence: float | None
    acc1: float | None
    acc1_low: float | None
    acc1_high: float | None


def calibration(
    probability: npt.NDArray[np.floating[Any]], right: npt.NDArray[np.bool_], bins: int = BINS
) -> list[Bin]:
    """Sort answers into bins of equal width by their probability (Guo et al. 2017, "On calibration ...", section 2).

    Both arguments are (N,): the probability of the answered class, and whether the answer was right.
    """
    place = np.clip(np.ceil(probability * bins).astype(int) - 1, 0, bins - 1)
    found = []
    for number in range(bins):
        inside = place == number
        count = int(inside.sum())
        means = (float(probability[inside].mean()), float(right[inside].mean())) if count else (None, None)
        interval = wilson(int(right[inside].sum()), count) or (None, None)
        found.append(Bin(number / bins, (number + 1) / bins, count, *means, *interval))
    return found


def calibration_error(bins: Sequence[Bin]) -> float | None:
    """The expected calibration error: the gap between confidence and accuracy, weighted by pictures; None without any.

    It shrinks with fewer bins and grows with fewer pictures: compare only values with the same bins.
    """
    total = sum(each.images for each in bins)
    if not total:
        return None
    gaps = ((each.images, each.acc1, each.confidence) for each in bins)
    return sum(n * abs(acc1 - sure) for n, acc1, sure in gaps if acc1 is not None and sure is not None) / total


def confusion_matrix(labels: npt.NDArray[Any], predicted: npt.NDArray[Any], classes: int) -> list[list[int]]:
    """`matrix[truth][answer]`: pictures."""
    cells = np.bincount(np.asarray(labels, "int64") * classes + np.asarray(predicted, "int64"), minlength=classes**2)
    return [[int(cell) for cell in row] for row in cells.reshape(classes, classes)]


def class_scores(labels: npt.NDArray[Any], predicted: npt.NDArray[Any], classes: int) -> list[dict[str, Any]]:
    """Precision, recall and F1 of each class, by torchmetrics.

    Returns:
        Per class: images (with this label), answers (that named it), precision, recall, f1, and recall_low,
        recall_high, precision_low, precision_high (Wilson, 95 %). What divides by nothing is None: precision of a class
        that was never answered, recall and F1 of one without pictures.
    """
    import torch
    from torchmetrics.functional.classification import multiclass_f1_score, multiclass_precision, multiclass_recall

    # torchmetrics wants two classes; a third number that nobody has changes no score of the others.
    size = max(2, classes)
    truth, answer = torch.as_tensor(np.array(labels, "int64")), torch.as_tensor(np.array(predicted, "int64"))
    scores = [
        function(answer, truth, num_classes=size, average="none").tolist() if len(truth) else [0.0] * size
        for function in (multiclass_precision, multiclass_recall, multiclass_f1_score)
    ]
    rows = []
    for number in range(classes):
        images, answers = int((truth == number).sum()), int((answer == number).sum())
        right = int(((truth == number) & (answer == number)).sum())
        low, high = wilson(right, images) or (None, None)
        precise_low, precise_high = wilson(right, answers) or (None, None)
        rows.append(
            {
                "images": images,
                "answers": answers,
                "precision": scores[0][number] if answers else None,
                "recall": scores[1][number] if images else None,
                "f1": scores[2][number] if images else None,
                "recall_low": low,
                "recall_high": high,
                "precision_low": precise_low,
                "precision_high": precise_high,
            }
        )
    return rows


def mean_of(rows: Sequence[dict[str, Any]], name: str) -> float | None:
    """The mean of a score over the classes that have it; of recall that is the balanced accuracy."""
    values = [row[name] for row in rows if row[name] is not None]
    return sum(values) / len(values) if values else None


def most_frequent_mistake(matrix: Matrix) -> tuple[int, int] | None:
    """(truth, answer) of the largest cell off the diagonal, the first of equals; None where there is no mistake."""
    cells = np.array(matrix, dtype=np.int64)
    if not cells.size:
        return None
    np.fill_diagonal(cells, 0)
    truth, answer = divmod(int(cells.argmax()), len(cells))
    return (truth, answer) if cells[truth, answer] else None


def most_mistaken(matrix: Matrix, most: int) -> list[int]:
    """The classes with the most mistakes, `most` at most, in the order of their numbers."""
    return sorted(sorted(range(len(matrix)), key=lambda label: matrix[label][label] - sum(matrix[label]))[:most])


def left_out_in_words(classes: int, most: int) -> str:
    """A sentence, with a space before it, where a chart has not all classes; else an empty text."""
    if classes <= most:
        return ""
    return f" Shown are the {most} classes with the most mistakes; the table has all {classes}."
