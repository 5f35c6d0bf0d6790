"""What a run tells of itself: warnings, and notes about what it has decided; and what it ends with."""

from __future__ import annotations

from alexcore.findings.finding import Finding

# How it begins ----------------------------------------------------------------------------------------------------


class StartedFromImageNet(Finding, code="run.started-from-imagenet", severity="info"):
    """The run began with torchvision's ImageNet weights.

    Its first epochs are not comparable with those of a run from random weights.

    Example: start_from imagenet for three kinds of flowers: everything but the last layer has been learned before.

    Remedy: none is needed.
    """

    classes: int


class StartedFromRun(Finding, code="run.started-from-run", severity="info"):
    """The run began with all weights of another run of the same classes.

    It goes on learning where the other one stood, so its curves begin where that one's end.

    Example: twenty more epochs with a lower rate.

    Remedy: none is needed.
    """

    path: str
    classes: int


class StartedFromOtherClasses(Finding, code="run.started-from-other-classes", severity="info"):
    """The run began with another run's weights, but for the last layer.

    That one has an output for each class, and the classes are others.

    Example: a network that knows ten flowers begins to learn five birds.

    Remedy: none is needed.
    """

    path: str
    theirs: tuple[str, ...]
    ours: tuple[str, ...]
    their_count: int
    our_count: int


class NotCompiled(Finding, code="run.not-compiled"):
    """torch.compile does not work here.

    The run goes on without: slower, with the same result.

    Example: there is no C++ compiler on the machine.

    Remedy: install one, or start without compile.
    """

    error: str
    line: str


class DoubtNotMeasured(Finding, code="run.doubt-not-measured", severity="info"):
    """It was not measured when to doubt the run's predictions.

    The run has finished and predicts as it would otherwise, but nothing says of an image that it is unlike its training
    images.

    Example: the run was stopped while it was measured, or a time budget left too few seconds.

    Remedy: the button on Classify, or `reference RUN`.
    """

    reason: str


class BudgetPlanned(Finding, code="run.budget-planned", severity="info"):
    """The number of steps was planned from a time budget.

    The clock decides how long the run is, so the same settings give another run on another machine or day.

    Example: a budget of 10 minutes at 0.5 s a step.

    Remedy: to repeat a run exactly, give it epochs or max_steps in place of a time.
    """

    minutes: float
    epochs: float
    steps: int
    step_s: float


# What a resume makes of it ----------------------------------------------------------------------------------------


class DataChanged(Finding, code="run.data-changed"):
    """The data set has changed since the checkpoint.

    The run goes on with all epochs that are left, on what is there now. Figures from before are of other data: they are
    marked in tables and curves, and where validation has changed, the best epoch is looked for anew.

    Example: 200 pictures were added while the run was stopped.

    Remedy: put the data set back before you resume, or start a new run.
    """

    experiment: bool
    counted: bool = False
    step: int = 0
    train_changed: bool = False
    val_changed: bool = False
    train_images: int = 0
    val_images: int = 0
    anew: bool = False
    epoch: int = 0


class EpochsChanged(Finding, code="run.epochs-changed"):
    """A resume has changed the number of epochs of a schedule that stretches over the whole run.

    The rate makes a jump where the run goes on, which no run of that length from the start would have made.

    Example: cosine over 10 epochs has ended at 0; with 20 epochs it goes on from the middle of the curve.

    Remedy: for a comparison start anew with all epochs.
    """

    before: int
    after: int
    scheduler: str


class TimeBudgetChanged(Finding, code="run.time-budget-changed"):
    """A resume has changed the time budget.

    The number of steps and with it the rate schedule are planned anew.

    Example: 10 minutes more for a run that has used its 10.

    Remedy: none is needed, unless runs shall be compared.
    """

    before: float
    after: float


class SizesPlannedAnew(Finding, code="run.sizes-planned-anew"):
    """Training pictures grow by another plan since a resume has changed the length of the run.

    The sizes belong to shares of the run, so another length moves them.

    Example: start_size 128 over 10 epochs, and then over 20.

    Remedy: none is needed, unless runs shall be compared.
    """

    start_size: int
    epoch: int
    side: int
    was: int


class ProcessesChanged(Finding, code="run.processes-changed"):
    """A resume has changed the number of processes.

    A step sees as many pictures as before, but sums are made by others and dropout draws otherwise: close to the run
    that was not interrupted, but not the same bits.

    Example: a run of two processes goes on in one, because the other machine is gone.

    Remedy: none is needed, unless the bits matter.
    """

    before: int
    after: int
    batch_before: int
    batch_after: int
    norm: str
    over_batch: bool
    sharded: bool


class WorkersChanged(Finding, code="run.workers-changed"):
    """A resume has changed the number of loader processes of a run on shards.

    Each of them shuffles its part of the shards, so the order of the pictures is another from here on.

    Example: num_workers 2 instead of 4.

    Remedy: none is needed, unless the bits matter.
    """

    before: int
    after: int


