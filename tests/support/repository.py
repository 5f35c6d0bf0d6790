"""What tests know of the repository: where it lies, where the photographs are, and what a file imports."""

from __future__ import annotations

import ast
import os
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
TESTS = REPOSITORY / "tests"
PHOTOGRAPHS = Path(os.environ.get("ALEXCORE_TEST_FLOWERS", REPOSITORY.parent / "shared" / "data" / "flowers"))
PARTS = {entry.stem for entry in (REPOSITORY / "alexcore").iterdir()}


@cache
def imports(file: Path) -> set[str]:
    """Dotted names that a file imports anywhere, also inside a function."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import hides its floor"
            found.add(node.module)
            if node.module in ("alexcore", *(f"alexcore.{part}" for part in PARTS)):
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found
