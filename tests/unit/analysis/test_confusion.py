"""What a confusion matrix says is the same on every page and in the report."""

from __future__ import annotations

from alexcore.analysis.metrics import left_out_in_words, most_frequent_mistake, most_mistaken


def test_the_first_of_the_largest_cells_off_the_diagonal() -> None:
    assert most_frequent_mistake([[9, 1, 3], [3, 0, 0], [0, 0, 2]]) == (0, 2)
    assert most_frequent_mistake([[9, 0], [0, 4]]) is None
    assert most_frequent_mistake([]) is None


def test_the_classes_with_the_most_mistakes_in_the_order_of_their_numbers() -> None:
    matrix = [[5, 1, 0], [0, 9, 0], [1, 2, 4]]
    assert most_mistaken(matrix, 2) == [0, 2]
    assert most_mistaken(matrix, 9) == [0, 1, 2]
    assert most_mistaken([[0, 1], [1, 0]], 1) == [0], "the first of equals"
    assert left_out_in_words(3, 3) == ""
    assert left_out_in_words(50, 40) == " Shown are the 40 classes with the most mistakes; the table has all 50."
