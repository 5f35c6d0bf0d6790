"""How much each class counts in the loss, as plain numbers that a form can show at once."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from alexcore.config import TrainConfig
from alexcore.fields import numbers_in
from alexcore.training.plan import require_weights

SCHEMES = ("none", "inverse", "effective")


def scheme_weights(scheme: str, counts: Sequence[int]) -> list[float] | None:
    """Weight per class from the pictures per class, scaled to a mean of 1 over the pictures; None for "none".

    Args:
        scheme: "none"; "inverse": 1 / count; "effective": (1 - b) / (1 - b**count) with b = 0.999 (Cui et al. 2019,
            "Class-Balanced Loss Based on Effective Number of Samples", eq. 2).
        counts: Training pictures per class; a class without any gets the weight 0.
    """
    if scheme == "none":
        return None
    effective = [count if scheme == "inverse" else (1 - 0.999**count) / (1 - 0.999) for count in counts]
    weights = [1 / each if count else 0.0 for each, count in zip(effective, counts, strict=True)]
    scale = sum(counts) / sum(weight * count for weight, count in zip(weights, counts, strict=True))
    return [weight * scale for weight in weights]


def run_weights(config: TrainConfig, counts: Sequence[int]) -> list[float] | None:
    """The class weights of a run, or None: by its scheme, or as they were typed.

    Typed weights stay as they are: the loss is divided by the weights of its pictures, so only their ratios matter.

    Raises:
        ConfigError: there are not as many typed weights as classes.
    """
    if config.class_weights in SCHEMES:
        return scheme_weights(config.class_weights, counts)
    require_weights(config, len(counts))
    return [float(each) for each in numbers_in(config.class_weights)]


def weight_table(classes: Sequence[str], counts: Sequence[int], weights: Sequence[float] | None) -> pd.DataFrame:
    """What each class contributes to the loss: class, pictures, weight, share (0 to 1, of all weighted pictures)."""
    table = pd.DataFrame(
        {"class": list(classes), "pictures": list(counts), "weight": list(weights or [1.0] * len(counts))}
    )
    weighted = table["pictures"] * table["weight"]
    return table.assign(share=weighted / (weighted.sum() or 1.0))


def weights_in_words(table: pd.DataFrame) -> str:
    """One sentence on a `weight_table`: who counts most, and what that does to a picture."""
    rows = [row for row in table.to_dict("records") if row["pictures"] > 0]
    light, heavy = min(rows, key=lambda row: row["weight"]), max(rows, key=lambda row: row["weight"])
    biggest = max(rows, key=lambda row: row["share"])
    share = f"{biggest['class']} has the largest share of the loss, {biggest['share']:.0%}"
    if heavy["weight"] - light["weight"] < 1e-9:
        return f"Every picture counts the same, so a class counts as much as it has pictures: {share}."
    if not light["weight"]:
        return f"A picture of {light['class']} does not count at all; {share}."
    times = heavy["weight"] / light["weight"]
    return f"A picture of {heavy['class']} counts {times:.1f} times as much as one of {light['class']}; {share}."
