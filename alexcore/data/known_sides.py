"""Keep every picture on its side of the split, whatever its file is called by now: by its content.

A split is drawn by names, because opening a data set reads no picture. The check that reads them all knows the hashes;
then the kept split gets them, and a new row whose content already has a side in this home goes there. A row that has
been on its side since a check, or since a version without hashes, never moves.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from alexcore.data.index import DataIndex
from alexcore.data.lists.manifest_columns import portable_paths, read_table, write_table
from alexcore.data.split import NEW, SETTLED, VAL_SHARE, recorded_hashes, seed_of, split_by_class, table_rows
from alexcore.errors import DataError

# Which side wins where a picture stands on several: what has been learned is never measured on.
_RANK = {"train": 0, "test": 1, "val": 2}


def keep_known_sides(index: DataIndex, hashes: Mapping[str, bytes], learned: Collection[bytes] = ()) -> int:
    """Write hashes into the kept split of a data set; how many pictures go to another side because of them.

    Args:
        index: A data set, as it was opened; one that has splits of its own stays as it is.
        hashes: What its pictures are by their content, path -> hash, as far as that is known.
        learned: Hashes of what a run in hand was trained on.
    """
    kept = index.kept
    if kept is None:
        return 0
    before, recorded = index.known_as or {}, recorded_hashes(kept)
    paths = [str(path) for path in index.files["path"]]
    names = portable_paths(kept.parent, index.root, [before.get(each, each) for each in paths])
    named = {path: name for path, name in zip(paths, names, strict=True) if name in recorded}
    hashed = {path: hashes[path] for path in named if path in hashes}
    if all(recorded[named[path]] not in (NEW, SETTLED) for path in hashed):
        return 0
    fresh = {path for path in hashed if recorded[named[path]] == NEW}
    moved = _moved(index, kept, set(named), fresh, _sides(kept, {path: hashed[path].hex() for path in fresh}, learned))
    sides = {named[path]: side for path, side in moved.items()}
    known = {named[path]: content.hex() for path, content in hashed.items()}
    try:
        table = read_table(kept, verbatim=True)
        split = [sides.get(name, side) for name, side in zip(table.paths, table.splits or (), strict=True)]
        told = [known.get(name, recorded[name]) for name in table.paths]
        write_table(kept, replace(table, splits=split, hashes=told))
    except DataError:  # it cannot be read or written, which the opening has told
        return 0
    return len(moved)


def _sides(kept: Path, wanted: Mapping[str, str], learned: Collection[bytes]) -> dict[str, str]:
    """The side that each picture (path -> hash) has already, by the splits of this home that have the same seed."""
    contents = set(wanted.values())
    known = {content.hex(): "train" for content in learned}
    others = sorted(set(kept.parent.glob(f"*-seed{seed_of(kept)}.csv")) - {kept})
    # The split of the set itself comes first: a copy of a picture belongs to its own kind.
    for files in ([kept], others):
        here: dict[str, str] = {}
        for row in (row for file in files for row in table_rows(file)):
            content, side = row.get("hash") or "", row.get("split") or ""
            if content in contents and side in _RANK and _RANK[side] < _RANK.get(here.get(content, ""), len(_RANK)):
                here[content] = side
        known = {**here, **known}
    return {path: known[content] for path, content in wanted.items() if content in known}


def _moved(
    index: DataIndex, kept: Path, drawn: Collection[str], fresh: Collection[str], sides: Mapping[str, str]
) -> dict[str, str]:
    """The new side of each picture that changes it: those that are known, and others so that the shares stay."""
    files = index.files[index.files["path"].isin(list(drawn))].reset_index(drop=True)
    now = dict(zip(files["path"], files["split"], strict=True))
    if all(now[path] == side for path, side in sides.items()):
        return {}
    known = [sides.get(path, "") if path in fresh else side for path, side in now.items()]
    after = split_by_class(files, VAL_SHARE, seed_of(kept), known)
    # A part of a training set has nothing that it could be validated on: then it is a data set of its own.
    if not (after["split"] == "val").any():
        return {}
    return {path: side for path, side in zip(after["path"], after["split"], strict=True) if now[path] != side}
