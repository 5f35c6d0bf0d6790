"""What a resume may have changed that does not make it another run."""

from __future__ import annotations

from alexcore.findings.finding import Finding


class DataMoved(Finding, code="run.data-moved", severity="info"):
    """The data set of a run was named anew when it was resumed.

    Its classes are the same; whether its images are, their content says, as far as the run has kept hashes of it.

    Example: `resume RUN --data /new/disk/flowers`, after the disk was renamed.

    Remedy: none is needed if all images are known; else look whether it is the right data set.
    """

    was: str
    now: str
    known: bool
    same: int
    images: int


class EarlyStoppingChanged(Finding, code="run.early-stopping-changed", severity="info"):
    """A resume has changed early stopping.

    The run ends by another rule than the one that it was started with; its patience counts from here on.

    Example: `resume RUN --early-stopping 0` for a run that stopped early.

    Remedy: none is needed, unless runs shall be compared.
    """

    before: int
    after: int
    off: bool
