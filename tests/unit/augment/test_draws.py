"""Augmentation is a function of the picture and of (seed, epoch, index), and of nothing else."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from alexcore.augment.operations import OPERATIONS
from alexcore.augment.pipeline import build_transform, draw, sample_seed
from alexcore.augment.presets import evaluation_operations, training_operations
from alexcore.config import FIELDS
from alexcore.errors import ConfigError, DataError
from tests.support.augment_pipelines import picture

PRESETS = FIELDS["augment"].choices
RANDOM = [name for name in PRESETS if name != "none"]


def drawn(preset: str, seed: int = 0, epoch: int = 0, index: int = 0, size: int = 32) -> torch.Tensor:
    return draw(build_transform(training_operations(preset, size)), picture(), sample_seed(seed, epoch, index))


@pytest.mark.parametrize("preset", PRESETS)
def test_a_draw_ignores_and_leaves_alone_every_global_generator(preset):
    """Symptom: a run with loader processes, or with dropout in between, differs from one without."""
    first = drawn(preset, 5, 6, 7)
    torch.manual_seed(99)
    np.random.seed(99)
    random.seed(99)
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()
    assert torch.equal(drawn(preset, 5, 6, 7), first)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert random.getstate() == states[1]
    assert (np.random.get_state()[1] == states[2]).all()


def test_a_draw_that_fails_leaves_the_generator_alone():
    def fail(image: Image.Image) -> torch.Tensor:
        raise ValueError(torch.rand(1).item())

    before = torch.get_rng_state()
    with pytest.raises(ValueError, match="0"):
        draw(fail, picture(), 1)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("preset", RANDOM)
def test_another_seed_epoch_or_picture_is_another_draw(preset):
    draws = [drawn(preset, *numbers) for numbers in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 2, 0))]
    assert len({each.numpy().tobytes() for each in draws}) == len(draws)


def test_sample_seeds_do_not_collide_and_fit_torch():
    seeds = {sample_seed(seed, epoch, index) for seed in range(8) for epoch in range(8) for index in range(-1, 64)}
    assert len(seeds) == 8 * 8 * 65
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert sample_seed(2**31 - 1, 10_000, 10**9) >= 0


@pytest.mark.parametrize("preset", PRESETS)
def test_evaluation_is_without_chance_and_normalises_as_training_did(preset):
    """Symptom: validation accuracy is poor, because the network is shown other numbers than in training."""
    operations = evaluation_operations(preset, 32)
    transform = build_transform(operations)
    torch.manual_seed(1)
    first = transform(picture())
    assert torch.equal(transform(picture()), first)
    normalise = [step for step in training_operations(preset, 32) if step["op"] == "Normalize"]
    assert [step for step in operations if step["op"] == "Normalize"] == normalise != []
    # By hand: Resize to the square, [0, 1], then (x - mean) / std.
    resized = torch.from_numpy(np.array(v2.Resize([32, 32])(picture()))).permute(2, 0, 1) / 255
    mean, std = (torch.tensor(normalise[0][name]).view(3, 1, 1) for name in ("mean", "std"))
    torch.testing.assert_close(first, (resized - mean) / std)


def test_the_preset_none_trains_on_what_it_evaluates():
    assert training_operations("none", 48) == evaluation_operations("none", 48)


@pytest.mark.parametrize(
    ("operations", "message"),
    [
        ([{"op": "Sharpen"}], "There is no operation 'Sharpen'."),
        ([{"p": 0.5}], "There is no operation None."),
        ([{"op": "RandomHorizontalFlip", "p": 1.5}], "RandomHorizontalFlip: p = 1.5 is not allowed."),
        ([{"op": "RandomHorizontalFlip", "chance": 1}], "RandomHorizontalFlip has no parameter 'chance'."),
        ([{"op": "ToTensor"}, {"op": "Resize"}], "Resize lacks its size."),
    ],
)
def test_a_bad_operation_is_one_sentence(operations, message):
    with pytest.raises(ConfigError) as caught:
        build_transform(operations)
    assert caught.value.message.startswith(message)
    assert caught.value.hint


def test_every_operation_of_a_preset_is_registered():
    used = {step["op"] for preset in PRESETS for step in training_operations(preset, 32)}
    assert used <= set(OPERATIONS)


def test_a_thin_picture_is_not_blown_up_to_gigabytes():
    transform = build_transform(
        [{"op": "Resize", "size": 2048}, {"op": "CenterCrop", "size": [64, 64]}, {"op": "ToTensor"}]
    )
    assert draw(transform, picture(60, 45), 0).shape == (3, 64, 64)
    with pytest.raises(DataError, match="would make 2048 x 20480000 pixels of a picture of 1 x 10000"):
        draw(transform, picture(1, 10_000), 0)
