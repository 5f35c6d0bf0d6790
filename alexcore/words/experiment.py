"""What is said in the BatchNorm experiment."""

from __future__ import annotations

from collections.abc import Mapping

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
    "experiment.arm-diverged": Said(
        "The arm {arm} has diverged: its loss or gradient is not finite in step {step}.",
        "It stands still from there on, the others go on. A lower rate than {lr:g} may keep it.",
    ),
}
