"""Remember the index of a folder on disk, so that a data set of 100,000 pictures opens in a moment.

What is promised: a picture or folder that is added, removed or renamed anywhere below the data set is seen at the next
opening, because the folder that holds it changes its time, and every folder's time is compared. A file that is
overwritten in place leaves its folder's time alone, so its old size and time stay in the remembered index. Whoever
reads pixels for a result (`sources.open_checked`: runs, evaluation, `data info`) therefore lists the files anew, and
the dashboard's gallery asks each file that it shows.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import zipfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from alexcore.data.folder import scan_folder
from alexcore.data.index import SPLITS, DataIndex
from alexcore.data.reading import AS_IT_LIES, FolderChoice, FolderReading
from alexcore.data.split import split_file
from alexcore.data.tree import FolderTime, folder_time, walk
from alexcore.errors import DataError
from alexcore.files import replacing
from alexcore.findings.finding import finding_of
from alexcore.home import WHERE_IT_IS, cache_dir

# Clocks of file systems tick every 4 ms (ext4) to 2 s (FAT): within a tick a second change leaves no trace.
TICK_NS = 2_000_000_000
_KNOWN_ROOTS = 64
_known_folders: dict[str, tuple[str, ...]] = {}


def open_folder_cached(
    root: Path, val: Path | None = None, choice: FolderChoice = AS_IT_LIES, split_seed: int = 0
) -> DataIndex:
    """Do what `folder.scan_folder` does, from the remembered index if no folder has changed since.

    Raises:
        DataError: as `scan_folder`.
    """
    root, val = root.resolve(), val.resolve() if val else None
    key = _key(root, val, choice, split_seed)
    found = _load(root, key)
    if found is not None:
        return found
    started = time.time_ns()
    index, folders = scan_folder(root, val, choice, split_seed)
    _remember(root, folders)
    kept = str(split_file(root, split_seed))  # which the scan itself may just have written
    if not any(abs(started - each) < TICK_NS for name, times in folders.items() if name != kept for each in times):
        _store(key, index, folders)
    return index


def forget_folder(root: Path, val: Path | None = None, choice: FolderChoice = AS_IT_LIES, split_seed: int = 0) -> None:
    """List the files anew at the next opening."""
    _file(_key(root.resolve(), val.resolve() if val else None, choice, split_seed)).unlink(missing_ok=True)


def folder_signature(root: Path) -> str:
    """A short text that changes when a file or folder is added to, removed from, or renamed in the data set.

    Only folders are asked for their times: 20 calls for 100,000 pictures in 10 classes and two splits.

    It is the same however the folder is read, and also there where nobody has said yet how it is meant.

    Raises:
        DataError: there is no such folder, or it cannot be read.
    """
    root = root.resolve()
    key = str(root)
    if key not in _known_folders and _load(root, _key(root, None, AS_IT_LIES, 0)) is None:
        if not root.is_dir():
            raise DataError(f"There is no folder {root}.", WHERE_IT_IS)
        with DataError.from_system(f"{root} cannot be read", "Check its permissions."):
            _remember(root, walk(root).times)
    times = [(folder, _time_or_none(folder)) for folder in _known_folders[key]]
    return hashlib.sha256(repr(times).encode()).hexdigest()[:16]


def _time_or_none(folder: str) -> FolderTime | None:
    try:
        return folder_time(folder)
    except OSError:
        return None


def _key(root: Path, val: Path | None, choice: FolderChoice, split_seed: int) -> str:
    # The code counts too: a remembered index would otherwise keep the findings of an older version.
    return hashlib.sha256(os.fsencode(f"{_code()}\0{root}\0{val or ''}\0{choice!r}\0{split_seed}")).hexdigest()[:32]


@cache
def _code() -> str:
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _file(key: str) -> Path:
    return cache_dir() / "indexes" / f"{key}.npz"


def _remember(root: Path, folders: dict[str, FolderTime]) -> None:
    """Keep which folders belong to a data set: the same ones, and in the same order, however it was read."""
    key = str(root)
    begins = os.path.join(key, "")
    own = sorted(name for name in folders if name == key or name.startswith(begins))
    # Somebody may change or delete the file that keeps the split by hand.
    kept = split_file(root)
    _known_folders.pop(key, None)
    while len(_known_folders) >= _KNOWN_ROOTS:
        _known_folders.pop(next(iter(_known_folders)))
    _known_folders[key] = (*own, *([str(kept)] if kept.is_file() else []))


def _store(key: str, index: DataIndex, folders: dict[str, FolderTime]) -> None:
    about = {
        "folders": folders,
        "layout": index.layout,
        "classes": index.classes,
        "problems": [(each.code, each.values) for each in index.problems],
        "reading": index.reading and index.reading.as_json(),
        "kept": index.kept and str(index.kept),
    }
    files, file = index.files, _file(key)
    columns: dict[str, Any] = {column: files[column].to_numpy() for column in ("label", "bytes", "mtime_ns")}
    with suppress(OSError):  # a full or read-only disk: the next opening lists the files again
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as temporary, temporary.open("wb") as stream:
            np.savez(
                stream,
                about=_packed(json.dumps(about)),
                path=_packed("\0".join(files["path"])),
                split=files["split"].map({name: code for code, name in enumerate(SPLITS)}).to_numpy(np.int8),
                **columns,
            )


def _packed(text: str) -> npt.NDArray[np.uint8]:
    return np.frombuffer(text.encode(), dtype=np.uint8)


def _load(root: Path, key: str) -> DataIndex | None:
    """The remembered index, or None where there is none, it is damaged, or a folder has changed."""
    try:
        # np.load leaves a file open that it has opened itself and finds damaged.
        with _file(key).open("rb") as stream, np.load(stream, allow_pickle=False) as record:
            about = json.loads(record["about"].tobytes())
            folders = {name: (int(mtime), int(ctime)) for name, (mtime, ctime) in about["folders"].items()}
            if any(_time_or_none(folder) != times for folder, times in folders.items()):
                return None
            files = pd.DataFrame(
                {
                    "path": record["path"].tobytes().decode().split("\0"),
                    "split": np.array(SPLITS, dtype=object)[record["split"]],
                    **{column: record[column] for column in ("label", "bytes", "mtime_ns")},
                }
            )
        problems = tuple(finding_of(*each) for each in about["problems"])
        reading = FolderReading.from_json(about["reading"])
        kept = Path(about["kept"]) if about["kept"] else None
        classes = tuple(about["classes"])
        index = DataIndex(root, about["layout"], classes, files, problems, reading=reading, kept=kept)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, EOFError, zipfile.BadZipFile):
        return None
    _remember(root, folders)
    return index
