"""Writing files so that a reader never sees half of one."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alexcore.system import replace_file

# What a dashboard writes into the folder of a run, and may be writing now.
_OF_OTHERS = (".request.", ".about.json.", ".reference")


@contextmanager
def replacing(path: Path, *, durable: bool = False, former: Path | None = None) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it takes the place of `path`, else it is removed.

    `durable` flushes to the disk before the rename, so that not even a power cut leaves an empty file. What was at
    `path` before is kept as `former`, if one is given.
    """
    # Not from tempfile, whose files nobody else may read: a run folder is there to be shared.
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        yield temporary
        if durable:
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
        if former and path.is_file():
            replace_file(path, former)
        replace_file(temporary, path)
    except BaseException:
        # An error of torch's holds the file open, which would keep its place on a full disk after it is removed.
        with contextlib.suppress(OSError):
            os.truncate(temporary, 0)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def previous_of(checkpoint: Path) -> Path:
    """Where the checkpoint before this one is kept: `last.previous.pt` beside `last.pt`."""
    return checkpoint.with_name(f"{checkpoint.stem}.previous{checkpoint.suffix}")


def remove_leftovers(run_dir: Path) -> int:
    """Remove what killed writers of a run have left half written; returns the bytes that were freed.

    To be called under the run's lock, so that no worker is writing. A dashboard may be; what it writes has a minute.
    """
    freed = 0
    for temporary in (*run_dir.glob(".*.tmp"), *run_dir.glob("*/.*.tmp"), *run_dir.glob("arms/*/**/.*.tmp")):
        with contextlib.suppress(OSError):
            written = temporary.stat()
            if not temporary.name.startswith(_OF_OTHERS) or time.time() - written.st_mtime > 60:
                temporary.unlink()
                freed += written.st_size
    return freed


def write_json(path: Path, value: Any) -> None:
    """Replace `path` by `value` as indented JSON, atomically."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the JSON object in `path`, or None where it is missing, damaged or something else."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):  # the last one: a thousand brackets
        return None
    return value if isinstance(value, dict) else None
