"""Find the pictures that cannot be decoded, before a run meets them.

The answer is remembered by the identity of the files (path, size, time), so a data set is decoded once.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from alexcore.data.images import check_decodable
from alexcore.data.index import DataIndex
from alexcore.data.shards import picture_source
from alexcore.data.storage import Progress, silent
from alexcore.files import read_json, write_json
from alexcore.home import cache_dir

# Pillow releases the interpreter's lock while it decodes, so a few threads keep a few cores busy.
THREADS = 4
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


def find_unreadable(index: DataIndex, on_progress: Progress = silent) -> dict[str, str]:
    """Decode every picture and return those that fail, as path -> reason."""
    known = known_unreadable(index)
    if known is not None:
        return known
    paths = [str(path) for path in index.files["path"]]
    unreadable = {}
    pool = ThreadPoolExecutor(THREADS)
    try:
        reasons = pool.map(lambda path: check_decodable(picture_source(index, path)), paths)
        for done, (path, reason) in enumerate(zip(paths, reasons, strict=True), start=1):
            if reason:
                unreadable[path] = reason
            if done % 32 == 0 or done == len(paths):
                on_progress(done, len(paths))
    finally:  # whoever interrupts a check does not wait for its end
        pool.shutdown(cancel_futures=True)
    record = _record(index)
    record.parent.mkdir(parents=True, exist_ok=True)
    write_json(record, {"root": str(index.root), "pictures": len(paths), "unreadable": unreadable})
    return unreadable
