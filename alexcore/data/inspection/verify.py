"""Find the pictures that cannot be decoded, before a run meets them, and hash the others while they are read.

The answer is remembered by the identity of the files (path, size, time), so a data set is decoded once.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from alexcore.data.content_hashes import as_rows, content_hash, from_rows, read_rows, write_rows
from alexcore.data.decoding.image_formats import placeholder
from alexcore.data.decoding.images import check_decodable
from alexcore.data.index import DataIndex
from alexcore.data.shards import picture_source
from alexcore.data.storage import Progress, silent
from alexcore.files import read_json, write_json
from alexcore.home import cache_dir

# Pillow releases the interpreter's lock while it decodes, so a few threads keep a few cores busy.
THREADS = 4
# As many classes of a split are looked at before a start.
LOOKED_AT = 128
# A larger file is read twice, in parts.
MOST_AT_ONCE = 64 * 2**20
# Part of the record's name: what reads more than before must not meet an old answer.
VERSION = 2


def _record(index: DataIndex) -> Path:
    return cache_dir() / "decodable" / f"{index.files_identity}-v{VERSION}.json"


def known_unreadable(index: DataIndex) -> dict[str, str] | None:
    """What `find_unreadable` found for exactly these files earlier, or None."""
    unreadable = (read_json(_record(index)) or {}).get("unreadable")
    # A file that somebody has damaged is as good as none.
    if not isinstance(unreadable, dict):
        return None
    return {str(path): str(reason) for path, reason in unreadable.items()}


def hashes_file(index: DataIndex) -> Path:
    """Where the hashes of exactly these files are kept, once a check has read them."""
    return cache_dir() / "hashes" / f"{index.files_identity}.npz"


def known_rows(index: DataIndex) -> npt.NDArray[np.uint8] | None:
    """The hash of each row, (N, 16), zeros where it has none; None where no check has read exactly these files."""
    return read_rows(hashes_file(index), len(index.files))


def known_hashes(index: DataIndex) -> dict[str, bytes]:
    """What each picture is by its content, path -> hash, as far as `find_unreadable` has read exactly these files."""
    rows = known_rows(index)
    if rows is None:
        return {}
    pairs = zip(index.files["path"], from_rows(rows), strict=True)
    return {str(path): content for path, content in pairs if content}


def find_unreadable(index: DataIndex, on_progress: Progress = silent) -> dict[str, str]:
    """Decode every picture and return those that fail, as path -> reason; the others are hashed (`known_hashes`)."""
    known = known_unreadable(index)
    # An older version has decoded the pictures and hashed none; then they are read once more, but not decoded.
    if known is not None and known_rows(index) is not None:
        return known
    paths = [str(path) for path in index.files["path"]]
    unreadable, hashes = {}, []

    def look(path: str) -> tuple[str, bytes]:
        if known is not None and path in known:
            return known[path], b""
        source = _read_once(picture_source(index, path))
        reason = check_decodable(source) if known is None else ""
        return reason, b"" if reason else content_hash(source)

    pool = ThreadPoolExecutor(THREADS)
    try:
        for done, (path, (reason, content)) in enumerate(zip(paths, pool.map(look, paths), strict=True), start=1):
            if reason:
                unreadable[path] = reason
            hashes.append(content)
            if done % 32 == 0 or done == len(paths):
                on_progress(done, len(paths))
    finally:  # whoever interrupts a check does not wait for its end
        pool.shutdown(cancel_futures=True)
    remember(index, unreadable, dict(zip(paths, hashes, strict=True)))
    return unreadable


def unreadable_classes(index: DataIndex) -> dict[str, str]:
    """The pictures of those classes of a split of which none can be decoded, as path -> reason.

    Of any other class it looks at the first picture that can be, so a start is not kept waiting. Remembered as
    `find_unreadable` is.
    """
    record = cache_dir() / "unreadable-classes" / f"{index.files_identity}-v{VERSION}.json"
    known = (read_json(record) or {}).get("unreadable")
    if isinstance(known, dict):
        return {str(path): str(reason) for path, reason in known.items()}
    groups = [list(rows["path"]) for _, rows in index.files.groupby(["split", "label"], sort=False)]
    with ThreadPoolExecutor(THREADS) as pool:
        looked = list(pool.map(lambda paths: _if_all(index, paths), groups[:: 1 + len(groups) // LOOKED_AT]))
    unreadable = {path: reason for each in looked for path, reason in each.items()}
    record.parent.mkdir(parents=True, exist_ok=True)
    write_json(record, {"root": str(index.root), "unreadable": unreadable})
    return unreadable


def _if_all(index: DataIndex, paths: list[str]) -> dict[str, str]:
    """Why each of these pictures cannot be decoded; nothing if one can be."""
    reasons: dict[str, str] = {}
    for path in paths:
        reasons[path] = check_decodable(picture_source(index, path))
        if not reasons[path]:
            return {}
    return reasons


def _read_once(source: Path | bytes) -> Path | bytes:
    """The bytes of a file, which decoder and hash then need not read twice.

    It stays a path where the bytes would take much memory, where reading would fetch them from a cloud, and where they
    cannot be read, which the decoder says.
    """
    if isinstance(source, bytes) or placeholder(source):
        return source
    try:
        return source.read_bytes() if source.stat().st_size <= MOST_AT_ONCE else source
    except OSError:
        return source


def remember(index: DataIndex, unreadable: Mapping[str, str], hashes: Mapping[str, bytes]) -> None:
    """Keep what was found of exactly these files, in whatever order they were when it was found."""
    record, paths = _record(index), [str(path) for path in index.files["path"]]
    record.parent.mkdir(parents=True, exist_ok=True)
    write_rows(hashes_file(index), as_rows(hashes.get(path, b"") for path in paths))
    write_json(record, {"root": str(index.root), "pictures": len(paths), "unreadable": unreadable})
