"""A damaged picture is found before a run meets it, and a data set is decoded only once."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from alexcore.data.content_hashes import content_hash
from alexcore.data.inspection import verify
from alexcore.data.inspection.verify import find_unreadable, known_hashes, known_unreadable
from alexcore.data.sources import open_checked
from alexcore.home import cache_dir
from tests.support.small_trees import open_folder


@pytest.fixture
def damaged(stripes, tmp_path) -> Path:
    """The stripes with a torn JPEG, an empty one and a text among its training pictures."""
    root = shutil.copytree(stripes, tmp_path / "damaged")
    torn = root / "train" / "level" / "level_005.jpg"
    torn.write_bytes(torn.read_bytes()[:-400])
    (root / "train" / "level" / "level_006.jpg").write_bytes(b"")
    (root / "val" / "wide" / "wide_000.jpg").write_text("no picture")
    return root


def forbid_decoding(monkeypatch) -> None:
    def fail(path: Path) -> str:
        raise AssertionError(f"{path} was decoded again")

    monkeypatch.setattr(verify, "check_decodable", fail)


def test_damaged_pictures_are_found_named_and_counted(damaged):
    index = open_checked(damaged)
    (problem,) = index.problems
    assert problem.message.startswith("3 of 48 pictures cannot be decoded and are left out: ")
    for part in (
        "train/level/level_005.jpg (",
        "level_006.jpg (empty (0 bytes))",
        "wide_000.jpg (no picture in a known",
    ):
        assert part in problem.message
    assert index.counts()["train"].tolist() == [12, 10, 12]
    assert index.counts()["val"].tolist() == [4, 4, 3]
    index.require_trainable()


def test_the_second_time_nothing_is_decoded(damaged, monkeypatch):
    first = find_unreadable(open_folder(damaged))
    forbid_decoding(monkeypatch)
    assert find_unreadable(open_folder(damaged)) == first
    assert list(first) == ["train/level/level_005.jpg", "train/level/level_006.jpg", "val/wide/wide_000.jpg"]


def test_nothing_is_known_before_the_first_check(damaged):
    index = open_folder(damaged)
    assert known_unreadable(index) is None
    found = find_unreadable(index)
    assert known_unreadable(index) == found


def test_a_mended_file_is_seen(damaged):
    open_checked(damaged)
    shutil.copy(damaged / "train/level/level_000.jpg", damaged / "train/level/level_006.jpg")
    assert known_unreadable(open_folder(damaged)) is None
    assert len(open_checked(damaged).files) == 46


def test_a_file_that_breaks_later_is_seen_even_at_the_same_size(stripes, tmp_path):
    root = shutil.copytree(stripes, tmp_path / "data")
    assert find_unreadable(open_folder(root)) == {}
    victim = root / "train" / "fine" / "fine_003.jpg"
    victim.write_bytes(b"\0" * victim.stat().st_size)
    os.utime(victim, ns=(0, 12345))
    assert list(find_unreadable(open_folder(root))) == ["train/fine/fine_003.jpg"]


def test_two_data_sets_do_not_share_an_answer(damaged, stripes):
    assert len(find_unreadable(open_folder(damaged))) == 3
    assert find_unreadable(open_folder(stripes)) == {}
    assert len(list((cache_dir() / "decodable").iterdir())) == 2


@pytest.mark.parametrize("junk", [b"", b"{", b"[]", b"{}", b'{"unreadable": 3}'])
def test_a_damaged_answer_is_made_again(damaged, junk):
    find_unreadable(open_folder(damaged))
    (record,) = (cache_dir() / "decodable").iterdir()
    record.write_bytes(junk)
    assert len(find_unreadable(open_folder(damaged))) == 3


def test_progress_rises_to_the_total(stripes):
    seen: list[tuple[int, int]] = []
    find_unreadable(open_folder(stripes), lambda done, total: seen.append((done, total)))
    assert seen == sorted(set(seen))
    assert len(seen) > 1
    assert seen[-1] == (48, 48)
    assert {total for _, total in seen} == {48}


def test_a_file_is_read_once_for_decoder_and_hash(damaged, monkeypatch):
    """Symptom: on a network drive the check took twice as long as reading all files."""
    index = open_folder(damaged)
    expected = {path: content_hash(index.path_of(path)) for path in index.files["path"]}
    handed: list[object] = []
    decode = verify.check_decodable
    monkeypatch.setattr(verify, "check_decodable", lambda source: handed.append(source) or decode(source))
    unreadable = find_unreadable(index)
    assert {type(each) for each in handed} == {bytes}
    assert known_hashes(index) == {path: found for path, found in expected.items() if path not in unreadable}
    # What would take much memory is read in parts.
    monkeypatch.setattr(verify, "MOST_AT_ONCE", 10)
    assert verify._read_once(index.path_of(index.files["path"].iloc[0])) == index.path_of(index.files["path"].iloc[0])
