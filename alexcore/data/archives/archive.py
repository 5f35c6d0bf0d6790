"""Unpack an archive of unknown origin: .zip, or .tar, plain or compressed by gzip, bzip2, xz or Zstandard.

    unpack(Path("upload.zip"), Path("data/flowers"))  ->  data/flowers/CLASS/*.jpg

An archive is a list of wishes: write so many bytes under that name. Each wish is checked before it is granted, and the
bytes are counted again while they are written, because the sizes in an archive are claims. Everything goes into a
temporary folder beside the target, which is renamed at the end. An archive inside the archive stays a file.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from alexcore.data.archives.archive_names import Say, are_utf8, name_readings, require_encoding, unsaid, unsaid_names
from alexcore.data.archives.archive_rules import Budget, Limits, Member, damage_named, show
from alexcore.data.archives.archive_tar import COMPRESSIONS, raw_tar_names, tar_members, tar_names
from alexcore.data.archives.archive_zip import check_zip, open_zip, zip_members
from alexcore.data.archives.arrivals import not_an_archive
from alexcore.data.archives.code_pages import NameReading
from alexcore.data.decoding.image_formats import may_be_picture
from alexcore.data.layout_words import classes_in_names
from alexcore.data.storage import CHUNK, KeptApart, Progress, kept_apart, new_folder, require_room, silent
from alexcore.errors import DataError
from alexcore.home import is_list_name

# What is looked at of a tar file before it is unpacked: enough names to learn how they are written.
_TAR_SAMPLE = 64 << 20


def _is_zip(file: IO[bytes], name: str) -> bool:
    """Tell by what the file holds, whatever it is called: a zip file, or else a tar file."""
    file.seek(0)
    start = file.read(512)
    if start.startswith((b"PK\3\4", b"PK\5\6")):
        return True
    if any(map(start.startswith, COMPRESSIONS)) or start[257:262] == b"ustar":
        return False
    raise not_an_archive(name, start)


def _write(entry: Member, folder: Path) -> None:
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


def _take_off_top_folder(folder: Path, name: str, say: Say) -> None:
    """While one folder holds all folders, let it take the place of `folder`; files beside it are left out and told of.

    A list beside it has paths that lead through it, so then it stays.
    """
    inner, loose = folder, []
    while True:
        inside = list(inner.iterdir())
        folders = [each for each in inside if each.is_dir()]
        files = [each for each in inside if not each.is_dir()]
        if len(folders) != 1 or not _wraps(folders[0]):
            break
        if any(is_list_name(each) or each.suffix.lower() == ".tar" for each in files):
            break
        loose += [each.name for each in files]
        inner = folders[0]
    if inner != folder:
        aside = folder.with_name(f"{folder.name}.inner")
        inner.rename(aside)
        shutil.rmtree(folder)
        aside.rename(folder)
    if loose:
        say(f"Left out of {name}, files beside its one folder: {len(loose):,} ({_some(loose)}).")


def _wraps(folder: Path) -> bool:
    """Whether a folder that is alone is one around others, or around pictures whose names tell their classes."""
    with os.scandir(folder) as entries:
        inside = list(entries)
    if any(each.is_dir() for each in inside):
        return True
    return bool(classes_in_names(each for each in inside if may_be_picture(each.path)))


def _some(names: Sequence[str]) -> str:
    distinct = sorted(set(names))
    return ", ".join(show((each,)) for each in distinct[:3]) + (", ..." if len(distinct) > 3 else "")


def unpack(
    archive: Path,
    target: Path,
    limits: Limits | None = None,
    on_progress: Progress = silent,
    *,
    name: str = "",
    encoding: str = "",
    say: Say = unsaid,
    accept: Callable[[Path, str], None] | None = None,
) -> Path:
    """Unpack an archive into a new folder; hidden files are left out, a single folder around everything is taken off.

    Args:
        archive: A .zip or .tar file, the latter plain or compressed, told by its content.
        target: Must be absent or empty; appears when everything is in it.
        limits: What the archive may grow to.
        on_progress: Called with (bytes done, bytes in all): unpacked bytes of a .zip, bytes read of a .tar.gz.
        name: What sentences call the archive; by default its file's name.
        encoding: Of names that do not say how they are written; "" reads them as is likely, if one way is.
        say: Told in sentences what was read how, and what was left out.
        accept: Looks at the unpacked folder, called by the name, and raises a DataError if it is of no use.

    Raises:
        DataError: the archive is damaged, encrypted, too large in a way that `Limits` names, or holds an entry that is
            no plain file or folder below the target; its names can be read in several ways; or `target` cannot be
            written. Nothing is left behind then.
    """
    name = name or archive.name
    encoding = require_encoding(encoding) if encoding else ""
    with DataError.from_system(f"{name} cannot be read", "Check the path and its rights."):
        budget = Budget(name, archive.stat().st_size, limits or Limits())
        file = archive.open("rb")
    total, files = 0, 0
    left_out: list[str] = []
    with file, new_folder(target) as folder:
        members = zip_members if _is_zip(file, name) else tar_members
        with closing(members(file, budget, kept_apart(folder), encoding, say, left_out)) as entries:
            for number, entry in enumerate(entries):
                if number == 0:  # a gzipped tar file does not tell in advance, but becomes no smaller
                    require_room(target.parent, entry.total, f"Unpacking {budget.name}")
                with damage_named(budget.name):
                    _write(entry, folder)
                total, files = entry.total, files + (entry.source is not None)
                on_progress(entry.done, total)
        if not files:
            raise DataError(f"{budget.name} holds no files.", "Pack the folder that holds the class folders.")
        if left_out:
            say(f"Left out of {name}, hidden files and those of systems: {len(left_out):,} ({_some(left_out)}).")
        _take_off_top_folder(folder, name, say)
        if accept:
            accept(folder, name)
    on_progress(total, total)
    return target


@dataclass(frozen=True)
class Peek:
    """What is known of an archive before it is unpacked.

    Attributes:
        raws: Its names that do not say how they are written and are no UTF-8; none where all are plain.
        readings: The ways to read them, the likeliest first; there may be none.
    """

    raws: tuple[bytes, ...] = ()
    readings: tuple[NameReading, ...] = ()


def peek(file: IO[bytes], name: str, size: int, limits: Limits) -> Peek:
    """Look at the names in an archive of `size` bytes without unpacking anything; of a tar file at the first of them.

    Raises:
        DataError: it is no archive, damaged, or over a limit.
    """
    budget = Budget(name, size, limits)
    if _is_zip(file, name):
        with damage_named(name), open_zip(file, budget) as archive:
            raws = unsaid_names(archive.infolist())
            readings = name_readings(raws)
            # What nobody can read yet is looked at in an encoding that has a letter for any byte.
            unread = "" if are_utf8(raws) else "latin-1"
            check_zip(archive, budget, apart=KeptApart(), encoding=readings[0].encoding if readings else unread)
    else:
        raws = raw_tar_names(tar_names(file, budget, _TAR_SAMPLE))
        readings = name_readings(raws)
    return Peek() if are_utf8(raws) else Peek(tuple(raws), tuple(readings))
