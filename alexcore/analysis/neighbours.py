"""The training pictures whose features are nearest to those of a picture. Exact, and read from disk part by part.

The index is two files beside each other: `features.npy`, (N, D) float16 of length 1, and `pictures.csv` with path and
label a row. A query compares with all rows, a few thousand at a time, so memory does not grow with the index.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from alexcore.errors import DataError

FEATURES, PICTURES = "features.npy", "pictures.csv"
# 8 MB of float16 at 2,048 units.
ROWS_AT_ONCE = 2048


def unit(vectors: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float32]:
    """Vectors (N, D) brought to length 1, so that a dot product is a cosine; one without length stays 0."""
    wide = np.asarray(vectors, dtype=np.float32)
    lengths = np.linalg.norm(wide, axis=-1, keepdims=True)
    return np.asarray(wide / np.where(lengths > 0, lengths, 1), dtype=np.float32)


@dataclass(frozen=True)
class Neighbour:
    """A training picture: its path in the data set, its class's number, and its cosine distance (0: the same)."""

    path: str
    label: int
    distance: float


@dataclass(frozen=True)
class FeatureIndex:
    """The features of training pictures, in a folder."""

    folder: Path

    def nearest(self, features: npt.NDArray[np.floating[Any]], count: int = 6) -> list[Neighbour]:
        """The `count` pictures nearest to one picture's features (D,), nearest first; of equal ones, the earlier.

        Raises:
            DataError: the index is damaged or of another network.
        """
        query = unit(features[None])[0]
        best: list[tuple[float, int]] = []
        for first, rows in self._parts():
            if rows.shape[1] != len(query):
                raise self._damaged(f"its vectors have {rows.shape[1]} numbers, the network's {len(query)}")
            distances = 1 - unit(rows) @ query
            # The index in the pair decides between equals, so the answer does not depend on the parts.
            part = np.argsort(distances, kind="stable")[:count]
            best = sorted([*best, *((float(distances[i]), first + int(i)) for i in part)])[:count]
        try:
            rows_of = self.pictures.iloc[[row for _, row in best]]
        except IndexError as error:
            raise self._damaged("its two files do not fit together") from error
        return [
            Neighbour(str(path), int(label), max(0.0, distance))
            for path, label, (distance, _) in zip(rows_of["path"], rows_of["label"], best, strict=True)
        ]

    def _parts(self) -> Iterator[tuple[int, npt.NDArray[Any]]]:
        try:
            features = np.load(self.folder / FEATURES, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise self._damaged(str(error)) from error
        if features.ndim != 2:
            raise self._damaged("it holds no table of vectors")
        for first in range(0, len(features), ROWS_AT_ONCE):
            yield first, np.asarray(features[first : first + ROWS_AT_ONCE])

    @cached_property
    def pictures(self) -> pd.DataFrame:
        """Path and label of each row.

        Raises:
            DataError: the file is missing or damaged.
        """
        try:
            table = pd.read_csv(self.folder / PICTURES, dtype={"path": str, "label": int}, keep_default_na=False)
        except (OSError, ValueError) as error:
            raise self._damaged(str(error)) from error
        if list(table.columns) != ["path", "label"]:
            raise self._damaged("it has other columns")
        return table

    def _damaged(self, why: str) -> DataError:
        return DataError(f"The index of training pictures cannot be used: {why}.", "Measure the run again.")


class FeatureWriter:
    """Writes an index row by row: `count` vectors, whose length is known at the first ones."""

    def __init__(self, folder: Path, count: int) -> None:
        self._folder, self._count, self._done = folder, count, 0
        self._file: Any = None

    def add(self, features: npt.NDArray[np.floating[Any]]) -> None:
        """Append vectors (N, D)."""
        if self._file is None:
            shape = (self._count, features.shape[1])
            self._file = np.lib.format.open_memmap(self._folder / FEATURES, "w+", np.float16, shape)
        self._file[self._done : self._done + len(features)] = unit(features)
        self._done += len(features)

    def close(self, pictures: pd.DataFrame) -> None:
        """Write the table of pictures (path, label), a row a vector, and let go of the file."""
        assert self._done == self._count == len(pictures)
        if self._file is not None:
            self._file.flush()
            self._file = None
        pictures[["path", "label"]].to_csv(self._folder / PICTURES, index=False)
