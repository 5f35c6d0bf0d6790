"""The measured quantities by name and title, and how their numbers are rounded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

DIGITS = 6

TITLES: dict[str, str] = {}


def _titled(name: str, title: str) -> str:
    TITLES[name] = title
    return name


# What a quantity is called in an experiment's events (folders hold these names), and in words.
CHANNEL_VALUES = _titled("Q1", "Values of a channel")
MOMENTS = _titled("Q2", "Moments by depth")
DRIFT = _titled("Q3", "Drift")
COVARIATE_SHIFT = _titled("Q4", "Internal covariate shift")
LOSS_ALONG_GRADIENT = _titled("Q5", "Loss along the gradient")
GRADIENT_PREDICTIVENESS = _titled("Q6", "Gradient predictiveness")
SMOOTHNESS = _titled("Q7", "Effective smoothness")
LOSS_AT_EQUAL_STEPS = _titled("Q5r", "Loss at equal distances")
GRADIENT_AT_EQUAL_STEPS = _titled("Q6r", "Gradient at equal distances")
SCALE_FREE_SMOOTHNESS = _titled("Q7r", "Scale-free smoothness")
RELATIVE_LOSS = _titled("Q8", "Relative loss")
GRADIENT_SUMMANDS = _titled("Q10", "Agreement of gradient summands")
GRADIENT_SIZE = _titled("Q11", "Size of gradients")
ZERO_UNITS = _titled("Q12", "Zero and dead units")
SATURATION = _titled("Q13", "Saturation")
RATE_TOLERANCE = _titled("Q14", "Learning-rate tolerance")
BATCH_SENSITIVITY = _titled("Q15", "Batch-size sensitivity")
VALIDATION_GAP = _titled("Q16", "Train/eval gap")
STATISTICS_LAG = _titled("Q17", "Lag of the running statistics")
ACCUMULATION = _titled("Q18", "Accumulation")
GAIN = _titled("gain", "Gain")
LEARNED_SCALES = _titled("scales", "Learned scales")
FORMULA = _titled("formula", "The formula")


def parallel(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, list[Any]]:
    """Rows with a value for each name as one list a name."""
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


def rounded(data: Mapping[str, Any]) -> dict[str, Any]:
    """A copy in which every float has 6 significant digits, or is None where it is not finite (JSON has no such).

    Dicts, lists and tuples are entered; everything else stays as it is.
    """
    return {name: rounded_value(value) for name, value in data.items()}


def rounded_value(value: Any) -> Any:
    """The same for a single value."""
    if isinstance(value, Mapping):
        return rounded(value)
    if isinstance(value, list | tuple):
        return [rounded_value(each) for each in value]
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value
