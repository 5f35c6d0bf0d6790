"""Bytes to numbers by the batch: the same bits as torchvision picture by picture, and only where that is possible."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from alexcore.augment.operations import filled
from alexcore.augment.pipeline import build_transform, draw, sample_seed
from alexcore.augment.presets import PRESETS, evaluation_operations, training_operations
from alexcore.data.decoding.images import read_picture
from alexcore.training.loader import Loader, Reading
from alexcore.training.to_input import ToInput, cut_tail
from tests.support.small_trees import open_folder

IMAGENET = {"op": "Normalize", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 4), st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**31), st.booleans())
def test_the_bits_are_torchvisions(count: int, height: int, width: int, seed: int, normalised: bool) -> None:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (count, height, width, 3), dtype=torch.uint8, generator=generator)
    steps = [{"op": "ToTensor"}, *([IMAGENET] if normalised else [])]
    expected = build_transform(steps)(images.permute(0, 3, 1, 2))
    found = ToInput(IMAGENET if normalised else None)(images)
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(found, expected)


@pytest.mark.parametrize("size", [(3, 130, 224), (2, 1, 11_000), (1, 7, 20_000)])
def test_pieces_go_from_one_picture_to_the_next(size: tuple[int, int, int]) -> None:
    images = torch.randint(0, 256, (*size, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    expected = build_transform([{"op": "ToTensor"}, IMAGENET])(images.permute(0, 3, 1, 2))
    assert torch.equal(ToInput(IMAGENET)(images), expected)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_gives_what_each_picture_gives_alone(stripes: Path, preset: str, workers: int) -> None:
    index, operations = open_folder(stripes), training_operations(preset, 48)
    loader = Loader(index, "train", operations, Reading(5, seed=3, shuffle=True, num_workers=workers))
    transform, rows = build_transform(operations), index.select("train")
    order = [index for keys in loader.batches for _, index in keys]
    images = torch.cat([images for images, _ in loader.epoch()])
    for image, number in zip(images, order, strict=True):
        picture = read_picture(index.path_of(rows["path"].iloc[number])).image
        assert torch.equal(image, draw(transform, picture, sample_seed(3, 0, number)))


def test_what_can_wait_for_the_batch_and_what_cannot() -> None:
    head, rest = cut_tail(training_operations("seed", 32))
    assert [each["op"] for each in head] == ["RandomResizedCrop", "RandomHorizontalFlip"]
    assert rest is not None
    assert rest.mean == [0.5, 0.5, 0.5]
    assert cut_tail(evaluation_operations("imagenet", 32))[1] is not None
    assert cut_tail(training_operations("strong", 32)) == (training_operations("strong", 32), None), "erasing"
    mixed = [*training_operations("seed", 32), {"op": "MixUp", "alpha": 0.2}]
    assert cut_tail(mixed) == (mixed, None)
    assert cut_tail([{**each, "on": each["op"] != "MixUp"} for each in mixed])[1] is not None, "switched off"
    assert cut_tail([{"op": "ToTensor"}]) == ([{"op": "ToTensor"}], None), "nothing to do picture by picture"


def test_a_normalize_without_numbers_has_those_of_its_default() -> None:
    plain, written = ToInput({"op": "Normalize"}), ToInput({"op": "Normalize", **filled({"op": "Normalize"})})
    assert (plain.mean, plain.std) == (written.mean, written.std)
    images = torch.full((1, 4, 4, 3), 90, dtype=torch.uint8)
    assert torch.equal(plain(images), written(images))
