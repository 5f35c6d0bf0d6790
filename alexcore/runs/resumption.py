"""resume.json: a resume that was asked for and has not begun, or why it could not.

Nothing of a run changes before its worker holds the lock, has its data open and its checkpoint restored. Until then
what was asked for stands here, and status.json keeps, as `before`, the text that it had; what fails puts it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alexcore.errors import AlexError
from alexcore.files import read_json, write_json

FILE = "resume.json"


def ask_to_resume(run_dir: Path, changes: Mapping[str, Any]) -> None:
    """Write which settings the run shall go on with, name -> value; the others stay."""
    write_json(run_dir / FILE, {"changes": dict(changes)})


def asked_to_resume(run_dir: Path) -> dict[str, Any] | None:
    """The settings of a resume that has not begun, or None where none was asked for, or it has failed already."""
    asked = read_json(run_dir / FILE) or {}
    changes = asked.get("changes")
    return changes if isinstance(changes, dict) and "error" not in asked else None


def end_resume(run_dir: Path, failure: AlexError | None = None) -> None:
    """Say that it has begun, or was stopped before, or why it failed."""
    if failure is None:
        (run_dir / FILE).unlink(missing_ok=True)
    else:
        write_json(run_dir / FILE, {**(read_json(run_dir / FILE) or {}), "error": failure.as_dict()})


def failed_resume(run_dir: Path) -> dict[str, Any]:
    """The error of the last resume, as in a status.json, if it failed before it began; else empty."""
    error = (read_json(run_dir / FILE) or {}).get("error")
    return error if isinstance(error, dict) else {}
