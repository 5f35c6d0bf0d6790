"""Memory that loader processes use again and again: the same batches as without it, whatever the pace of the reader."""

from __future__ import annotations

import os
import pickle
import time
from pathlib import Path

import pytest
import torch
from PIL import Image

from alexcore.augment.presets import training_operations
from alexcore.training import loader as loaders
from alexcore.training.loader import Loader, Reading
from alexcore.training.shared_batches import Placed, SharedBatches
from tests.support.small_trees import open_folder


def loader_of(folder: Path, workers: int, batch_size: int = 2) -> Loader:
    how = Reading(batch_size, seed=3, shuffle=True, num_workers=workers)
    return Loader(open_folder(folder), "train", training_operations("seed", 48), how)


def same(found: list[loaders.Batch], expected: list[loaders.Batch]) -> bool:
    pairs = zip(found, expected, strict=True)
    return all(torch.equal(a[0], b[0]) and torch.equal(a[1], b[1]) and a[1].dtype == b[1].dtype for a, b in pairs)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_slow_reader_finds_each_batch_as_it_was(stripes: Path, workers: int, monkeypatch) -> None:
    expected = [list(loader_of(stripes, 0).epoch(epoch)) for epoch in range(3)]
    assert len(expected[0]) > 3 * workers, "places are used again"
    loader = loader_of(stripes, workers)
    to_input = loader.dataset.to_input
    assert to_input is not None

    def slowly(images: torch.Tensor) -> torch.Tensor:
        time.sleep(0.05)  # the processes have made all that they may by now
        return to_input(images)

    monkeypatch.setattr(loader.dataset, "to_input", slowly)
    for epoch in range(3):
        assert same(list(loader.epoch(epoch)), expected[epoch])
    abandoned = loader.epoch(0)
    next(abandoned)
    assert same(list(loader.epoch(1)), expected[1])
    assert same(list(loader.epoch(2, start=2)), expected[2][2:])


def test_batches_are_placed_and_not_sent(stripes: Path) -> None:
    loader = loader_of(stripes, 1)
    items = list(loader._loader)
    assert all(isinstance(item, Placed) for item in items)
    assert {item.place for item in items} == {0, 1, 2}


def test_what_does_not_fit_is_sent(stripes: Path) -> None:
    expected = list(loader_of(stripes, 0).epoch())
    loader = loader_of(stripes, 2)
    assert loader.shared is not None
    loader.shared.size = 100
    assert not any(isinstance(item, Placed) for item in loader._loader)
    assert same(list(loader.epoch()), expected)


def test_a_crop_without_resize_has_no_places(tmp_path: Path) -> None:
    for name in ("train/a/1.png", "val/a/1.png"):
        (tmp_path / name).parent.mkdir(parents=True)
        Image.new("RGB", (520, 530), (9, 9, 9)).save(tmp_path / name)
    operations = [{"op": "RandomCrop", "size": [512, 512]}, {"op": "ToTensor"}]
    loader = Loader(open_folder(tmp_path), "train", operations, Reading(2, num_workers=1))
    ((images, labels),) = loader.epoch()
    assert images.shape == (1, 3, 512, 512)
    assert labels.tolist() == [0]


def test_another_process_gets_no_memory() -> None:
    shared = SharedBatches(2, 5000)
    assert len(shared._memory) == 2 * 3 * 8192
    assert not len(pickle.loads(pickle.dumps(shared))._memory)
    assert shared.put([torch.zeros(4, 4, 3, dtype=torch.uint8)], [1]) is None, "this is no loader process"


@pytest.mark.skipif(not hasattr(os, "nice"), reason="Windows has no niceness")
def test_loader_processes_stand_back(stripes: Path) -> None:
    loader, own = loader_of(stripes, 1), os.nice(0)
    batches = iter(loader._loader)
    next(batches)
    (process,) = batches._workers  # type: ignore[attr-defined]
    assert os.getpriority(os.PRIO_PROCESS, process.pid) == min(19, own + loaders._NICENESS)
