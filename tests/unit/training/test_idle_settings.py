"""Every setting that cannot act in its run is said before the start, and none that can."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alexcore import cli
from alexcore.config import PRESETS, make_config
from alexcore.data.sources import open_source
from alexcore.files import write_json
from alexcore.findings.finding import Finding
from alexcore.findings.idle import BudgetTooShort
from alexcore.home import devices_file
from alexcore.runs.store import create_run
from alexcore.training.checks import remember_check
from alexcore.training.idle_settings import before_start
from alexcore.training.loop import fit
from alexcore.training.plan import make_plan
from tests.support.interrupted_runs import Watcher
from tests.support.run_folders import tiny_config
from tests.support.striped_pictures import write_pictures


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 training images of each of 3 classes, but for the last, which has 4; batches of 8: 4 steps an epoch."""
    root = write_pictures(tmp_path_factory.mktemp("idle") / "set", ("fine", "level", "wide"), {"train": 12, "val": 4})
    for file in sorted((root / "train" / "wide").glob("*.jpg"))[4:]:
        file.unlink()
    return root


def said(data: Path, **values: Any) -> list[Finding]:
    config = tiny_config(data, **{"epochs": 10, **values})
    index = open_source(data)
    return before_start(config, index, make_plan(config, index))


# Settings; the codes of what is said without the beginning "run."; and what the sentence names.
IDLE: list[tuple[dict[str, Any], str, str]] = [
    (
        {"momentum": 0.5},
        "setting-not-read",
        "momentum = 0.5 does nothing, because optimizer = adamw. It acts with optim",
    ),
    ({"nesterov": True}, "setting-not-read", "nesterov = True does nothing, because optimizer = adamw."),
    ({"lr_gamma": 0.5}, "setting-not-read", "because scheduler = cosine. It acts with scheduler step, multistep, exp"),
    ({"lr_step_epochs": 2}, "setting-not-read", "lr_step_epochs = 2 does nothing"),
    ({"lr_milestones": "2,4"}, "setting-not-read", "It acts with scheduler multistep."),
    ({"plateau_patience": 1}, "setting-not-read", "It acts with scheduler plateau."),
    (
        {"scheduler": "exponential", "lr_gamma": 1.0},
        "setting-not-read",
        "scheduler = exponential does nothing, because",
    ),
    (
        {"decay_all": True, "weight_decay": 0.0},
        "setting-not-read",
        "decay_all = True does nothing, because weight_decay",
    ),
    (
        {"sync_batchnorm": True, "device": "cuda"},
        "setting-not-read",
        "sync_batchnorm = True does nothing, because proc",
    ),
    ({"start_size": 96}, "setting-not-read", "start_size = 96 does nothing, because image_size = 64."),
    (
        {"checkpoint_every_epochs": 10},
        "setting-not-read",
        "checkpoint_every_epochs = 10 does nothing, because epochs = 10",
    ),
    ({"deterministic": True}, "setting-not-read", "deterministic = True does nothing, because device = cpu."),
    ({"cudnn_benchmark": False}, "setting-not-read", "It acts with device cuda."),
    (
        {"epochs": 9, "time_budget_s": 60.0},
        "setting-not-read",
        "epochs = 9 does nothing, because time_budget_s = 60.0.",
    ),
    ({"intensity": "minmax"}, "intensity-unused", "no image that was looked at has more than 8 bits."),
    ({"warmup_steps": 50}, "warmup-too-long", "the run of 40 steps: the rate rises to "),
    (
        {"warmup_steps": 3, "max_steps": 2, "scheduler": "constant"},
        "warmup-too-long",
        "rises to 0.00033 and never reac",
    ),
    ({"max_steps": 41}, "step-limit-too-high", "max_steps = 41 does nothing: 10 epochs have 40 steps."),
    ({"early_stopping": 9}, "early-stopping-too-late", "early_stopping = 9 cannot end a run of 10 epochs"),
    ({"early_stopping": 2, "max_steps": 12}, "early-stopping-too-late", "cannot end a run of 3 epochs"),
    (
        {"scheduler": "step", "lr_step_epochs": 10},
        "rate-never-drops",
        "lr_step_epochs = 10 does nothing: the schedule s",
    ),
    ({"scheduler": "multistep", "lr_milestones": "10,20"}, "rate-never-drops", "lr_milestones = 10,20 does nothing"),
    ({"scheduler": "plateau", "plateau_patience": 8}, "rate-never-drops", "after the run of 10 epochs has ended"),
    ({"ema_decay": 0.99}, "average-too-short", "reached after about 1,000 steps; this run has 40 and ends at 0.82."),
    (
        {"accumulation_steps": 5},
        "accumulation-too-long",
        "an epoch has 4 batches: a step ends with its epoch and sees 28",
    ),
    ({"class_weights": "2,2,2"}, "weights-all-alike", "the weight of every class that counts is 2."),
    ({"class_weights": "inverse", "ignore_index": 2}, "weights-all-alike", "class_weights = inverse does nothing"),
]


