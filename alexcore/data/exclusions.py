"""Pictures left out of a data set one by one, in a manifest that grows and shrinks. No picture is touched."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from alexcore.data.derive import exclude
from alexcore.data.index import DataIndex
from alexcore.data.manifest import open_manifest, write_manifest
from alexcore.home import data_dir


def exclusion_manifest(index: DataIndex) -> Path:
    """Where the manifest of a data set without the pictures that a person left out lies."""
    origin = index.origin.resolve()
    stem = origin.name.removesuffix(".csv").removesuffix(".json") or "data"
    if origin.parent != data_dir().resolve():  # two folders elsewhere may have one name
        stem = f"{stem}-{hashlib.sha256(os.fsencode(origin)).hexdigest()[:6]}"
    return data_dir() / f"{stem}-without-some.csv"


def excluded_pictures(index: DataIndex) -> list[str]:
    """Rows of `index` that its exclusion manifest lacks; none if there is no manifest.

    Raises:
        DataError: there is a manifest, but it cannot be read.
    """
    manifest = exclusion_manifest(index)
    if not manifest.is_file():
        return []
    kept = open_manifest(manifest)
    there = set(_places(kept))
    return [path for path, place in zip(index.files["path"], _places(index), strict=True) if place not in there]


def _places(index: DataIndex) -> list[str]:
    # Only the root is looked up on the disk: a question for each of 100,000 pictures would take a second.
    root = os.path.realpath(index.root)
    return [os.path.normpath(os.path.join(root, path)) for path in index.files["path"]]


def set_excluded(index: DataIndex, paths: Iterable[str]) -> Path:
    """Write the manifest of the whole data set `index` without exactly these pictures; with none of them, it holds all.

    Raises:
        DataError: a picture is not in the data set, none would be left, or the pictures lie inside shards.
    """
    manifest = exclusion_manifest(index)
    manifest.parent.mkdir(parents=True, exist_ok=True)
    wanted = list(paths)
    return write_manifest(exclude(index, wanted) if wanted else index, manifest)
