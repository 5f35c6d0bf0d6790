"""Lists of pictures as people and programs write them, beside files of a few bytes that are there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from alexcore.data.index import DataIndex
from tests.support.small_trees import tree

TWO = ("cat", "dog") * 6


def beside(folder: Path, content: str | bytes, name: str = "list.csv", count: int = 12) -> Path:
    """A list with this content, and p0.jpg, p1.jpg ... beside it."""
    tree(folder, *(f"p{number}.jpg" for number in range(count)))
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def csv_of(labels: Sequence[object], header: str = "path,label", row: str = "p{n}.jpg,{label}") -> str:
    """A CSV with a row for each label; `n` counts from 0."""
    return "\n".join([header, *(row.format(n=n, label=label) for n, label in enumerate(labels))]) + "\n"


def label_of(index: DataIndex) -> dict[str, str]:
    """The class of each picture."""
    return {path: index.classes[label] for path, label in index.files[["path", "label"]].itertuples(index=False)}


def codes(index: DataIndex) -> list[str]:
    """The codes of what was found, in its order."""
    return [problem.code for problem in index.problems]
