"""A data set without splits is split once: what comes later does not reshuffle what was there."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from alexcore.data import index_cache
from alexcore.data.index import DataIndex
from alexcore.data.lists.manifest import open_manifest
from alexcore.data.lists.manifest_columns import read_table
from alexcore.data.sources import open_source, source_signature
from alexcore.data.split import split_file
from alexcore.home import cache_dir, data_dir
from tests.support.small_trees import counts, messages, open_folder, tree


def splits(index: DataIndex) -> dict[str, str]:
    return dict(zip(index.files["path"], index.files["split"], strict=True))


@pytest.fixture(params=["in data", "elsewhere"])
def flat(request, tmp_path) -> Path:
    return tree((data_dir() if request.param == "in data" else tmp_path) / "flat", a=20, b=10)


def test_pictures_that_come_later_do_not_move_the_old_ones(flat):
    """Symptom: ten pictures were added, and the network is now tested on pictures that it has learned."""
    before = splits(open_folder(flat))
    tree(flat, *(f"a/0new{i}.jpg" for i in range(20)), *(f"aa/{i}.jpg" for i in range(5)), "b/0new.jpg")
    index = open_folder(flat)
    after = splits(index)
    assert {path: after[path] for path in before} == before
    assert counts(index) == {"train": {"a": 32, "aa": 4, "b": 9}, "val": {"a": 8, "aa": 1, "b": 2}}
    assert splits(open_folder(flat)) == after
    new = sorted(path for path in after if "a/0new" in path and after[path] == "val")
    assert len(new) == 4
    assert new != [f"a/0new{i}.jpg" for i in range(4)], "not simply the first ones"


def test_without_the_kept_split_they_would(flat):
    """The test above can fail: drawn anew, the larger set is split otherwise."""
    before = splits(open_folder(flat))
    tree(flat, *(f"a/0new{i}.jpg" for i in range(20)))
    split_file(flat).unlink()
    after = splits(open_folder(flat))
    assert {path: after[path] for path in before} != before


def test_it_is_a_manifest_and_no_cache(flat):
    index = open_folder(flat)
    file = split_file(flat)
    assert not file.is_relative_to(cache_dir()), "the cache may be deleted at any time"
    again = open_manifest(file)
    assert again.classes == index.classes
    assert counts(again) == counts(index)
    assert {os.path.normpath(again.path_of(path)) for path in again.files["path"]} == {
        str(index.path_of(path)) for path in index.files["path"]
    }
    # A person may move a picture to another split by hand.
    file.write_text(file.read_text().replace(",val", ",test"))
    assert open_folder(flat).splits == ("train", "test")


def test_the_remembered_index_knows_its_split(flat, monkeypatch):
    """Symptom: a split was changed by hand, and nothing happened, because the whole index came from the cache."""
    monkeypatch.setattr(index_cache, "TICK_NS", 0)  # folders that have just changed are not remembered otherwise
    first = open_source(flat)
    assert list((cache_dir() / "indexes").iterdir())
    before = source_signature(flat)
    assert splits(open_source(flat)) == splits(first)
    file = split_file(flat)
    file.write_text(file.read_text().replace(",val", ",test"))
    assert open_source(flat).splits == ("train", "test")
    assert source_signature(flat) != before
    file.unlink()
    assert splits(open_source(flat)) == splits(first)
    assert file.is_file()
    assert splits(open_source(flat, split_seed=1)) == splits(open_folder(flat, split_seed=1))


def test_each_seed_has_its_own(flat):
    first, second = splits(open_folder(flat)), splits(open_folder(flat, split_seed=1))
    assert first != second
    assert counts(open_folder(flat, split_seed=1)) == counts(open_folder(flat))
    assert splits(open_folder(flat)) == first


def test_a_picture_that_comes_back_is_where_it_was(flat):
    before = splits(open_folder(flat))
    in_class = [path for path in before if path.startswith("a/")]
    gone = in_class[:8] + in_class[-2:]
    assert [before[path] for path in gone] == ["train"] * 8 + ["val"] * 2
    for path in gone:
        (flat / path).rename(flat / f"{path}.away")
    tree(flat, "b/new.jpg")
    assert len(open_folder(flat).files) == 21
    for path in gone:
        (flat / f"{path}.away").rename(flat / path)
    after = splits(open_folder(flat))
    assert {path: after[path] for path in before} == before


def test_a_home_that_moves_takes_its_splits_along(monkeypatch, tmp_path):
    flat = tree(data_dir() / "flat", a=20, b=10)
    before = splits(open_folder(flat))
    data_dir().parent.rename(tmp_path / "moved")
    monkeypatch.setenv("ALEXCORE_HOME", str(tmp_path / "moved"))
    tree(data_dir() / "flat", *(f"a/0new{i}.jpg" for i in range(20)))
    after = splits(open_folder(data_dir() / "flat"))
    assert {path: after[path] for path in before} == before


def test_a_damaged_one_is_told(flat):
    open_folder(flat)
    split_file(flat).write_text("rubbish")
    assert "The split was drawn anew: " in messages(open_folder(flat), "warning")
    assert open_folder(flat).problems == ()


def test_a_home_that_cannot_be_written(flat):
    split_file(flat).parent.parent.mkdir(exist_ok=True)
    split_file(flat).parent.write_text("a file where a folder should be")
    index = open_folder(flat)
    assert counts(index)["val"] == {"a": 4, "b": 2}
    assert "The split could not be kept: " in messages(index, "warning")
    index.require_trainable()


def test_two_at_once_agree(flat):
    found: list[dict[str, str]] = []
    threads = [threading.Thread(target=lambda: found.append(splits(open_folder(flat)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(each == found[0] for each in found)
    assert len(read_table(split_file(flat)).paths) == 30
    assert os.listdir(split_file(flat).parent) == [split_file(flat).name]


def test_long_and_odd_names(tmp_path):
    for name in ("x" * 200, "薔" * 80, "a.b c"):
        flat = tree(tmp_path / name, a=5, b=5)
        assert open_folder(flat).problems == ()
        assert split_file(flat).is_file()
