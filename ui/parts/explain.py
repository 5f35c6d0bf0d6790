"""The lines that really run, shown beside the control that switches them."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def source_of(reference: str) -> str:
    """Return the source of "package.module:name" without importing it, and so without importing torch."""
    module, name = reference.split(":")
    text = (ROOT / Path(*module.split("."))).with_suffix(".py").read_text(encoding="utf-8")
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return ast.get_source_segment(text, node) or ""
    raise LookupError(f"{reference} names nothing in {module}")
