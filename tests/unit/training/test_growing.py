"""Progressive resizing: what an epoch sees follows from its number alone, so a resume sees the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from alexcore.augment.presets import resized, training_operations
from alexcore.config import TrainConfig
from alexcore.errors import ConfigError
from alexcore.training.loop import fit
from alexcore.training.plan import make_plan
from alexcore.training.run_data import open_run_data
from tests.support.run_folders import tiny_config


class Quiet:
    """Watches a run; asks it to stop at a step."""

    def __init__(self, stop_at: int = -1) -> None:
        self.stop_at, self.step, self.stopped = stop_at, 0, False

    def event(self, _kind: str, **fields: object) -> None:
        pass

    def progress(self, _phase: str, _done: int, _total: int, **fields: int) -> None:
        self.step = fields.get("step", self.step)

    def request(self) -> str:
        return "stop" if self.step == self.stop_at else ""

    def moved(self) -> None: ...

    def paused(self, paused: bool) -> None:
        pass


def growing(data: Path, **values: object) -> TrainConfig:
    return tiny_config(data, epochs=4, image_size=96, start_size=64, **values)


@pytest.mark.parametrize("workers", [0, 2])
def test_each_epoch_has_its_size_and_validation_the_full_one(stripes: Path, workers: int) -> None:
    data = open_run_data(growing(stripes, num_workers=workers), Quiet(), pin_memory=False)
    sides = [next(iter(data.train.epoch(epoch)))[0].shape[2:] for epoch in range(4)]
    assert sides == [(64, 64), (80, 80), (96, 96), (96, 96)]
    assert next(iter(data.val.epoch()))[0].shape[2:] == (96, 96)


def test_every_length_in_pixels_is_scaled_and_nothing_else() -> None:
    operations = [
        {"op": "Resize", "size": 256},
        {"op": "RandomCrop", "size": [224, 224], "padding": 28},
        {"op": "ColorJitter", "brightness": 0.4},
        *training_operations("seed", 224),
    ]
    small = resized(operations, 224, 112)
    assert small[:3] == [
        {"op": "Resize", "size": 128},
        {"op": "RandomCrop", "size": [112, 112], "padding": 14},
        {"op": "ColorJitter", "brightness": 0.4},
    ]
    assert small[3:] == training_operations("seed", 112)


@pytest.mark.parametrize("stop_at", [3, 5, 8])
def test_a_resumed_run_ends_with_the_same_weights(stripes: Path, tmp_path: Path, stop_at: int) -> None:
    def weights(folder: Path) -> dict[str, torch.Tensor]:
        return torch.load(folder / "checkpoints" / "last.pt", weights_only=True)["model"]

    for name in ("straight", "stopped"):
        (tmp_path / name / "checkpoints").mkdir(parents=True)
    config = growing(stripes)
    assert fit(config, tmp_path / "straight", Quiet()) == "finished"
    assert fit(config, tmp_path / "stopped", Quiet(stop_at)) == "stopped"
    assert fit(config, tmp_path / "stopped", Quiet(), resume=True) == "finished"
    straight, resumed = weights(tmp_path / "straight"), weights(tmp_path / "stopped")
    assert all(torch.equal(straight[name], resumed[name]) for name in straight)


def test_a_first_size_that_is_too_small_is_named(stripes: Path) -> None:
    data = open_run_data(growing(stripes), Quiet(), pin_memory=False)
    with pytest.raises(ConfigError, match=r"start_size = 20 is too small for the variant seed"):
        make_plan(growing(stripes).model_copy(update={"start_size": 20}), data.index)
