"""The loss of one picture, number by number: logits, softmax, logarithm, target, weight, divisor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class LossTerms:
    """The loss of one picture, taken apart."""

    # A row a class: class, logit, softmax (0 to 1), minus_log (nats), target (0 to 1), weight, term = target * weight *
    # minus_log.
    table: pd.DataFrame
    total: float  # the sum of the terms: what the picture adds to the numerator of a batch
    divisor: float  # the weight of the picture's own class: what it adds to the denominator
    lines: tuple[str, ...]  # the same as text, a line a step

    @property
    def loss(self) -> float:
        """The loss of a batch of this one picture; nan where its class does not count."""
        return self.total / self.divisor if self.divisor else math.nan


def loss_terms(
    logits: Sequence[float],
    label: int,
    classes: Sequence[str],
    weights: Sequence[float] | None = None,
    label_smoothing: float = 0.0,
) -> LossTerms:
    """Take apart `CrossEntropyLoss(weight=weights, label_smoothing=label_smoothing)` for one picture.

    `logits`, `classes` (names) and `weights` (None: all 1) have an entry a class. With a `label_smoothing` of e the
    true class has the target 1 - e + e / C, each other one e / C (Szegedy et al. 2016, "Rethinking the Inception
    architecture for computer vision", section 7).
    """
    count = len(classes)
    weight = list(weights) if weights is not None else [1.0] * count
    highest = max(logits)
    # The largest logit is taken out first, or exp would overflow; softmax does not change.
    log_sum = highest + math.log(sum(math.exp(each - highest) for each in logits))
    minus_log = [log_sum - each for each in logits]
    target = [(1 - label_smoothing) * (index == label) + label_smoothing / count for index in range(count)]
    terms = [t * w * m for t, w, m in zip(target, weight, minus_log, strict=True)]
    table = pd.DataFrame(
        {
            "class": list(classes),
            "logit": list(logits),
            "softmax": [math.exp(-each) for each in minus_log],
            "minus_log": minus_log,
            "target": target,
            "weight": weight,
            "term": terms,
        }
    )
    total, divisor = sum(terms), weight[label]
    return LossTerms(table, total, divisor, _lines(table, label, total, divisor, label_smoothing))


def _lines(table: pd.DataFrame, label: int, total: float, divisor: float, smoothing: float) -> tuple[str, ...]:
    true = table.iloc[label]
    exponents = [math.exp(min(each, 700.0)) for each in table["logit"]]
    shown = " + ".join(f"{each:.4g}" for each in exponents[:6]) + (" + ..." if len(exponents) > 6 else "")
    lines = [
        f"softmax of {true['class']} = exp({true['logit']:.4f}) / ({shown}) = {true['softmax']:.6f}",
        f"-log {true['softmax']:.6f} = {true['minus_log']:.6f}",
    ]
    if smoothing:
        lines.append(
            f"target of {true['class']} = 1 - {smoothing:g} + {smoothing:g} / {len(table)} = {true['target']:.4f}, "
            f"of each other class {smoothing:g} / {len(table)} = {smoothing / len(table):.4f}"
        )
        products = [f"{r.target:.4f} * {r.weight:.4f} * {r.minus_log:.4f}" for r in table.head(6).itertuples()]
        lines.append(
            f"sum of target * weight * -log: {' + '.join(products)}{' + ...' * (len(table) > 6)} = {total:.6f}"
        )
    else:
        lines.append(f"weight * -log = {true['weight']:.4f} * {true['minus_log']:.6f} = {total:.6f}")
    lines.append(
        f"loss of this picture alone = {total:.6f} / {divisor:.4f} = {total / divisor:.6f}"
        if divisor
        else "this class has the weight 0: the picture adds nothing to the divisor"
    )
    return tuple(lines)
