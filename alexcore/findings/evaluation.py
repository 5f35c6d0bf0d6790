"""What is said of the pictures that a network is measured on: which they are, and what no figure can be made of."""

from __future__ import annotations

from alexcore.findings.finding import Finding, Named


class NotSplit(Finding, code="evaluation.not-split", severity="info"):
    """Nothing is set apart, so all images are evaluated.

    Whoever hands images over to be measured means all of them. A fifth is drawn of a set only to train on the rest.

    Example: `evaluate RUN --data test-images`, a folder of class folders.

    Remedy: none is needed; `--split` names a part where there are parts.
    """

    images: int


class OtherSplit(Finding, code="evaluation.other-split", severity="info"):
    """There is no validation split, so the test split is evaluated.

    Images of train are no test: others like them have been learned, if not they themselves.

    Example: `train/` and `test/`, as most downloads have them.

    Remedy: none is needed; `--split all` takes everything.
    """

    images: int


class NoClasses(Finding, code="evaluation.no-classes"):
    """Images have no class, so nobody knows whether the answers are right.

    What the network takes them for is counted. An accuracy would be a number of nothing.

    Example: a folder of images without class folders.

    Remedy: put them into one folder per class, called as the run calls its classes; or read the class from the names of
    the files, where they have it.
    """

    images: int
    total: int
    named: bool


class ClassesUnmeasured(Named, code="evaluation.classes-missing"):
    """Some classes of the run have no image here.

    Of them nothing is measured: their recall is unknown, and means over classes are means over the others.

    Example: a test folder with daisies and roses, for a run of five flowers.

    Remedy: add images of them, or read the figures as those of the other classes.
    """


class ClassesExtra(Finding, code="evaluation.classes-extra"):
    """Some classes here are none of the run's; their images are left out.

    The network cannot name them, so every answer to them would be wrong.

    Example: a folder `orchids` for a run that has never seen one.

    Remedy: none, if they are meant to be left out; else rename the folder to the class that it is.
    """

    classes: tuple[tuple[str, int], ...]
    count: int
    images: int


class ClassesMatched(Finding, code="evaluation.classes-matched", severity="info"):
    """Classes are matched although their letters differ in case, or in their Unicode form.

    Each fits exactly one class of the run, so nothing else can be meant.

    Example: `Daisy` is the run's daisy.

    Remedy: none is needed.
    """

    classes: tuple[tuple[str, str], ...]
    count: int


class ClassesUnknown(Finding, code="evaluation.classes-unknown", severity="error"):
    """No class here is one of the run's.

    There would be no image left to evaluate.

    Example: the folders cats and dogs, for a run of flowers.

    Remedy: choose the run or the data set that was meant, or rename the folders to the run's classes.
    """

    where: str
    names: tuple[str, ...]
    count: int
    known: tuple[str, ...]
    known_count: int


class NoSuchSplit(Finding, code="evaluation.no-such-split", severity="error"):
    """A split is asked for that the images do not have.

    Nothing is drawn for an evaluation, so there are only the parts that were given.

    Example: `--split test` for a folder of class folders.

    Remedy: leave `--split` out, or name one of the splits that there are.
    """

    where: str
    split: str
