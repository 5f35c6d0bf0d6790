"""Where a reference lies and how it is read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from alexcore.analysis.neighbours import FeatureIndex
from alexcore.data.sources import source_signature
from alexcore.errors import DataError
from alexcore.files import read_json
from alexcore.home import cache_dir

RECORD, LOGGED = "reference.json", "logged.csv"


@dataclass(frozen=True)
class Reference:
    """The index of a checkpoint's training pictures and its log of validation, and the folder in which they lie.

    `classes` and `indexed` count the classes and the training pictures in the index.
    """

    classes: int
    indexed: int
    folder: Path

    @property
    def neighbours(self) -> FeatureIndex:
        """The index of the training pictures."""
        return FeatureIndex(self.folder)

    def logged(self) -> pd.DataFrame:
        """The validation pictures as evaluation answers them: path, label, predicted, probability, p0, p1 ...

        Raises:
            DataError: the file is missing or damaged.
        """
        try:
            table = pd.read_csv(self.folder / LOGGED, dtype={"path": str}, keep_default_na=False)
            each_class = (f"p{number}" for number in range(self.classes))
            return table[["path", "label", "predicted", "probability", *each_class]]
        except (OSError, ValueError, KeyError) as error:
            raise DataError(f"The logged answers cannot be read: {error}.", "Measure the run again.") from error


def references_dir() -> Path:
    """The folder of all references."""
    return cache_dir() / "references"


def reference_name(checkpoint: Path, data: str, val: str = "") -> str:
    """A name that changes with the checkpoint's file and with the data set; also that of the background job.

    Raises:
        DataError: the data set cannot be read, or the checkpoint is not there.
    """
    try:
        status = checkpoint.stat()
    except OSError as error:
        raise DataError(f"There is no checkpoint {checkpoint}.", "Choose another run.") from error
    parts = [str(checkpoint.resolve()), status.st_size, status.st_mtime_ns]
    parts += [source_signature(Path(path).expanduser()) for path in (data, val) if path]
    return f"reference-{hashlib.sha256(repr(parts).encode()).hexdigest()[:20]}"


def reference_folder(checkpoint: Path, data: str, val: str = "") -> Path:
    """Where the reference of a checkpoint lies, whether or not it exists. Raises as `reference_name`."""
    return references_dir() / reference_name(checkpoint, data, val)


def read_reference(folder: Path) -> Reference | None:
    """Read a reference, or None where there is none or half of one."""
    raw = read_json(folder / RECORD)
    if raw is None:
        return None
    try:
        return Reference(len(raw["classes"]), int(raw["indexed"]), folder)
    except (ValueError, KeyError, TypeError):
        return None


def evenly(count: int, most: int) -> Sequence[int]:
    """`most` of `count` positions, evenly spread, or all."""
    return range(count) if count <= most else np.linspace(0, count - 1, most).astype(int).tolist()
