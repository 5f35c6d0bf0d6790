"""Tar files, plain or compressed, read from front to back: each entry is checked when its turn comes."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Callable, Generator
from typing import IO, cast

from alexcore.data.archives.archive_names import Say, decoder_for, with_slashes
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
from alexcore.data.archives.inflating import inflated
from alexcore.data.storage import CHUNK, KeptApart
from alexcore.errors import DataError
from alexcore.words.numbers import size_text

# How the file begins, by what has compressed it.
COMPRESSIONS: dict[bytes, str] = {
    b"\x1f\x8b": "gz",
    b"BZh": "bz2",
    b"\xfd7zXZ\0": "xz",
    b"\x5d\0\0\x80\0": "xz",
    b"\x28\xb5\x2f\xfd": "zst",
}


class _HugeHeaderError(tarfile.ReadError):
    """A header that wants more memory than any needs."""


class _Tape:
    """The stream inside a tar file as tarfile wants to read it: forwards only, and every byte is counted.

    tarfile ends quietly at a damaged header as well as at the end mark; `at_end_mark` tells them apart.
    """

    def __init__(self, stream: IO[bytes], budget: Budget) -> None:
        self._stream, self._budget = stream, budget
        self._position, self._last = 0, b""

    def tell(self) -> int:
        return self._position

    def read(self, size: int) -> bytes:
        # tarfile reads a long name or a table of attributes at once, however long the archive says it is.
        if not 0 <= size <= 2 * CHUNK:
            raise _HugeHeaderError(f"a header of {size_text(size)}")
        self._last = self._stream.read(size)
        self._position += len(self._last)
        self._budget.total(self._position)
        return self._last

    def seek(self, position: int, _whence: int = 0) -> int:
        if position < self._position:
            raise tarfile.ReadError("an entry that lies before the last one")
        while self._position < position and self.read(min(CHUNK, position - self._position)):
            pass
        return self._position

    @property
    def at_end_mark(self) -> bool:
        return len(self._last) == tarfile.BLOCKSIZE and not self._last.strip(b"\0")


def _opened(file: IO[bytes], budget: Budget) -> tuple[tarfile.TarFile, _Tape]:
    """Begin at the beginning of the file, whatever has compressed it."""
    file.seek(0)
    start = file.read(8)
    file.seek(0)
    kind = next((kind for mark, kind in COMPRESSIONS.items() if start.startswith(mark)), "")
    stream = file
    if kind == "gz":
        stream = cast(IO[bytes], gzip.GzipFile(fileobj=file))
    elif kind:
        stream = inflated(file, kind)
    tape = _Tape(stream, budget)
    try:
        return tarfile.TarFile(fileobj=cast(IO[bytes], tape), encoding="utf-8", errors="surrogateescape"), tape
    except _HugeHeaderError:
        raise
    except tarfile.ReadError as error:
        if kind and tape.tell() <= tarfile.BLOCKSIZE:
            raise tarfile.ReadError(f"{error}; what is compressed in it may be no .tar archive") from error
        raise


def tar_names(file: IO[bytes], budget: Budget, most_bytes: int | None = None) -> list[str]:
    """The names in a tar file, or in its first `most_bytes` unpacked; bytes that are no UTF-8 as Python keeps them.

    Raises:
        DataError: it is damaged, or over a limit.
    """
    names = []
    with damage_named(budget.name):
        archive, tape = _opened(file, budget)
        while (most_bytes is None or tape.tell() < most_bytes) and (member := archive.next()) is not None:
            names.append(member.name)
            budget.entries(len(names))
    return names


def raw_tar_names(names: list[str]) -> list[bytes]:
    """Those of the names that are not ASCII, as bytes; none if all are UTF-8."""
    if not any(0xD800 <= ord(letter) <= 0xDFFF for name in names for letter in name):
        return []
    return [name.encode(errors="surrogateescape") for name in names if not name.isascii()]


def tar_members(
    file: IO[bytes], budget: Budget, apart: KeptApart, encoding: str, say: Say, left_out: list[str]
) -> Generator[Member]:
    """Yield the entries of a tar file, each checked when its turn comes.

    Only if a name is odd, all names are read first, so that one rule can be made for all.
    """
    names = Names(budget.name, apart)
    spelled: Callable[[str], str] | None = None
    with damage_named(budget.name):
        archive, tape = _opened(file, budget)
        count = 0
        with archive:
            while (member := archive.next()) is not None:
                count += 1
                budget.entries(count)
                if spelled is None and not (member.name.isascii() and "\\" not in member.name):
                    spelled = _spelling(file, budget, encoding, say)
                name = spelled(member.name) if spelled else member.name
                parts = path_parts(name, budget.name)
                if not parts:
                    continue
                if is_hidden(parts):
                    left_out += [parts[-1]] if member.isreg() else []
                    continue
                _check(member, parts, budget)
                names.add(parts, member.isreg())
                if member.isdir():
                    yield Member(parts, 0, None, file.tell(), budget.archive_bytes)
                    continue
                budget.total(tape.tell() + member.size)  # before a byte of it is written
                with cast(IO[bytes], archive.extractfile(member)) as source:
                    yield Member(parts, member.size, source, file.tell(), budget.archive_bytes)
            if not tape.at_end_mark:
                raise tarfile.ReadError("it breaks off, or an entry is damaged")
            while tape.read(CHUNK):  # up to the checksum of the compressed stream
                pass


def _spelling(file: IO[bytes], budget: Budget, encoding: str, say: Say) -> Callable[[str], str]:
    """Read all names to learn how they are spelled; the place in the file stays as it is."""
    with open(file.name, "rb") as again:
        names = tar_names(again, budget)
    raws = raw_tar_names(names)
    decode = decoder_for(raws, budget.name, encoding, say) if raws else None

    def text(name: str) -> str:
        return name if decode is None or name.isascii() else decode(name.encode(errors="surrogateescape"))

    read = [text(name) for name in names]
    slashes = with_slashes(read) != read
    return lambda name: text(name).replace("\\", "/") if slashes else text(name)


def _check(member: tarfile.TarInfo, parts: tuple[str, ...], budget: Budget) -> None:
    if not (member.isdir() or member.isreg()) or member.issparse():
        what, hint = "which is no plain file", PACK_PLAIN
        if member.issym() or member.islnk():
            what, hint = "a link", "Pack it again with `tar --dereference --hard-dereference`."
        elif member.isdev():
            what = "a device or a pipe"
        raise DataError(f"{budget.name} holds {show(parts)}, {what}; nothing was unpacked.", hint)
    if member.size < 0:
        raise tarfile.ReadError(f"{show(parts)} has a negative size")
    # Python's own opinion in addition to ours; the earliest releases of 3.11 have none.
    if hasattr(tarfile, "data_filter"):
        try:
            tarfile.data_filter(member, "/nowhere")
        except tarfile.FilterError as error:
            raise DataError(f"{budget.name} holds {show(parts)}, which is not safe ({error}).", PACK_PLAIN) from error
    budget.file(parts, member.size)