# While it goes on -------------------------------------------------------------------------------------------------


class _Stuck(Finding):
    loss: float
    chance: float


class StuckByDeadUnits(_Stuck, code="run.stuck-by-dead-units"):
    """The loss sticks at that of guessing, because units are dead.

    A unit with ReLU that is 0 for every picture has no gradient: it cannot come back by itself.

    Example: a rate of 0.5 without a norm kills a whole layer in its first steps.

    Remedy: start again with a lower rate, with a norm, or with init kaiming.
    """

    dead: float
    layer: str
    lr: float


class StuckBySmallGradients(_Stuck, code="run.stuck-by-small-gradients"):
    """The loss sticks at that of guessing, because hardly any gradient reaches the convolutions.

    Initial weights that are too small, or an activation that saturates, let the signal fade from layer to layer.

    Example: eight layers of sigmoid with init torch.

    Remedy: start again with a norm, with init kaiming, or with relu.
    """

    reach: float
    init: str
    activation: str
    saturating: bool


class Stuck(_Stuck, code="run.stuck"):
    """The loss sticks at that of guessing, and neither dead units nor small gradients explain it.

    The network learns nothing, so every further step is wasted.

    Example: a rate of 1e-9.

    Remedy: look for a better rate with `lr-find`.
    """

    dead: float
    lr: float


class Overfitting(Finding, code="run.overfitting"):
    """Training and validation part: the one loss falls while the other rises.

    The network learns its pictures by heart, and answers others worse from epoch to epoch.

    Example: 500 pictures, 61 million weights and no augmentation.

    Remedy: best.pt holds the best epoch. Augment more strongly, raise dropout or weight_decay, or add pictures.
    """

    epochs: int
    train_loss: float
    best_val_loss: float
    val_loss: float


class StoppedEarly(Finding, code="run.stopped-early"):
    """The run ended before its last epoch, because its validation accuracy had stopped getting better.

    Further epochs would cost time, and the network would learn its pictures by heart.

    Example: early_stopping is 5, and the best epoch lies 5 epochs back.

    Remedy: none is needed: best.pt holds the best epoch. To train on all the same, resume with --early-stopping 0.
    """

    patience: int


class PicturesSkipped(Finding, code="run.pictures-skipped"):
    """Pictures that passed the check before the first step can no longer be read, and are skipped.

    Each is left out of its batch, and of the validation. The run goes on as long as they are few, but it is not quite
    the one that was started: it learns from fewer pictures.

    Example: somebody deletes pictures, or an editor saves one anew, while the run goes on.

    Remedy: put the files back; they are tried again in each epoch.
    """

    names: tuple[str, ...]
    count: int
    total: int
    most: int
    why: str


class TooManyUnreadable(Finding, code="run.too-many-unreadable", severity="error"):
    """More pictures than the limit allows can no longer be read.

    The run saves and stops, before it learns from another data set than the one that was checked.

    Example: the disk with the pictures was unplugged.

    Remedy: put the files back and resume; or allow more with `unreadable_limit`.
    """

    names: tuple[str, ...]
    count: int
    total: int
    most: int
    why: str
    step: int


class _BlownUp(Finding):
    step: int
    lr: float
    checkpoint: bool


class LossNotFinite(_BlownUp, code="run.loss-not-finite", severity="error"):
    """The loss is no longer a number.

    The weights have blown up; every further step would be made with nothing but nan.

    Example: a rate of 1 without a norm.

    Remedy: lower the rate, clip the gradient, or choose a norm. The last checkpoint is still good.
    """

    value: str


class GradientNotFinite(_BlownUp, code="run.gradient-not-finite", severity="error"):
    """The gradient is no longer a number.

    The step would have made every weight nan.

    Example: a rate at which the loss has grown beyond what float32 can hold.

    Remedy: lower the rate, clip the gradient, or choose a norm. The last checkpoint is still good.
    """

    value: str


class WeightsNotFinite(_BlownUp, code="run.weights-not-finite", severity="error"):
    """A weight is no longer a number.

    A checkpoint of it would be worth nothing, so the older one is kept.

    Example: the last step before a checkpoint has blown up.

    Remedy: lower the rate, clip the gradient, or choose a norm. The last checkpoint is still good.
    """


class StatisticsNotFinite(_BlownUp, code="run.statistics-not-finite", severity="error"):
    """A running statistic of a norm, or the average of the weights, is no longer a number.

    Training goes by the statistics of the batch and may not notice, but every validation and prediction would be of
    nothing; so the older checkpoint is kept.

    Example: one activation has overflowed, and the running variance of its layer is infinite from then on.

    Remedy: lower the rate, clip the gradient, or choose norm group, which keeps no statistics.
    """

    names: tuple[str, ...]
    count: int
