"""What a confusion matrix says: `matrix[truth][answer]` pictures."""

from __future__ import annotations

from collections.abc import Sequence

Matrix = Sequence[Sequence[int]]


def most_frequent_mistake(matrix: Matrix) -> tuple[int, int] | None:
    """(truth, answer) of the largest cell off the diagonal, the first of equals; None where there is no mistake."""
    cells = [(-count, truth, answer) for truth, row in enumerate(matrix) for answer, count in enumerate(row)]
    count, truth, answer = min((cell for cell in cells if cell[1] != cell[2]), default=(0, 0, 0))
    return (truth, answer) if count else None


def most_mistaken(matrix: Matrix, most: int) -> list[int]:
    """The classes with the most mistakes, `most` at most, in the order of their numbers."""
    return sorted(sorted(range(len(matrix)), key=lambda label: matrix[label][label] - sum(matrix[label]))[:most])


def left_out_in_words(classes: int, most: int) -> str:
    """A sentence, with a space before it, where a chart has not all classes; else an empty text."""
    if classes <= most:
        return ""
    return f" Shown are the {most} classes with the most mistakes; the table has all {classes}."
