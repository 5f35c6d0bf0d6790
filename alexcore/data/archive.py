"""Unpack an archive of unknown origin: .zip, .tar, .tar.gz or .tgz.

    unpack(Path("upload.zip"), Path("data/flowers"))  ->  data/flowers/CLASS/*.jpg

An archive is a list of wishes: write so many bytes under that name. Each wish is checked before it is granted, and the
bytes are counted again while they are written, because the sizes in an archive are claims. Everything goes into a
temporary folder beside the target, which is renamed at the end. An archive inside the archive stays a file.
"""

from __future__ import annotations

import gzip
import re
import shutil
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from alexcore.data.archive_rules import PACK_PLAIN, Budget, Limits, Names, is_hidden, path_parts, show
from alexcore.data.storage import CHUNK, READER_ERRORS, Progress, new_folder, require_room, silent
from alexcore.errors import DataError
from alexcore.files import replacing
from alexcore.words.numbers import size_text

# Python's readers report damage in all of these ways.
_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, *READER_ERRORS)
_ENCRYPTED = 0x1 | 0x40 | 0x2000  # of a zip entry's flags: the classical way, the strong way, a hidden directory


@dataclass(frozen=True)
class _Member:
    """One file or folder (`source` is None) of an archive; `done` of the `total` bytes of the work come before it.

    `size` is what was announced, in bytes; `source` is open until the next entry is asked for.
    """

    parts: tuple[str, ...]
    size: int
    source: IO[bytes] | None
    done: int
    total: int


@contextmanager
def damage_named(archive: str) -> Iterator[None]:
    """Turn what Python's readers raise at damage into a DataError that names the archive."""
    try:
        yield
    except _DAMAGE as error:
        hint = "Copy or download the archive again, or pack it anew."
        raise DataError(f"{archive} is damaged: {error or type(error).__name__}.", hint) from error


def zip_name(info: zipfile.ZipInfo) -> str:
    """The name as it was packed; `filename` is cut at a NUL byte."""
    name = info.orig_filename
    if not info.flag_bits & 0x800:
        # Python has read it as the code page of DOS. A Mac writes UTF-8 and does not say so.
        try:
            return name.encode("cp437").decode()
        except UnicodeError:
            pass
    return name


def count_zip_entries(file: IO[bytes], most: int) -> int:
    """Walk the directory at the end of a zip file up to `most` + 1 entries; zipfile would first load millions."""
    size = file.seek(0, 2)
    begin = max(0, size - 22 - 0xFFFF - 20)
    file.seek(begin)
    tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) - at < 22:
        raise zipfile.BadZipFile("its directory is missing")
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


