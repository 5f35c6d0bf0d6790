"""Find pictures that are the same, or like a given one: byte by byte, or to the eye.

To the eye means: the 64-bit perceptual hashes (phash: the signs of the lowest frequencies) differ in at most 8 bits,
and the two 64-bit difference hashes (dhash: whether it gets brighter to the right, and downwards) in at most 24 of 128
together. On 4,053 photographs of flowers phash alone also pairs different dandelions on green; with both, every pair
was one that a person would call the same picture: another size, crop, colour or compression, or the next shot of it.
Mirrored and turned copies are not found.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from alexcore.data.index import DataIndex
from alexcore.data.inspection.quality_measures import known_measures, measure
from alexcore.errors import DataError

PHASH_BITS = 8
DHASH_BITS = 24
# Below this contrast (standard deviation of luma, percent) a picture is a plain surface, and its hashes are noise.
PLAIN_CONTRAST = 2.0
# Hashes compared at once: the three arrays of a tile stay in the processor's cache.
_ROWS, _COLUMNS = 128, 4096
_PAIRS_AT_ONCE = 1_000_000

Numbers = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]


def exact_groups(measures: pd.DataFrame) -> Numbers:
    """A number a row; rows with the same bytes have the same one, a file that cannot be decoded one of its own."""
    readable = (measures["reason"] == "").to_numpy()
    names = measures["digest"].where(readable, measures["path"])
    return pd.factorize(names)[0].astype(np.int64)


def near_groups(measures: pd.DataFrame) -> Numbers:
    """A number a row; rows that look the same, or are linked by others that do, have the same one.

    Compares every picture with every other, in tiles: 100,000 pictures take about 15 s and 200 MB.
    """
    groups = exact_groups(measures)
    comparable = ((measures["reason"] == "") & (measures["contrast"] >= PLAIN_CONTRAST)).to_numpy()
    rows = np.flatnonzero(comparable).astype(np.int64)
    hashes = measures[["phash", "dhash", "dhash_vertical"]].to_numpy(dtype=np.uint64)[rows]
    unique, inverse = np.unique(hashes, axis=0, return_inverse=True)
    alike = connected(len(unique), _near_pairs(unique))[inverse.reshape(-1)]
    # Equal bytes link pictures just as equal looks do.
    first = pd.Series(rows).groupby(alike).transform("min").to_numpy(dtype=np.int64)
    _, first_of_bytes = np.unique(groups, return_index=True)
    both = np.concatenate(
        [np.column_stack([rows, first]), np.column_stack([np.arange(len(groups)), first_of_bytes[groups]])]
    )
    return connected(len(groups), iter([both]))


def connected(count: int, pairs: Iterator[Numbers]) -> Numbers:
    """The connected components of a graph of `count` nodes: a number a node, from (N, 2) arrays of pairs."""
    waiting: list[Numbers] = []
    held = 0
    labels = np.arange(count, dtype=np.int64)
    for some in pairs:
        waiting.append(some)
        held += len(some)
        if held > _PAIRS_AT_ONCE:  # of a thousand copies come half a million pairs: keep what they say, not them
            labels = _joined(labels, waiting)
            waiting, held = [], 0
    return _joined(labels, waiting)


def _joined(labels: Numbers, pairs: list[Numbers]) -> Numbers:
    nodes = np.arange(len(labels))
    ends = np.concatenate([np.column_stack([nodes, labels]), *pairs])
    links = coo_matrix((np.ones(len(ends), dtype=np.int8), (ends[:, 0], ends[:, 1])), shape=(len(labels),) * 2)
    parts = connected_components(links, directed=False)[1]
    # Named by their first node, so that a name stays a valid node when more pairs come.
    _, first, inverse = np.unique(parts, return_index=True, return_inverse=True)
    return first[inverse].astype(np.int64)


def _near_pairs(hashes: Hashes) -> Iterator[Numbers]:
    """Pairs of rows that look the same; hashes: (N, 3) of phash, dhash, dhash_vertical."""
    coarse = np.ascontiguousarray(hashes[:, 0])
    for top in range(0, len(coarse), _ROWS):
        rows = coarse[top : top + _ROWS, None]
        for left in range(top, len(coarse), _COLUMNS):
            distances = np.bitwise_count(rows ^ coarse[None, left : left + _COLUMNS])
            i, j = np.nonzero(distances <= PHASH_BITS)
            pairs = np.column_stack([i + top, j + left])
            pairs = pairs[pairs[:, 0] < pairs[:, 1]]
            fine = np.bitwise_count(hashes[pairs[:, 0], 1:] ^ hashes[pairs[:, 1], 1:]).sum(axis=1)
            yield pairs[fine <= DHASH_BITS]


def near_pictures(index: DataIndex, source: Path | bytes, split: str = "train", most: int = 6) -> pd.DataFrame | None:
    """The `most` pictures of a split that are most like one picture, of any origin, by their perceptual hashes.

    Returns:
        path, label, phash_bits (of 64) and dhash_bits (of 128) that differ, and `same`: whether both are within the
        limits of the quality scan. Sorted, the likest first. None if the data set was not scanned yet.

    Raises:
        DataError: the picture cannot be decoded, or is so plain that its hashes mean nothing.
    """
    measures = known_measures(index)
    if measures is None:
        return None
    own = measure(source)
    if own["reason"]:
        raise DataError(f"The picture cannot be decoded: {own['reason']}.", "Choose another one.")
    if own["contrast"] < PLAIN_CONTRAST:
        raise DataError("The picture is a plain surface, whose hashes are noise.", "Choose another one.")
    rows = index.files[["path", "split", "label"]].merge(measures.drop_duplicates("path"), on="path", how="inner")
    rows = rows[(rows["split"] == split) & (rows["reason"] == "") & (rows["contrast"] >= PLAIN_CONTRAST)]

    def differing(name: str) -> Numbers:
        return np.asarray(np.bitwise_count(rows[name].to_numpy("uint64") ^ np.uint64(own[name])), "int64")

    found = pd.DataFrame(
        {
            "path": rows["path"].to_numpy(),
            "label": rows["label"].to_numpy(),
            "phash_bits": differing("phash"),
            "dhash_bits": differing("dhash") + differing("dhash_vertical"),
        }
    )
    found["same"] = (found["phash_bits"] <= PHASH_BITS) & (found["dhash_bits"] <= DHASH_BITS)
    found["sum"] = found["phash_bits"] + found["dhash_bits"]
    found = found.sort_values(["same", "sum", "path"], ascending=[False, True, True], ignore_index=True)
    return found.drop(columns="sum").head(most)
