"""What is said in the BatchNorm experiment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alexcore.words.template import Said

SAID: Mapping[str, Said] = {
    "experiment.weight-decay": Said(
        "Weight decay of {decay:g} acts on {every:?every parameter|weights only, not on biases nor on the norms' gamma "
        "and beta}; it is the same in every arm."
    ),
    "experiment.other-optimizer": Said(
        "The optimizer is {optimizer}; the loss surface is measured along plain gradient steps."
    ),
    "experiment.response-norm": Said(
        "In the variant 2012 the arm none has local response normalisation; the others have not."
    ),
    "experiment.part-validated": Said(
        "Validated on {images:,} of the {in_all:,} validation pictures, drawn by the seed and the same for every arm: "
        "more do not fit into {limit:bytes}."
    ),
    "experiment.probes-planned": Said("Probes of each kind from the measured costs: {counts:listed 0 %s %s}."),
    "experiment.rates-chosen": Said(
        "Each arm has its own best rate of a sweep of {steps:,} steps and {seeds:,} {seeds:?seed|seeds}: "
        "{rates:listed 0 %s %s}."
    ),
    "experiment.arm-stuck": Said(
        "The arm {arm} is stuck at {share:.1%}, the share of the largest class: {dead:.0%} of the units of {layer} do "
        "nothing for any image, and its gradient has the norm {gradient:.2g}. It enters no comparison.",
        "It has learned nothing, so it shows nothing of its norm. Start again with init seed or a lower rate.",
    ),
    "experiment.arm-diverged": Said(
        "The arm {arm} has diverged: its loss or gradient is not finite in step {step}.",
        "It stands still from there on, the others go on. A lower rate than {lr:g} may keep it.",
    ),
}


def arms_in_words(figures: dict[str, Any]) -> str:
    """Validation accuracies (0 to 1) of an experiment's arms, as "3 arms: 67 / 87 / 51 %"; of several seeds the means.

    The keys are such as "none-s0"; the value of an arm that was not validated is None.
    """
    by_arm: dict[str, list[float]] = {}
    for key, value in figures.items():
        by_arm.setdefault(key.rpartition("-s")[0], []).extend([] if value is None else [float(value)])
    shown = [f"{100 * sum(each) / len(each):.0f}" if each else "-" for each in by_arm.values()]
    return f"{len(by_arm)} arms: {' / '.join(shown)} %" if shown else "no arm is validated yet"
