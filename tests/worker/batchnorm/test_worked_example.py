"""The worked example of an experiment: the run's own transform, and the truth about its running statistics."""

from __future__ import annotations

from pathlib import Path

import torch

from alexcore.batchnorm.measure.arms import build_arm
from alexcore.batchnorm.measure.batches import open_seeds, probe_set
from alexcore.batchnorm.measure.formula_example import channel_example, experiment_example
from alexcore.batchnorm.settings import trained_file
from alexcore.files import write_json
from alexcore.training.run_data import Silent
from tests.support.bn_trainings import at_step, described, run

CHOICES = {"seeds": 1, "arms": "none,batch", "steps": 2, "normalize": "data"}


def line(folder: Path, *, trained: bool) -> str:
    found: list[str] = experiment_example(folder, 5, "conv1", 0, trained=trained)["lines_eval"]
    return found[0]


def test_the_transform_is_the_runs_and_the_statistics_are_called_what_they_are(stripes: Path) -> None:
    config, bn = described(stripes, **CHOICES)
    folder, _ = run((config, bn))
    write_json(folder / "config.json", config.model_dump())
    assert line(folder, trained=True).endswith(
        "recalibrated: measured anew after the last step, on 16 pictures of the training split as training augments it"
    )
    data = open_seeds(config, [5], Silent(), False)[5]
    images, _ = probe_set(data.index, data.evaluation_operations, config.batch_size, 5)
    arm = build_arm(config, "batch", 5, 3, torch.device("cpu"))
    expected = channel_example(arm.model, images.contiguous(), "conv1", 0)["shown"]
    assert experiment_example(folder, 5, "conv1", 0, trained=False)["shown"] == expected
    # Before the first step ends there is no file to ask.
    trained_file(folder, 5).unlink()
    assert experiment_example(folder, 5, "conv1", 0, trained=False)["shown"] == expected
    assert line(folder, trained=False).endswith("as it begins, before the first step")


def test_after_a_stop_it_says_that_the_batch_took_part(stripes: Path) -> None:
    config, bn = described(stripes, **CHOICES)
    folder, _ = run((config, bn), at_step(2))
    write_json(folder / "config.json", config.model_dump())
    assert line(folder, trained=True).endswith(
        "at the stop, on the 10 probe pictures, pictures of this batch among them"
    )
