"""The learning-rate range test: its curve by hand, and on a small data set."""

from __future__ import annotations

import math
import shutil
from itertools import pairwise

import pytest

from alexcore.config import make_config
from alexcore.home import runs_dir
from alexcore.training.checks import known_check
from alexcore.training.lr_curve import ROUGH, STEPS, Sweep, steepest, sweep_config, swept_lr
from alexcore.training.lr_find import lr_find
from tests.support.command_line import done, refused
from tests.support.run_folders import tiny_config


def test_the_rates_grow_by_the_same_factor():
    rates = [swept_lr(step) for step in range(STEPS)]
    assert (rates[0], rates[-1]) == (pytest.approx(1e-6), pytest.approx(10))
    assert {round(b / a, 9) for a, b in pairwise(rates)} == {round(1e7 ** (1 / 99), 9)}


def test_the_smoothed_loss_by_hand():
    sweep = Sweep()
    for loss in (2.0, 4.0, 1.0):
        assert sweep.add(0.1, loss)
    second = (0.9 * 2 + 4) / (0.9 + 1)
    third = (0.81 * 2 + 0.9 * 4 + 1) / (0.81 + 0.9 + 1)
    assert [loss for _, loss in sweep.points] == pytest.approx([2.0, second, third])


def curve(center: float) -> list[tuple[float, float]]:
    """A loss that falls like a logistic curve with its steepest place at `center`, and shoots up from 1 on."""
    rates = [swept_lr(step) for step in range(STEPS)]
    return [(lr, 1 + 1 / (1 + (lr / center) ** 2) + max(0.0, math.log10(lr)) ** 2) for lr in rates]


@pytest.mark.parametrize("center", [1e-4, 3e-3, 0.05])
def test_the_suggestion_is_where_the_loss_falls_most_steeply(center):
    assert steepest(curve(center)) == pytest.approx(center, rel=0.2)


@pytest.mark.parametrize(
    "points",
    [
        [],
        curve(1e-3)[: ROUGH + 2],
        [(swept_lr(step), 1.6) for step in range(STEPS)],
        [(swept_lr(step), 1.6 + step / 100) for step in range(STEPS)],
        [(swept_lr(step), 1.6 - step / 10_000) for step in range(STEPS)],
    ],
    ids=["empty", "short", "flat", "rising", "hardly-falling"],
)
def test_where_nothing_falls_nothing_is_suggested(points):
    assert steepest(points) is None


def test_it_stops_when_the_loss_diverges():
    sweep, steps = Sweep(), 0
    while sweep.add(swept_lr(steps), 1.0 if steps < 30 else 100.0):
        steps += 1
    assert 30 <= steps < 35
    result = sweep.result(stopped=True)
    assert result["suggestion"] is None
    assert result["reason"].startswith(f"The loss diverged at {swept_lr(steps):.2g}. It never fell clearly")
    assert not Sweep().add(1.0, math.nan)


def test_on_a_data_set_it_finds_a_rate_and_leaves_no_run(stripes):
    told = []
    result = lr_find(tiny_config(stripes), lambda done, total: told.append((done, total)), steps=60)
    assert 1e-6 < result["suggestion"] < 1
    assert result["points"][0][0] == pytest.approx(1e-6)
    assert len(result["points"]) <= 60
    assert min(loss for _, loss in result["points"]) < 0.98 * result["points"][0][1]
    assert told[-1] == (60, 60)
    assert not runs_dir().exists()


def test_rate_and_schedule_of_the_configuration_do_not_matter(stripes):
    plain = lr_find(tiny_config(stripes), steps=8)
    other = lr_find(tiny_config(stripes, lr=0.5, scheduler="onecycle", warmup_steps=9, ema_decay=0.9), steps=8)
    assert plain == other
    assert lr_find(tiny_config(stripes, seed=1), steps=8) != plain
    assert sweep_config(make_config(lr=0.5)) == sweep_config(make_config(lr=0.1))


def test_the_command_prints_the_table_and_remembers_it(stripes, tmp_path):
    data = shutil.copytree(stripes, tmp_path / "data")
    flags = ["--data", data, "--image-size", 64, "--width", 0.25, "--batch-size", 8, "--num-workers", 0]
    said = done("lr-find", *flags, "--device", "cpu", "--precision", "fp32", "--json")
    assert set(said.json) == {"suggestion", "points", "reason", "method"}
    assert 5 < len(said.json["points"]) <= STEPS
    config = tiny_config(data, epochs=make_config().epochs, lr=0.123)
    assert known_check("lr-find", sweep_config(config)) == said.json
    assert "Add --data PATH" in refused("lr-find")
    assert "no folder" in refused("lr-find", "--data", tmp_path / "none")
