"""A run that was stopped between its last step and the validation after it is not finished before it has validated."""

from __future__ import annotations

from pathlib import Path

import pytest

from alexcore.cli.processes import with_world_size
from alexcore.config import make_config
from alexcore.errors import ConfigError
from alexcore.export.project import last_epoch
from alexcore.findings.run import SizesPlannedAnew
from alexcore.training.checkpoint import load_checkpoint
from alexcore.training.resuming import what_changed
from alexcore.training.schedule import image_side
from tests.support.interrupted_runs import assert_same_state, config_of, interrupted, measured, straight
from tests.support.run_folders import tiny_config

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create")


@pytest.mark.parametrize("max_steps", [0, 7])
def test_a_run_stopped_in_its_last_validation_validates_when_resumed(stripes: Path, max_steps: int) -> None:
    config = config_of(stripes, epochs=3, max_steps=max_steps)
    whole, watcher = straight(config)
    last = watcher.of("epoch")[-1]["step"]
    folder, watchers = interrupted(config, [lambda each: each.phase == "validating" and each.step == last])
    assert measured(watchers) == measured([watcher])
    for name in ("best.pt", "last.pt"):
        ours, theirs = (load_checkpoint(each / "checkpoints" / name, "cpu") for each in (folder, whole))
        for each in (ours, theirs):
            for clock in ("seconds", "ending_s"):
                each["position"].pop(clock, None)
        assert_same_state(ours, theirs, name)


def test_a_run_stopped_at_its_last_step_within_an_epoch_validates_when_resumed(stripes: Path) -> None:
    config = tiny_config(stripes, max_steps=3, epochs=2)
    folder, watchers = interrupted(config, [lambda each: each.step == 3])
    assert [each["step"] for each in watchers[-1].of("epoch")] == [3]
    assert (folder / "checkpoints" / "best.pt").is_file()


def test_a_run_with_a_time_budget_validates_too(stripes: Path) -> None:
    config = tiny_config(stripes, time_budget_s=0.5)
    _, watchers = interrupted(config, [lambda each: each.phase == "validating"])
    assert watchers[-1].of("epoch")


def test_resume_under_torchrun_takes_a_flag_that_was_not_typed_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert with_world_size({"processes": None, "epochs": None}) == {"processes": 2, "epochs": None}
    assert with_world_size({}) == with_world_size({"processes": 2}) == {"processes": 2}
    with pytest.raises(ConfigError, match="processes = 3, but torchrun has started 2"):
        with_world_size({"processes": 3})


# Growing pictures ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "steps_per_epoch", "sides"),
    [
        ({"epochs": 1}, 0, [224]),
        ({"epochs": 2}, 0, [128, 224]),
        ({"epochs": 10}, 0, [128, 144, 160, 176, 192, 208, 224, 224, 224, 224]),
        ({"epochs": 5, "image_size": 230}, 0, [128, 160, 192, 230, 230]),
        ({"epochs": 10, "max_steps": 11}, 5, [128, 144, 224]),
        ({"epochs": 10, "max_steps": 5}, 5, [224]),
        ({"epochs": 2, "max_steps": 500}, 5, [128, 224]),
    ],
)
def test_the_last_epoch_sees_the_full_size(values: dict[str, int], steps_per_epoch: int, sides: list[int]) -> None:
    config = make_config(data="x", **{"image_size": 224, "start_size": 128, **values})
    assert last_epoch(config, steps_per_epoch) == len(sides) - 1
    assert [image_side(config, epoch, steps_per_epoch) for epoch in range(len(sides))] == sides


def test_a_longer_run_says_that_its_pictures_become_smaller_again() -> None:
    before = make_config(data="x", epochs=10, image_size=224, start_size=128, scheduler="constant")
    longer = before.model_copy(update={"epochs": 20})
    assert what_changed(before.model_dump(), longer, False, 10) == [SizesPlannedAnew(128, epoch=11, side=208, was=224)]
    assert what_changed(before.model_dump(), longer, False, 13) == []  # no epoch to come differs
    assert what_changed(before.model_dump(), before, False, 3) == []


def test_a_time_budget_says_that_pictures_grow_no_more() -> None:
    before = make_config(data="x", epochs=10, image_size=224, start_size=128)
    said = what_changed(before.model_dump(), before.model_copy(update={"time_budget_s": 60.0}), False, 2)
    assert SizesPlannedAnew(128, epoch=3, side=224, was=160) in said
