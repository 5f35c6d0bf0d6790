"""How a run ends: a finished one has trained every epoch that was asked for, or a rule has ended it."""

from __future__ import annotations

from alexcore.findings.finding import Finding
from alexcore.findings.run import StoppedEarly


class AllEpochsTrained(Finding, code="run.all-epochs", severity="info"):
    """Every epoch that was asked for has been trained.

    Nothing has cut the run short, so its schedule has come to its end.

    Example: a run of 10 epochs after its tenth validation.

    Remedy: none is needed; `resume RUN --epochs N` trains longer.
    """

    epochs: int


class StepLimitReached(Finding, code="run.step-limit", severity="info"):
    """The run has made the steps that max_steps allows.

    Its last epoch may be a part of one.

    Example: max_steps 100 for epochs of 30 steps: the fourth epoch has 10.

    Remedy: none is needed; start a new run for more.
    """

    steps: int
    epochs: int
    of: int


class BudgetUsed(Finding, code="run.budget-used", severity="info"):
    """The run has used its time budget.

    Its last epoch may be a part of one.

    Example: 600 seconds were enough for 7 epochs and a half.

    Remedy: none is needed; `resume RUN --time-budget-s N` gives it more.
    """

    seconds: float
    steps: int


# What `finished` can mean.
OUTCOMES = tuple(each.code for each in (AllEpochsTrained, StepLimitReached, BudgetUsed, StoppedEarly))


class WorkerHung(Finding, code="run.worker-hung"):
    """A worker stood still after it was asked to stop, and was ended from outside.

    It could save nothing any more: what was trained since the last checkpoint is gone.

    Example: a disk of the network that no longer answers, or a driver of a GPU that hangs.

    Remedy: look at the end of worker.log; `resume` goes on from the last checkpoint.
    """

    seconds: int
