"""Where things lie on disk, and which folders a browser user may open."""

from __future__ import annotations

import os
from pathlib import Path

from alexcore.errors import DataError

SYNTHETIC = "synthetic-flowers"
# Files that list pictures, and so can be opened like a folder of them.
MANIFEST_ENDINGS = (".csv", ".tsv", ".json", ".jsonl")
MANIFEST_ENDINGS_TOLD = f"{', '.join(MANIFEST_ENDINGS[:-1])} or {MANIFEST_ENDINGS[-1]}"


# How the names of lists in `data/` end that hold a data set as a person has corrected it. Version 0.1 could leave
# pictures out, and nothing else: hence the words.
CORRECTED = "-without-some.csv"


def is_list_name(path: Path | str) -> bool:
    """Whether a file with this name is one that lists pictures; val_annotations.txt and the like are, too."""
    name = os.path.basename(path).lower()
    return name.endswith((*MANIFEST_ENDINGS, "_annotations.txt"))


def home() -> Path:
    """The folder that holds `data/` and `runs/`: ALEXCORE_HOME, by default the current directory."""
    return Path(os.environ.get("ALEXCORE_HOME") or Path.cwd()).expanduser().resolve()


def data_dir() -> Path:
    """Data sets, thumbnails and caches."""
    return home() / "data"


def devices_file() -> Path:
    """The note on the device that runs compute on, which pages read instead of loading torch."""
    return cache_dir() / "devices.json"


def cache_dir() -> Path:
    """Everything that can be deleted at any time and is made again when needed."""
    return data_dir() / ".cache"


def runs_dir() -> Path:
    """One folder a run."""
    return home() / "runs"


def data_roots() -> list[Path]:
    """The folders from which the dashboard may open data: ALEXCORE_DATA_ROOTS or the three defaults."""
    text = os.environ.get("ALEXCORE_DATA_ROOTS")
    roots = [Path(part) for part in text.split(os.pathsep) if part] if text else []
    return [root.expanduser().resolve() for root in roots or (data_dir(), Path.cwd(), Path.home())]


def splits_dir() -> Path:
    """Splits that were drawn for data sets without any.

    Not a part of the cache: a data set that has grown since would be split otherwise the second time, and a network
    tested on pictures that it has learned.
    """
    return data_dir() / ".splits"


def known_data_sets() -> list[str]:
    """Names of the folders and manifests in `data/`, the built-in set first, whether or not it exists yet."""
    found = []
    if data_dir().is_dir():
        found = sorted(
            entry.name
            for entry in data_dir().iterdir()
            if entry.name[0] != "." and (entry.is_dir() or is_list_name(entry))
        )
    return [SYNTHETIC, *(name for name in found if name != SYNTHETIC)]


# Behind every sentence that a data set is not there.
WHERE_IT_IS = (
    "Check the spelling of the path. Where the data set of a run has moved, `resume` and `evaluate` take its new place "
    "by --data PATH, and `resume` that of a validation folder by --val PATH."
)


def open_path(text: str) -> Path:
    """Turn what a browser user typed (a name in `data/` or a path) into a folder or manifest that may be opened.

    The pictures that a manifest names are another matter: hand `data_roots()` to `open_source` too.

    Raises:
        DataError: the path is empty, does not exist, is neither folder nor manifest, or lies outside the data roots.
    """
    if not text.strip():
        raise DataError("No folder is given.", "Type the path of a folder that holds one folder per class.")
    try:
        typed = Path(text.strip()).expanduser()
        path = (data_dir() / typed if str(typed) in known_data_sets() else typed).resolve()
        # Outside the roots nothing is said about what exists there, nor where a link leads.
        outside = not any(path.is_relative_to(root) for root in data_roots())
        exists, is_dir = (False, False) if outside else (path.exists(), path.is_dir())
    # A NUL byte, a name longer than the file system allows, an unknown ~user, a link to itself.
    except (OSError, ValueError, RuntimeError) as error:
        raise DataError(f"{text.strip()[:80]!r} is not a path.", "Type the path of a folder.") from error
    if outside:
        roots = ", ".join(map(str, data_roots()))
        raise DataError(
            f"{text.strip()[:200]} lies outside the folders that may be opened ({roots}).",
            "Move the data there, or start the dashboard with ALEXCORE_DATA_ROOTS set to its folder.",
        )
    manifest = is_list_name(path)
    if not exists:
        what = "file" if manifest else "folder"
        raise DataError(f"There is no {what} {path}.", f"The path is one on this server. {WHERE_IT_IS}")
    if not is_dir and not manifest:
        raise DataError(
            f"{path} is a file.",
            f"Type the path of the folder that holds the class folders, or of a {MANIFEST_ENDINGS_TOLD} file.",
        )
    return path