@pytest.mark.parametrize(
    ("values", "code", "words"), IDLE, ids=lambda part: next(iter(part)) if isinstance(part, dict) else ""
)
def test_a_setting_that_cannot_act_is_said(data, values, code, words):
    (finding,) = said(data, **values)
    assert finding.code == f"run.{code}"
    assert words in finding.sentence


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"optimizer": "sgd", "momentum": 0.5, "nesterov": True},
        {"warmup_steps": 39, "max_steps": 40, "early_stopping": 8},
        {"scheduler": "step", "lr_step_epochs": 9, "lr_gamma": 0.5},
        {"scheduler": "multistep", "lr_milestones": "9,20"},
        {"scheduler": "plateau", "plateau_patience": 7},
        {"ema_decay": 0.5, "accumulation_steps": 4, "class_weights": "inverse", "checkpoint_every_epochs": 9},
        {"class_weights": "1,1,2", "weight_decay": 0.1, "decay_all": True, "image_size": 96, "start_size": 64},
        {"time_budget_s": 60.0, "early_stopping": 20, "warmup_steps": 50},  # how long it is nobody knows yet
    ],
)
def test_one_that_can_is_not(data, values):
    assert said(data, **values) == []


@pytest.mark.parametrize("preset", PRESETS)
def test_no_preset_has_one(data, preset):
    config = make_config(preset, data=str(data), batch_size=8)
    index = open_source(data)
    assert before_start(config, index, make_plan(config, index)) == []


def test_the_device_is_asked_where_it_is_known(data):
    assert said(data, device="auto", deterministic=True) == []
    devices_file().parent.mkdir(parents=True, exist_ok=True)
    write_json(devices_file(), {"device": "cpu"})
    assert [each.code for each in said(data, device="auto", deterministic=True)] == ["run.setting-not-read"]


def test_a_budget_shorter_than_a_validation_is_said_as_soon_as_a_step_was_measured(data):
    assert said(data, time_budget_s=2.0) == []
    remember_check("preflight", tiny_config(data, epochs=10, time_budget_s=2.0), {"step_s": 8.0})
    (finding,) = said(data, time_budget_s=2.0)
    assert finding.message == "time_budget_s = 2 is shorter than one validation, which takes about 4 s."
    assert said(data, time_budget_s=5.0) == []


def test_and_in_the_run_when_it_was_not(data):
    times = iter(range(0, 10**6, 40))
    config, watcher = tiny_config(data, time_budget_s=30.0), Watcher()
    assert fit(config, create_run(config), watcher, clock=lambda: float(next(times))) == "finished"
    assert [each["code"] for each in watcher.of("warning")] == [BudgetTooShort.code]
    assert [each["code"] for each in watcher.of("outcome")] == ["run.budget-used"]


def test_the_command_line_says_it_before_it_trains(data, tmp_path, capsys):
    small = ["--image-size", "64", "--width", "0.25", "--batch-size", "8", "--num-workers", "0", "--device", "cpu"]
    flags = ["--warmup-steps", "50", "--max-steps", "1", "--start-size", "0"]
    assert cli.main(["train", "--data", str(data), "--run", str(tmp_path / "run"), *small, *flags]) == 0
    told = capsys.readouterr().err
    assert told.index("warning: warmup_steps = 50 is no shorter than the run of 1 step") < told.index("Run ")
