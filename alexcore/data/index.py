"""DataIndex: what a data set is, without opening a single picture.

One table with a row a picture, one mapping from class to number, and the problems found on the way. Every source
(folder, manifest, shards ...) ends in this type, and everything else starts from it. An index never changes, so what
takes milliseconds at 100,000 rows is computed once and kept with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from alexcore.data.decoding.image_formats import ANNEX, HEIC, LFS, STAND_INS
from alexcore.data.decoding.levels import PLAIN, Rendering
from alexcore.data.reading import AS_IT_LIES, FolderChoice, FolderReading
from alexcore.errors import DataError
from alexcore.findings.data import NoReadablePicture, OneReadableClass, Undecodable
from alexcore.findings.decoding import (
    ClassesUnreadable,
    CloudPlaceholders,
    GitPointers,
    HeicPictures,
    InPlaceOfPictures,
)
from alexcore.findings.finding import Finding

SPLITS = ("train", "val", "test")


def is_utf8(name: str) -> bool:
    """Whether a table and a report can hold a name: one from an old archive or disk may be no UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def files_table(rows: Sequence[tuple[str, str, int, int, int]]) -> pd.DataFrame:
    """The `files` of a DataIndex, from (path, split, label, bytes, mtime_ns) of each picture."""
    files = pd.DataFrame(rows, columns=["path", "split", "label", "bytes", "mtime_ns"])
    return files.astype({"label": "int32", "bytes": "int64", "mtime_ns": "int64"})


def by_split_and_class(files: pd.DataFrame) -> pd.DataFrame:
    """Sort rows by split (train, val, test) and class; within a class their order stays."""
    ranked = files.assign(rank=files["split"].map({split: rank for rank, split in enumerate(SPLITS)}))
    return ranked.sort_values(["rank", "label"], kind="stable", ignore_index=True).drop(columns="rank")


