"""An arm that is behind may be nothing but slower: no speed and no schedule makes more of it."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from itertools import accumulate

import pytest

from alexcore.batchnorm.read.summary import summarise
from alexcore.batchnorm.read.verdict import Answer, verdict

STEPS, SEEDS = 240, 5
Curve = Callable[[float], float]


def constant(step: int) -> float:
    return 1.0


def cosine(step: int) -> float:
    return 0.5 * (1 + math.cos(math.pi * step / STEPS))


def in_steps(step: int) -> float:
    return 0.1 ** (3 * step // STEPS)


def warm_up(step: int) -> float:
    return min(1.0, (step + 1) / 60)


def warm_up_and_cosine(step: int) -> float:
    return warm_up(step) * cosine(step)


SCHEDULES = [constant, cosine, in_steps, warm_up, warm_up_and_cosine]
# Of progress, which is 1 at the end of the faster arm at a constant rate.
CURVES: dict[str, Curve] = {
    "saturating": lambda p: 0.2 + 0.7 * (1 - math.exp(-6 * p)),
    "slow": lambda p: 0.9 - 0.7 / math.sqrt(1 + 20 * p),
    "late": lambda p: 0.2 + 0.7 / (1 + math.exp(-30 * (p - 0.4))),
    # Flat just where the slower arm spends its second half.
    "in two steps": lambda p: 0.2 + 0.3 * (1 - math.exp(-40 * p)) + 0.4 / (1 + math.exp(-60 * (p - 0.75))),
    "in two steps, late": lambda p: 0.2 + 0.3 * (1 - math.exp(-40 * p)) + 0.4 / (1 + math.exp(-90 * (p - 0.6))),
}


def answered(
    plain: Curve, normed: Curve, schedule: Callable[[int], float] = constant, noise: float = 1e-3, swept: bool = True
) -> Answer:
    """The fourth answer for two arms whose accuracies are these functions of the sum of their rates."""
    rates = [0.1 * schedule(step) for step in range(STEPS)]
    sums = [0.0, *accumulate(rates)]
    start = {"classes": 5, "steps": STEPS, "lr": 0.1, "arms": []}
    steps, evals = {}, {}
    draw = random.Random(1)
    for arm, curve in (("none", plain), ("batch", normed)):
        for seed in range(SEEDS):
            start["arms"].append(f"{arm}-s{seed}")
            steps[arm, seed] = [
                {"step": at, "loss": 1.0, "grad_norm": 1.0, "lr": rates[at - 1]} for at in range(1, STEPS + 1, 2)
            ]
            evals[arm, seed] = [
                {
                    "step": at,
                    "train_loss": 0.5 if at else None,
                    "val_acc1": curve(sums[at] / (0.1 * STEPS)) + draw.gauss(0, noise),
                }
                for at in range(0, STEPS + 1, STEPS // 12)
            ]
    sweep = [{"arm": arm, "seed": 0, "rate": 0.1, "val_acc1": 0.5, "outcome": "learned"} for arm in ("none", "batch")]
    return verdict(summarise(start, steps, evals, {}, sweep if swept else []))[3]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda each: each.__name__)
@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("factor", [2, 3])
def test_an_arm_that_is_nothing_but_slower_is_never_decided_against(schedule, name, factor):
    curve = CURVES[name]
    for noise in (1e-4, 0.01):
        slow = answered(lambda p: curve(p / factor), curve, schedule, noise)
        assert not slow.decided
        assert "so it is not merely slower" not in slow.words.short
        mirrored = answered(curve, lambda p: curve(p / factor), schedule, noise)
        assert not mirrored.decided, "and batch norm is not held to another rule"


def plateau(p: float) -> float:
    return 0.2 + 0.3 * (1 - math.exp(-20 * p))


@pytest.mark.parametrize("schedule", [constant, warm_up])
def test_an_arm_that_has_levelled_off_at_its_best_rate_is_more_than_slower(schedule):
    found = answered(plateau, CURVES["late"], schedule)
    assert found.decided
    assert found.words.short.startswith(
        "After 240 steps at its own best rate learning without BN is behind, and has levelled off where the other arm "
        "was still climbing, so it is not merely slower: "
    )
    other = answered(CURVES["late"], plateau, schedule)
    assert "learning with BN is behind, and has levelled off" in other.words.short


def test_a_plateau_at_a_rate_that_may_not_be_its_best_decides_nothing():
    found = answered(plateau, CURVES["late"], swept=False)
    assert not found.decided
    said = "Learning without BN is behind after 240 steps at this rate; whether only slower is not decided: "
    assert found.words.short.startswith(said)


@pytest.mark.parametrize("schedule", [cosine, in_steps, warm_up_and_cosine])
def test_rates_that_are_switched_off_make_no_plateau(schedule):
    found = answered(plateau, CURVES["late"], schedule)
    assert not found.decided
    assert "whether only slower is not decided" in found.words.short


def test_the_untrained_network_has_reached_nothing():
    """An untrained network may guess better than half-way to a poor best."""
    start = {"classes": 5, "steps": 20, "lr": 0.1, "arms": ["none-s0"]}
    accuracies = {0: 0.3, 10: 0.21, 20: 0.32}
    evals = [{"step": step, "train_loss": 0.5, "val_acc1": value} for step, value in accuracies.items()]
    found = summarise(start, {}, {("none", 0): evals}, {})
    assert found.target_acc1 == pytest.approx(0.26)
    assert found.of("steps_to_target", "none") == {0: 20}
    never = summarise(start, {}, {("none", 0): evals[:2]}, {})
    assert never.of("steps_to_target", "none") == {}
