"""Filters and orders of the gallery."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alexcore.data.browse import ORDERS, select_rows
from alexcore.data.index import DataIndex

ROWS = [  # path, split, label, bytes
    ("train/b/Zoo.jpg", "train", 1, 30),
    ("train/a/x10.jpg", "train", 0, 20),
    ("val/a/inner/x9.JPG", "val", 0, 50),
    ("val/b/+.jpg", "val", 1, 20),
]


@pytest.fixture
def index() -> DataIndex:
    files = pd.DataFrame(ROWS, columns=["path", "split", "label", "bytes"]).assign(mtime_ns=0)
    return DataIndex(Path("/data"), "", ("a", "b"), files)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, [0, 1, 2, 3]),
        ({"descending": True}, [3, 2, 1, 0]),
        ({"split": "val"}, [2, 3]),
        ({"classes": ["a"]}, [1, 2]),
        ({"classes": ["a", "b"], "split": "test"}, []),
        ({"name_part": "x"}, [1, 2]),
        ({"name_part": "X9.j"}, [2]),
        ({"name_part": "inner"}, []),  # a folder is no part of the file's name
        ({"name_part": "+"}, [3]),  # no regular expression
        ({"order": "name"}, [3, 1, 2, 0]),
        ({"order": "name", "descending": True, "split": "train"}, [0, 1]),
        ({"order": "size"}, [1, 3, 0, 2]),
        ({"order": "size", "descending": True}, [2, 0, 3, 1]),
        ({"order": "brightness"}, [1, 3, 0, 2]),  # by size as long as nobody has measured it
    ],
)
def test_filters_and_orders(index, arguments, expected):
    assert select_rows(index, **arguments).tolist() == expected


def test_the_unmeasured_come_last_either_way(index):
    brightness = np.array([0.5, np.nan, 0.1, 0.9], dtype=np.float32)
    assert select_rows(index, order="brightness", brightness=brightness).tolist() == [2, 0, 3, 1]
    assert select_rows(index, order="brightness", brightness=brightness, descending=True).tolist() == [3, 0, 2, 1]
    assert select_rows(index, split="train", order="brightness", brightness=brightness).tolist() == [0, 1]


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_keeps_every_picture(index, order):
    brightness = np.zeros(4, dtype=np.float32)
    assert sorted(select_rows(index, order=order, brightness=brightness)) == [0, 1, 2, 3]
