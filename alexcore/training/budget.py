"""How many steps fit into a time ("I have ten minutes"), from the first ones that were measured."""

from __future__ import annotations

from alexcore.doubt.novelty import FEWEST
from alexcore.findings.run import BudgetPlanned
from alexcore.training.plan import Plan

# The first steps of a process load libraries and fill caches; the next ones tell how long a step takes.
WARMUP_STEPS = 3
MEASURED_STEPS = 8
# Other programs come and go: the plan is made anew after so many steps, and after each validation.
REPLAN_STEPS = 25
# After the last epoch it is measured when to doubt predictions: that much of the budget, and so many seconds, at most.
DOUBT_SHARE, DOUBT_S = 0.1, 25.0


def kept_for_doubt(seconds: float, train_images: int) -> float:
    """How much of a time budget is not for training; too few training images are not measured."""
    return min(DOUBT_SHARE * seconds, DOUBT_S) if train_images >= FEWEST else 0.0


def steps_in(seconds: float, step_s: float, val_s: float, steps_per_epoch: int, done_in_epoch: int = 0) -> int:
    """How many more steps fit into a time, if each epoch, also an unfinished last one, ends with a validation.

    `val_s` is that of one validation with its checkpoints; the current epoch has `done_in_epoch` steps behind it.
    """
    steps, missing = 0, steps_per_epoch - done_in_epoch
    while seconds >= missing * step_s + val_s:
        # Several whole epochs at once: a long budget has many of them.
        whole = max(1, int((seconds - missing * step_s - val_s) / (steps_per_epoch * step_s + val_s)))
        steps += missing + (whole - 1) * steps_per_epoch
        seconds -= missing * step_s + val_s + (whole - 1) * (steps_per_epoch * step_s + val_s)
        missing = steps_per_epoch
    return steps + max(0, int((seconds - val_s) / step_s))


class TimeBudget:
    """Measures steps and validations, and turns what is left of the time into a number of steps."""

    def __init__(self, seconds: float, plan: Plan) -> None:
        self.seconds, self.plan = seconds, plan
        self._seen, self._steps, self._steps_s = 0, 0, 0.0

    def step_took(self, seconds: float) -> bool:
        """Take in one step; whether it is time to plan."""
        self._seen += 1
        if self._seen <= WARMUP_STEPS:
            return False
        self._steps, self._steps_s = self._steps + 1, self._steps_s + seconds
        return self._steps == MEASURED_STEPS or self._steps % REPLAN_STEPS == 0

    @property
    def ready(self) -> bool:
        """Whether any step has been measured."""
        return self._steps > 0

    def total_steps(self, step: int, elapsed_s: float, ending_s: float) -> int:
        """The number of steps with which the run ends on time, no fewer than the `step` that are made.

        `ending_s` is what the end of an epoch took, its validation and checkpoint; 0 if there was none yet.
        """
        # Validation runs forward only: about a third of a training step's work for each picture.
        share = self.plan.val_images * self.plan.steps_per_epoch / self.plan.train_images / 3
        done_in_epoch = step % self.plan.steps_per_epoch
        return step + steps_in(
            self.seconds - elapsed_s,
            self.step_s,
            ending_s or share * self.step_s,
            self.plan.steps_per_epoch,
            done_in_epoch,
        )

    @property
    def step_s(self) -> float:
        """Mean seconds of a step."""
        return max(self._steps_s / max(self._steps, 1), 1e-9)

    def planned(self, total_steps: int) -> BudgetPlanned:
        """What the run's history is told of it."""
        return BudgetPlanned(self.seconds / 60, total_steps / self.plan.steps_per_epoch, total_steps, self.step_s)
