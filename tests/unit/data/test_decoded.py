"""The cache of decoded pictures: the same pixels, from any process, within a budget, and never a reason to fail."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from alexcore.augment.presets import training_operations
from alexcore.data.decoding import decoded
from alexcore.data.decoding.decoded import DecodedPictures
from alexcore.data.decoding.images import read_picture
from alexcore.errors import DataError
from alexcore.training.loader import Loader, Reading
from tests.support.small_trees import open_folder


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (30, 20, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "picture.jpg")
    return tmp_path / "picture.jpg"


@pytest.fixture
def decodes(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every path that is decoded in this process."""
    seen: list[Path] = []

    def watch(path: Path, **more):
        seen.append(path)
        return read_picture(path, **more)

    monkeypatch.setattr(decoded, "read_picture", watch)
    return seen


def same(image: Image.Image, path: Path) -> bool:
    return image.mode == "RGB" and np.array_equal(np.asarray(image), np.asarray(read_picture(path).image))


def test_a_picture_is_decoded_once_whoever_asks(picture: Path, tmp_path: Path, decodes: list[Path]) -> None:
    first, second = DecodedPictures(10, tmp_path / "c"), DecodedPictures(10, tmp_path / "c")
    for cache in (first, second, first):
        assert same(cache.read(picture), picture)
    assert len(decodes) == 1


def test_a_picture_that_has_changed_is_decoded_again(picture: Path, tmp_path: Path, decodes: list[Path]) -> None:
    cache = DecodedPictures(10, tmp_path / "c")
    cache.read(picture)
    Image.new("RGB", (9, 8), "red").save(picture)
    assert cache.read(picture).size == (9, 8)
    assert len(decodes) == 2


def test_off_means_no_file(picture: Path, tmp_path: Path) -> None:
    assert same(DecodedPictures(0, tmp_path / "c").read(picture), picture)
    assert not (tmp_path / "c").exists()


def test_the_budget_is_kept_and_the_oldest_make_room(picture: Path, tmp_path: Path, decodes: list[Path]) -> None:
    Image.new("RGB", (400, 400)).save(tmp_path / "large.png")  # 480 kB
    Image.new("RGB", (500, 500)).save(tmp_path / "larger.png")  # 750 kB
    DecodedPictures(1, tmp_path / "c").read(tmp_path / "large.png")
    cache = DecodedPictures(1, tmp_path / "c")
    assert cache.read(tmp_path / "larger.png").size == (500, 500)
    assert sum(file.stat().st_size for file in (tmp_path / "c").iterdir()) < 2**20
    for file in (tmp_path / "c").glob("*.pixels"):
        os.truncate(file, 2**20)
    DecodedPictures(1, tmp_path / "c")
    assert list((tmp_path / "c").iterdir()) == []


def test_a_torn_or_missing_file_is_no_error(picture: Path, tmp_path: Path, decodes: list[Path]) -> None:
    DecodedPictures(10, tmp_path / "c").read(picture)
    (pixels,), (entries,) = (tmp_path / "c").glob("*.pixels"), (tmp_path / "c").glob("*.entries")
    os.truncate(pixels, 100)
    assert same(DecodedPictures(10, tmp_path / "c").read(picture), picture)
    os.truncate(entries, 5)
    assert same(DecodedPictures(10, tmp_path / "c").read(picture), picture)
    pixels.unlink()
    assert same(DecodedPictures(10, tmp_path / "c").read(picture), picture)


def test_a_full_disk_costs_only_time(picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(decoded.os, "write", full)
    cache = DecodedPictures(10, tmp_path / "c")
    assert same(cache.read(picture), picture)
    assert same(cache.read(picture), picture)


def test_a_broken_picture_stays_an_error(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(DataError, match="no picture in a format"):
        DecodedPictures(10, tmp_path / "c").read(tmp_path / "broken.jpg")
    with pytest.raises(DataError, match="There is no file"):
        DecodedPictures(10, tmp_path / "c").read(tmp_path / "missing.jpg")


def test_a_copy_for_another_process_opens_files_of_its_own(picture: Path, tmp_path: Path) -> None:
    cache = DecodedPictures(10, tmp_path / "c")
    cache.read(picture)
    copy = pickle.loads(pickle.dumps(cache))
    assert same(copy.read(picture), picture)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_gives_the_same_batches_with_and_without(stripes: Path, workers: int) -> None:
    def batches(epoch: int, mib: int) -> list[np.ndarray]:
        how = Reading(5, seed=1, shuffle=True, num_workers=workers, decoded_mib=mib)
        loader = Loader(open_folder(stripes), "train", training_operations("seed", 32), how)
        return [images.numpy() for images, _ in loader.epoch(epoch)]

    for epoch in (0, 1):
        for plain, cached in zip(batches(epoch, 0), batches(epoch, 50), strict=True):
            assert np.array_equal(plain, cached)
