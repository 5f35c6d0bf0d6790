"""A picture is known again by its content: the check hashes it while it reads it, and nothing else does."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from alexcore.data.content_hashes import SEEN, content_hash, remember_seen, seen_by
from alexcore.data.inspection import verify
from alexcore.data.pack import pack
from alexcore.data.sources import open_checked, open_source
from alexcore.home import cache_dir


def blake(path: Path) -> bytes:
    return hashlib.blake2b(path.read_bytes(), digest_size=16).digest()


def test_the_check_hashes_what_it_reads_and_opening_does_not(stripes, tmp_path):
    root = shutil.copytree(stripes, tmp_path / "data")
    (root / "train" / "fine" / "fine_000.jpg").write_bytes(b"no picture")
    assert open_source(root).hashes == {}
    index = open_checked(root)
    assert dict(index.hashes) == {path: blake(root / path) for path in index.files["path"]}
    assert len(index.hashes) == 47


def test_a_picture_in_a_shard_has_the_hash_of_its_file(stripes, tmp_path):
    pack(open_source(stripes), tmp_path / "shards", images_per_shard=5)
    assert sorted(open_checked(tmp_path / "shards").hashes.values()) == sorted(open_checked(stripes).hashes.values())


@pytest.mark.parametrize("damage", ["none", "torn", "other"])
def test_what_an_older_version_has_checked_is_hashed_but_not_decoded(stripes, monkeypatch, damage):
    expected = dict(open_checked(stripes).hashes)
    (record,) = (cache_dir() / "hashes").iterdir()
    if damage == "none":
        record.unlink()
    elif damage == "torn":
        record.write_bytes(record.read_bytes()[:50])
    else:
        np.savez(record, hashes=np.zeros((3, 16), np.uint8))

    def fail(_source: object) -> str:
        raise AssertionError("decoded again")

    monkeypatch.setattr(verify, "check_decodable", fail)
    assert dict(open_checked(stripes).hashes) == expected


def test_what_was_seen_is_never_forgotten(tmp_path):
    assert seen_by(tmp_path) == frozenset(), "of a run of an earlier version nothing is known"
    one, two, other = (content_hash(name.encode()) for name in "abc")
    remember_seen(tmp_path, ["a", "b", "unknown"], {"a": one, "b": two})
    remember_seen(tmp_path, ["c"], {"a": one, "c": other})
    assert seen_by(tmp_path) == {one, two, other}
    (tmp_path / SEEN).write_bytes(b"damaged")
    assert seen_by(tmp_path) == frozenset()
