"""Archives that somebody brings: what may be sent, what its folder is called, and whether it is of any use."""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO

from alexcore.data.archive_rules import Limits, show
from alexcore.data.image_formats import may_be_picture
from alexcore.data.storage import CHUNK
from alexcore.errors import DataError
from alexcore.files import replacing
from alexcore.home import is_list_name
from alexcore.words.numbers import size_text

UPLOAD_MB = 200
UPLOAD_LIMITS = Limits(files=20_000, total_bytes=2 * 10**9)


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
    endings = r"(\.tar|\.(tar\.)?(gz|bz2|xz|zst|lzma)|\.(tgz|tbz2?|txz|tzst|zip))$"
    name = re.sub(endings, "", re.split(r"[/\\]", archive_name)[-1], flags=re.IGNORECASE)
    return re.sub(r"[^\w.-]+", "-", name).strip(".-_")[:80] or "upload"


def require_data_set(folder: Path, name: str) -> None:
    """Refuse what was unpacked from the archive `name` if no way to read it has two classes.

    How it is read is decided when it is opened; here only what leaves nothing to decide is refused, so that it takes
    no room and no name.

    Raises:
        DataError: it holds no pictures, or they lie in one folder and their names tell no classes.
    """
    files = [path for path in folder.rglob("*") if path.is_file()]
    pictures = [path for path in files if may_be_picture(path)]
    if any(is_list_name(path) or path.suffix.lower() == ".tar" for path in files):  # a list, or shards
        return
    if not pictures:
        raise DataError(f"{name} holds no pictures.", "Pack the folder that holds a folder of pictures for each class.")
    if len({path.parent for path in pictures}) > 1:
        return
    where = pictures[0].parent.relative_to(folder)
    if len({re.sub(r"[\W\d_]+", "", path.stem) for path in pictures}) > 1:
        return
    many = "1 picture" if len(pictures) == 1 else f"{len(pictures):,} pictures"
    place = f"in the one folder {show(where.parts)}" if where.parts else "in no folder"
    raise DataError(
        f"{name} holds {many} {place}, and their names tell no classes; nothing was unpacked.",
        "Give each class a folder with its pictures, and pack the folder around them. One class alone teaches nothing.",
    )
