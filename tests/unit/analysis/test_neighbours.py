"""Nearest training pictures are exact, whatever the parts, and a damaged index is a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alexcore.analysis import neighbours
from alexcore.analysis.neighbours import FEATURES, PICTURES, FeatureIndex, FeatureWriter
from alexcore.errors import DataError

COUNT, UNITS = 500, 24


def write(folder: Path, vectors: np.ndarray, parts: int = 7) -> FeatureIndex:
    writer = FeatureWriter(folder, len(vectors))
    for part in np.array_split(vectors, parts):
        writer.add(part)
    table = pd.DataFrame(
        {"path": [f"train/a, b/{n}.jpg" for n in range(len(vectors))], "label": np.arange(len(vectors)) % 3}
    )
    writer.close(table)
    return FeatureIndex(folder)


@pytest.fixture
def vectors() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(COUNT, UNITS)).astype(np.float32)


@pytest.mark.parametrize("at_once", [1, 64, 2048])
def test_nearest_are_those_of_a_search_by_hand(tmp_path, vectors, monkeypatch, at_once):
    monkeypatch.setattr(neighbours, "ROWS_AT_ONCE", at_once)
    index = write(tmp_path, vectors)
    query = np.random.default_rng(5).normal(size=UNITS)
    cosines = vectors @ query / np.linalg.norm(vectors, axis=1) / np.linalg.norm(query)
    expected = np.argsort(-cosines)[:8]
    found = index.nearest(query, 8)
    assert [each.path for each in found] == [f"train/a, b/{n}.jpg" for n in expected]
    assert [each.label for each in found] == [n % 3 for n in expected]
    # float16 keeps three digits of each number.
    assert [each.distance for each in found] == pytest.approx((1 - cosines[expected]).tolist(), abs=1e-3)


def test_a_picture_is_its_own_nearest_and_equals_keep_their_order(tmp_path, vectors):
    vectors[[10, 20, 30]] = vectors[10]
    index = write(tmp_path, vectors)
    found = index.nearest(vectors[20] * 3, 3)
    assert [each.path for each in found] == [f"train/a, b/{n}.jpg" for n in (10, 20, 30)]
    assert all(each.distance < 1e-3 for each in found)


def test_fewer_pictures_than_asked_for(tmp_path, vectors):
    assert len(write(tmp_path, vectors[:3], 1).nearest(vectors[0], 6)) == 3


def test_only_a_part_is_in_memory(tmp_path, vectors, monkeypatch):
    monkeypatch.setattr(neighbours, "ROWS_AT_ONCE", 10)
    sizes = [rows.shape[0] for _, rows in write(tmp_path, vectors)._parts()]
    assert max(sizes) == 10
    assert sum(sizes) == COUNT


@pytest.mark.parametrize(
    ("file", "content"),
    [
        (FEATURES, None),
        (FEATURES, b""),
        (FEATURES, b"not numpy"),
        (FEATURES, b"\x93NUMPY\x01\x00"),
        (PICTURES, None),
        (PICTURES, b""),
        (PICTURES, b"path,label\n"),
        (PICTURES, b"a,b\n1,2\n"),
        (PICTURES, b"path,label\nx,many\n"),
    ],
)
def test_a_damaged_index_is_a_sentence(tmp_path, vectors, file, content):
    index = write(tmp_path, vectors)
    (tmp_path / file).unlink()
    if content is not None:
        (tmp_path / file).write_bytes(content)
    with pytest.raises(DataError, match="cannot be used"):
        index.nearest(vectors[0])


def test_an_index_of_another_network_is_a_sentence(tmp_path, vectors):
    with pytest.raises(DataError, match=r"have 24 numbers, the network's 5"):
        write(tmp_path, vectors).nearest(np.ones(5))
