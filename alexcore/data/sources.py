"""Open whatever a run's `data` field names. Each kind of source is one function that returns a DataIndex."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from alexcore.data.folder import folder_signature, open_folder
from alexcore.data.index import DataIndex
from alexcore.data.manifest import open_manifest
from alexcore.data.verify import find_unreadable
from alexcore.errors import DataError
from alexcore.home import MANIFEST_ENDINGS


def is_manifest(path: Path) -> bool:
    """Whether a path means a file that lists pictures; a folder may end in .csv too."""
    return path.suffix.lower() in MANIFEST_ENDINGS and not path.is_dir()


def open_source(
    data: str | Path, val: str | Path = "", *, roots: Sequence[Path] | None = None, split_seed: int = 0
) -> DataIndex:
    """Index a data set without opening its pictures.

    Args:
        data: The folder of an ImageFolder tree, or a .json or .csv manifest.
        val: A separate validation folder, or "".
        roots: Where the pictures that a manifest names must lie. Hand in `data_roots()` for somebody who may not
            read the whole disk: a browser user.
        split_seed: Of the split of a data set that has none.

    Raises:
        DataError: there is nothing usable at `data`.
    """
    source, validation = Path(data).expanduser(), Path(val).expanduser() if val else None
    if validation and (is_manifest(source) or is_manifest(validation)):
        raise DataError(
            f"{source if is_manifest(source) else validation} is a manifest, which has its own validation split.",
            "Leave the validation folder empty, and give rows the split val.",
        )
    if is_manifest(source):
        return open_manifest(source, roots=roots, split_seed=split_seed)
    return open_folder(source, validation, split_seed=split_seed)


def open_checked(
    data: str | Path, val: str | Path = "", on_progress: Callable[[int, int], None] | None = None
) -> DataIndex:
    """Index a data set and leave out the pictures that cannot be decoded, each of which is decoded once for that."""
    index = open_source(data, val)
    return index.without(find_unreadable(index, on_progress))


def source_signature(path: Path) -> str:
    """A short text that changes when a data set does: with its class folders, or with the manifest's own file.

    Raises:
        DataError: it cannot be read.
    """
    if not is_manifest(path):
        return folder_signature(path)
    try:
        status = path.stat()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from error
    text = f"{path}|{status.st_size}|{status.st_mtime_ns}|{status.st_ino}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]
