"""Which run is meant: the one resolver of what people type for a run, its id or the name that they have given it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from alexcore.errors import RunError
from alexcore.files import read_json
from alexcore.home import runs_dir
from alexcore.words.template import filled

# Where a run's name stands; `alexcore.runs.about` writes it.
ABOUT = "about.json"
# Of the ids that have one name.
SHOWN = 4


def name_of(run_dir: Path) -> str:
    """The name that somebody has given a run; empty for none."""
    return str((read_json(run_dir / ABOUT) or {}).get("name") or "")


def title_of(run_dir: Path) -> str:
    """What a list shows of a run: its id, with its name before it if it has one."""
    name = name_of(run_dir)
    return f"{name} ({run_dir.name})" if name else run_dir.name


def run_folders() -> list[Path]:
    """The folders in the run store, in no order."""
    try:
        with os.scandir(runs_dir()) as entries:
            return [Path(each.path) for each in entries if not each.name.startswith(".") and each.is_dir()]
    except OSError:
        return []


def run_folder(text: str) -> Path | None:
    """The folder in the run store that an id or a name means; None where it means none. An id comes before a name.

    Raises:
        RunError: several runs have that name.
    """
    # A text from a URL must not lead out of the store; Path("").name is "" too, and would name all of it.
    if text and text == Path(text).name and not text.startswith(".") and "\0" not in text and is_folder(text):
        return runs_dir() / text
    return the_only(text, run_folders())


def is_folder(run_id: str) -> bool:
    """Whether the run store has a folder with this id."""
    try:
        return (runs_dir() / run_id).is_dir()
    except OSError:  # a name longer than the file system allows
        return False


def the_only(name: str, folders: Iterable[Path]) -> Path | None:
    """The run among some folders that has this name.

    Raises:
        RunError: several have it.
    """
    found = [each for each in folders if name.strip() and name_of(each) == name.strip()]
    if len(found) > 1:
        ids = tuple(sorted(each.name for each in found))
        listed = filled("{ids:listed {count}}", {"ids": ids[:SHOWN], "count": len(ids)})
        raise RunError(f"{len(found)} runs are called {name[:80]}: {listed}.", "Give the id of the one that is meant.")
    return found[0] if found else None
