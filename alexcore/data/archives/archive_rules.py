"""What an archive may hold: limits, names that stay inside, no two paths for one file.

Used by those that read the files; here is nothing but the rules and their sentences.
"""

from __future__ import annotations

import gzip
import re
import tarfile
import unicodedata
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from alexcore.data.archives import inflating
from alexcore.data.storage import READER_ERRORS, KeptApart
from alexcore.data.tree import is_junk
from alexcore.errors import DataError
from alexcore.words.numbers import size_text

PACK_PLAIN = "Pack the folders of pictures again, from inside their folder and as plain files."

# Of one file or folder, in bytes; what common file systems take.
_LONGEST = 255

# Python's readers report damage in all of these ways.
_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, *inflating.DAMAGE, *READER_ERRORS)


@contextmanager
def damage_named(archive: str) -> Iterator[None]:
    """Turn what Python's readers raise at damage into a DataError that names the archive."""
    try:
        yield
    except _DAMAGE as error:
        hint = "Copy or download the archive again, or pack it anew."
        raise DataError(f"{archive} is damaged: {error or type(error).__name__}.", hint) from error


@dataclass(frozen=True)
class Member:
    """One file or folder (`source` is None) of an archive; `done` of the `total` bytes of the work come before it.

    `size` is what was announced, in bytes; `source` is open until the next entry is asked for.
    """

    parts: tuple[str, ...]
    size: int
    source: IO[bytes] | None
    done: int
    total: int


@dataclass(frozen=True)
class Limits:
    """What an archive may grow to.

    Attributes:
        ratio: Bytes unpacked per byte of the archive. Photographs hardly shrink; plain bitmaps may by 10 or 20.
        ratio_from: The ratio counts only above so many bytes unpacked: nobody is hurt by a few zeros.
        files: Entries, folders included.
        total_bytes: Of all files together.
        file_bytes: Of one file; a shard of a packed data set is the largest that makes sense.
        depth: Names in a path, the file's own included.
    """

    ratio: int = 100
    ratio_from: int = 16 << 20
    files: int = 500_000
    total_bytes: int = 50 * 10**9
    file_bytes: int = 4 * 10**9
    depth: int = 12


class Budget:
    """How much of its limits an archive has used up; each method raises a DataError that names value and limit."""

    def __init__(self, name: str, archive_bytes: int, limits: Limits) -> None:
        """Begin; `name` is what sentences call the archive."""
        self.name, self.archive_bytes, self.limits = name, archive_bytes, limits

    def entries(self, count: int) -> None:
        """Check the number of entries known so far."""
        if count > self.limits.files:
            raise self._over(f"holds {count:,} files and folders or more", f"{self.limits.files:,}")

    def file(self, parts: tuple[str, ...], size: int) -> None:
        """Check place and size (bytes) of one file or folder."""
        if len(parts) > self.limits.depth:
            raise self._over(f"holds {show(parts)}, {len(parts)} names deep", f"{self.limits.depth} names")
        if size > self.limits.file_bytes:
            limit = size_text(self.limits.file_bytes)
            raise self._over(f"holds {show(parts)} with {size_text(size)}", f"{limit} for one file")

    def total(self, count: int) -> None:
        """Check the number of bytes unpacked or announced so far."""
        if count > self.limits.total_bytes:
            raise self._over(f"unpacks to {size_text(count)} or more", size_text(self.limits.total_bytes))
        if count > max(self.limits.ratio_from, self.limits.ratio * self.archive_bytes):
            ratio = count / max(1, self.archive_bytes)
            raise self._over(f"unpacks to {ratio:,.0f} times its own size or more", f"{self.limits.ratio:,} times")

    def _over(self, what: str, limit: str) -> DataError:
        return DataError(
            f"{self.name} {what}; the limit is {limit}.",
            "If you trust it, unpack it yourself and open the folder; otherwise leave it alone.",
        )


def show(parts: tuple[str, ...]) -> str:
    """A path in a sentence: what cannot be printed escaped, the middle of a long one left out."""
    text = repr("/".join(parts))
    return text if len(text) <= 120 else f"{text[:60]}...{text[-50:]}"


def path_parts(name: str, archive: str) -> tuple[str, ...]:
    """Split a name into the parts of a path that cannot leave the target, or refuse it."""
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    wrong = {
        "with a NUL byte in its name": "\0" in name,
        "with a backslash in its name": "\\" in name,
        "which is an absolute path": name.startswith("/") and bool(parts),
        "which leads out of the folder": ".." in parts,
        "which names a drive": any(re.match("[A-Za-z]:", part) for part in parts),
        f"whose name is longer than {_LONGEST} bytes, which no disk takes": any(
            len(part.encode(errors="surrogateescape")) > _LONGEST for part in parts
        ),
    }
    reason = next((each for each, found in wrong.items() if found), "")
    if reason:
        raise DataError(f"{archive} holds {show((name,))}, {reason}; nothing was unpacked.", PACK_PLAIN)
    return parts


def is_hidden(parts: tuple[str, ...]) -> bool:
    """Whether an entry is hidden, or is what a system, a drive or a cloud leaves in a folder."""
    return any(part.startswith(".") or is_junk(part, folder=True) for part in parts) or is_junk(parts[-1])


class Names:
    """The paths met so far, as the file system sees them for which they are meant."""

    def __init__(self, archive: str, apart: KeptApart) -> None:
        """Begin; `apart` says which names can stand side by side."""
        self._archive, self._apart = archive, apart
        self._seen: dict[str, tuple[tuple[str, ...], bool]] = {}

    def add(self, parts: tuple[str, ...], is_file: bool) -> None:
        """Raise a DataError where `parts` meets another path; only a folder may come again."""
        for length in range(1, len(parts) + 1):
            path, is_file_here = parts[:length], is_file and length == len(parts)
            key = "/".join(path)
            key = key if self._apart.forms else unicodedata.normalize("NFC", key)
            key = key if self._apart.case else key.casefold()
            if key not in self._seen:
                self._seen[key] = (path, is_file_here)
                continue
            known, was_file = self._seen[key]
            if known != path:
                raise DataError(
                    f"{self._archive} holds both {show(known)} and {show(path)}, which are one on this disk.",
                    "Rename one of them and pack the folder again.",
                )
            if was_file or is_file_here:
                raise DataError(f"{self._archive} holds {show(path)} more than once.", PACK_PLAIN)
