"""What can be wrong with what a run has saved, and what was done about it."""

from __future__ import annotations

from alexcore.findings.finding import Finding


class NamesStripped(Finding, code="run.names-stripped", severity="info"):
    """Another program has put something before the names of the weights.

    Data parallel training, torch.compile and FSDP wrap a network, and its weights are then called after the wrapper.
    The weights are the same; what was put before their names is taken off.

    Example: `module.features.0.weight` in a checkpoint that a script of data parallel training has written.

    Remedy: none is needed.
    """

    path: str
    taken: tuple[str, ...]


class SeenDamaged(Finding, code="run.seen-damaged"):
    """Which images a run has been trained on is no longer known.

    An evaluation on other data then counts images that the network has learned, and its figures are too good.

    Example: seen.npz was cut short when the disk was full.

    Remedy: evaluate on images that the run cannot have seen. A resume writes the file again, for what it trains on now.
    """

    name: str


class FileEdited(Finding, code="run.file-edited"):
    """A file of a run is not what the run wrote, and can still be read.

    Somebody has changed it, or a disk has. Nobody can tell which, so it is used, and named.

    Example: `"lr": 0.1` in a config.json that said 0.01 when its run began.

    Remedy: look at it. `runs repair` writes it again from the run's checkpoint.
    """

    name: str
    changes: tuple[str, ...] = ()
    differs: bool = False
    anew: bool = False


class CheckpointDamaged(Finding, code="run.checkpoint-damaged"):
    """A resume has gone on from an earlier checkpoint, because the last one is damaged or missing.

    What was trained since is trained again, with the same result.

    Example: a bit of last.pt has changed on a bad disk, so the run goes on from last.previous.pt.

    Remedy: look after the disk. The damaged file is replaced when the run next saves.
    """

    name: str
    earlier: str
    step: int
    why: str
    missing: bool


class CheckpointLeft(Finding, code="run.checkpoint-left"):
    """A checkpoint could not be made smaller when its run had finished.

    It keeps what only a resume needs, or it is damaged.

    Example: the disk is full, so best.pt still holds the state of the optimizer.

    Remedy: what the sentence says; then free it on the page Runs.
    """

    name: str
    why: str
