"""What is said before a run starts or goes on: what it is refused for, and what it lacks on this machine."""

from __future__ import annotations

from typing import Any

from alexcore.findings.finding import Finding


class InputTooSmall(Finding, code="run.input-too-small", severity="error"):
    """The pictures are too small for the network.

    Each convolution and pooling makes a picture smaller; at the end nothing would be left.

    Example: image_size 32 with the variant torchvision, whose first convolution moves by 4 px.

    Remedy: the size that the sentence names, or more.
    """

    name: str
    value: int
    variant: str
    minimum: int


class BatchTooLarge(Finding, code="run.batch-too-large", severity="error"):
    """A batch has more pictures than the training split.

    No step could be made as it is described.

    Example: batch_size 128 for a split of 75 pictures.

    Remedy: a smaller batch_size, or fewer processes.
    """

    batch_size: int
    processes: int
    train_images: int
    most: int
    fits: bool


class SinglePictureBatch(Finding, code="run.single-picture-batch", severity="error"):
    """The last batch of an epoch has one picture, and the norm takes means over a batch.

    The deviation of a single value is 0: what is divided by it says nothing, and PyTorch refuses it.

    Example: batch_size 8 for 65 pictures, with norm batch.

    Remedy: another batch_size, or norm group, which looks at each picture alone.
    """

    batch_size: int
    processes: int
    train_images: int
    norm: str
    better: int
    possible: bool


class IgnoredClassMissing(Finding, code="run.ignored-class-missing", severity="error"):
    """ignore_index names a class that there is not.

    Nothing would be ignored, though somebody has asked for it.

    Example: ignore_index 10 for ten classes, which are counted from 0 to 9.

    Remedy: a number of the class index, or -100 for none.
    """

    ignore_index: int
    classes: int
    last: int


class ValidationCountsNothing(Finding, code="run.validation-counts-nothing"):
    """Every validation image is of the ignored class, so none counts.

    There is no validation loss and no accuracy, and so no best epoch: best.pt is not written, early stopping is off,
    and the schedule plateau never falls.

    Example: ignore_index 2, and a validation split with images of class 2 alone.

    Remedy: add validation images of other classes, or ignore none (-100).
    """

    ignore_index: int
    name: str
    images: int


class ClassWeightsDoNotFit(Finding, code="run.class-weights-do-not-fit", severity="error"):
    """There are not as many class weights as classes.

    It would not be known which class each weight belongs to.

    Example: class_weights "1, 2" for three classes.

    Remedy: one number for each class, in the order of the class index.
    """

    weights: str
    found: int
    classes: int


class SyncBatchNormNeedsCuda(Finding, code="run.sync-batchnorm-needs-cuda"):
    """Batch norm over all processes is asked for on a machine without CUDA GPUs.

    torch's SyncBatchNorm has no CPU implementation, so the worker will refuse the run.

    Example: sync_batchnorm with two processes on a laptop.

    Remedy: leave sync_batchnorm, or choose norm group, which needs no other pictures.
    """


class NotEnoughDisk(Finding, code="run.not-enough-disk", severity="error"):
    """There is too little room for the checkpoints.

    A run whose checkpoint cannot be written ends, and with it everything since the last one.

    Example: 4 checkpoints of 466 MB, and 1.1 GB free.

    Remedy: free some disk space first, or choose a smaller width.
    """

    needed: int
    one: int
    free: int
    least: int


class NotEnoughMemory(Finding, code="run.not-enough-memory", severity="error"):
    """Memory has run out.

    The pictures of a batch and what each layer makes of them are all in memory at once.

    Example: batch_size 512 with pictures of 224 px on a GPU of 4 GB.

    Remedy: half the batch_size and twice the accumulation_steps: half the memory, and the same gradient.
    """

    batch_size: int
    image_size: int
    half: int
    accumulation_steps: int
    norm: str
    over_batch: bool
    splits: bool
    width: float
    gpu: bool = False


class OtherExperiment(Finding, code="run.other-experiment", severity="error"):
    """A resume is asked to change what decides what is learned.

    The history of the run would be that of two experiments under one name.

    Example: `resume RUN --lr 0.01` for a run with 0.1.

    Remedy: start a new run for that, if you like from the weights of this one.
    """

    name: str
    value: Any
    had: Any
    resumable: tuple[str, ...]


class FewerEpochs(Finding, code="run.fewer-epochs", severity="error"):
    """A resume is asked for fewer epochs than the run has.

    Epochs that were made cannot be taken back, and a schedule over all of them has been followed.

    Example: `resume RUN --epochs 5` for a run of 10.

    Remedy: a larger number; to end early, stop the run.
    """

    epochs: int
    had: int


class ResumePlanned(Finding, code="run.resume-planned", severity="info"):
    """What a resume is going to do.

    It is said before it does it, because a run that early stopping has ended would otherwise end again at once.

    Example: a run of 20 epochs that stopped early after 3 goes on with `--early-stopping 0`.

    Remedy: none is needed.
    """

    early: bool
    patience_before: int
    epochs_before: int
    done: int
    epochs: int
    stops: bool
    patience: int
    anew: bool
    timed: bool
    time_budget_s: float


class NothingLeft(Finding, code="run.stopped-early-before", severity="error"):
    """A run that early stopping has ended is resumed as it is.

    Its patience is used up, so it would end again after the first epoch without a better accuracy.

    Example: `resume RUN` of a run of 20 epochs that stopped early after 3.

    Remedy: `--early-stopping 0` trains the other epochs; more epochs, or another patience, let it count anew.
    """

    run: str
    patience: int
    done: int
    epochs: int


class UnequalShares(Finding, code="run.unequal-shares", severity="error"):
    """The processes of a resume cannot share the pictures of a step equally.

    A step would have another number of pictures than before, and so another gradient.

    Example: 3 processes for a run whose steps have 64 pictures.

    Remedy: one of the numbers that the sentence names.
    """

    processes: int
    whole: int
    fitting: tuple[str, ...]
    last: int
    several: bool


class SameInTwoSplits(Finding, code="run.same-in-two-splits", severity="warning"):
    """Copies of a picture lie in more than one split of the data set that a run is about to train on.

    The network will be tested on what it has learned, so its accuracy measures memory and is too good.

    Example: splits made of links into one folder, of which some are in both.

    Remedy: leave the copies out on the page *Data set*, under Quality.
    """

    names: tuple[str, ...]
    count: int
