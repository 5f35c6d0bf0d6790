"""Pictures from outside on their way to a network: uploads, a zip file, a folder, rows of a data set.

Each is a name for people and a way to its bytes, which are read when its turn comes and not kept. Nothing is unpacked
or written anywhere. Endings only sort out what a zip or a folder holds beside pictures: the content decides.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from alexcore.data.archives.archive_names import likeliest, unsaid_names
from alexcore.data.archives.archive_rules import Budget, Limits, damage_named
from alexcore.data.archives.archive_zip import CheckedZip, ZipEntry, check_zip, open_zip
from alexcore.data.decoding.image_formats import EXTENSIONS, HEAD, begins_like_picture, head_of, known_by_name
from alexcore.data.index import DataIndex
from alexcore.data.shards import picture_source
from alexcore.data.storage import KeptApart
from alexcore.errors import DataError
from alexcore.words.numbers import size_text

Source = Path | bytes
ZIP_LIMITS = Limits(files=5_000, total_bytes=2 * 10**9, file_bytes=64 * 10**6)
_ZIP_MARKS = (b"PK\3\4", b"PK\5\6")
_GOLDEN = 0.6180339887


@dataclass(frozen=True)
class Incoming:
    """One picture that waits to be classified.

    Attributes:
        name: What to call it; from outside, so escape it wherever it is shown.
        read: Gives the file or its bytes; may raise a DataError.
        label: The number of its class, where that is known.
        path: The row's path in its data set, for a picture of one.
        identity: What changes when the picture does, so that it need not be answered twice; None: nobody knows.
    """

    name: str
    read: Callable[[], Source]
    label: int | None = None
    path: str = ""
    identity: Hashable = None


@dataclass(frozen=True)
class Found:
    """Pictures, and in sentences what was passed over on the way."""

    pictures: tuple[Incoming, ...]
    passed_over: tuple[str, ...] = ()


@cache
def picture_endings() -> frozenset[str]:
    """Endings of what a data set tries as pictures, and of what Pillow knows: its owners deserve a sentence."""
    Image.init()
    return EXTENSIONS | {end for end, kind in Image.registered_extensions().items() if kind in Image.OPEN}


def from_bytes(name: str, content: Callable[[], bytes], size: int, most: int) -> Incoming:
    """A picture in memory, e.g. an upload of `size` bytes; above `most` its reading is a DataError."""

    def read() -> bytes:
        if size > most:
            message = f"{name} has {size_text(size)}; the limit for a picture is {size_text(most)}."
            raise DataError(message, "Make it smaller first: the network sees a few hundred pixels a side.")
        return content()

    return Incoming(name, read)


def is_zip(start: bytes) -> bool:
    """Whether a file begins as a zip archive does."""
    return start.startswith(_ZIP_MARKS)


def zip_pictures(archive: Path | bytes, name: str, limits: Limits = ZIP_LIMITS) -> Found:
    """The pictures in a zip file, called `name`, none of them unpacked yet.

    All entries are checked first: names that lead outside, links, passwords, bombs. Each is unpacked in memory when it
    is read, up to the size that was announced and checked.

    Raises:
        DataError: it is damaged or breaks a rule; the sentence says which.
    """
    budget = Budget(name, len(archive) if isinstance(archive, bytes) else archive.stat().st_size, limits)
    pictures, others = [], 0
    notes: list[str] = []
    with damage_named(name):
        # Not closed here: entries are read later. It closes itself when the last of them is forgotten.
        opened = open_zip(BytesIO(archive) if isinstance(archive, bytes) else archive, budget)
        # The names decide nothing here, and nothing is written, so that nothing can fall together.
        encoding = likeliest(unsaid_names(opened.infolist()), name, notes.append)
        checked = check_zip(opened, budget, apart=KeptApart(), encoding=encoding)
        for entry in checked.entries:
            if entry.is_dir:
                continue
            if _is_tried(entry.parts[-1], partial(_head_of_entry, checked, entry, name)):
                shown = f"{name}/{'/'.join(entry.parts)}"
                pictures.append(Incoming(shown, partial(_read_entry, checked, entry, shown)))
            else:
                others += 1
    if not pictures:
        raise DataError(f"{name} holds no pictures.", "Pack pictures (JPEG, PNG, ...) into it.")
    return Found(tuple(pictures), (*notes, *_others(name, others)))


def _is_tried(name: str, head: Callable[[], bytes]) -> bool:
    """Whether a file is taken for a picture: by its name, and if that tells nothing, by its first bytes."""
    if os.path.splitext(name)[1].lower() in picture_endings():
        return True
    return known_by_name(name) is None and begins_like_picture(head())


def _head_of_entry(archive: CheckedZip, entry: ZipEntry, name: str) -> bytes:
    try:
        with damage_named(name), archive.open(entry) as file:
            return file.read(HEAD)
    except DataError:  # damaged, so it is no picture either
        return b""


def told_apart(pictures: Sequence[Incoming]) -> list[Incoming]:
    """The same pictures, where a name that comes again gets a number: uploads of two folders may be called alike."""
    taken: set[str] = set()
    found = []
    for picture in pictures:
        name, number = picture.name, 1
        while name in taken:
            number += 1
            name = f"{picture.name} ({number})"
        taken.add(name)
        found.append(replace(picture, name=name))
    return found


def _read_entry(archive: CheckedZip, entry: ZipEntry, name: str) -> bytes:
    with damage_named(name), archive.open(entry) as file:
        content = file.read(entry.info.file_size)
        file.read(1)  # at the end of an entry its checksum is compared
        return content


def _others(where: str, count: int) -> tuple[str, ...]:
    return (f"{where}: {count:,} files that are no pictures by their ending were passed over.",) if count else ()


def folder_pictures(folder: Path, roots: Sequence[Path] | None = None, most: int = 0) -> Found:
    """The pictures in a folder and the folders in it, by name; links to folders are not followed.

    With `roots` a file that lies elsewhere (by a link) is passed over, and names are relative to `folder`. Of `most`,
    if not 0, so many pictures are taken, and at most 100 times as many files are looked at.

    Raises:
        DataError: the folder holds no picture, or cannot be read.
    """
    pictures: list[Incoming] = []
    others = outside = 0
    more = False

    def refuse(error: OSError) -> None:
        if error.filename in (None, str(folder)):
            message = f"{folder} cannot be read: {error.strerror}."
            raise DataError(message, "Check its permissions.") from error

    for place, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        for each in sorted(each for each in files if not each.startswith(".")):
            path = Path(place, each)
            inside = roots is None or any(path.resolve().is_relative_to(root) for root in roots)
            if not _is_tried(each, partial(head_of, path) if inside else bytes):
                others += 1
            elif not inside:
                outside += 1
            else:
                name = str(path) if roots is None else path.relative_to(folder).as_posix()
                pictures.append(Incoming(name, partial(Path, path), identity=_state_of(path)))
        if most and (len(pictures) > most or others + outside > 100 * most):
            more = True
            break
    if not pictures:
        raise DataError(f"{folder} holds no pictures.", "Choose a folder with pictures (JPEG, PNG, ...) in it.")
    passed = [*_others(str(folder), others)]
    if outside:
        passed.append(f"{outside:,} files are links to places that may not be opened; they were passed over.")
    if more:
        passed.append(f"The folder holds more; the first {min(most, len(pictures)):,} pictures by name are taken.")
    return Found(tuple(pictures[:most] if most else pictures), tuple(passed))


def _state_of(path: Path) -> Hashable:
    try:
        status = path.stat()
    except OSError:  # whoever reads it says so
        return None
    return str(path), status.st_size, status.st_mtime_ns


def _fail(error: DataError) -> Path:
    raise error


def named_pictures(paths: Sequence[str]) -> Found:
    """What a command line names, in its order: files, folders of pictures, zip files.

    A folder or a zip file that cannot be used stands for itself, and its reading says why.
    """
    pictures: list[Incoming] = []
    passed: list[str] = []
    for text in paths:
        path = Path(text)
        found = Found((Incoming(text, partial(Path, path)),))
        try:
            if path.is_dir():
                found = folder_pictures(path)
            elif path.is_file():
                with path.open("rb") as file:
                    start = file.read(4)
                # A zip file whose beginning is damaged is no picture either, whatever its bytes say.
                if is_zip(start) or path.suffix.lower() == ".zip":
                    found = zip_pictures(path, text)
        except DataError as error:
            found = Found((Incoming(text, partial(_fail, error)),))
        except (OSError, ValueError):  # whoever reads it says what is wrong
            pass
        pictures += found.pictures
        passed += found.passed_over
    return Found(tuple(pictures), tuple(passed))


def set_pictures(index: DataIndex, positions: Sequence[int]) -> list[Incoming]:
    """The pictures in these rows of `index.files`, with their labels."""
    rows = index.files.iloc[list(positions)]
    return [
        Incoming(path, partial(picture_source, index, path), int(label), path, (str(index.root), path, int(changed)))
        for path, label, changed in zip(rows["path"], rows["label"], rows["mtime_ns"], strict=True)
    ]


def spread_rows(index: DataIndex, split: str, count: int, turn: int = 0) -> list[int]:
    """Rows of a split, `count` of them or all, as evenly as may be over classes and within each.

    Another number `turn` gives other pictures, as long as there are others.
    """
    rows = np.flatnonzero((index.files["split"] == split).to_numpy())
    labels = index.files["label"].to_numpy()[rows]
    ranks = np.empty(len(rows), dtype=np.int64)
    present = np.unique(labels)
    for label in present:
        own = np.flatnonzero(labels == label)
        # Multiples of the golden ratio fall evenly into 0 to 1, however many are taken.
        order = np.argsort(np.arange(len(own)) * _GOLDEN % 1.0)
        ranks[own[order]] = (np.arange(len(own)) - turn * -(-count // len(present))) % len(own)
    chosen = np.lexsort((labels, ranks))[:count]
    return sorted(int(row) for row in rows[chosen])
