"""Bytes, times, shares and numbers read the same wherever they stand."""

from __future__ import annotations

import math

import pytest

from alexcore.words.numbers import duration, number, percent, size_text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (812, "812 B"),
        (999.4, "999 B"),
        (999.6, "1 kB"),
        (5300, "5.3 kB"),
        (99_500, "100 kB"),
        (999_900, "1 MB"),
        (2048, "2.05 kB"),
        (228_813_984, "229 MB"),
        (3 * 10**12, "3 TB"),
        (5 * 10**15, "5,000 TB"),
    ],
)
def test_bytes(count: float, text: str) -> None:
    assert size_text(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "0 s"), (0.4, "0 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_seconds(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.0123, "0.0123"),
        (1.2e-5, "1.2e-05"),
        (-12.345, "-12.3"),
        (1230, "1,230"),
        (99_999, "99,999"),
        (123_456, "1.2e+05"),
        (None, "not a number"),
        (math.inf, "not a number"),
    ],
)
def test_numbers(value: float | None, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.612, "61.2%"), (1.0, "100.0%"), (0.0, "0.0%"), (0.0005, "0.1%"), (0.00012, "0.012%"), (-0.00012, "-0.012%")],
)
def test_shares(value: float, text: str) -> None:
    assert percent(value) == text


def test_digits_and_what_is_missing_are_the_callers_choice() -> None:
    assert percent(0.612, 0) == "61%"
    assert percent(0.004, 0) == "0.4%", "a share that is not nothing does not read as nothing"
    assert percent(math.nan, missing="–") == number(None, "–") == "–"