@dataclass(frozen=True)
class DataIndex:
    """The pictures of a data set and how its classes are numbered.

    Attributes:
        root: The folder to which relative paths in `files` belong.
        layout: How the folder was read, in words.
        classes: Class names in the order of their numbers, as torchvision's ImageFolder numbers `train/`.
        files: A row a picture: path (text, relative to `root` or absolute), split, label (index into `classes`),
            bytes, mtime_ns. Where the pictures lie inside tar shards, path is SHARD.tar!MEMBER, mtime_ns that of the
            shard, and a column `offset` says where in it the bytes begin; `shards.picture_source` reads either kind.
        problems: What was found; errors first.
        rendering: How what is not 8-bit RGB becomes that; chosen by `intensity.with_rendering`.
        intensity: What somebody has said about that: the setting of this name.
        source: What was opened, where that is not `root`: the manifest.
        reading: How a folder was read; None of what is no folder.
        known_as: The paths under which pictures that have moved were known before; they are still the same data set.
        kept: The file that keeps the split, where one was drawn.
        val: The separate validation folder that was opened with it, or "".
        hashes: What pictures are by their content, path -> hash, where a check has read them (`open_checked`).
    """

    root: Path
    layout: str
    classes: tuple[str, ...]
    files: pd.DataFrame
    problems: tuple[Finding, ...] = ()
    source: Path | None = None
    rendering: Rendering = PLAIN
    reading: FolderReading | None = None
    known_as: Mapping[str, str] | None = None
    kept: Path | None = None
    val: str = ""
    hashes: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    intensity: str = "auto"

    @property
    def choice(self) -> FolderChoice:
        """What somebody has said about how it is to be read."""
        return self.reading.choice if self.reading else AS_IT_LIES

    @property
    def origin(self) -> Path:
        """The path that opens this data set again: a folder or a manifest."""
        return self.source or self.root

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The mapping from name to number, as ImageFolder has it."""
        return {name: index for index, name in enumerate(self.classes)}

    @property
    def class_indices(self) -> dict[str, str]:
        """The mapping from number to name, as `class_indices.json` has it."""
        return {str(index): name for index, name in enumerate(self.classes)}

    @cached_property
    def splits(self) -> tuple[str, ...]:
        """The splits that hold a picture, in the order train, val, test."""
        present = set(self.files["split"].unique())
        return tuple(split for split in SPLITS if split in present)

    def select(self, split: str) -> pd.DataFrame:
        """The rows of one split, in a fixed order (class, then path)."""
        return self.files[self.files["split"] == split].reset_index(drop=True)

    def counts(self) -> pd.DataFrame:
        """Pictures per class (rows, in the order of the index) and split (columns; train always, others with any)."""
        return self._counts.copy()

    @cached_property
    def _counts(self) -> pd.DataFrame:
        table = self.files.groupby(["label", "split"], observed=True).size().unstack(fill_value=0)
        columns = list(dict.fromkeys(["train", *self.splits]))  # train also if no picture of it can be read
        table = table.reindex(index=range(len(self.classes)), columns=columns, fill_value=0)
        return table.set_axis(list(self.classes), axis=0)

    def path_of(self, row_path: str) -> Path:
        """The absolute path of a row."""
        return self.root / row_path

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {str(path): position for position, path in enumerate(self.files["path"])}

    def has(self, row_path: str) -> bool:
        """Whether there is a row with this path."""
        return row_path in self._positions

    def position_of(self, row_path: str) -> int:
        """The position in `files` of the row with this path.

        Raises:
            DataError: there is none.
        """
        try:
            return self._positions[row_path]
        except KeyError:
            raise DataError(f"{self.root} has no picture {row_path}.", "Open the data set again.") from None

    def fingerprint(self) -> str:
        """A short hash of which pictures there are, where they belong and how large they are.

        It ignores where the data set lies and when files were written, so a copy has the same fingerprint.
        """
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        return self._fingerprint_of(self.files)

    def split_fingerprint(self, split: str) -> str:
        """The same of one split alone."""
        return self._fingerprint_of(self.files[self.files["split"] == split])

    def _fingerprint_of(self, files: pd.DataFrame) -> str:
        digest = hashlib.sha256("\0".join(self.classes).encode())
        files = files.assign(path=files["path"].map(self.known_as)) if self.known_as else files
        rows = files.sort_values(["split", "path"])
        for column in ("path", "split", "label", "bytes"):
            digest.update("\0".join(rows[column].astype(str)).encode())
        return digest.hexdigest()[:16]

    @cached_property
    def files_identity(self) -> str:
        """A hash of the files themselves (place, size, time), under which results about their pixels are remembered."""
        digest = hashlib.sha256("\0".join([str(self.root), *self.files["path"]]).encode())
        for column in ("bytes", "mtime_ns"):
            digest.update(self.files[column].to_numpy("int64").tobytes())
        return digest.hexdigest()[:32]

    @cached_property
    def sides_identity(self) -> str:
        """A hash of the split of each row; with `files_identity` it says which files are on which side."""
        codes, names = pd.factorize(self.files["split"])
        return hashlib.sha256("\0".join(names).encode() + codes.astype("int8").tobytes()).hexdigest()[:32]

    @cached_property
    def names(self) -> pd.Series[str]:
        """The file name of each row, without its folders."""
        return self.files["path"].str.replace(r"^.*/", "", regex=True)

    @cached_property
    def name_order(self) -> npt.NDArray[np.intp]:
        """The rows sorted by file name, capitals counting as small letters; equal names stay in the index's order."""
        return np.asarray(self.names.str.lower().argsort(kind="stable"), dtype=np.intp)

    def without(self, unreadable: dict[str, str]) -> DataIndex:
        """Leave out pictures that cannot be decoded (path -> reason), and say so as a problem."""
        if not unreadable:
            return self
        problems: list[Finding] = []
        for kind in STAND_INS.values():
            names = [path for path, reason in unreadable.items() if reason == kind.one]
            finding = HeicPictures if kind is HEIC else GitPointers if kind in (LFS, ANNEX) else CloudPlaceholders
            problems += finding.of(names, total=len(self.files), what=kind.what, remedy=kind.hint)
        damaged = [(path, reason) for path, reason in unreadable.items() if reason not in STAND_INS]
        if damaged:
            problems.append(Undecodable(tuple(damaged[:3]), len(damaged), len(self.files)))
        kept = self.files[~self.files["path"].isin(list(unreadable))].reset_index(drop=True)
        return replace(self, files=kept, problems=(*self.problems, *problems, *self._lost(kept, unreadable)))

    def _lost(self, kept: pd.DataFrame, unreadable: dict[str, str]) -> list[Finding]:
        """What to say of classes that had training pictures and have none left, as long as two others have some."""
        training, left = (files.loc[files["split"] == "train"] for files in (self.files, kept))
        lost = sorted(set(training["label"]) - set(left["label"]))
        if not lost or left["label"].nunique() < 2:
            return []
        first = training.loc[training["label"] == lost[0], "path"].iloc[0]
        names = [self.classes[int(label)] for label in lost]
        return [*ClassesUnreadable.of(names, why=unreadable[first])]

    def require_trainable(self) -> None:
        """Raise a DataError that names the first problem which forbids a run."""
        for problem in self.problems:
            if problem.severity == "error":
                raise problem.refusal(DataError)
        counts = self.counts()
        # What lies in the place of the pictures says more than that they are missing.
        why = next((each for each in self.problems if isinstance(each, InPlaceOfPictures)), None)
        for split in ("train", "val"):
            if split not in counts or not counts[split].sum():
                raise (why or NoReadablePicture(str(self.root), split)).refusal(DataError)
        # `problems` tells what the folders lack; pictures that cannot be decoded may take a whole class away.
        readable = [name for name in self.classes if counts.loc[name, "train"]]
        if len(readable) < 2:
            raise (why or OneReadableClass(str(self.root), readable[0])).refusal(DataError)
