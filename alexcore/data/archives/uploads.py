"""Archives that somebody brings: what may be sent, what its folder is called, and whether it is of any use."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import BinaryIO

from alexcore.data.archives.archive_rules import Limits, show
from alexcore.data.archives.arrivals import require_here
from alexcore.data.layout import read
from alexcore.data.lists.manifest_columns import read_table
from alexcore.data.reading import AmbiguousError, UnclearListError
from alexcore.data.shards import is_shard_source
from alexcore.data.storage import CHUNK
from alexcore.data.tree import walk
from alexcore.errors import DataError
from alexcore.files import replacing
from alexcore.home import is_list_name
from alexcore.words.numbers import size_text

UPLOAD_MB = 200
_ARCHIVES = frozenset({".zip", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar"})
# A copy is deleted when its job ends; older ones are of jobs that were killed.
_FORGOTTEN_S = 86_400
UPLOAD_LIMITS = Limits(files=20_000, total_bytes=2 * 10**9)


def save_upload(stream: BinaryIO, target: Path, max_bytes: int) -> Path:
    """Write what a browser sends, from its beginning, to `target`, a piece at a time; over `max_bytes` nothing is kept.

    The folder of `target` is for uploads alone: files in it that are older than a day are deleted.

    Raises:
        DataError: the upload is empty or too large, or `target` cannot be written.
    """
    with DataError.from_system(f"{target} cannot be written", "Check the free space and the rights."):
        target.parent.mkdir(parents=True, exist_ok=True)
        for old in target.parent.iterdir():
            if old.is_file() and time.time() - old.stat().st_mtime > _FORGOTTEN_S:
                old.unlink(missing_ok=True)
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
    endings = r"(\.tar|\.(tar\.)?(gz|bz2|xz|zst|lzma)|\.(tgz|tbz2?|txz|tzst|zip))$"
    name = re.sub(endings, "", re.split(r"[/\\]", archive_name)[-1], flags=re.IGNORECASE)
    return re.sub(r"[^\w.-]+", "-", name).strip(".-_")[:80] or "upload"


def require_archive(path: Path, name: str = "") -> None:
    """Refuse what belongs elsewhere, such as a checkpoint, which is a zip file, too; `name` is what to call it.

    Raises:
        DataError: it is known and no archive, damaged, or cannot be read.
    """
    with (
        DataError.from_system(f"{name or path} cannot be read", "Check the path and its rights."),
        path.open("rb") as file,
    ):
        require_here(name or path.name, file, "zip", "tar")


def require_data_set(folder: Path, name: str) -> None:
    """Refuse what was unpacked from the archive `name` if no way to read it has two classes.

    Where there are several ways, one is chosen when it is opened. What nobody can train on is refused here, so that it
    takes no room and no name.

    Raises:
        DataError: it holds no pictures, or none whose class can be told, or those of one class.
    """
    if is_shard_source(folder):
        return
    tree = walk(folder)
    if not tree.top.count:
        raise DataError(f"{name} holds no pictures.", _instead_of_pictures(folder))
    try:
        found = read(tree).reading.classes
    except AmbiguousError:
        return
    except DataError as error:  # which knows the folder, and nothing of the archive
        if _has_unclear_list(folder):
            return
        told = error.message.replace(str(folder), name).removesuffix(".")
        raise DataError(f"{told}; nothing was unpacked.", error.hint) from error
    if len(found) < 2:
        raise DataError(
            f"{name} holds pictures of one class alone, {show(tuple(found))}; nothing was unpacked.",
            "A network learns to tell at least two classes apart: pack a folder with a folder for each.",
        )


def _has_unclear_list(folder: Path) -> bool:
    """Whether a list in the folder only needs a word about its columns, which is asked for when it is opened."""
    for path in filter(is_list_name, folder.rglob("*")):
        try:
            read_table(path)
        except UnclearListError as error:
            if error.is_open:
                return True
        except DataError:  # a file of another kind
            continue
    return False


def _instead_of_pictures(folder: Path) -> str:
    packed = sorted(path.name for path in folder.rglob("*") if path.suffix.lower() in _ARCHIVES)
    if packed:
        return f"It holds archives, such as {show((packed[0],))}: unpack those, and pack what was in them together."
    return "Pack the folder that holds a folder of pictures for each class."
