"""How long the steps of the training are beside the lr x gradient that probes walk."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from alexcore.batchnorm.measure.arms import Arm, build_arm
from alexcore.batchnorm.measure.prober import ALONG_RATE, Prober
from alexcore.batchnorm.views import shift_by_layer as shift
from alexcore.batchnorm.views import steps_along_gradient as surface
from alexcore.training.objective import Objective
from tests.support.bn_experiments import made_of, probe, tiny_experiment

CPU, LR = torch.device("cpu"), 0.01


def walked(steps: int, **values: float) -> tuple[Arm, list[torch.Tensor]]:
    """An arm after so many steps, and its weights before the last one."""
    config, _ = tiny_experiment(lr=LR, **values)
    arm, generator = build_arm(config, "none", 0, 3, CPU), torch.Generator().manual_seed(0)
    before: list[torch.Tensor] = []
    for number in range(steps):
        window = [(torch.randn(4, 3, 64, 64, generator=generator), torch.arange(4) % 3)]
        before = [each.detach().clone() for each in arm.model.parameters()]
        arm.paced = number == steps - 1
        arm.step(window, Objective(), LR, number, CPU)
    return arm, before


def test_plain_descent_walks_lr_times_gradient():
    arm, _ = walked(1, momentum=0.0, weight_decay=0.0)
    assert arm.memory["walked"] == [1, pytest.approx(LR * arm.grad_norm, rel=1e-3), pytest.approx(1, rel=1e-3)]


def test_momentum_walks_further_and_probes_along_the_rate_say_so():
    arm, before = walked(3, momentum=0.9)
    at, real, by_gradient = arm.memory["walked"]
    now = torch.cat([each.detach().flatten() for each in arm.model.parameters()])
    assert real == pytest.approx((now - torch.cat([each.flatten() for each in before])).norm().item(), rel=1e-4)
    assert by_gradient == pytest.approx(real / (LR * arm.grad_norm))
    config, _ = tiny_experiment(lr=LR)
    prober = Prober(config, torch.randn(8, 3, 64, 64), torch.arange(8) % 3, {}, Objective())
    for group in ("surface", "shift"):
        found = dict(prober.probe(group, arm, LR, at))
        for quantity, data in found.items():
            told = data.get("real_by_gradient")
            assert told == (pytest.approx(by_gradient, rel=1e-4) if quantity in ALONG_RATE else None), quantity
    late = dict(prober.probe("shift", arm, LR, at + 1))
    assert "real_step" not in late["Q4"], "that was another step"


def test_the_sentence_below_a_chart_says_how_long_a_real_step_was(tmp_path: Path):
    data = {"Q7": {"beta": 3.0, "grad_norm": 1.0}, "Q4": {"layers": ["conv2"], "relative": [0.2]}}
    events = [
        probe(arm, 0, step, quantity, **more, **({"real_by_gradient": factor} if step else {}))
        for arm, factor in (("none", 8.0), ("batch", 5.0))
        for step in (0, 5)
        for quantity, more in data.items()
    ]
    record = made_of(tmp_path / "one", *events)
    for view in (surface.smoothness(record), shift.covariate_shift(record)):
        assert (
            "own steps were longer or shorter than lr x gradient, by a factor of: no norm 8, BatchNorm 5."
            in view.sentence
        )
    old = made_of(tmp_path / "old", *(probe("none", 0, step, "Q7", **data["Q7"]) for step in (0, 5)))
    assert "lr x gradient" not in surface.smoothness(old).sentence
