"""Classes that have no picture to train on."""

from __future__ import annotations

from alexcore.findings.finding import Named


class UntrainedClasses(Named, code="data.untrained-classes", severity="error"):
    """A class has a number, but no picture to train on.

    The network would have an output for it and be taught never to choose it, so each of its pictures would be answered
    wrongly.

    Example: `classes` in a manifest lists ten names, and the rows of one of them all have the split val; or all its
    training pictures were excluded.

    Remedy: add pictures of it to train, or have it left out with `untrained` drop.
    """


class UntrainedKept(Named, code="data.untrained-kept"):
    """A class has a number, but no picture to train on, and the run keeps it.

    So version 0.1 did, and a run of that time goes on as it was begun: the network has an output for the class and is
    taught never to choose it.

    Example: a run that was started with a manifest whose class list has a name too many.

    Remedy: none for this run; start a new one with `untrained` drop.
    """


class ClassesLeftOut(Named, code="data.classes-left-out", severity="info"):
    """Classes without training pictures are left out of all splits.

    Somebody has chosen that. The other classes are numbered without them.

    Example: `val/tulip/` without `train/tulip/`.

    Remedy: none is needed; add training pictures to have them learned.
    """

    images: int
