"""The measured quantities by name and title, and how their numbers are rounded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

DIGITS = 6

# What a quantity is called in an experiment's events; folders hold these names.
CHANNEL_VALUES = "Q1"
MOMENTS = "Q2"
DRIFT = "Q3"
COVARIATE_SHIFT = "Q4"
LOSS_ALONG_GRADIENT = "Q5"
GRADIENT_PREDICTIVENESS = "Q6"
SMOOTHNESS = "Q7"
LOSS_AT_EQUAL_STEPS = "Q5r"
GRADIENT_AT_EQUAL_STEPS = "Q6r"
SCALE_FREE_SMOOTHNESS = "Q7r"
RELATIVE_LOSS = "Q8"
GRADIENT_SUMMANDS = "Q10"
GRADIENT_SIZE = "Q11"
ZERO_UNITS = "Q12"
SATURATION = "Q13"
RATE_TOLERANCE = "Q14"
BATCH_SENSITIVITY = "Q15"
VALIDATION_GAP = "Q16"
STATISTICS_LAG = "Q17"
ACCUMULATION = "Q18"
GAIN = "gain"
LEARNED_SCALES = "scales"
FORMULA = "formula"

TITLES = {
    CHANNEL_VALUES: "Values of a channel",
    MOMENTS: "Moments by depth",
    DRIFT: "Drift",
    COVARIATE_SHIFT: "Internal covariate shift",
    LOSS_ALONG_GRADIENT: "Loss along the gradient",
    GRADIENT_PREDICTIVENESS: "Gradient predictiveness",
    SMOOTHNESS: "Effective smoothness",
    LOSS_AT_EQUAL_STEPS: "Loss at equal distances",
    GRADIENT_AT_EQUAL_STEPS: "Gradient at equal distances",
    SCALE_FREE_SMOOTHNESS: "Scale-free smoothness",
    RELATIVE_LOSS: "Relative loss",
    GRADIENT_SUMMANDS: "Agreement of gradient summands",
    GRADIENT_SIZE: "Size of gradients",
    ZERO_UNITS: "Zero and dead units",
    SATURATION: "Saturation",
    RATE_TOLERANCE: "Learning-rate tolerance",
    BATCH_SENSITIVITY: "Batch-size sensitivity",
    VALIDATION_GAP: "Train/eval gap",
    STATISTICS_LAG: "Lag of the running statistics",
    ACCUMULATION: "Accumulation",
    GAIN: "Gain",
    LEARNED_SCALES: "Learned scales",
    FORMULA: "The formula",
}


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
