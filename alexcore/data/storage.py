"""What long work with files needs: room on the disk, folders that appear only when complete, progress, damage."""

from __future__ import annotations

import shutil
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from alexcore.errors import DataError
from alexcore.words.numbers import size_text

# Called with (done, total) while something that takes long goes on.
Progress = Callable[[int, int], None]
CHUNK = 1 << 20
# What readers of files raise at damage, beside errors of their own.
READER_ERRORS = (EOFError, ValueError, LookupError, RuntimeError, ArithmeticError, struct.error, zlib.error)


def silent(_done: int, _total: int) -> None:
    """The progress that nobody asks for."""


def require_room(folder: Path, needed: int, what: str) -> None:
    """Refuse to begin what the disk cannot hold: `needed` bytes more in `folder`, which need not exist yet.

    `what` is the subject of the sentence, e.g. "Unpacking a.zip".

    Raises:
        DataError: the disk has less room.
    """
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise DataError(
            f"{what} needs {size_text(needed)}, and the disk of {existing} has {size_text(free)} left.",
            "Free some space, or choose a folder on another disk.",
        )


def require_new(folder: Path) -> None:
    """Raise a DataError unless `folder` is absent or empty."""
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise DataError(f"{folder} exists and is not empty.", "Choose a new folder, or delete this one first.")


@dataclass(frozen=True)
class KeptApart:
    """Which names a disk keeps apart: those that differ in case only, and in the Unicode form of their letters only."""

    case: bool = True
    forms: bool = True


def kept_apart(folder: Path) -> KeptApart:
    """What the disk of an empty folder keeps apart; Windows does not keep case, nor macOS either.

    Raises:
        OSError: the folder cannot be written.
    """
    return KeptApart(_are_two(folder, "case", "CASE"), _are_two(folder, "\u00e9", "e\u0301"))


def _are_two(folder: Path, name: str, other: str) -> bool:
    probe = folder / name
    probe.touch()
    try:
        return not (folder / other).exists()
    finally:
        probe.unlink()


@contextmanager
def folder_at_once(folder: Path) -> Iterator[Path]:
    """Yield an empty folder beside `folder`, which is absent or empty; it takes its place at the end.

    After an error nothing is left, nor are the folders above that were not there before.

    Raises:
        OSError: the disk refuses.
    """
    new = [each for each in folder.parents if not each.exists()]
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        # A temporary folder belongs to its user alone, the one inside to everybody whom the umask lets in.
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as workplace:
            partial = Path(workplace) / folder.name
            partial.mkdir()
            yield partial
            if folder.is_dir():
                folder.rmdir()  # Windows renames onto nothing only
            partial.rename(folder)
    except BaseException:
        for each in new:
            with suppress(OSError):  # somebody has put something there in the meantime
                each.rmdir()
        raise


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Do what `folder_at_once` does.

    Raises:
        DataError: `folder` holds something, or the disk refuses.
    """
    with DataError.from_system(f"{folder} cannot be written", "Check the free space and the rights."):
        require_new(folder)
        with folder_at_once(folder) as partial:
            yield partial
