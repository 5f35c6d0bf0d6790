"""Copies in two splits are known from a check, found once, and looked for anew when something has changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from alexcore.data.content_hashes import as_rows, write_rows
from alexcore.data.index import DataIndex, files_table
from alexcore.data.inspection import doubles
from alexcore.data.inspection.doubles import known_in_two_splits
from alexcore.data.inspection.verify import hashes_file
from alexcore.runs.comparison import unseen


def test_it_is_looked_for_once_for_each_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    rows = [("a.jpg", "train", 0, 1, 1), ("b.jpg", "val", 0, 1, 1), ("c.jpg", "val", 0, 1, 1)]
    index = DataIndex(tmp_path, "test", ("one",), files_table(rows))
    looked = []
    look = doubles._look
    monkeypatch.setattr(doubles, "_look", lambda whole: looked.append(1) or look(whole))
    assert known_in_two_splits(index) is None
    write_rows(hashes_file(index), as_rows([b"1" * 16, b"1" * 16, b"2" * 16]))
    for _ in range(3):
        found = known_in_two_splits(index)
        assert found is not None
        assert found.names == ("a.jpg", "b.jpg")
    assert len(looked) == 2
    moved = replace(index, files=index.files.assign(split=["train", "train", "val"]))
    assert known_in_two_splits(moved) is None
    assert len(looked) == 3


def test_compared_runs_are_shown_what_none_of_them_has_learned():
    hashes = {"a": b"1", "b": b"2", "c": b"3"}
    left, told = unseen("abcd", hashes, {"one": {b"1"}, "two": {b"1", b"3", b"9"}, "three": set()})
    assert left == ["b", "d"]
    assert told == [
        "1 of 4 images were in the training set of one: left out.",
        "2 of 4 images were in the training set of two: left out.",
    ]
