"""Whether what a run has saved is still what was written: a sentence where it is not.

A checkpoint is a zip file as torch writes it, whose directory has the CRC of each of its parts; torch does not look at
them when it reads. config.json and class_indices.json have their hashes in checksums.json beside them: a person may
change them, so one that can still be read is *edited*, not damaged. A run of version 0.1 has no such file.
"""

from __future__ import annotations

import errno
import hashlib
import io
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from alexcore.files import read_json, write_json

try:  # four times as fast; there are no wheels of it for every processor
    from isal.isal_zlib import crc32
except ImportError:
    from zlib import crc32

CHECKSUMS = "checksums.json"
# The files that checksums.json may speak of.
CONFIG, CLASSES = "config.json", "class_indices.json"

# A damaged directory, a field that says what cannot be, a name that is no text.
_BROKEN = (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError, EOFError, struct.error)
_HEADER = struct.Struct("<4s22xHH")
_CHUNK = 1 << 20


def begins_as_zip(file: BinaryIO) -> bool:
    """Whether the first bytes are those of a zip file."""
    file.seek(0)
    return file.read(4) == b"PK\3\4"


@dataclass
class _StoredPart:
    """A part of a zip file while it is read: what is left of it, and the CRC of what is not."""

    info: zipfile.ZipInfo
    left: int
    crc: int = 0

    def take(self, data: memoryview) -> None:
        self.left -= len(data)
        self.crc = crc32(data, self.crc)


class VerifiedFile(io.RawIOBase):
    """A zip file that computes the CRC of each part while somebody reads it, so that nothing is read twice.

    Its parts are stored as they are, as torch does it. `damage` says what is wrong with it, empty for nothing; what has
    not been read by then is read for it.
    """

    def __init__(self, file: BinaryIO) -> None:
        """Read the directory.

        Raises:
            OSError: the file cannot be read.
        """
        self._file, self._damage = file, ""
        # By the place of their first byte that is not read yet.
        self._open: dict[int, _StoredPart] = {}
        if not begins_as_zip(file):
            self._damage = "it does not begin as a file of torch.save does" if file.tell() else "it is empty"
        else:
            self._read_directory()
        file.seek(0)

    def _read_directory(self) -> None:
        try:
            with zipfile.ZipFile(self._file) as archive:
                parts = archive.infolist()
            for part in parts:
                self._file.seek(part.header_offset)
                magic, name_bytes, extra_bytes = _HEADER.unpack(self._file.read(_HEADER.size))
                named = self._file.read(name_bytes) == part.orig_filename.encode()
                plain = part.compress_type == zipfile.ZIP_STORED and not part.flag_bits & 1  # packed, encrypted
                if magic != b"PK\3\4" or not named or not plain:
                    self._is_damaged(part)
                elif part.file_size:
                    self._open[self._file.tell() + extra_bytes] = _StoredPart(part, part.file_size)
        except _BROKEN:
            self._damage = "its directory is missing or damaged"
        except OSError as error:
            if error.errno != errno.EINVAL:  # else it was asked to go to a place that a damaged directory names
                raise
            self._damage = "its directory is damaged"

    def _is_damaged(self, part: zipfile.ZipInfo) -> None:
        name = part.filename.partition("/")[2] or part.filename
        self._damage = self._damage or f"its part {name[:60]!r} is not what was written"

    def damage(self) -> str:
        """What is wrong with the file; empty for nothing.

        Raises:
            OSError: it cannot be read.
        """
        while self._open and not self._damage:
            self._file.seek(next(iter(self._open)))
            if not self.readinto(memoryview(bytearray(min(_CHUNK, next(iter(self._open.values())).left)))):
                self._damage = "its end is missing"
        return self._damage

    def readinto(self, buffer: Any) -> int:
        """Read, and look at what was read."""
        at = self._file.tell()
        count: int = self._file.readinto(buffer)  # type: ignore[attr-defined]
        part = self._open.pop(at, None) if count else None
        if part:
            part.take(memoryview(buffer)[: min(count, part.left)])
            if part.left:
                self._open[at + count] = part
            elif part.crc != part.info.CRC:
                self._is_damaged(part.info)
        return count

    def seek(self, offset: int, whence: int = 0) -> int:
        """As of any file."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """As of any file."""
        return self._file.tell()

    def readable(self) -> bool:
        """As of any file."""
        return True

    def seekable(self) -> bool:
        """As of any file."""
        return True


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
