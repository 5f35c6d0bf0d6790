"""Pictures corrected one by one, and near duplicates of one picture."""

from __future__ import annotations

import csv
import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from alexcore.data.correcting import correction_manifest, corrections_of, set_corrections
from alexcore.data.inspection.quality import scan
from alexcore.data.inspection.quality_groups import near_pictures
from alexcore.data.pack import pack
from alexcore.data.reading import FolderChoice
from alexcore.data.sources import open_source
from alexcore.data.split import split_file
from alexcore.errors import DataError
from alexcore.home import data_dir
from tests.support.small_trees import tree

WRONG = "val/fine/fine_000.jpg"
_HEADER = {name: name for name in ("path", "label", "split")}


@pytest.mark.parametrize("inside", [True, False], ids=["in data/", "elsewhere"])
def test_corrections_grow_and_shrink(stripes: Path, tmp_path: Path, inside: bool):
    data = (data_dir() if inside else tmp_path) / "flowers"
    shutil.copytree(stripes, data)
    index = open_source(data)
    assert corrections_of(index).known == {}
    set_corrections(index, {WRONG: None})
    assert corrections_of(index).known == {WRONG: None}
    more = {WRONG: None, "train/wide/wide_003.jpg": None, "train/wide/wide_004.jpg": "fine"}
    manifest = set_corrections(index, more)
    assert corrections_of(index).known == more
    derived = open_source(manifest)
    assert len(derived.files) == len(index.files) - 2
    assert derived.classes == index.classes
    assert [problem.code for problem in derived.problems] == ["data.list-left-out"]
    moved = derived.files[derived.files["path"].str.endswith("wide_004.jpg")].iloc[0]
    assert (derived.classes[moved["label"]], moved["split"]) == ("fine", "train")
    assert (data / WRONG).is_file(), "nothing is deleted"
    set_corrections(index, {})
    assert corrections_of(index).known == {}
    assert open_source(manifest).files[["split", "label"]].equals(index.files[["split", "label"]])


@pytest.mark.parametrize("inside", [True, False], ids=["in data/", "elsewhere"])
def test_a_corrected_data_set_is_corrected_in_the_same_list(stripes: Path, tmp_path: Path, inside: bool):
    """Symptom: each correction of a corrected data set made one more list, X-without-some-without-some.csv."""
    data = (data_dir() if inside else tmp_path) / "flowers"
    shutil.copytree(stripes, data)
    index = open_source(data)
    first, second, third = (f"train/wide/wide_00{n}.jpg" for n in (2, 3, 4))
    manifest = set_corrections(index, {first: None, second: "fine"})
    derived = open_source(manifest)
    known = dict(corrections_of(derived).known)
    paths = [*known, *derived.files["path"]]
    gone, moved, other = (next(path for path in paths if path.endswith(end)) for end in (first, second, third))
    assert known == {gone: None, moved: "fine"}
    assert set_corrections(derived, {**known, other: "level"}) == manifest
    assert corrections_of(index).known == {first: None, second: "fine", third: "level"}
    assert len(list(data_dir().glob("*.csv"))) == 1
    set_corrections(open_source(manifest), {gone: None})  # the undo of two
    assert corrections_of(index).known == {first: None}
    set_corrections(open_source(manifest), {})
    assert corrections_of(index).known == {}
    again = open_source(manifest)
    assert sorted(again.names) == sorted(index.names)
    assert again.counts().equals(index.counts())


def test_a_corrected_data_set_whose_pictures_were_moved_keeps_its_corrections(stripes: Path, tmp_path: Path):
    shutil.copytree(stripes, tmp_path / "old")
    manifest = set_corrections(open_source(tmp_path / "old"), {WRONG: None, "train/wide/wide_003.jpg": "fine"})
    (tmp_path / "old").rename(tmp_path / "new")
    moved = open_source(manifest, choice=FolderChoice(root=str(tmp_path / "new")))
    known = corrections_of(moved).known
    ends = {os.path.relpath(os.path.join(moved.root, path), tmp_path / "new"): name for path, name in known.items()}
    assert ends == {WRONG: None, "train/wide/wide_003.jpg": "fine"}
    set_corrections(moved, {path: name for path, name in known.items() if name})
    assert [name for name in corrections_of(open_source(manifest)).known.values()] == ["fine"]


def test_pictures_that_are_new_since_the_first_correction_are_not_left_out(stripes: Path):
    data = data_dir() / "flowers"
    shutil.copytree(stripes, data)
    set_corrections(open_source(data), {WRONG: None})
    shutil.copy(data / WRONG, data / "train" / "wide" / "late.jpg")
    (data / "train" / "wide" / "wide_001.jpg").unlink()
    index = open_source(data)
    found = corrections_of(index)
    assert (found.known, found.new) == ({WRONG: None}, ("train/wide/late.jpg",))
    manifest = set_corrections(index, found.known)
    assert corrections_of(index).new == ()
    assert {"late.jpg"} == set(open_source(manifest).names) - set(open_source(stripes).names)
    assert len(open_source(manifest).files) == len(index.files) - 1


