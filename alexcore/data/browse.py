"""Which pictures the gallery shows, and in which order: positions in `index.files`, never copies of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from alexcore.data.index import DataIndex

Order = Literal["class", "name", "size", "brightness"]
ORDERS: tuple[Order, ...] = ("class", "name", "size", "brightness")
Positions = npt.NDArray[np.intp]


def select_rows(
    index: DataIndex,
    split: str | None = None,
    classes: Sequence[str] = (),
    name_part: str = "",
    order: Order = "class",
    descending: bool = False,
    brightness: npt.NDArray[np.float32] | None = None,
) -> Positions:
    """Filter and sort the pictures of a data set; returns their positions in `index.files`.

    No split and no classes mean all of them; `name_part` is sought in the file name, whether in capitals or not. The
    order "class" is that of the index: split, class, path; "size" that of the file in bytes; "brightness" takes
    `brightness`, a value a picture, where those with nan come last.
    """
    files = index.files
    keep = np.ones(len(files), dtype=bool)
    if split:
        keep &= (files["split"] == split).to_numpy(bool)
    if classes:
        keep &= files["label"].isin([index.class_to_idx[name] for name in classes]).to_numpy(bool)
    if name_part:
        keep &= index.names.str.contains(name_part, case=False, regex=False).to_numpy(bool)
    if order == "class":
        rows = np.flatnonzero(keep)
    elif order == "name":
        rows = index.name_order[keep[index.name_order]]
    elif order == "size" or brightness is None:
        rows = np.flatnonzero(keep)
        rows = rows[np.argsort(files["bytes"].to_numpy()[rows], kind="stable")]
    else:
        rows = np.flatnonzero(keep)
        values = brightness[rows]
        unknown = np.isnan(values)
        known = rows[~unknown][np.argsort(values[~unknown], kind="stable")]
        return np.concatenate([known[::-1] if descending else known, rows[unknown]])
    return rows[::-1] if descending else rows
