"""When an experiment measures: dense at the start, where most happens, and no more than its share of the time allows.

Probes change no run, so how often they are made may depend on how fast the machine is. What they cost is measured once,
on the untrained networks and the first steps; from then on the schedule is fixed, and a resume keeps it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Share of the run's time that the schedule plans for probes. Under the 30 % that are promised, because a plan errs.
SHARE = 0.2
# No probe but the first and the last is made that would bring the run's share above this.
MOST_SHARE = 0.27
# Rounds after which the schedule is planned: the first ones are slow, and the loader has to get going.
WARM_UP, PLAN_AT = 1, 3
# How the time for probes is divided among the groups.
WEIGHTS: Mapping[str, float] = {"layers": 0.35, "surface": 0.35, "gradients": 0.1, "shift": 0.1, "gain": 0.1}
# Bjorck's relative loss: at the start, after so many steps, and at the end.
RELATIVE_AT = (0, 20, 100)
# More probes of one kind than this make no better chart.
MOST = 60
EVALUATIONS = 12


def evaluation_steps(steps: int, every: int) -> list[int]:
    """The steps after which all arms are validated: 0, every so many (0: 12 times in a run), and the last."""
    stride = every or max(1, round(steps / EVALUATIONS))
    return sorted({*range(0, steps, stride), steps})


def dense_at_start(steps: int, count: int) -> list[int]:
    """`count` steps from 0 to `steps`, their gaps growing evenly; fewer where they would fall together."""
    if count < 2:
        return [0]
    return sorted({round(steps * (number / (count - 1)) ** 2) for number in range(count)})


class Schedule:
    """The steps after which each group of probes is `due`; before the plan is made only what is certain."""

    def __init__(self, steps: int, every: int) -> None:
        self.steps = steps
        self.due: dict[str, list[int]] = {group: sorted({0, steps}) for group in WEIGHTS}
        self.due["relative"] = sorted({steps, *(step for step in RELATIVE_AT if step <= steps)})
        self.due["formula"] = sorted({0, steps})
        self.due["accumulation"] = [steps]
        self.planned = every > 0
        if every:
            for group in WEIGHTS:
                self.due[group] = sorted({*range(0, steps, every), steps})

    def groups_at(self, step: int) -> list[str]:
        """The groups that are due after `step` steps."""
        return [group for group, steps in self.due.items() if step in steps]

    def left(self, group: str, step: int) -> int:
        """How often a group is still due after `step`."""
        return sum(each > step for each in self.due[group])

    def plan(self, costs: Mapping[str, float], other_s: float) -> None:
        """Spend a share of the time on probes. Every group is made at the start and at the end in any case.

        What is left of the time is divided by `costs`, the seconds of each group for all arms together; `other_s` are
        those of the whole run without probes.
        """
        time_s = other_s * SHARE / (1 - SHARE)
        time_s -= sum(2 * costs[group] for group in WEIGHTS) + len(self.due["relative"]) * costs.get("relative", 0.0)
        for group, weight in WEIGHTS.items():
            more = int(weight * max(0.0, time_s) / max(costs[group], 1e-9))
            # What the first rounds have passed already is not made up for.
            self.due[group] = [s for s in dense_at_start(self.steps, min(MOST, 2 + more)) if s == 0 or s > PLAN_AT]
            self.due[group] = sorted({0, *self.due[group], self.steps})
        self.planned = True

    def affordable(self, group: str, costs: Mapping[str, float], spent_s: float, other_s: float) -> bool:
        """Whether one more probe of `group` keeps the run under its share, those of the end included.

        `costs` are the seconds that each group takes for all arms, as far as it was made; `spent_s` those of all probes
        so far; `other_s` those of everything else, as it will be at the end.
        """
        end_s = sum(costs.get(each, 0.0) for each in self.groups_at(self.steps))
        probes_s = spent_s + costs.get(group, 0.0) + end_s
        return probes_s <= MOST_SHARE * (probes_s + other_s)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for a checkpoint."""
        return {"due": {group: list(steps) for group, steps in self.due.items()}, "planned": self.planned}

    def restore(self, saved: Mapping[str, Any]) -> None:
        """Put back what `as_dict` returned."""
        self.due = {str(group): [int(step) for step in steps] for group, steps in saved["due"].items()}
        self.planned = bool(saved["planned"])
