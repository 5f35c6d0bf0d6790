"""Whether what a run has saved is still what was written: a sentence where it is not.

A checkpoint is a zip file as torch writes it, whose directory has the CRC of each of its parts; torch does not look at
them when it reads. config.json and class_indices.json have their hashes in checksums.json beside them: a person may
change them, so one that can still be read is *edited*, not damaged. A run of version 0.1 has no such file.
"""

from __future__ import annotations

import errno
import hashlib
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any, BinaryIO

from alexcore.files import read_json, write_json

CHECKSUMS = "checksums.json"
# The files that checksums.json may speak of.
CONFIG, CLASSES = "config.json", "class_indices.json"

# A damaged directory, a field that says what cannot be, a name that is no text, a part that claims to be encrypted.
_BROKEN = (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, OverflowError, EOFError)


def begins_as_zip(file: BinaryIO) -> bool:
    """Whether the first bytes are those of a zip file."""
    file.seek(0)
    return file.read(4) == b"PK\3\4"


def damage_in_zip(file: BinaryIO) -> str:
    """What is wrong with a zip file, of which each byte is read once; empty for nothing.

    Reading and zlib leave Python's lock free, so another thread may load the same file meanwhile.

    Raises:
        OSError: the file cannot be read.
    """
    if not begins_as_zip(file):
        return "it does not begin as a file of torch.save does" if file.tell() else "it is empty"
    try:
        with zipfile.ZipFile(file) as archive:
            broken = archive.testzip()
    except (*_BROKEN, zlib.error, struct.error):
        return "its directory is missing or damaged"
    except OSError as error:
        if error.errno != errno.EINVAL:  # else it was asked to go to a place that a damaged directory names
            raise
        return "its directory is damaged"
    return f"its part {broken.partition('/')[2][:60] or broken[:60]!r} is not what was written" if broken else ""


def write_checked(path: Path, value: Any) -> None:
    """Replace `path` by `value` as JSON, and its hash in checksums.json."""
    known = read_json(path.with_name(CHECKSUMS)) or {}
    # Killed in between, it has no hash, which claims nothing.
    if known.pop(path.name, None) is not None:
        write_json(path.with_name(CHECKSUMS), known)
    write_json(path, value)
    write_json(path.with_name(CHECKSUMS), {**known, path.name: _hash(path)})


def changed_since(run_dir: Path) -> tuple[str, ...]:
    """Those of a run's checked files that are not what was written; one that is gone, or has no hash, is not named."""
    known = read_json(run_dir / CHECKSUMS) or {}
    return tuple(name for name in (CONFIG, CLASSES) if name in known and _hash(run_dir / name) not in (known[name], ""))


def _hash(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
