"""Zip files: their directory is checked as a whole, by one loop for whoever reads them, before anything is read."""

from __future__ import annotations

import copy
import io
import stat
import struct
import zipfile
from collections.abc import Generator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from alexcore.data.archives.archive_names import Say, unsaid, zip_names
from alexcore.data.archives.archive_rules import (
    PACK_PLAIN,
    Budget,
    Member,
    Names,
    damage_named,
    is_hidden,
    path_parts,
    show,
)
from alexcore.data.archives.inflating import ENTRY_METHODS, Verified, inflated_entry
from alexcore.data.storage import KeptApart
from alexcore.errors import DataError

_ENCRYPTED = 0x1 | 0x40 | 0x2000  # of an entry's flags: the classical way, the strong way, a hidden directory
_PACK_USUAL = "Unpack it there, and pack the folder again with 7-Zip (method Deflate) or PeaZip, or as .tar.gz."
# Methods that nothing here reads, and the programs that use them.
_UNREAD_METHODS = {
    **dict.fromkeys(range(1, 7), "as PKZIP did before 1993"),
    9: "Deflate64, as Windows Explorer does above 2 GB",
    10: "the method of PKWARE's DCL",
    96: "WinZip's method for JPEG",
    97: "WavPack, as WinZip does",
    98: "PPMd, as 7-Zip and WinZip do if asked to",
    99: "AES, that is with a password",
}


@dataclass(frozen=True)
class ZipEntry:
    """A file or folder of a zip file that has passed all checks."""

    parts: tuple[str, ...]
    info: zipfile.ZipInfo
    is_dir: bool


@dataclass(frozen=True)
class CheckedZip:
    """An open zip file and its entries, all of them checked; `hidden` are the names of files that were left out."""

    archive: zipfile.ZipFile
    entries: Sequence[ZipEntry]
    hidden: Sequence[str]

    @property
    def total(self) -> int:
        """Bytes of all files, as announced."""
        return sum(entry.info.file_size for entry in self.entries)

    def open(self, entry: ZipEntry) -> IO[bytes]:
        """Open an entry for reading; whoever reads to its end has its checksum compared."""
        if entry.info.compress_type not in ENTRY_METHODS:
            return self.archive.open(entry.info)
        # As a stored entry its compressed bytes are read, with zipfile's care for several readers of one file.
        stored = copy.copy(entry.info)
        stored.compress_type, stored.file_size = zipfile.ZIP_STORED, stored.compress_size
        del stored.CRC
        inflated = inflated_entry(self.archive.open(stored), entry.info.compress_type)
        return cast(IO[bytes], io.BufferedReader(Verified(inflated, entry.info.CRC)))


def count_zip_entries(file: IO[bytes], most: int) -> int:
    """Walk the directory at the end of a zip file up to `most` + 1 entries; zipfile would first load millions."""
    size = file.seek(0, 2)
    begin = max(0, size - 22 - 0xFFFF - 20)
    file.seek(begin)
    tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) - at < 22:
        raise zipfile.BadZipFile("its directory is missing")
    if struct.unpack_from("<H", tail, at + 4)[0] not in (0, 0xFFFF):
        raise zipfile.BadZipFile("it is one of several parts, and the others are missing")
    end, (directory_bytes,) = begin + at, struct.unpack_from("<I", tail, at + 12)
    if at >= 20 and tail[at - 20 : at - 16] == b"PK\6\7" and end >= 76:
        end -= 76  # zip64: a locator of 20 bytes and, before it, a record of 56
        file.seek(end + 40)
        (directory_bytes,) = struct.unpack("<Q", file.read(8))
    position, count = end - directory_bytes, 0
    while 0 <= position < end and count <= most:
        file.seek(position)
        entry = file.read(46)
        if len(entry) < 46 or not entry.startswith(b"PK\1\2"):
            raise zipfile.BadZipFile("its directory is damaged")
        position += 46 + sum(struct.unpack_from("<HHH", entry, 28))
        count += 1
    return count


def open_zip(source: IO[bytes] | Path, budget: Budget) -> zipfile.ZipFile:
    """Open a zip file, if its entries are within the limit; they are counted before they are loaded."""
    with source.open("rb") if isinstance(source, Path) else nullcontext(source) as file:
        budget.entries(count_zip_entries(file, budget.limits.files))
    return zipfile.ZipFile(source)


def check_zip(
    archive: zipfile.ZipFile,
    budget: Budget,
    apart: KeptApart,
    encoding: str = "",
    say: Say = unsaid,
) -> CheckedZip:
    """Check all entries of a zip file: names that lead outside, links, passwords, methods, bombs.

    Args:
        archive: What `open_zip` has opened.
        budget: The limits, and what the archive is called.
        apart: Which names can stand side by side.
        encoding: Of the names that do not say how they are written; "" leaves it to them.
        say: Told how such names were read.

    Raises:
        DataError: it breaks a rule; the sentence says which.
        BadZipFile: it is damaged; the caller names it (`damage_named`).
    """
    infos = archive.infolist()
    names, entries, hidden, total = Names(budget.name, apart), [], [], 0
    for name, info in zip(zip_names(infos, budget.name, encoding, say), infos, strict=True):
        parts = path_parts(name, budget.name)
        is_dir = name.endswith("/") or (bool(info.external_attr & 0x10) and not info.file_size)
        if not parts:
            continue
        if is_hidden(parts):
            hidden += [] if is_dir else [parts[-1]]
            continue
        _check(info, parts, budget)
        names.add(parts, not is_dir)
        entries.append(ZipEntry(parts, info, is_dir))
        total += info.file_size
        budget.total(total)
    return CheckedZip(archive, entries, hidden)


def _check(info: zipfile.ZipInfo, parts: tuple[str, ...], budget: Budget) -> None:
    """Raise a DataError for an entry that is no plain file or folder within the limits."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        what = "a link" if kind == stat.S_IFLNK else "a device or a pipe"
        raise DataError(f"{budget.name} holds {show(parts)}, {what}; nothing was unpacked.", PACK_PLAIN)
    if info.flag_bits & _ENCRYPTED:
        raise DataError(f"{budget.name} is encrypted ({show(parts)}).", "Pack it again without a password.")
    method = info.compress_type
    if method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, *ENTRY_METHODS):
        known = _UNREAD_METHODS.get(method)
        how = f"compressed with {known} (method {method})" if known else f"compressed by method {method}"
        raise DataError(f"{budget.name} holds {show(parts)}, {how}, which is not read here.", _PACK_USUAL)
    budget.file(parts, info.file_size)


def zip_members(
    file: IO[bytes], budget: Budget, apart: KeptApart, encoding: str, say: Say, left_out: list[str]
) -> Generator[Member]:
    """Check all entries of a zip file, then yield them."""
    with damage_named(budget.name), open_zip(file, budget) as archive:
        checked = check_zip(archive, budget, apart, encoding, say)
        left_out += checked.hidden
        done, total = 0, checked.total
        for entry in checked.entries:
            if entry.is_dir:
                yield Member(entry.parts, 0, None, done, total)
            else:
                with checked.open(entry) as source:
                    yield Member(entry.parts, entry.info.file_size, source, done, total)
            done += entry.info.file_size
