"""The learning rate: its values by hand, against torch's schedulers where they mean the same, and its preview."""

from __future__ import annotations

import math

import pytest
import torch

from alexcore.config import FIELDS, make_config
from alexcore.errors import ConfigError
from alexcore.training.schedule import image_side, lr_factor, plateau, rates, suggested_lr, work_ahead

# 100 steps, 10 an epoch, factor 0.1: at the start, the end of a warm-up of 20, the middle, and the last step.
START, WARM, MIDDLE, LAST = 0, 19, 50, 99


def bend(t: float) -> float:
    return 0.5 + 0.5 * math.cos(math.pi * t)


@pytest.mark.parametrize(
    ("scheduler", "warmup", "expected"),
    [
        ("constant", 0, (1.0, 1.0, 1.0, 1.0)),
        ("constant", 20, (0.05, 1.0, 1.0, 1.0)),
        ("plateau", 20, (0.05, 1.0, 1.0, 1.0)),
        ("step", 0, (1.0, 1.0, 0.1, 0.001)),
        ("step", 20, (0.05, 1.0, 0.1, 0.001)),
        ("multistep", 0, (1.0, 1.0, 1.0, 0.01)),
        ("multistep", 20, (0.05, 1.0, 1.0, 0.01)),
        ("exponential", 0, (1.0, 0.1 ** (19 / 99), 0.1 ** (50 / 99), 0.1)),
        ("exponential", 20, (0.05, 1.0, 0.1 ** (30 / 79), 0.1)),
        ("cosine", 0, (1.0, bend(19 / 100), 0.5, bend(99 / 100))),
        ("cosine", 20, (0.05, 1.0, bend(30 / 80), bend(79 / 80))),
        ("onecycle", 0, (0.04, 1 - 0.96 * bend(19 / 30), bend(20 / 70), bend(69 / 70))),
        ("onecycle", 20, (0.002, 1 - 0.96 * bend(19 / 30), bend(20 / 70), bend(69 / 70))),
    ],
)
def test_the_rate_at_start_end_of_warmup_middle_and_last_step(scheduler, warmup, expected):
    config = make_config(scheduler=scheduler, warmup_steps=warmup)
    found = [lr_factor(config, step, 100, 10) for step in (START, WARM, MIDDLE, LAST)]
    assert found == pytest.approx(expected, abs=1e-6)


def torchs(make, steps: int) -> list[float]:
    """The rates of one of torch's schedulers, from 1."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler, found = make(optimizer), []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


@pytest.mark.parametrize(
    ("values", "make"),
    [
        ({"scheduler": "step", "lr_step_epochs": 2, "lr_gamma": 0.5}, lambda o, s: s.StepLR(o, 2, 0.5)),
        ({"scheduler": "multistep", "lr_milestones": "1, 4,5"}, lambda o, s: s.MultiStepLR(o, [1, 4, 5], 0.1)),
        ({"scheduler": "exponential"}, lambda o, s: s.ExponentialLR(o, 0.1 ** (1 / 11))),
        ({"scheduler": "cosine"}, lambda o, s: s.CosineAnnealingLR(o, 12)),
        (
            {"scheduler": "constant", "warmup_steps": 5},
            lambda o, s: s.LinearLR(o, start_factor=1 / 5, total_iters=4),
        ),
    ],
    ids=["step", "multistep", "exponential", "cosine", "warmup"],
)
def test_they_are_torchs_schedulers(values, make):
    """One step an epoch, so that both count alike."""
    config = make_config(**values)
    ours = [lr_factor(config, step, 12, 1) for step in range(12)]
    assert ours == pytest.approx(torchs(lambda optimizer: make(optimizer, torch.optim.lr_scheduler), 12), abs=1e-9)


@pytest.mark.parametrize("patience", [0, 1, 2])
def test_a_plateau_is_torchs(patience):
    losses = [1.0, 0.9, 0.95, 0.9, 0.89995, 0.7, 0.71, 0.72, 0.73, 0.74, 0.69, 0.8, 0.8, 0.8, 0.8]
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=patience, eps=0)
    config = make_config(scheduler="plateau", lr_gamma=0.5, plateau_patience=patience)
    scale, best, bad = 1.0, math.inf, 0
    for loss in losses:
        scale, best, bad = plateau(scale, best, bad, loss, config)
        theirs.step(loss)
        assert scale == optimizer.param_groups[0]["lr"]
    assert scale < 1


@pytest.mark.parametrize("scheduler", FIELDS["scheduler"].choices)
def test_the_rate_stays_between_0_and_1_and_never_starts_at_0(scheduler):
    for total in (1, 2, 3, 7, 100):
        for warmup in (0, 1, 5, 100, 1000):
            config = make_config(scheduler=scheduler, warmup_steps=warmup)
            factors = [lr_factor(config, step, total, 2) for step in range(total)]
            assert all(0 <= factor <= 1 for factor in factors), (total, warmup)
            assert factors[0] > 0, "the first step would be lost"


@pytest.mark.parametrize("text", ["", "8,6", "6,6", "0,3", "x", "6;8", "1.5"])
def test_milestones_that_are_none(text):
    with pytest.raises(ConfigError) as caught:
        make_config(lr_milestones=text)
    legal = "a rising list of whole numbers above 0, such as 6,8"
    assert caught.value.message == f"lr_milestones = {text!r} is not allowed: it must be {legal}."


def test_the_preview_has_both_ends_and_no_more_points_than_asked():
    config = make_config(scheduler="cosine", lr=0.5, warmup_steps=10)
    curve = rates(config, 1000, 50, points=200)
    assert len(curve) == 200
    assert (curve[0], curve[-1][0]) == ((1, pytest.approx(0.05)), 1000)
    assert all(rate == 0.5 * lr_factor(config, step - 1, 1000, 50) for step, rate in curve)
    assert [step for step, _ in rates(config, 5, 5)] == [1, 2, 3, 4, 5]
    assert rates(config, 1, 1) == [(1, pytest.approx(0.05))]


def test_the_suggested_rate_grows_with_the_effective_batch():
    assert suggested_lr(make_config()) == make_config().lr
    assert suggested_lr(make_config(batch_size=64, accumulation_steps=4)) == pytest.approx(8 * make_config().lr)
    assert suggested_lr(make_config("seed", batch_size=16), "seed") == pytest.approx(1e-4)
    assert suggested_lr(make_config(optimizer="sgd")) is None


def test_pictures_grow_evenly_to_the_image_size_and_stay_there() -> None:
    config = make_config(data="x", epochs=10, image_size=224, start_size=128)
    sides = [image_side(config, epoch) for epoch in range(10)]
    assert sides == [128, 144, 160, 176, 192, 208, 224, 224, 224, 224]
    assert [image_side(config, epoch) for epoch in (99, 10_000)] == [224, 224]


def test_what_is_left_counts_the_area_of_the_pictures() -> None:
    config = make_config(data="x", epochs=4, image_size=224, start_size=112)
    # 112, 160, 208 and 224 px.
    assert work_ahead(config, 0) == pytest.approx(((1 + (160 / 112) ** 2 + (208 / 112) ** 2 + 4) / 4, 4))
    assert work_ahead(config, 3) == (1, 1)
    assert work_ahead(config, 7) == (1, 1)


@pytest.mark.parametrize("values", [{"start_size": 0}, {"start_size": 224}, {"start_size": 300}, {"time_budget_s": 60}])
def test_pictures_have_one_size_without_growth(values: dict[str, float]) -> None:
    config = make_config(data="x", **{"image_size": 224, "start_size": 128, **values})
    assert {image_side(config, epoch) for epoch in range(10)} == {224}