def check_zip_entry(info: zipfile.ZipInfo, parts: tuple[str, ...], budget: Budget) -> None:
    """Raise a DataError for an entry that is no plain file or folder within the limits."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        what = "a link" if kind == stat.S_IFLNK else "a device or a pipe"
        raise DataError(f"{budget.name} holds {show(parts)}, {what}; nothing was unpacked.", PACK_PLAIN)
    if info.flag_bits & _ENCRYPTED:
        raise DataError(f"{budget.name} is encrypted ({show(parts)}).", "Pack it again without a password.")
    # Those of the other methods that Python knows are unpacked without a bound on memory.
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError(
            f"{budget.name} holds {show(parts)}, compressed by method {info.compress_type}, which is not read here.",
            "Pack it again with the usual method (deflate), or as .tar.gz.",
        )
    budget.file(parts, info.file_size)


def _zip_entries(path: Path, _folder: Path, budget: Budget) -> Generator[_Member]:
    """Check all entries of a zip file, then yield them."""
    with path.open("rb") as file, damage_named(budget.name):
        budget.entries(count_zip_entries(file, budget.limits.files))
        with zipfile.ZipFile(file) as archive:
            names, wanted = Names(budget.name), []
            for info in archive.infolist():
                parts = path_parts(zip_name(info), budget.name)
                if parts and not is_hidden(parts):
                    check_zip_entry(info, parts, budget)
                    names.add(parts, not info.is_dir())
                    wanted.append((parts, info))
            total = sum(info.file_size for _, info in wanted)
            budget.total(total)
            done = 0
            for parts, info in wanted:
                if info.is_dir():
                    yield _Member(parts, 0, None, done, total)
                else:
                    with archive.open(info) as source:
                        yield _Member(parts, info.file_size, source, done, total)
                done += info.file_size


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
            raise tarfile.ReadError(f"a header of {size_text(size)}")
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


def _check_tar_entry(member: tarfile.TarInfo, parts: tuple[str, ...], folder: Path, budget: Budget) -> None:
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
            tarfile.data_filter(member, str(folder))
        except tarfile.FilterError as error:
            raise DataError(f"{budget.name} holds {show(parts)}, which is not safe ({error}).", PACK_PLAIN) from error
    budget.file(parts, member.size)


def _tar_entries(path: Path, folder: Path, budget: Budget) -> Generator[_Member]:
    """Yield the entries of a tar file, gzipped or not, each checked when its turn comes."""
    total, count = budget.archive_bytes, 0
    with path.open("rb") as file, damage_named(budget.name):
        zipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        tape = _Tape(cast(IO[bytes], gzip.GzipFile(fileobj=file)) if zipped else file, budget)
        names = Names(budget.name)
        with tarfile.TarFile(fileobj=cast(IO[bytes], tape)) as archive:
            while (member := archive.next()) is not None:
                count += 1
                budget.entries(count)
                parts = path_parts(member.name, budget.name)
                if not parts or is_hidden(parts):
                    continue
                _check_tar_entry(member, parts, folder, budget)
                names.add(parts, member.isreg())
                if member.isdir():
                    yield _Member(parts, 0, None, file.tell(), total)
                    continue
                budget.total(tape.tell() + member.size)  # before a byte of it is written
                with cast(IO[bytes], archive.extractfile(member)) as source:
                    yield _Member(parts, member.size, source, file.tell(), total)
            if not tape.at_end_mark:
                raise tarfile.ReadError("it breaks off, or an entry is damaged")
            while tape.read(CHUNK):  # up to the checksum of the compressed stream
                pass


def _write(entry: _Member, folder: Path) -> None:
    path = folder.joinpath(*entry.parts)
    if entry.source is None:
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with path.open("xb") as file:
        while written <= entry.size and (block := entry.source.read(CHUNK)):
            file.write(block)
            written += len(block)
    if written != entry.size:
        raise ValueError(f"{show(entry.parts)} is not as long as announced")


def _take_off_top_folder(folder: Path) -> None:
    """While there is nothing in `folder` but one folder that holds folders, let it take the place of `folder`."""
    inner = folder
    while len(inside := list(inner.iterdir())) == 1 and inside[0].is_dir():
        if not any(each.is_dir() for each in inside[0].iterdir()):
            break
        inner = inside[0]
    if inner != folder:
        aside = folder.with_name(f"{folder.name}.inner")
        inner.rename(aside)
        shutil.rmtree(folder)
        aside.rename(folder)


def _reader_of(path: Path) -> Callable[[Path, Path, Budget], Generator[_Member]]:
    """Choose by what the file holds, whatever it is called."""
    with path.open("rb") as file:
        start = file.read(512)
    if start.startswith((b"PK\3\4", b"PK\5\6")):
        return _zip_entries
    if start.startswith(b"\x1f\x8b") or start[257:262] == b"ustar":
        return _tar_entries
    raise DataError(
        f"{path.name} is {'neither a .zip nor a .tar.gz archive' if start else 'empty (0 bytes)'}.",
        "Pack the folder that holds the class folders as .zip or .tar.gz.",
    )


def unpack(archive: Path, target: Path, limits: Limits | None = None, on_progress: Progress = silent) -> Path:
    """Unpack an archive into a new folder; hidden files are left out, a single folder around everything is taken off.

    Args:
        archive: A .zip, .tar, .tar.gz or .tgz file, told by its content.
        target: Must be absent or empty; appears when everything is in it.
        limits: What the archive may grow to.
        on_progress: Called with (bytes done, bytes in all): unpacked bytes of a .zip, bytes read of a .tar.gz.

    Raises:
        DataError: the archive is damaged, encrypted, too large in a way that `Limits` names, or holds an entry that is
            no plain file or folder below the target; or `target` cannot be written. Nothing is left behind then.
    """
    with DataError.from_system(f"{archive} cannot be read", "Check the path and its rights."):
        budget = Budget(archive, limits or Limits())
        read = _reader_of(archive)
    total, files = 0, 0
    with new_folder(target) as folder:
        with closing(read(archive, folder, budget)) as entries:
            for number, entry in enumerate(entries):
                if number == 0:  # a gzipped tar file does not tell in advance, but becomes no smaller
                    require_room(target.parent, entry.total, f"Unpacking {budget.name}")
                with damage_named(budget.name):
                    _write(entry, folder)
                total, files = entry.total, files + (entry.source is not None)
                on_progress(entry.done, total)
        if not files:
            raise DataError(f"{budget.name} holds no files.", "Pack the folder that holds the class folders.")
        _take_off_top_folder(folder)
    on_progress(total, total)
    return target


def save_upload(stream: BinaryIO, target: Path, max_bytes: int) -> Path:
    """Write what a browser sends, from its beginning, to `target`, a piece at a time; over `max_bytes` nothing is kept.

    Raises:
        DataError: the upload is empty or too large, or `target` cannot be written.
    """
    with DataError.from_system(f"{target} cannot be written", "Check the free space and the rights."):
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as temporary, temporary.open("wb") as file:
            written = 0
            while block := stream.read(CHUNK):
                written += len(block)
                if written > max_bytes:
                    raise DataError(
                        f"The upload is larger than {size_text(max_bytes)}, the limit.",
                        "Copy the archive to this machine and unpack it with `python -m alexcore data unpack`.",
                    )
                file.write(block)
            if not written:
                raise DataError("The upload is empty (0 bytes).", "Choose the file again.")
    return target


def folder_name(archive_name: str) -> str:
    """A name for the folder of an uploaded archive: what the browser says, without ending, path and odd letters."""
    name = re.sub(r"(\.tar|\.tar\.gz|\.tgz|\.zip|\.gz)$", "", re.split(r"[/\\]", archive_name)[-1], flags=re.IGNORECASE)
    return re.sub(r"[^\w.-]+", "-", name).strip(".-_")[:80] or "upload"
