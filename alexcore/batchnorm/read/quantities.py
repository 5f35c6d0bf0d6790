"""What all measured numbers share: rounding and names."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

DIGITS = 6


class Quantity(NamedTuple):
    """One measured quantity, in words."""

    title: str
    definition: str
    """One sentence with the formula and the unit."""


QUANTITIES: Mapping[str, Quantity] = {
    "Q1": Quantity(
        "Values of a channel", "Percentiles of a channel's output over all pictures and positions of the probe set."
    ),
    "Q2": Quantity(
        "Moments by depth",
        "Mean over the channels of a layer of |mean| and of the standard deviation, over pictures and positions.",
    ),
    "Q3": Quantity(
        "Drift",
        "How far a channel's mean moved between two probes, in standard deviations of the first, and |ln| of the ratio "
        "of its deviations; means over the channels of a layer.",
    ),
    "Q4": Quantity(
        "Internal covariate shift",
        "Change of a layer's gradient when only the layers before it take their step: ||G - G'||, ||G - G'|| / ||G|| "
        "and the cosine of the two.",
    ),
    "Q5": Quantity("Loss along the gradient", "Loss after steps of 0.5 to 4 times the rate against the gradient."),
    "Q6": Quantity(
        "Gradient predictiveness", "Length of the difference between the gradient before and after such a step."
    ),
    "Q7": Quantity("Effective smoothness", "Largest change of the gradient by length of the step."),
    "Q5r": Quantity(
        "Loss at equal distances", "Loss after steps of 1e-4 to 1e-2 of the weights' length, equal for all arms."
    ),
    "Q6r": Quantity(
        "Gradient at equal distances", "Largest relative change of the gradient, and smallest cosine, on such steps."
    ),
    "Q7r": Quantity(
        "Scale-free smoothness", "Largest relative change of the gradient by relative length of the step; no unit."
    ),
    "Q8": Quantity("Relative loss", "Loss after one gradient step of a rate, divided by the loss before it."),
    "Q10": Quantity(
        "Agreement of gradient summands",
        "Sum of |summand| by |sum| of the gradient of a weight, over pictures and positions; 1 if all agree.",
    ),
    "Q11": Quantity("Size of gradients", "||gradient|| of a layer's weights, and rate * ||gradient|| / ||weights||."),
    "Q12": Quantity("Zero and dead units", "Share of outputs that ReLU makes 0, and of channels 0 on all pictures."),
    "Q13": Quantity("Saturation", "Share of |tanh| > 0.97, or of sigmoid outside [0.03, 0.97]."),
    "Q14": Quantity("Learning-rate tolerance", "Decades of rates within 5 points of the best validation accuracy."),
    "Q15": Quantity("Batch-size sensitivity", "Validation error by batch size, the rate in proportion to it."),
    "Q16": Quantity(
        "Train/eval gap", "Validation with running statistics, with batch statistics, and after recalibration."
    ),
    "Q17": Quantity("Lag of the running statistics", "Weight (1 - m)^n that the initial value still has."),
    "Q18": Quantity("Accumulation", "Difference between an accumulated gradient and that of one big batch."),
    "gain": Quantity("Gain", "How much a small change of the input has grown after each layer."),
    "scales": Quantity("Learned scales", "The norm's gamma, the deviation it divides by, and their ratio."),
    "formula": Quantity("The formula", "One channel of a real batch, number by number."),
}


def rounded(value: Any) -> Any:
    """A copy in which every float has 6 significant digits, or is None where it is not finite (JSON has no such).

    Dicts, lists and tuples are entered; everything else stays as it is.
    """
    if isinstance(value, Mapping):
        return {key: rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(each) for each in value]
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value
