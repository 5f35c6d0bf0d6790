"""A picture keeps its side of the split by its content, when its set grows, moves, or is called otherwise."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from alexcore.data.index import DataIndex
from alexcore.data.inspection import verify
from alexcore.data.lists.manifest_columns import read_table
from alexcore.data.sources import open_checked, open_source
from alexcore.data.split import split_file
from tests.support.small_trees import messages


def draw(folder: Path, *names: str, of: int = 0) -> Path:
    """Write small pictures, each of its own content."""
    random = np.random.default_rng([of, *map(ord, "".join(names))])
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(file)
    return folder


def sides(index: DataIndex) -> dict[bytes, str]:
    """The side of each picture by its content."""
    return {
        index.path_of(path).read_bytes(): side
        for path, side in zip(index.files["path"], index.files["split"], strict=True)
    }


@pytest.fixture
def flat(tmp_path) -> Path:
    return draw(tmp_path / "mine", *(f"{name}/{number}.png" for name in "ab" for number in range(20)))


def renamed(root: Path) -> Path:
    return root.rename(root.with_name("other"))


def moved(root: Path) -> Path:
    (root.parent / "away").mkdir()
    return root.rename(root.parent / "away" / "mine")


def files_renamed(root: Path) -> Path:
    for number, file in enumerate(sorted(root.glob("*/*"), reverse=True)):
        file.rename(file.with_name(f"z{number:03}.png"))
    return root


def copied(root: Path) -> Path:
    return shutil.copytree(root, root.with_name("copy"))


@pytest.mark.parametrize("change", [renamed, moved, files_renamed, copied])
def test_whatever_it_is_called_each_picture_keeps_its_side(flat, change: Callable[[Path], Path]):
    before = sides(open_checked(flat))
    root = change(flat)
    draw(root, *(f"{name}/{way}{number}.png" for name in "ab" for way in ("00", "new") for number in range(5)), of=1)
    assert sides(open_source(root)).items() != before.items()
    index = open_checked(root)
    after = sides(index)
    assert {content: after[content] for content in before} == before
    assert index.counts()["val"].tolist() == [6, 6], "what is new is shared out, so a fifth validates"
    assert "keep their side" in messages(index, "info")
    # The second time there is nothing to do, nor to say.
    again = open_checked(root)
    assert sides(again) == after == sides(open_source(root))
    assert "keep their side" not in messages(again, "info")


def test_pictures_are_decoded_once_although_they_are_sorted_anew(flat, monkeypatch):
    open_checked(flat)
    root = renamed(flat)
    files_renamed(root)
    open_checked(root)

    def fail(_source: object) -> str:
        raise AssertionError("decoded again")

    monkeypatch.setattr(verify, "check_decodable", fail)
    assert len(open_checked(root).hashes) == 40


def test_a_split_of_an_earlier_version_gets_hashes_and_changes_nothing(flat):
    """It was drawn, and a network trained on it, when nobody knew what the pictures were."""
    other = shutil.copytree(flat, flat.with_name("other"))
    before = open_checked(other)
    table = read_table(split_file(other), verbatim=True)
    turned = {"train": "val", "val": "train"}
    lines = [
        f"{path},{label},{turned[side]}"
        for path, label, side in zip(table.paths, table.labels, table.splits, strict=True)
    ]
    old = "\n".join(["path,label,split", *lines]).replace("/other/", "/mine/")
    split_file(flat).write_text(f"{old}\n")
    index = open_checked(flat)
    assert sides(index) == {content: turned[side] for content, side in sides(before).items()}
    # What comes later is new, though, and what was there before is known from now on.
    shutil.copy(flat / "a" / "0.png", flat / "a" / "copy.png")
    side = sides(index)[(flat / "a" / "0.png").read_bytes()]
    after = open_checked(flat).files.set_index("path")["split"]
    assert after["a/copy.png"] == after["a/0.png"] == side
    assert open_checked(flat).counts().to_numpy().sum() == 41


def test_what_a_run_has_learned_trains_where_nothing_was_drawn_yet(flat):
    index = open_source(flat)
    learned = [verify.content_hash(index.path_of(path)) for path in index.select("val")["path"]]
    now = open_checked(flat, learned=learned)
    assert set(learned) <= {now.hashes[path] for path in now.select("train")["path"]}
    assert now.counts()["val"].tolist() == [4, 4]


def test_a_part_of_what_was_learned_is_split_all_the_same(flat, tmp_path):
    index = open_checked(flat)
    for path in index.select("train")["path"]:
        (tmp_path / "part" / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(flat / path, tmp_path / "part" / path)
    assert open_checked(tmp_path / "part").counts()["val"].tolist() == [3, 3]


def test_splits_of_its_own_and_other_seeds_are_left_alone(flat, tmp_path):
    index = open_checked(flat)
    for path in index.select("val")["path"]:
        for split, name in (("train", path), ("val", "a/0.png"), ("val", "b/0.png")):
            (tmp_path / "own" / split / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(flat / (path if split == "train" else name), tmp_path / "own" / split / name)
    assert open_checked(tmp_path / "own").counts().to_numpy().tolist() == [[4, 1], [4, 1]]


@pytest.mark.parametrize("form", ["csv", "json"])
def test_lists_are_known_by_content_too(flat, tmp_path, form):
    def listed(name: str, root: Path) -> Path:
        files = sorted(root.glob("*/*"))
        names, labels = [str(file) for file in files], [file.parent.name for file in files]
        rows = "".join(f"{file},{label}\n" for file, label in zip(names, labels, strict=True))
        text = f"path,label\n{rows}" if form == "csv" else json.dumps({"image_names": names, "image_labels": labels})
        (tmp_path / name).write_text(text)
        return tmp_path / name

    before = sides(open_checked(listed(f"one.{form}", flat)))
    root = files_renamed(renamed(flat))
    assert sides(open_checked(listed(f"two.{form}", root))) == before
