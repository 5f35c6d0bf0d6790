"""What a person corrects picture by picture: a wrong label, or a picture that is left out. No file is touched.

All of it stands in one manifest beside the data sets, written anew at each correction, which is trained on like any
other: its column `was` has the class before a correction, and `left out of train` for a split is a row that is passed
over. So it tells the pictures that were left out from those that the data set has got since, and the data set that was
corrected from what became of it: a correction of a corrected data set goes into the same manifest.
Version 0.1 could only leave out; what its manifests lack was left out.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from alexcore.data.derive import checked, exclude, require_known, stem_of
from alexcore.data.index import DataIndex, by_split_and_class
from alexcore.data.lists.manifest import is_corrected, manifest_table, open_manifest
from alexcore.data.lists.manifest_columns import read_table, write_table
from alexcore.data.reading import AS_IT_LIES
from alexcore.home import CORRECTED, data_dir

# The class that is right for a picture, by its path as in `index.files`; None leaves the picture out.
Corrections = Mapping[str, str | None]


@dataclass(frozen=True)
class Corrected:
    """What was made of a data set: its corrections, and the pictures that it has got since they were written."""

    known: Corrections
    new: tuple[str, ...] = ()


def correct(index: DataIndex, corrections: Corrections) -> DataIndex:
    """Put pictures under another class, and leave out those whose class is None.

    The mapping stays, also if a class loses its last picture, so that runs still fit.

    Raises:
        DataError: a picture or a class is not in the data set, or no picture would be left.
    """
    rest = exclude(index, [path for path, name in corrections.items() if name is None])
    right = {path: name for path, name in corrections.items() if name is not None}
    require_known(index, list(dict.fromkeys(right.values())))
    positions = [rest.position_of(path) for path in right]
    labels = rest.files["label"].to_numpy(copy=True)
    labels[positions] = [index.class_to_idx[name] for name in right.values()]
    files = by_split_and_class(rest.files.assign(label=labels))
    return checked(
        index, index.classes, files, f"{len(right):,} labels corrected, {len(corrections) - len(right):,} left out"
    )


def uncorrected(index: DataIndex) -> DataIndex:
    """The data set as it was before anybody corrected it; `index` itself, unless it is what was corrected."""
    if not is_corrected(index.origin):
        return index
    choice = index.reading.choice if index.reading else AS_IT_LIES
    return open_manifest(index.origin, choice=choice, uncorrected=True)


def correction_manifest(index: DataIndex) -> Path:
    """Where the manifest of a data set as a person has corrected it lies; of what was corrected, it is itself."""
    origin = index.origin.resolve()
    if is_corrected(origin):
        return origin
    stem = stem_of(origin.name)
    if origin.parent != data_dir().resolve():  # two folders elsewhere may have one name
        stem = f"{stem}-{hashlib.sha256(os.fsencode(origin)).hexdigest()[:6]}"
    if index.reading and index.reading.choice != AS_IT_LIES:  # read in another way it has other classes or pictures
        stem = f"{stem}-{hashlib.sha256(index.reading.choice.flags.encode()).hexdigest()[:6]}"
    return data_dir() / f"{stem}{CORRECTED}"


def corrections_of(index: DataIndex) -> Corrected:
    """In what the manifest of corrections differs from `index`; in nothing if there is no manifest.

    Raises:
        DataError: there is a manifest, but it cannot be read.
    """
    manifest = correction_manifest(index)
    if not manifest.is_file():
        return Corrected({})
    # Not opened: a question to the disk for each of 100,000 pictures would take seconds at each correction.
    table = read_table(manifest, verbatim=True)
    listed = _places(manifest.parent, table.paths)
    right = {place: str(label) for place, label in zip(listed, table.labels, strict=True)}
    out = _places(manifest.parent, [path for path, _, _ in table.left_out])
    known = None if table.was is None else {*right, *out}  # of a list without such rows, what it lacks was left out
    before, paths = uncorrected(index), index.files["path"]
    if before is not index:  # where the list says that its pictures are, they may have been moved since
        paths = before.files["path"].map(before.known_as) if before.known_as else before.files["path"]
    found: dict[str, str | None] = {}
    new = []
    places = _places(before.root, paths)
    for path, place, label in zip(before.files["path"], places, before.files["label"], strict=True):
        if known is not None and place not in known:
            new.append(str(path))
        elif right.get(place) != before.classes[label]:
            found[str(path)] = right.get(place)
    return Corrected(found, tuple(new))


def _places(folder: Path, paths: Iterable[str]) -> list[str]:
    # Only the folder is looked up on the disk, for the same reason.
    root = os.path.realpath(folder)
    return [os.path.normpath(os.path.join(root, path)) for path in paths]


def set_corrections(index: DataIndex, corrections: Corrections) -> Path:
    """Write the manifest of the whole data set `index` with exactly these corrections; with none, it holds all of it.

    Pictures that are new in the data set come in. If `index` is what was corrected, the corrections are those of the
    data set before.

    Raises:
        DataError: as `correct`, or the pictures lie inside shards.
    """
    target = correction_manifest(index)
    whole = uncorrected(index)
    classes = dict(zip(whole.files["path"], (whole.classes[label] for label in whole.files["label"]), strict=True))
    right = correct(whole, corrections)
    table = manifest_table(right, target)
    changed = {path for path, name in corrections.items() if name is not None and name != classes.get(path)}
    was = [classes[path] if path in changed else "" for path in right.files["path"]]
    gone = whole.files["path"].isin([path for path, name in corrections.items() if name is None])
    out = manifest_table(replace(whole, files=whole.files[gone]), target)
    write_table(target, replace(table, was=was, left_out=out.rows))
    return target
