"""The index of a folder is remembered, and forgotten as soon as a folder changes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from alexcore.data import index_cache
from alexcore.data.index import DataIndex
from alexcore.data.index_cache import folder_signature, forget_folder, open_folder_cached
from alexcore.data.sources import open_checked, open_source
from alexcore.errors import DataError
from alexcore.home import cache_dir
from tests.support.small_trees import open_folder


@pytest.fixture(autouse=True)
def _fine_clock(monkeypatch):
    """Remember folders that have just been written, which a real clock's ticks forbid."""
    monkeypatch.setattr(index_cache, "TICK_NS", 0)
    monkeypatch.setattr(index_cache, "_known_folders", {})


@pytest.fixture
def root(stripes, tmp_path) -> Path:
    copy = shutil.copytree(stripes, tmp_path / "data")
    nested = copy / "train" / "fine" / "spring" / "early"
    nested.mkdir(parents=True)
    shutil.copy(stripes / "train/fine/fine_000.jpg", nested / "grün 1.jpg")
    (copy / "train" / "empty").mkdir()  # a problem, which has to be remembered too
    return copy


def forbid_listing(monkeypatch) -> None:
    def fail(*_arguments) -> None:
        raise AssertionError("the folder was listed again")

    monkeypatch.setattr(index_cache, "scan_folder", fail)


def same(one: DataIndex, other: DataIndex) -> bool:
    return (
        (one.root, one.layout, one.classes, one.problems) == (other.root, other.layout, other.classes, other.problems)
        and one.files.equals(other.files)
        and (one.files.dtypes == other.files.dtypes).all()
    )


def test_the_second_opening_lists_nothing_and_gives_the_same(root, monkeypatch):
    first = open_folder_cached(root)
    assert same(first, open_folder(root))
    assert first.problems
    forbid_listing(monkeypatch)
    again = open_folder_cached(root)
    assert again is not first
    assert same(again, first)
    assert again.fingerprint() == first.fingerprint()


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "train/fine/fine_000.jpg").unlink(),
        lambda root: (root / "train/fine/fine_000.jpg").rename(root / "train/fine/other.jpg"),
        lambda root: shutil.copy(root / "val/wide/wide_000.jpg", root / "val/wide/new.jpg"),
        lambda root: shutil.copytree(root / "train/fine", root / "train/zebra"),
        lambda root: (root / "train/empty").rmdir(),
        lambda root: (root / "train/fine/spring/early/grün 1.jpg").unlink(),
        lambda root: shutil.copytree(root / "val", root / "test"),
        lambda root: shutil.rmtree(root / "val"),
    ],
)
def test_a_change_anywhere_is_seen(root, change):
    before, signature = open_folder_cached(root), folder_signature(root)
    change(root)
    assert folder_signature(root) != signature
    after = open_folder_cached(root)
    assert not same(after, before)
    assert same(after, open_folder(root))


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps no time of change that a program cannot set")
def test_an_unpacked_archive_that_sets_the_folders_time_back_is_seen(root):
    open_folder_cached(root)
    folder = root / "train" / "fine"
    status = folder.stat()
    shutil.copy(folder / "fine_000.jpg", folder / "new.jpg")
    os.utime(folder, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert same(open_folder_cached(root), open_folder(root))


def test_a_folder_that_has_just_changed_is_not_remembered(root, monkeypatch):
    """Symptom: a picture is missing for ever. Cause: it came within the same tick of the clock as the listing."""
    monkeypatch.setattr(index_cache, "TICK_NS", 10**12)
    open_folder_cached(root)
    assert not list(cache_dir().rglob("*.npz"))


def test_a_file_overwritten_in_place_is_seen_by_whoever_reads_pixels(root):
    before = open_source(root)
    victim = root / "train/fine/fine_000.jpg"
    victim.write_bytes(b"no picture")
    assert same(open_source(root), before), "what the module promises: folders only"
    checked = open_checked(root)
    assert any("fine_000.jpg" in problem.message for problem in checked.problems)
    row = open_source(root).files.set_index("path").loc["train/fine/fine_000.jpg"]
    assert row["bytes"] == len(b"no picture"), "the new listing is the one that is remembered"


def test_forgetting_lists_anew(root, monkeypatch):
    open_folder_cached(root)
    forget_folder(root)
    forget_folder(root)
    forbid_listing(monkeypatch)
    with pytest.raises(AssertionError, match="listed again"):
        open_folder_cached(root)


@pytest.mark.parametrize("junk", [b"", b"PK\x03\x04", b"\x93NUMPY", b"x" * 5000])
def test_a_damaged_record_is_made_again(root, junk):
    first = open_folder_cached(root)
    (record,) = (cache_dir() / "indexes").iterdir()
    record.write_bytes(junk)
    assert same(open_folder_cached(root), first)
    torn = record.read_bytes()
    assert len(torn) > len(junk) or junk == b"x" * 5000
    record.write_bytes(torn[: len(torn) // 2])
    assert same(open_folder_cached(root), first)


def test_a_disk_that_takes_nothing_is_no_error(root):
    cache_dir().parent.mkdir(parents=True, exist_ok=True)
    cache_dir().write_text("a file where the folder should be")
    assert same(open_folder_cached(root), open_folder(root))
    assert folder_signature(root)


def test_data_sets_and_validation_folders_do_not_share_a_record(root, stripes, monkeypatch):
    one, other = open_folder_cached(root), open_folder_cached(root, stripes / "val")
    assert not same(one, other)
    forbid_listing(monkeypatch)
    assert same(open_folder_cached(root), one)
    assert same(open_folder_cached(root, stripes / "val"), other)


def test_the_signature_asks_folders_only(root, monkeypatch):
    folder_signature(root)
    asked: list[str] = []
    monkeypatch.setattr(index_cache, "folder_time", lambda folder: (asked.append(folder), 0)[1])
    folder_signature(root)
    assert len(asked) == 12  # the root, two splits, four and three classes, and two nested ones
    assert all(Path(folder).is_dir() for folder in asked)


def test_the_signature_of_nothing_is_an_error_and_of_a_vanished_folder_a_change(root):
    with pytest.raises(DataError, match="There is no folder"):
        folder_signature(root / "none")
    before = folder_signature(root)
    shutil.rmtree(root)
    assert folder_signature(root) != before


def test_few_roots_are_kept_in_memory(stripes, monkeypatch):
    monkeypatch.setattr(index_cache, "_KNOWN_ROOTS", 2)
    for folder in (stripes, stripes / "train", stripes / "val"):
        open_folder_cached(folder)
        folder_signature(folder)
    assert len(index_cache._known_folders) == 2
