"""Pipelines as JSON: a list of operations, one a line.

The ones that a person keeps lie in `data/.augment/NAME.json`; a run holds its own copy in its config.json.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alexcore.augment.check import require_legal
from alexcore.augment.operations import Operation
from alexcore.augment.presets import PRESETS
from alexcore.errors import ConfigError
from alexcore.files import replacing
from alexcore.home import data_dir

# Far more than 40 operations take; a larger file is something else.
MAX_BYTES = 100_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,59}")


def pipeline_json(operations: Sequence[Operation]) -> str:
    """The pipeline as JSON, one operation a line."""
    lines = ",\n".join(" " + json.dumps(each) for each in operations)
    return f"[\n{lines}\n]\n"


def parse_pipeline(text: str) -> list[Operation]:
    """Read what `pipeline_json` has written.

    Raises:
        ConfigError: it is no JSON, or no pipeline that can work.
    """
    if len(text) > MAX_BYTES:
        raise ConfigError(f"The text is longer than a pipeline can be ({MAX_BYTES:,} characters).", "Shorten it.")
    try:
        found: Any = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"This is no JSON: {error}.", 'A pipeline looks like [{"op": "ToTensor"}, ...].') from error
    return require_legal(found)


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not a number in JSON")


def load_pipeline(path: Path) -> list[Operation]:
    """Read a pipeline from a file.

    Raises:
        ConfigError: the file cannot be read, or holds no pipeline that can work; the message names it.
    """
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1).decode()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigError(f"{path} cannot be read as an augmentation: {reason}.", "Check the path.") from error
    try:
        return parse_pipeline(text)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error.message}", error.hint) from error


def saved_pipelines() -> dict[str, Path]:
    """The pipelines that were kept: name -> file."""
    folder = _folder()
    return {file.stem: file for file in sorted(folder.glob("*.json"))} if folder.is_dir() else {}


def save_pipeline(name: str, operations: Sequence[Operation]) -> Path:
    """Keep a pipeline under a name, in place of an older one of this name.

    Raises:
        ConfigError: the name is a preset's or cannot be a file's, or the pipeline cannot work.
    """
    if name in PRESETS or not _NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} cannot be the name of a pipeline.",
            "Use letters, digits, spaces, - and _, at most 60, and no preset's name.",
        )
    text = pipeline_json(require_legal(list(operations)))
    file = _folder() / f"{name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return file


def _folder() -> Path:
    return data_dir() / ".augment"
