"""One export, from the format's name to the file: what the command line and the page's background job both call."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from alexcore.export.formats import require_format
from alexcore.export.source import Source
from alexcore.export.target import writing
from alexcore.export.writers import Wish


def write_export(source: Source, name: str, target: Path, wish: Wish, force: bool = False) -> dict[str, Any]:
    """Write a run in one of `formats.FORMATS`; `target` is never overwritten unless `force`.

    Returns:
        file, format, bytes, sha256, difference (of a graph, largest of what was compared) and notes, as plain data.

    Raises:
        AlexError: the run, the format or the place cannot be used; nothing is written then.
    """
    form = require_format(name)
    with writing(target, force) as temporary:
        written = form.write(source, temporary, wish)
    with target.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "file": str(target),
        "format": name,
        "run": str(source.path),
        "checkpoint": source.checkpoint.name,
        "bytes": target.stat().st_size,
        "sha256": digest,
        "difference": written.difference,
        "notes": list(dict.fromkeys([*([source.unfinished] if source.unfinished else []), *written.notes])),
    }
