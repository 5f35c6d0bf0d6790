"""Read the table of contents of one WebDataset shard: which samples it holds, where their bytes lie, their classes.

A shard is a plain tar archive. Its members belong together by their names up to the first dot: NAME.jpg is the
picture of the sample NAME, NAME.cls its class number. Nothing is ever unpacked: a picture is read at its offset.
The answer is remembered by the identity of the shard (path, size, time), so an archive is walked through once.
"""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from alexcore.data.decoding.images import EXTENSIONS
from alexcore.data.index import is_utf8
from alexcore.errors import DataError
from alexcore.files import read_json, replacing
from alexcore.home import WHERE_IT_IS, cache_dir

_BLOCK = 512
# Part of the identity of a record: what takes more endings for pictures must not meet an old answer.
_READS = "|2"
_META = re.compile(r"__[^/]*__($|/)")
# Class numbers and descriptions are short; a larger member with such a name is something else.
_LONGEST_TEXT = 1_000_000
_JSON_KEYS = ("label", "cls", "class")
HOW_TO_WRITE = "A sample is NAME.jpg with NAME.cls beside it, NAME without a dot, NAME.cls a class number such as 3."


@dataclass(frozen=True)
class Contents:
    """The samples of a shard in its order, column by column: a hundred thousand of them shall be recalled in no time.

    Offsets and sizes are those of the pictures' bytes; `left_out` counts further samples that lack a picture or a class
    number.
    """

    members: list[str]
    offsets: list[int]
    sizes: list[int]
    labels: list[int]
    left_out: int

    def __len__(self) -> int:
        return len(self.members)


@dataclass
class _TarSample:
    pictures: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    label: int | None = None


def split_name(member: str) -> tuple[str, str] | None:
    """Cut a member's name into (key of its sample, small suffix), as `webdataset` does; None if it belongs to none."""
    folder, slash, name = member.rpartition("/")
    stem, dot, suffix = name.partition(".")
    if not stem or not dot or _META.match(member):
        return None
    return folder + slash + stem, suffix.lower()


def is_picture(member: str) -> bool:
    """Whether a member is a picture by its name."""
    return f".{member.rpartition('.')[2].lower()}" in EXTENSIONS


def read_contents(path: Path) -> Contents:
    """Walk through the headers of a shard, or recall what came of it earlier.

    Raises:
        DataError: it is missing, unreadable, truncated, no tar archive, or a class number is none.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise DataError(f"There is no shard {path}.", f"Copy the shard again. {WHERE_IT_IS}") from error
    if status.st_size == 0:
        raise DataError(f"{path} is empty (0 bytes).", "Copy the shard again.")
    identity = f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}{_READS}"
    record = cache_dir() / "shards" / f"{hashlib.sha256(identity.encode()).hexdigest()[:32]}.json"
    known = _recalled(read_json(record))
    if known:
        return known
    contents = _walk(path, status.st_size)
    record.parent.mkdir(parents=True, exist_ok=True)
    with replacing(record) as temporary:
        # Without the indentation of write_json, which would take longer than the walk.
        text = json.dumps(asdict(contents))
        temporary.write_text(text, encoding="utf-8")
    return contents


def _recalled(record: dict[str, Any] | None) -> Contents | None:
    """A record as contents; one that somebody has damaged is as good as none."""
    try:
        contents = Contents(**(record or {}))
        numbers = np.array([contents.offsets, contents.sizes, contents.labels])
        sound = numbers.dtype == np.int64 and len({len(contents.members), *map(len, numbers)}) == 1
        return contents if sound and isinstance(contents.left_out, int) else None
    except (TypeError, ValueError):
        return None


def _walk(path: Path, size: int) -> Contents:
    entries: dict[str, _TarSample] = {}
    try:
        with path.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
            while (member := tar.next()) is not None:
                # It would otherwise keep every header of a large archive.
                tar.members.clear()  # type: ignore[attr-defined]
                if member.offset_data + member.size > size:
                    raise tarfile.ReadError("unexpected end of data")
                name = split_name(member.name)
                # Links and devices are nobody's picture; a sparse file has no single place where its bytes are.
                if name and member.isreg() and not member.issparse() and is_utf8(member.name):
                    _take(path, file, member, name[1], entries.setdefault(name[0], _TarSample()))
            end = tar.offset
            file.seek(end)
            # tarfile takes a damaged header in the middle for the end; the real end is a block of zeros.
            if file.read(_BLOCK) != bytes(_BLOCK):
                raise tarfile.ReadError(f"no end mark after {end:,} bytes")
    except PermissionError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from error
    except (tarfile.TarError, OSError, ValueError, EOFError) as error:
        message = f"{path} is no tar archive, or is truncated or damaged: {error}."
        raise DataError(message, "Copy the shard again; shards must not be compressed.") from error
    contents, left_out = Contents([], [], [], [], 0), 0
    for entry in entries.values():
        if entry.label is None or not entry.pictures:
            left_out += 1
            continue
        # Of several pictures (jpg, mask.png) the one with the plainest suffix is the picture, the first of those.
        suffix = min(entry.pictures, key=lambda each: each.count("."))
        member_name, offset, picture_size = entry.pictures[suffix]
        contents.members.append(member_name)
        contents.offsets.append(offset)
        contents.sizes.append(picture_size)
        contents.labels.append(entry.label)
    return replace(contents, left_out=left_out)


def _take(path: Path, file: BinaryIO, member: tarfile.TarInfo, suffix: str, entry: _TarSample) -> None:
    if is_picture(member.name):
        if suffix in entry.pictures:
            raise DataError(f"{path} holds {member.name} twice.", "Give each sample of a shard a name of its own.")
        entry.pictures[suffix] = (member.name, member.offset_data, member.size)
    elif suffix in ("cls", "json") and member.size <= _LONGEST_TEXT:
        file.seek(member.offset_data)
        content = file.read(member.size)
        if suffix == "cls":
            entry.label = _number(path, member.name, content.strip())
        elif entry.label is None:
            entry.label = _from_json(path, member.name, content)


def _number(path: Path, member: str, text: bytes) -> int:
    if not text.isdigit() or len(text) > 9:
        shown = text[:40].decode(errors="replace")
        raise DataError(f"{path}: {member} holds {shown!r}, which is no class number.", HOW_TO_WRITE)
    return int(text)


def _from_json(path: Path, member: str, content: bytes) -> int | None:
    """The class number in a sample's description, where it has one."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return None
    found = next((value[key] for key in _JSON_KEYS if key in value), None) if isinstance(value, dict) else None
    # A description may have a class in words beside the number in NAME.cls.
    if isinstance(found, bool) or not isinstance(found, int):
        return None
    return _number(path, member, str(found).encode())
