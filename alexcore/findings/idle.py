"""Settings that cannot act in the run that they are given to: said before it starts."""

from __future__ import annotations

from typing import Any

from alexcore.findings.finding import Finding


class SettingNotRead(Finding, code="run.setting-not-read"):
    """A setting does nothing, because another one has a value with which nobody reads it.

    Whoever has set it will take the result for its effect.

    Example: momentum 0.5 with the optimizer adamw, which has no momentum of that kind.

    Remedy: change the other setting, or leave this one at its default.
    """

    name: str
    value: Any
    by: str
    has: Any
    read: bool = False
    acts: tuple[str, ...] = ()


class WarmupTooLong(Finding, code="run.warmup-too-long"):
    """The warm-up is as long as the run or longer, so the learning rate is never reached.

    The run learns at rates that nobody has chosen.

    Example: warmup_steps 50 for a run of 3 steps, which ends at 6 % of the rate.

    Remedy: a shorter warm-up, or more epochs.
    """

    warmup_steps: int
    steps: int
    reached: float
    lr: float


class BudgetTooShort(Finding, code="run.budget-too-short"):
    """The time budget is shorter than one validation.

    The time is over before anything is known of the network.

    Example: time_budget_s 5 where a validation takes 20 s.

    Remedy: more seconds, smaller images, or fewer validation images.
    """

    seconds: float
    validation_s: float


class EarlyStoppingTooLate(Finding, code="run.early-stopping-too-late"):
    """Early stopping waits for so many epochs that it cannot end this run.

    Its first chance comes when the patience has passed after the first epoch, and then the run is over anyway.

    Example: early_stopping 10 for 10 epochs.

    Remedy: less patience, more epochs, or 0 for off.
    """

    early_stopping: int
    epochs: int


class RateNeverDrops(Finding, code="run.rate-never-drops"):
    """The schedule drops the rate after the run has ended, so it never does.

    The run is one with a constant rate.

    Example: lr_milestones 60,80 for 10 epochs.

    Remedy: earlier drops, more epochs, or the schedule constant.
    """

    scheduler: str
    name: str
    value: Any
    epochs: int


class AverageTooShort(Finding, code="run.average-too-short"):
    """The run is too short for the average of the weights that it asks for.

    The average starts short and grows with the steps; this run ends before it is what its name says.

    Example: ema_decay 0.999 for 90 steps: at the end each step still has a tenth of the weight.

    Remedy: a smaller decay, such as 0.9, or more epochs.
    """

    ema_decay: float
    needed: int
    steps: int
    reached: float


class StepLimitTooHigh(Finding, code="run.step-limit-too-high"):
    """The step limit is not reached, because all epochs together have no more steps.

    The run ends by its epochs.

    Example: max_steps 1000 for 2 epochs of 3 steps.

    Remedy: more epochs, or 0 for no limit.
    """

    max_steps: int
    steps: int
    epochs: int


class AccumulationTooLong(Finding, code="run.accumulation-too-long"):
    """More micro-batches are to be added up than an epoch has.

    A step ends with its epoch, so the effective batch is smaller than the setting says.

    Example: accumulation_steps 8, and an epoch has 3 batches.

    Remedy: fewer accumulation_steps, or a smaller batch_size.
    """

    accumulation_steps: int
    micro_batches: int
    images: int


class WeightsAllAlike(Finding, code="run.weights-all-alike"):
    """Class weights do nothing, because they are the same for all classes that count.

    The loss is divided by the weights of its images, so only their ratios matter.

    Example: class_weights inverse for a set with as many images in each class.

    Remedy: none is needed; class_weights none says the same.
    """

    class_weights: str
    weight: float


class IgnoredClassEmpty(Finding, code="run.ignored-class-empty"):
    """The ignored class has no images, so nothing is ignored.

    Perhaps another number was meant: classes are counted from 0, in the order of the class index.

    Example: ignore_index 2 for a class that has lost its images.

    Remedy: the number of the class that is meant, or -100 for none.
    """

    ignore_index: int
    name: str


class IntensityUnused(Finding, code="run.intensity-unused"):
    """A rule for values beyond 8 bits is given to images that have none.

    Ordinary images have 8 bits, and the rule leaves them as they are.

    Example: intensity minmax for JPEG files.

    Remedy: none is needed; auto says the same.
    """

    intensity: str
