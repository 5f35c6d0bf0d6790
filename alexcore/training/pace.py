"""How long a run is and how fast it goes: what decides when it ends, and what says when that will be."""

from __future__ import annotations

from typing import Any

from alexcore.config import TrainConfig
from alexcore.findings.finding import Finding
from alexcore.findings.idle import BudgetTooShort
from alexcore.findings.outcome import AllEpochsTrained, BudgetUsed, StepLimitReached
from alexcore.training.budget import TimeBudget, kept_for_doubt
from alexcore.training.plan import Plan
from alexcore.training.schedule import lr_factor, work_ahead
from alexcore.training.session import Session
from alexcore.training.state import Position


class Pace:
    """The length of one run, by its epochs, its steps or its time, and its speed."""

    def __init__(self, config: TrainConfig, plan: Plan, position: Position, session: Session) -> None:
        """Begin to measure; the length that a time budget has planned is kept in `position`."""
        self.config, self.plan, self.position, self.session = config, plan, position, session
        self.clock = session.clock
        self.seconds = config.time_budget_s - kept_for_doubt(config.time_budget_s, plan.train_images)
        self.budget = TimeBudget(self.seconds, plan)
        self._in_time = True
        self.begin_epoch()

    @property
    def total_steps(self) -> int:
        """Optimizer steps of the whole run, as far as they are known."""
        return self.position.total_steps or self.plan.total_steps

    @property
    def lr(self) -> float:
        """The rate of the step to come."""
        step = min(self.position.step, self.total_steps - 1)
        factor = lr_factor(self.config, step, self.total_steps, epoch=self.position.epoch)
        return self.config.lr * self.position.lr_scale * factor

    def steps_left(self) -> bool:
        """Whether a step is still to be made."""
        if self.config.time_budget_s and not self.position.total_steps:  # too few steps yet to plan with
            return self._in_time
        return self.position.step < self.total_steps

    def work_left(self) -> bool:
        """Whether an epoch is still to be begun."""
        return self.steps_left() and bool(self.config.time_budget_s or self.position.epoch < self.config.epochs)

    def outcome(self) -> Finding:
        """Why there is no work left."""
        config, position = self.config, self.position
        if config.max_steps and position.step >= config.max_steps:
            return StepLimitReached(position.step, position.epoch, config.epochs)
        if config.time_budget_s:
            return BudgetUsed(config.time_budget_s, position.step)
        return AllEpochsTrained(position.epoch)

    def agree(self, word: str) -> str:
        """What all ranks go by from here on: the request that is returned, and how long the run is."""
        in_time = self.clock() < self.seconds
        word, self.position.total_steps, self._in_time = self.session.group.agree(
            word, self.position.total_steps, in_time
        )
        return word

    def begin_epoch(self) -> None:
        """Measure the speed anew: pictures may have grown, and validation was no training."""
        self._began, self._seen = self.clock(), self.position.seen
        self._ahead = work_ahead(self.config, self.position.epoch, self.plan.steps_per_epoch)

    def step_took(self, seconds: float) -> None:
        """Take in a step, with its wait for pictures; a time budget plans by it."""
        if self.config.time_budget_s and self.budget.step_took(seconds):
            self._plan_steps()

    def images_per_s(self) -> float:
        """Pictures a second since the epoch began."""
        return (self.position.seen - self._seen) / max(self.clock() - self._began, 1e-9)

    def epoch_took(self, validation_s: float) -> None:
        """Take in an epoch that has been validated; a time budget plans by it, and the ranks agree about the plan."""
        self.position.seconds = self.clock()
        # An epoch ends with a validation and a checkpoint, which is still to come and took a while the last time.
        self.position.ending_s = validation_s + self.session.save_s
        if self.config.time_budget_s:
            short = BudgetTooShort(self.config.time_budget_s, validation_s)
            if short.validation_s > short.seconds and short.code not in self.position.told:
                self.position.told.append(short.code)
                self.session.tell(short)
            if self.budget.ready and self.steps_left():
                self._plan_steps()
            self.agree(self.session.reporter.request())

    def _plan_steps(self) -> None:
        position, told = self.position, bool(self.position.total_steps)
        total = self.budget.total_steps(position.step, self.clock(), position.ending_s)
        position.total_steps = min(total, self.config.max_steps or total)
        if not told:
            self.session.tell(self.budget.planned(position.total_steps))

    def report(self) -> None:
        """Say where the run is, how fast it goes, and when it will be over."""
        position, plan, rate = self.position, self.plan, self.images_per_s()
        # Validation runs forward only: about a third of a training step's work for each picture.
        left = (self.total_steps - position.step) / plan.steps_per_epoch
        training, validation = self._ahead
        work = left * (training * plan.train_images + validation * plan.val_images / 3)
        self.session.reporter.progress(
            "training",
            position.batch,
            plan.micro_batches,
            images_per_s=round(rate, 1),
            eta_s=round(work / max(rate, 1e-9), 1),
            **self.where(),
        )

    def where(self) -> dict[str, Any]:
        """The position as status.json has it."""
        return {"epoch": self.position.epoch, "step": self.position.step, "total_steps": self.total_steps}
