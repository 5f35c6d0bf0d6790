"""Pictures left out one by one, and near duplicates of one picture."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from PIL import Image

from alexcore.data.derive import excluded_pictures, exclusion_manifest, set_excluded
from alexcore.data.manifest import open_manifest
from alexcore.data.pack import pack
from alexcore.data.quality import scan
from alexcore.data.quality_groups import near_pictures
from alexcore.data.sources import open_source
from alexcore.data.split import split_file
from alexcore.errors import DataError
from alexcore.home import data_dir
from tests.support.small_trees import tree

WRONG = "val/fine/fine_000.jpg"
_HEADER = {name: name for name in ("path", "label", "split")}


@pytest.mark.parametrize("inside", [True, False], ids=["in data/", "elsewhere"])
def test_exclusions_grow_and_shrink(stripes: Path, tmp_path: Path, inside: bool):
    data = (data_dir() if inside else tmp_path) / "flowers"
    shutil.copytree(stripes, data)
    index = open_source(data)
    assert excluded_pictures(index) == []
    set_excluded(index, [WRONG])
    assert excluded_pictures(index) == [WRONG]
    more = [WRONG, "train/wide/wide_003.jpg"]
    manifest = set_excluded(index, more)
    assert set(excluded_pictures(index)) == set(more)
    derived = open_manifest(manifest)
    assert len(derived.files) == len(index.files) - 2
    assert derived.classes == index.classes
    assert (data / WRONG).is_file(), "nothing is deleted"
    set_excluded(index, [])
    assert excluded_pictures(index) == []
    with pytest.raises(DataError, match="Not in the data set"):
        set_excluded(index, ["val/fine/none.jpg"])


def test_exclusions_and_splits_of_version_0_1_keep_odd_names(tmp_path: Path):
    """They lack the column that says that labels stand as they are meant, and hold names that a reader would change."""
    data = tree(data_dir() / "odd", **{"ends ": 10, "nan": 10, "2.0": 10})
    index = open_source(data)
    manifest = set_excluded(index, ["nan/0.jpg"])
    kept = split_file(data)
    for file in (manifest, kept):
        rows = list(csv.DictReader(file.read_text().splitlines()))
        file.write_text("".join(f"{row['path']},{row['label']},{row['split']}\n" for row in [_HEADER, *rows]))
        assert "verbatim" not in file.read_text()
    assert open_source(manifest).classes == index.classes == ("2.0", "ends ", "nan")
    assert excluded_pictures(index) == ["nan/0.jpg"]
    tree(data, "nan/new.jpg")
    again = open_source(data).files.set_index("path")["split"]
    assert again.drop("nan/new.jpg").to_dict() == index.files.set_index("path")["split"].to_dict()


def test_two_folders_of_one_name_do_not_share_a_manifest(stripes: Path, tmp_path: Path):
    for part in ("a", "b"):
        shutil.copytree(stripes, tmp_path / part / "flowers")
    first, second = (open_source(tmp_path / part / "flowers") for part in ("a", "b"))
    assert exclusion_manifest(first) != exclusion_manifest(second)
    set_excluded(first, [WRONG])
    assert excluded_pictures(second) == []


def test_shards_cannot_leave_out_one_picture(stripes: Path, tmp_path: Path):
    pack(open_source(stripes), tmp_path / "shards")
    index = open_source(tmp_path / "shards")
    with pytest.raises(DataError, match="inside shards"):
        set_excluded(index, [str(index.files["path"].iloc[0])])


def test_near_duplicates_are_found_in_the_training_split(photographs: Path, tmp_path: Path):
    data = tmp_path / "few"
    for number, path in enumerate(sorted((photographs / "train" / "roses").iterdir())[:8]):
        target = data / "train" / ("roses" if number % 2 else "tulips") / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    copied = sorted((data / "train" / "roses").iterdir())[0]
    (data / "val" / "roses").mkdir(parents=True)
    (data / "val" / "tulips").mkdir()
    with Image.open(copied) as image:
        image.resize((image.width // 2, image.height // 2)).save(data / "val" / "roses" / "small.jpg", quality=80)
    shutil.copy(sorted((data / "train" / "tulips").iterdir())[0], data / "val" / "tulips")
    index = open_source(data)
    wrong = data / "val" / "roses" / "small.jpg"
    assert near_pictures(index, wrong) is None, "not scanned yet"
    scan(index)
    found = near_pictures(index, wrong, most=3)
    assert found is not None
    assert len(found) == 3
    assert found["path"].iloc[0] == f"train/roses/{copied.name}"
    assert found["same"].tolist() == [True, False, False]
    assert found["phash_bits"].iloc[0] <= 8 < found["phash_bits"].iloc[1] or found["dhash_bits"].iloc[1] > 24
    assert set(found["path"].str[:6]) == {"train/"}


def test_a_plain_picture_has_no_near_duplicates(stripes: Path, tmp_path: Path):
    shutil.copytree(stripes, tmp_path / "data")
    index = open_source(tmp_path / "data")
    scan(index)
    Image.new("RGB", (64, 64), "gray").save(tmp_path / "plain.png")
    with pytest.raises(DataError, match="plain surface"):
        near_pictures(index, tmp_path / "plain.png")
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(DataError, match="cannot be decoded"):
        near_pictures(index, tmp_path / "broken.jpg")
