"""Split a data set that has no splits of its own: stratified, and the same pictures for ever.

The drawn split is kept as a manifest. Pictures that come later are shared out beside the old ones, which stay where
they are: a picture that a network has learned never turns up among those that test it.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from alexcore.data.lists.manifest_columns import ManifestColumns, portable_paths, read_table, write_table
from alexcore.errors import DataError
from alexcore.findings.data import SplitDrawnAnew, SplitNotKept
from alexcore.findings.finding import Finding
from alexcore.home import data_dir, splits_dir

VAL_SHARE = 0.2
# File systems allow 255 bytes; the rest of the name and a temporary one need room.
_NAME_LENGTH = 40
# What stands in the place of a hash: of a row that no check has read yet, and of one that is older than hashes.
NEW, SETTLED = "", "-"


def split_by_class(
    files: pd.DataFrame, val_share: float, seed: int = 0, known: Sequence[str] | None = None
) -> pd.DataFrame:
    """Move a share of each class (at least one picture, never the last one) from train to val, the same each time.

    `known` is the split that a row had before, which it keeps, or "".
    """
    split = np.array(["" for _ in range(len(files))] if known is None else list(known), dtype=object)
    for label, places in files.groupby("label").indices.items():
        rows = np.asarray(places)
        new = rows[split[rows] == ""]
        shared = int((split[rows] != "test").sum())
        wanted = min(max(1, round(shared * val_share)), shared - 1) - int((split[rows] == "val").sum())
        count = min(max(wanted, 0), len(new))
        order = np.random.default_rng([seed, int(str(label))]).permutation(len(new))
        split[new] = "train"
        split[new[order[:count]]] = "val"
    return files.assign(split=split).sort_values(["split", "label", "path"], ignore_index=True)


def split_file(source: Path, seed: int = 0) -> Path:
    """Where the split of a folder or manifest is kept, one a seed; deleting it has the split drawn anew."""
    home = data_dir().resolve()
    place = source.relative_to(home) if source.is_relative_to(home) else source
    digest = hashlib.sha256(place.as_posix().encode()).hexdigest()
    name = source.name.encode()[:_NAME_LENGTH].decode(errors="ignore")
    return splits_dir().resolve() / f"{name}-{digest[:12]}-seed{seed}.csv"


def seed_of(kept: Path) -> int:
    """The seed in the name of a file by `split_file`."""
    found = re.search(r"-seed(-?[0-9]+)$", kept.stem)
    return int(found[1]) if found else 0


def table_rows(kept: Path) -> list[dict[str, str]]:
    """The rows of a kept split as they stand; none where it cannot be read."""
    try:
        with kept.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except (OSError, ValueError, csv.Error):
        return []


def recorded_hashes(kept: Path) -> dict[str, str]:
    """The hash of each row of a kept split, by its path; NEW or SETTLED where it has none."""
    return {row.get("path") or "": row.get("hash", SETTLED) or NEW for row in table_rows(kept)}


def keep_split(
    source: Path, root: Path, files: pd.DataFrame, classes: Sequence[str], seed: int = 0
) -> tuple[pd.DataFrame, list[Finding]]:
    """Split the pictures of a data set as they were split before, share out the new ones, and remember all.

    `source` is what was opened; the paths in `files` are relative to `root`.

    Returns:
        The files with their split, and what kept it from being remembered.
    """
    kept = split_file(source, seed)
    problems: list[Finding] = []
    before = ManifestColumns([], [])
    try:
        if kept.exists():
            before = read_table(kept, verbatim=True)
    except DataError as error:
        problems.append(SplitDrawnAnew(error.message))
    named = portable_paths(kept.parent, root, files["path"])
    known = dict(zip(before.paths, before.splits or (), strict=False))
    split = split_by_class(files, VAL_SHARE, seed, [known.get(name, "") for name in named])
    if any(name not in known for name in named):
        try:
            write_table(kept, _table(kept, root, split, classes, before))
        except DataError as error:
            problems.append(SplitNotKept(error.message))
    return split, problems


def _table(
    kept: Path, root: Path, split: pd.DataFrame, classes: Sequence[str], before: ManifestColumns
) -> ManifestColumns:
    paths = portable_paths(kept.parent, root, split["path"])
    labels = [classes[label] for label in split["label"]]
    # A picture that is gone may come back.
    present, names = set(paths), set(classes)
    gone = [
        (path, str(label), word)
        for path, label, word in zip(before.paths, before.labels, before.splits or (), strict=False)
        if path not in present and str(label) in names
    ]
    rows = [*zip(paths, labels, split["split"], strict=True), *gone]
    paths, labels, words = (list(column) for column in zip(*rows, strict=True))
    recorded = recorded_hashes(kept) if before.paths else {}
    return ManifestColumns(paths, labels, words, classes, hashes=[recorded.get(path, NEW) for path in paths])
