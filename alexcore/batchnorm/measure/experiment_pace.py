"""Where an experiment is, what its steps, probes and validations have cost, and what may follow from that."""

from __future__ import annotations

from typing import Any

from alexcore.batchnorm.measure.arms import Arm, step_seconds
from alexcore.batchnorm.measure.probe_schedule import PLAN_AT, WARM_UP, Schedule, evaluation_steps
from alexcore.batchnorm.settings import BnConfig
from alexcore.config import TrainConfig
from alexcore.findings.experiment import ProbesPlanned
from alexcore.training.schedule import lr_factor
from alexcore.training.session import Session
from alexcore.words.phases import Phase

# Rounds whose mean says how fast the experiment is now.
RECENT = 20


class ExperimentPace:
    """Counts the rounds of one experiment, and plans its probes by what they cost.

    Attributes:
        step: Steps made by every arm.
        measured: The last step whose measurements are complete.
        spent: For each group of probes how many were made, their seconds, and those of the quickest.
        eval_s: Seconds of all validations, `evaluations` of them.
        round_s: Seconds of the rounds of this process and of the last ones before it.
        schedule: The steps after which each group of probes is made.
        eval_steps: The steps after which all arms are validated.
    """

    def __init__(
        self, config: TrainConfig, bn: BnConfig, steps_per_epoch: int, arms: list[Arm], session: Session
    ) -> None:
        self.config, self.bn, self.steps_per_epoch = config, bn, steps_per_epoch
        self.arms, self.session = arms, session
        self.step, self.measured = 0, -1
        self.spent: dict[str, tuple[int, float, float]] = {}
        self.eval_s, self.evaluations = 0.0, 0
        self.round_s: list[float] = []
        self.schedule = Schedule(bn.steps, bn.probe_every)
        self.eval_steps = evaluation_steps(bn.steps, bn.eval_every)

    @property
    def epoch(self) -> int:
        """The epoch of the next step, counted from 0."""
        return self.step // self.steps_per_epoch

    def lr_of(self, arm: Arm) -> float:
        """The rate of an arm in the step to come, or in the last one at the end."""
        at = min(self.step, self.bn.steps - 1)
        return arm.config.lr * lr_factor(self.config, at, self.bn.steps, self.steps_per_epoch)

    @property
    def probes_follow(self) -> bool:
        """Whether probes are planned after the step to come."""
        return bool(self.schedule.groups_at(self.step + 1))

    def groups_due(self) -> list[str]:
        """The probes to make now, planned first if enough has been measured for that."""
        self._plan_probes()
        return [group for group in self.schedule.groups_at(self.step) if self._affordable(group)]

    def probe_took(self, group: str, seconds: float) -> None:
        """Take in what a group of probes has cost one arm."""
        made, so_far, quickest = self.spent.get(group, (0, 0.0, seconds))
        self.spent[group] = (made + 1, so_far + seconds, min(quickest, seconds))

    def _plan_probes(self) -> None:
        if self.schedule.planned or self.step < min(PLAN_AT, self.bn.steps) or len(self.round_s) <= WARM_UP:
            return
        other_s = min(self.round_s[WARM_UP:]) * self.bn.steps + self._mean_eval_s * len(self.eval_steps)
        # The quickest of each, because other programs can only make one slower.
        least = {group: len(self.arms) * quickest for group, (_, _, quickest) in self.spent.items()}
        self.schedule.plan(least, other_s)
        counts = tuple((group, len(steps)) for group, steps in self.schedule.due.items())
        self.session.tell(ProbesPlanned(counts))

    def _affordable(self, group: str) -> bool:
        """Whether a probe fits into the promised share; the plan was made early, and the machine may be quicker now."""
        if self.bn.probe_every or not self.round_s or self.step == self.bn.steps:
            return True
        left_s = (self.bn.steps - self.step) * self._recent_round_s
        other_s = self.session.clock() - self._probe_s + left_s
        return self.schedule.affordable(group, self._costs, self._probe_s, other_s)

    @property
    def _probe_s(self) -> float:
        return sum(seconds for _, seconds, _ in self.spent.values())

    @property
    def _costs(self) -> dict[str, float]:
        """Seconds that each group of probes takes for all arms together, as far as it was made."""
        return {group: len(self.arms) * seconds / made for group, (made, seconds, _) in self.spent.items()}

    @property
    def _mean_eval_s(self) -> float:
        return self.eval_s / self.evaluations if self.evaluations else 0.0

    @property
    def _recent_round_s(self) -> float:
        recent = self.round_s[-RECENT:]
        return sum(recent) / len(recent) if recent else 0.0

    def report(self, phase: Phase = "training", done: int | None = None, total: int | None = None) -> None:
        """Say what is being done, how fast, and when all will be over."""
        costs, round_s, arms = self._costs, self._recent_round_s, len(self.arms)
        left_s = (self.bn.steps - self.step) * round_s
        left_s += sum(costs.get(group, 0.0) * self.schedule.left(group, self.step) for group in self.schedule.due)
        left_s += self._mean_eval_s * (1 + sum(each > self.step for each in self.eval_steps))
        pictures = self.config.batch_size * self.config.accumulation_steps * arms
        self.session.reporter.progress(
            phase,
            self.step if done is None else done,
            self.bn.steps if total is None else total,
            epoch=self.epoch,
            step=self.step * arms,
            total_steps=self.bn.steps * arms,
            images_per_s=round(pictures / round_s, 1) if round_s else 0.0,
            eta_s=round(left_s, 1) if self.round_s else None,
        )

    def tell_cost(self) -> None:
        """Write the event `probe_cost`: what measuring has cost, beside everything else."""
        total_s = max(self.session.clock(), 1e-9)
        self.session.reporter.event(
            "probe_cost",
            share=round(self._probe_s / total_s, 4),
            probe_s=round(self._probe_s, 2),
            total_s=round(total_s, 2),
            eval_s=round(self.eval_s, 2),
            step_s=step_seconds(self.arms),
            groups={group: round(cost, 4) for group, cost in self._costs.items()},
        )

    def as_dict(self) -> dict[str, Any]:
        """Everything that a resume needs, as plain data."""
        return {
            "step": self.step,
            "measured": self.measured,
            "seconds": self.session.clock(),
            "probe_s": self._probe_s,
            "eval_s": self.eval_s,
            "evaluations": self.evaluations,
            "round_s": self.round_s[-RECENT:],
            "schedule": self.schedule.as_dict(),
            "costs": {group: list(each) for group, each in self.spent.items()},
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Put back what `as_dict` returned; the session has put back its clock."""
        self.step, self.measured = saved["step"], saved["measured"]
        self.eval_s, self.evaluations, self.round_s = saved["eval_s"], saved["evaluations"], list(saved["round_s"])
        self.schedule.restore(saved["schedule"])
        self.spent = {group: tuple(each) for group, each in saved["costs"].items()}
