"""What the BatchNorm experiment tells beside its figures: what the reader of a comparison has to know."""

from __future__ import annotations

from alexcore.findings.finding import Finding


class WeightDecay(Finding, code="experiment.weight-decay", severity="info"):
    """On which parameters weight decay acts.

    On gamma and beta of a norm it would act on one arm and have nothing to act on in another.

    Example: decay on weights only, which is the habit.

    Remedy: none is needed; it is the same in every arm.
    """

    decay: float
    every: bool


class OtherOptimizer(Finding, code="experiment.other-optimizer", severity="info"):
    """The optimizer is not plain SGD.

    The loss surface is measured along plain gradient steps, which are not those that it makes.

    Example: adamw.

    Remedy: for the loss surface choose sgd.
    """

    optimizer: str


class ResponseNorm(Finding, code="experiment.response-norm", severity="info"):
    """The arm none has local response normalisation.

    It is part of the variant 2012; the other arms have their norm in its place, so none is not without any.

    Example: variant 2012 with the norms none and batch.

    Remedy: choose the variant torchvision for an arm without any normalisation.
    """


class PartValidated(Finding, code="experiment.part-validated", severity="info"):
    """Accuracies are those of a part of the validation split.

    All arms are validated on the same pictures, which are kept in memory; more of them do not fit.

    Example: 1,700 of 5,000 pictures.

    Remedy: none is needed for a comparison of the arms; the figures are less sure than those of all pictures.
    """

    images: int
    in_all: int
    limit: int


class ProbesPlanned(Finding, code="experiment.probes-planned", severity="info"):
    """How often each kind of probe is taken was planned from what it costs.

    Measuring may take a share of the time only, so slow probes are rarer on a slow machine.

    Example: 12 of the loss surface and 40 of the layers.

    Remedy: set probe_every to have them at the same steps everywhere.
    """

    counts: tuple[tuple[str, int], ...]


class RatesChosen(Finding, code="experiment.rates-chosen", severity="info"):
    """Each arm has the rate that was best for it in a short sweep before the start.

    At one rate for all, an arm that is behind may only have the wrong one. A sweep is short, though, and the rate at
    which a long training ends best may be another one.

    Example: 0.003 without a norm, 0.01 with batch norm.

    Remedy: switch own_rates off for one rate for all.
    """

    rates: tuple[tuple[str, str], ...]
    steps: int
    seeds: int


class ArmStuck(Finding, code="experiment.arm-stuck"):
    """An arm never did better than always answering with the largest class.

    It has learned nothing, so it shows nothing of its norm either, and enters no comparison. Mostly its units were
    pushed to where they answer 0 to every image, and no gradient brings them back.

    Example: the arm with group norm from the weights of init kaiming at the rate 0.01: 99 % of the units of its first
    linear layer are dead.

    Remedy: init seed, whose linear weights are small, or a lower rate.
    """

    arm: str
    share: float
    layer: str
    dead: float
    gradient: float


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
