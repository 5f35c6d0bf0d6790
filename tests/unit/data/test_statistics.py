"""Mean, deviation, sizes, brightness and average pictures are those of the files, and are measured once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from alexcore.augment.check import require_legal
from alexcore.augment.pipeline import build_transform
from alexcore.augment.presets import evaluation_operations, with_normalize
from alexcore.data import statistics
from alexcore.data.decoding.images import read_header, read_picture
from alexcore.data.statistics import LEAST_STD, known_statistics, measure, statistics_file
from alexcore.errors import DataError
from tests.support.small_trees import open_folder


@pytest.fixture
def mixed(stripes, tmp_path) -> Path:
    """The stripes with a wide picture, a rotated one, a grey one, and one torn after its header."""
    root = shutil.copytree(stripes, tmp_path / "mixed")
    folder = root / "train" / "fine"
    pixels = np.random.default_rng(1).integers(0, 255, (40, 90, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "a_wide.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(folder / "b_rotated.jpg", exif=exif)
    Image.new("L", (50, 50), 255).save(folder / "c_white.png")
    torn = root / "val" / "wide" / "wide_000.jpg"
    torn.write_bytes(torn.read_bytes()[:-400])
    return root


def test_mean_and_std_are_those_of_the_evaluation_transform(mixed):
    index = open_folder(mixed)
    found = measure(index, image_size=64)
    transform = build_transform([{"op": "Resize", "size": [64, 64]}, {"op": "ToTensor"}])
    pixels = torch.stack([transform(read_picture(index.path_of(path)).image) for path in index.select("train")["path"]])
    assert found.pictures == len(pixels) == 39
    assert found.mean == pytest.approx(pixels.double().mean(dim=(0, 2, 3)).tolist(), abs=1e-7)
    assert found.std == pytest.approx(pixels.double().std(dim=(0, 2, 3), correction=0).tolist(), abs=1e-7)
    normalised = (pixels - torch.tensor(found.mean).view(3, 1, 1)) / torch.tensor(found.std).view(3, 1, 1)
    assert normalised.mean().abs() < 1e-5


def test_known_numbers(tmp_path):
    for split, name, colour in [
        ("train", "a", (0, 0, 0)),
        ("train", "b", (255, 0, 255)),
        ("val", "a", (9, 9, 9)),
        ("val", "b", (255,) * 3),
    ]:
        (tmp_path / "data" / split / name).mkdir(parents=True)
        Image.new("RGB", (30, 20), colour).save(tmp_path / "data" / split / name / "1.png")
    found = measure(open_folder(tmp_path / "data"))
    assert found.mean == pytest.approx((0.5, 0, 0.5))
    assert found.std == pytest.approx((0.5, 0, 0.5))
    assert found.averages[1, 32, 32].tolist() == [255, 0, 255]
    assert found.table["brightness"].tolist() == pytest.approx([0, 0.299 + 0.114, 9 / 255, 1], abs=1e-6)
    assert found.normalize_code() == (
        "transforms.Normalize(mean=[0.5000, 0.0000, 0.5000], std=[0.5000, 1.0000, 0.5000])"
    )


def test_sizes_come_from_headers_upright_and_without_decoding(mixed, monkeypatch):
    found = measure(open_folder(mixed), image_size=32)
    rows = found.table.set_index(open_folder(mixed).files["path"])
    assert rows.loc["train/fine/a_wide.jpg", ["width", "height"]].tolist() == [90, 40]
    assert rows.loc["train/fine/b_rotated.jpg", ["width", "height"]].tolist() == [40, 90]
    torn = rows.loc["val/wide/wide_000.jpg"]
    assert torn[["width", "height"]].tolist() == [72, 72], "the header is whole"
    assert np.isnan(torn["brightness"])
    assert rows.loc["train/fine/c_white.png", "brightness"] == pytest.approx(1)
    assert (found.unreadable, found.pictures) == (1, 39)

    def fail(*_arguments) -> None:
        raise AssertionError("pixels were decoded")

    monkeypatch.setattr("PIL.JpegImagePlugin.JpegImageFile.load", fail)
    assert read_header(mixed / "train/fine/b_rotated.jpg").exif == {"Orientation": "6"}
    with pytest.raises(DataError, match="There is no file"):
        read_header(mixed / "none.jpg")


def test_the_average_picture_is_the_mean_of_its_class(stripes):
    index = open_folder(stripes)
    found = measure(index, image_size=64)
    assert found.averages.shape == (3, 64, 64, 3)
    assert found.averaged.tolist() == [12, 12, 12]
    rows = index.select("train")
    paths = rows.loc[rows["label"] == 1, "path"]
    pictures = [
        np.asarray(read_picture(index.path_of(path)).image.resize((64, 64), Image.Resampling.BILINEAR))
        for path in paths
    ]
    assert np.abs(found.averages[1] - np.mean(pictures, axis=0)).max() <= 0.5


def test_it_is_measured_once_and_again_after_a_change(mixed, monkeypatch):
    index = open_folder(mixed)
    assert known_statistics(index, 32) is None
    first = measure(index, image_size=32)
    assert known_statistics(index) is None, "another size is another answer"
    monkeypatch.setattr(statistics, "_measure", None)
    again = measure(open_folder(mixed), image_size=32)
    assert again.summary() == first.summary()
    assert again.table.equals(first.table)
    assert (again.averages == first.averages).all()
    (mixed / "train/fine/a_wide.jpg").rename(mixed / "val/fine/a_wide.jpg")
    assert known_statistics(open_folder(mixed), 32) is None


@pytest.mark.parametrize("junk", [b"", b"PK\x03\x04", b"x" * 300])
def test_a_damaged_record_is_measured_again(stripes, junk):
    index = open_folder(stripes)
    first = measure(index, image_size=32)
    statistics_file(index, 32).write_bytes(junk)
    assert known_statistics(index, 32) is None
    assert measure(index, image_size=32).mean == first.mean


def test_progress_rises_to_the_total(stripes, monkeypatch):
    monkeypatch.setattr(statistics, "BATCH", 10)
    seen: list[tuple[int, int]] = []
    measure(open_folder(stripes), 32, lambda done, total: seen.append((done, total)))
    assert seen == [(10, 48), (20, 48), (30, 48), (40, 48), (48, 48)]


def test_the_order_and_the_threads_change_nothing(stripes, monkeypatch, home):
    first = measure(open_folder(stripes), image_size=32)
    shutil.rmtree(home / "data")
    monkeypatch.setattr(statistics, "THREADS", 1)
    monkeypatch.setattr(statistics, "BATCH", 7)
    again = measure(open_folder(stripes), image_size=32)
    assert (again.mean, again.std) == (first.mean, first.std)


def test_nothing_readable_is_a_sentence(tmp_path):
    for name in "ab":
        (tmp_path / "data" / "train" / name).mkdir(parents=True)
        (tmp_path / "data" / "train" / name / "1.jpg").write_bytes(b"no picture")
    with pytest.raises(DataError, match="no readable training picture"):
        measure(open_folder(tmp_path / "data"))


def test_the_summary_is_json(mixed):
    summary = json.loads(json.dumps(measure(open_folder(mixed), image_size=32).summary()))
    assert summary["width"] == [40, 72, 90]
    assert summary["aspect"] == [0.4444, 1, 2.25]
    assert summary["normalize"].startswith("transforms.Normalize(mean=[")


def test_exif_becomes_text_that_fits(tmp_path):
    exif = Image.Exif()
    exif[0x010F] = "Maker\0"
    exif[0x010E] = "x" * 500
    exif.get_ifd(0x8769)[0x9003] = "2020:01:02 03:04:05"
    exif.get_ifd(0x8769)[0x927C] = b"secret" * 20
    exif.get_ifd(0x8825)[2] = (1.0, 2.0, 3.0)
    Image.new("RGB", (9, 9)).save(tmp_path / "a.jpg", exif=exif)
    found = read_header(tmp_path / "a.jpg")
    assert (found.width, found.height, found.kind) == (9, 9, "JPEG, RGB")
    assert found.exif["Make"] == "Maker"
    assert len(found.exif["ImageDescription"]) == 100
    assert found.exif["DateTimeOriginal"] == "2020:01:02 03:04:05"
    assert found.exif["GPS"] == "present", "where a picture was taken is not for everybody's eyes"
    assert "MakerNote" not in found.exif


@pytest.mark.parametrize("blue", [0, 50])
def test_a_channel_that_is_constant_is_shifted_and_any_pipeline_takes_it(tmp_path, blue):
    """Symptom: `normalize=data` divided by 0, and the run ended, or its checkpoint could not be opened."""
    for split, name, value in [(s, n, v) for s in ("train", "val") for n in "ab" for v in (10, 200)]:
        file = tmp_path / "data" / split / name / f"{value}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        image = Image.new("RGB", (32, 32), (value, value // 2, 90))
        image.putpixel((0, 0), (value, value // 2, 90 + blue))
        image.save(file)
    index = open_folder(tmp_path / "data")
    found = measure(index, image_size=224)
    assert ("blue" in found.constant) == (found.std[2] < LEAST_STD) == (not blue)
    operations = with_normalize(evaluation_operations("none", 64), found.mean, found.divisors)
    (normalize,) = [each for each in require_legal(operations) if each["op"] == "Normalize"]
    assert normalize["std"] == list(found.divisors)
    assert found.summary()["std"] == list(found.divisors)
    assert min(found.divisors) >= LEAST_STD
