"""Read an ImageFolder tree: train/CLASS/*, val/CLASS/*, test/CLASS/*, or just CLASS/*.

Classes are numbered as torchvision's ImageFolder numbers `train/`: by sorted name. Unlike ImageFolder, the other
splits use the same numbers whatever folders they have, and an empty or hidden folder is a problem, not a class.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from alexcore.data.class_index import class_problems, classes_in, numbering_problems
from alexcore.data.images import EXTENSIONS
from alexcore.data.index import SPLITS, DataIndex, files_table, is_utf8
from alexcore.data.split import keep_split, split_file
from alexcore.errors import DataError
from alexcore.findings import data as findings
from alexcore.findings.finding import Finding

# When the entries of a folder changed last, in nanoseconds: mtime and ctime.
FolderTime = tuple[int, int]


def folder_time(folder: str | Path) -> FolderTime:
    """The times of a folder, which change when an entry is added, removed or renamed.

    Unpacking an archive sets mtime back to an old value; it cannot do that to ctime. On Windows mtime has to do.

    Raises:
        OSError: there is no such folder.
    """
    status = os.stat(folder)
    return status.st_mtime_ns, status.st_ctime_ns


class _Scan:
    """What walking the folders of one split brought up."""

    def __init__(self, root: Path) -> None:
        self.prefix = os.path.join(root, "")
        self.rows: dict[str, list[tuple[str, int, int]]] = {}
        self.folders: list[str] = []
        self.other: list[str] = []
        self.hidden: list[str] = []
        self.nameless: list[str] = []
        self.times: dict[str, FolderTime] = {}

    def _name(self, entry: os.DirEntry[str]) -> str:
        return entry.path.removeprefix(self.prefix).replace(os.sep, "/")

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        # The time is read before the entries: what is added in between makes a cached index stale, not wrong.
        self.times[folder] = folder_time(folder)
        return sorted(os.scandir(folder), key=lambda each: each.name)

    def classes_in(self, folder: Path) -> _Scan:
        for entry in self._entries(str(folder)):
            is_dir = _leads_to(entry.is_dir)
            if not is_utf8(entry.name):
                self.nameless.append(ascii(self._name(entry)))
                continue
            if is_dir:
                self.folders.append(entry.name)
            if entry.name.startswith("."):
                self.hidden.append(self._name(entry))
            elif is_dir:
                rows: list[tuple[str, int, int]] = []
                self._pictures_in(entry.path, rows, set())
                self.rows[entry.name] = rows
            elif entry.name != "dataset.json":
                self.other.append(self._name(entry))
        return self

    def _pictures_in(self, folder: str, rows: list[tuple[str, int, int]], seen: set[str]) -> None:
        real = os.path.realpath(folder)
        if real in seen:  # a link that leads back to a folder above it
            return
        # Thousands of names share the folder's part; making a path of each took most of the time.
        entries = self._entries(folder)
        prefix = self._name(entries[0])[: -len(entries[0].name)] if entries else ""
        for entry in entries:
            if not is_utf8(entry.name):
                self.nameless.append(ascii(self._name(entry)))
            elif entry.name.startswith("."):
                self.hidden.append(self._name(entry))
            elif _leads_to(entry.is_dir):
                self._pictures_in(entry.path, rows, seen | {real})
            elif os.path.splitext(entry.name)[1].lower() in EXTENSIONS and _leads_to(entry.is_file):
                status = entry.stat()
                rows.append((prefix + entry.name, status.st_size, status.st_mtime_ns))
            else:
                self.other.append(self._name(entry))


def _leads_to(test: Callable[[], bool]) -> bool:
    """Ask a directory entry; a link to itself is neither file nor folder, where `os` raises an error."""
    try:
        return test()
    except OSError as error:
        if error.errno == errno.ELOOP:
            return False
        raise


def open_folder(root: Path, val: Path | None = None, *, split_seed: int = 0) -> DataIndex:
    """Index the pictures of an ImageFolder tree without opening them.

    Args:
        root: A folder with train/ (and val/, test/), or with class folders, which are then split 4:1 by class.
        val: A folder of class folders to use as the val split instead.
        split_seed: Of that split 4:1, which is kept (see split.py): pictures that come later do not change it.

    Raises:
        DataError: a folder is missing or unreadable, or holds no picture.
    """
    return scan_folder(root, val, split_seed)[0]


def scan_folder(root: Path, val: Path | None = None, split_seed: int = 0) -> tuple[DataIndex, dict[str, FolderTime]]:
    """Do what `open_folder` does; also return each folder that was read, with its times before that.

    Among them is the file that keeps the split, because somebody may change or delete it by hand.
    """
    root = root.resolve()
    folders = {"val": val.resolve()} if val else {}
    try:
        for folder in (root, *folders.values()):
            if not is_utf8(str(folder)):
                raise DataError(f"The name of the folder {str(folder)!a} is not UTF-8.", "Rename the folder.")
            if not folder.is_dir():
                raise DataError(f"There is no folder {folder}.", "Check the spelling of the path.")
        inside = {split: root / split for split in SPLITS if (root / split).is_dir()}
        flat = "train" not in inside
        if flat and set(inside) & {"val", "test"}:
            raise DataError(
                f"{root} has {' and '.join(f'{split}/' for split in inside)} but no train/.",
                "Name the folder with the training pictures train.",
            )
        folders = {**({"train": root} if flat else inside), **folders}
        # The root itself, too: a new train/ changes what everything else means.
        read = {str(root): folder_time(root)}
        scans = {split: _Scan(root).classes_in(folder) for split, folder in folders.items()}
    except OSError as error:
        raise DataError(f"{error.filename} cannot be read: {error.strerror}.", "Check its permissions.") from error
    if not any(rows for scan in scans.values() for rows in scan.rows.values()):
        raise DataError(
            f"{root} holds no pictures in class folders.",
            f"Put {', '.join(sorted(EXTENSIONS))} files into one folder per class, e.g. {root.name}/train/roses/.",
        )
    classes = tuple(name for name, rows in scans["train"].rows.items() if rows)
    if not classes:
        raise DataError(f"{root} has no training pictures.", "Put pictures into one folder per class in train/.")
    files = _table(scans, classes)
    unkept: list[Finding] = []
    layout = f"{', '.join(f'{split}/' for split in folders)} with class folders"
    if flat and val is None:
        files, unkept = keep_split(root, root, files, classes, split_seed)
        layout = "class folders, split 4:1 into train and val within each class"
        kept = split_file(root, split_seed)
        if kept.is_file():
            read[str(kept)] = folder_time(kept)
    for scan in scans.values():
        read |= scan.times
    problems = (*_problems(root, scans, classes, files), *unkept)
    return DataIndex(root, layout, classes, files, problems), read


def _table(scans: dict[str, _Scan], classes: tuple[str, ...]) -> pd.DataFrame:
    number = {name: index for index, name in enumerate(classes)}
    rows = [
        (path, split, number[name], size, mtime)
        for split, scan in scans.items()
        for name, found in scan.rows.items()
        if name in number
        for path, size, mtime in found
    ]
    return files_table(rows)


def _problems(root: Path, scans: dict[str, _Scan], classes: tuple[str, ...], files: pd.DataFrame) -> list[Finding]:
    found = classes_in(files, classes)
    for split, scan in scans.items():
        found.setdefault(split, set()).update(name for name, rows in scan.rows.items() if rows)
    problems = class_problems(root, classes, found)
    for split, scan in scans.items():
        empty = sorted(name for name, rows in scan.rows.items() if not rows)
        problems += findings.EmptyClassFolders.of(empty, split=split)
    if len(scans) > 1:  # class folders alone have no splits that ImageFolder could number
        problems += numbering_problems(classes, {split: scan.folders for split, scan in scans.items()})
    problems += findings.NamesNotUtf8.of([name for scan in scans.values() for name in scan.nameless], listed=False)
    problems += findings.HiddenFiles.of([name for scan in scans.values() for name in scan.hidden])
    problems += findings.NoPictures.of([name for scan in scans.values() for name in scan.other])
    return problems
