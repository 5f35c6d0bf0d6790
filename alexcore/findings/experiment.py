"""What the BatchNorm experiment tells beside its figures: what its reader has to know, and its verdict."""

from __future__ import annotations

from alexcore.findings.finding import Finding


class ArmDiverged(Finding, code="experiment.arm-diverged"):
    """The loss or the gradient of an arm is no longer a finite number.

    Its weights have blown up, mostly because the learning rate is too high for a network with this norm. The arm stands
    still from there on, and no mean over it would say anything. The other arms go on.

    Example: the arm without a norm at a rate at which the one with batch norm learns best: that is what the experiment
    is for.

    Remedy: none if it is what you wanted to see; else a lower rate.
    """

    arm: str
    step: int
    lr: float
