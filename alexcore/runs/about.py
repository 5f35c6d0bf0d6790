"""about.json: what a person says about a run. The dashboard and the command line write it, a worker never does.

The run's id is its folder's name and stays; a name in here is only what lists show.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from alexcore.errors import RunError
from alexcore.files import read_json, write_json
from alexcore.run_names import ABOUT as FILE

MOST_NAME, MOST_NOTE, MOST_TAG, MOST_TAGS = 80, 4000, 30, 12


@dataclass(frozen=True)
class About:
    """Name, tags and note of a run; each may be empty."""

    name: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""


def read_about(run_dir: Path) -> About:
    """Read about.json; a missing, damaged or foreign one says nothing."""
    raw = read_json(run_dir / FILE) or {}
    tags = raw.get("tags")
    texts = [str(each) for each in tags] if isinstance(tags, list) else []
    return About(
        _one_line(str(raw.get("name") or ""))[:MOST_NAME],
        tuple(dict.fromkeys(_one_line(each)[:MOST_TAG] for each in texts[:MOST_TAGS] if each.strip())),
        _encodable(str(raw.get("note") or ""))[:MOST_NOTE],
    )


def change_about(run_dir: Path, **changes: Any) -> About:
    """Change `name`, `tags` or `note`, and keep the others; returns what the file then says.

    Raises:
        RunError: a text is too long, there are too many tags, or the file cannot be written.
    """
    if not run_dir.is_dir():
        raise RunError(f"There is no run {run_dir.name[:80]}.", "It may have been deleted.")
    with (
        RunError.from_system(f"{run_dir / FILE} cannot be written", "Check the folder's permissions."),
        FileLock(run_dir / f".{FILE}.lock", timeout=5),  # two tabs may change one field each at the same moment
    ):
        about = _checked(About(**{**asdict(read_about(run_dir)), **changes}))
        write_json(run_dir / FILE, asdict(about))
    return about


def _checked(about: About) -> About:
    name, tags = _one_line(about.name), tuple(dict.fromkeys(_one_line(tag) for tag in about.tags if tag.strip()))
    if len(name) > MOST_NAME:
        raise RunError(f"The name {name[:40]!r}... has {len(name)} characters.", f"At most {MOST_NAME} fit a table.")
    if len(tags) > MOST_TAGS:
        raise RunError(f"{len(tags)} tags are too many.", f"Keep at most {MOST_TAGS}.")
    for tag in tags:
        if len(tag) > MOST_TAG:
            raise RunError(f"The tag {tag[:40]!r} has {len(tag)} characters.", f"Use at most {MOST_TAG}.")
    if len(about.note) > MOST_NOTE:
        raise RunError(f"The note has {len(about.note):,} characters.", f"At most {MOST_NOTE:,} are kept.")
    return About(name, tags, _encodable(about.note).strip())


def _encodable(text: str) -> str:
    """Without half characters (bytes of a command line that are no text), which no file can hold."""
    return "".join(" " if "\ud800" <= each <= "\udfff" else each for each in text)


def _one_line(text: str) -> str:
    """Without line breaks, control characters and half characters, which a table cannot show."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())
