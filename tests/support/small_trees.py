"""Data sets of a few bytes a file, for tests that open no picture, and what an index says of them."""

from __future__ import annotations

from pathlib import Path

from alexcore.data.folder import scan_folder
from alexcore.data.index import DataIndex
from alexcore.data.reading import AS_IT_LIES, FolderChoice


def tree(root: Path, *files: str, **counts: int) -> Path:
    """Make files with some bytes in them; `train__a=3` makes train/a/0.jpg to 2.jpg. Nothing here opens a picture."""
    numbered = [f"{name.replace('__', '/')}/{i}.jpg" for name, count in counts.items() for i in range(count)]
    for file in (*files, *numbered):
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 10)
    return root


def open_folder(
    root: Path, val: Path | None = None, *, choice: FolderChoice = AS_IT_LIES, split_seed: int = 0
) -> DataIndex:
    """Index a folder anew, as it is on the disk now."""
    return scan_folder(root, val, choice, split_seed)[0]


def messages(index: DataIndex, severity: str) -> str:
    return " | ".join(problem.message for problem in index.problems if problem.severity == severity)


def counts(index: DataIndex) -> dict[str, dict[str, int]]:
    return {split: column.to_dict() for split, column in index.counts().items()}
