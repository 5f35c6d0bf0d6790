"""An ALEXCORE_HOME that an earlier version made, copied to where a test may change it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

HOMES = Path(__file__).parent / "homes"
# Where it lay when it was made; a run keeps the path of its data set.
MADE_AT = "/srv/alexcore"
FINISHED, STOPPED = "20260701-100000-f101", "20260701-101000-a105"
EXPERIMENT, STOPPED_EXPERIMENT = "20260701-102000-b001", "20260701-103000-b002"
DELETED = "20260701-104000-dead"


def old_home(target: Path, version: str = "v0_1") -> Path:
    """Copy the home of a version to `target`, as if its owner had made it there."""
    shutil.copytree(HOMES / version, target, dirs_exist_ok=True)
    for file in target.rglob("config.json"):
        file.write_text(file.read_text(encoding="utf-8").replace(MADE_AT, target.as_posix()), encoding="utf-8")
    return target


def golden(version: str = "v0_1") -> dict[str, Any]:
    """What that version made of its own home."""
    found: dict[str, Any] = json.loads((HOMES / version / "golden.json").read_text(encoding="utf-8"))
    return found