def test_a_class_that_loses_its_last_picture_keeps_its_number(stripes: Path):
    index = open_source(stripes)
    last = index.files[(index.files["label"] == 0) & (index.files["split"] == "train")]["path"]
    all_moved = dict.fromkeys(last, index.classes[2])
    derived = open_source(set_corrections(index, all_moved))
    assert derived.classes == index.classes
    assert corrections_of(index).known == all_moved
    assert index.classes[0] in " ".join(problem.message for problem in derived.problems)


@pytest.mark.parametrize("names", [("1", "2", "10"), ("ends ", "nan", "a,b")])
def test_odd_classes_are_corrected_as_they_are_called(stripes: Path, tmp_path: Path, names: tuple[str, ...]):
    for split in ("train", "val"):
        for old, new in zip(("fine", "level", "wide"), names, strict=True):
            shutil.copytree(stripes / split / old, tmp_path / "odd" / split / new)
    index = open_source(tmp_path / "odd")
    corrections = {str(index.files["path"].iloc[row]): names[2] for row in (0, 1)}
    derived = open_source(set_corrections(index, corrections))
    assert derived.classes == index.classes
    changed = {path: name for path, name in corrections.items() if f"/{names[2]}/" not in path}
    assert corrections_of(index).known == changed


@pytest.mark.parametrize(
    ("corrections", "sentence"),
    [
        ({"val/fine/none.jpg": None}, "Not in the data set"),
        ({"val/fine/none.jpg": "wide"}, "no picture val/fine/none.jpg"),
        ({WRONG: "tulips"}, "no class tulips"),
    ],
)
def test_what_is_not_there_cannot_be_corrected(stripes: Path, corrections: dict[str, str | None], sentence: str):
    index = open_source(stripes)
    with pytest.raises(DataError, match=sentence):
        set_corrections(index, corrections)
    assert not correction_manifest(index).exists()


def test_exclusions_and_splits_of_version_0_1_keep_odd_names(tmp_path: Path):
    """They lack the column that says that labels stand as they are meant, and hold names that a reader would change."""
    data = tree(data_dir() / "odd", **{"ends ": 10, "nan": 10, "2.0": 10})
    index = open_source(data)
    manifest = set_corrections(index, {"nan/0.jpg": None})
    kept = split_file(data)
    for file in (manifest, kept):
        rows = list(csv.DictReader(file.read_text().splitlines()))
        file.write_text("".join(f"{row['path']},{row['label']},{row['split']}\n" for row in [_HEADER, *rows]))
        assert "verbatim" not in file.read_text()
    assert open_source(manifest).classes == index.classes == ("2.0", "ends ", "nan")
    assert corrections_of(index).known == {"nan/0.jpg": None}
    tree(data, "nan/new.jpg")
    again = open_source(data).files.set_index("path")["split"]
    assert again.drop("nan/new.jpg").to_dict() == index.files.set_index("path")["split"].to_dict()


def test_two_folders_of_one_name_do_not_share_a_manifest(stripes: Path, tmp_path: Path):
    for part in ("a", "b"):
        shutil.copytree(stripes, tmp_path / part / "flowers")
    first, second = (open_source(tmp_path / part / "flowers") for part in ("a", "b"))
    assert correction_manifest(first) != correction_manifest(second)
    set_corrections(first, {WRONG: "wide"})
    assert corrections_of(second).known == {}


def test_two_readings_of_a_folder_do_not_share_a_manifest(tmp_path: Path):
    for number in range(6):
        place = tmp_path / "both" / f"box{number % 2}" / f"{('cat', 'dog')[number // 3]}.{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (number * 40, 0, 0)).save(place)
    lying = open_source(tmp_path / "both")
    named = open_source(tmp_path / "both", choice=FolderChoice(layout="flat", classes_from="name"))
    assert (lying.classes, named.classes) == (("box0", "box1"), ("cat", "dog"))
    path = str(named.files["path"].iloc[0])
    set_corrections(named, {path: None})
    assert corrections_of(named).known == {path: None}
    assert corrections_of(lying).known == {}


def test_shards_cannot_be_corrected(stripes: Path, tmp_path: Path):
    pack(open_source(stripes), tmp_path / "shards")
    index = open_source(tmp_path / "shards")
    with pytest.raises(DataError, match="inside shards"):
        set_corrections(index, {str(index.files["path"].iloc[0]): None})


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
