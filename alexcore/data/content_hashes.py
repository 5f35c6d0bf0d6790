"""What a picture is by its content: a hash of its file's bytes, the same wherever it lies and whatever it is called.

The check of all pictures (`verify`) computes the hashes, because it reads the files anyway; nothing else does. A run
keeps those of its training pictures in `seen.npz`, so that nobody measures it on a picture that it has learned.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from alexcore.files import replacing

BYTES = 16
SEEN = "seen.npz"
_BLAKE = partial(hashlib.blake2b, digest_size=BYTES)


def content_hash(source: Path | bytes) -> bytes:
    """BLAKE2b, 16 bytes, of a file or of the bytes of one; empty where the file cannot be read."""
    if isinstance(source, bytes):
        return _BLAKE(source).digest()
    try:
        with source.open("rb") as file:
            return hashlib.file_digest(file, _BLAKE).digest()
    except OSError:
        return b""


def as_rows(hashes: Iterable[bytes]) -> npt.NDArray[np.uint8]:
    """Hashes as (N, 16) uint8; one that is empty, because nobody knows it, is a row of zeros."""
    joined = b"".join(each or bytes(BYTES) for each in hashes)
    return np.frombuffer(joined, dtype=np.uint8).reshape(-1, BYTES)


def from_rows(rows: npt.NDArray[np.uint8]) -> list[bytes]:
    """Undo `as_rows`."""
    content = np.ascontiguousarray(rows).tobytes()
    hashes = (content[place : place + BYTES] for place in range(0, len(content), BYTES))
    return [each if any(each) else b"" for each in hashes]


def read_rows(file: Path, count: int | None = None) -> npt.NDArray[np.uint8] | None:
    """The hashes in a file; None where it is missing, damaged, or does not hold `count` of them."""
    try:
        # np.load leaves a file open that it has opened itself and finds damaged.
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as record:
            rows = record["hashes"]
    except (OSError, ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile):
        return None
    fits = rows.dtype == np.uint8 and rows.ndim == 2 and rows.shape[1] == BYTES and count in (None, len(rows))
    return rows if fits else None


def write_rows(file: Path, rows: npt.NDArray[np.uint8]) -> None:
    """Keep hashes in a file, which is replaced as a whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as temporary, temporary.open("wb") as stream:
        np.savez(stream, hashes=rows)


def seen_by(run_dir: Path) -> frozenset[bytes]:
    """The hashes of all pictures that a run has had in its training split; none are known of a run of version 0.1."""
    rows = read_rows(run_dir / SEEN)
    return frozenset() if rows is None else frozenset(from_rows(rows)) - {b""}


def seen_is_damaged(run_dir: Path) -> bool:
    """Whether a run has such a file and it cannot be read."""
    return (run_dir / SEEN).is_file() and read_rows(run_dir / SEEN) is None


def remember_seen(run_dir: Path, paths: Iterable[str], hashes: Mapping[str, bytes]) -> None:
    """Write which pictures a run trains on, beside those of its earlier starts: none of them is ever forgotten."""
    seen = seen_by(run_dir) | {hashes[path] for path in paths if hashes.get(path)}
    write_rows(run_dir / SEEN, as_rows(sorted(seen)))
