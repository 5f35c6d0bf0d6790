"""Which columns of a list are meant and whether its first line is a header, where somebody has to say so.

Such a list is refused with an `UnclearListError`, which holds its first lines and what they look like; a page draws a
choice from it, and the flags `--header` and `--columns` say the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alexcore.data.lists.list_rows import ListRows, is_blank, is_picture_name
from alexcore.data.reading import AS_IT_LIES, FolderChoice, Header, UnclearListError
from alexcore.errors import DataError

_NUMBER = re.compile("[1-9][0-9]{0,3}")
# Lines that a person sees before saying what the columns are.
SHOWN = 5


@dataclass(frozen=True)
class Columns:
    """The numbers of the columns, from 0, that hold pictures, labels and perhaps splits."""

    path: int
    label: int
    split: int | None = None


def has_header(
    path: Path,
    lines: Sequence[Sequence[str]],
    choice: FolderChoice,
    means_something: Callable[[Sequence[str]], bool],
) -> bool:
    """Whether the first of the lines names the columns.

    Raises:
        UnclearListError: columns are chosen by number, and it may be a picture as well.
    """
    first = lines[0]
    if choice.header != "auto":
        return choice.header == "yes"
    wanted = _parts(choice.columns)
    if not wanted or means_something(first) or not all(map(_NUMBER.fullmatch, wanted)):
        return True
    number = int(wanted[0]) - 1
    named = [number < len(line) and is_picture_name(line[number]) for line in lines[:SHOWN]]
    if any(named):
        return not named[0]
    raise UnclearListError(
        f"The first line of {path} may name the columns, or a picture: {_told(first)}.",
        "Say which with --header yes or --header no.",
        lines[:SHOWN],
        FolderChoice(columns=choice.columns),
    )


def chosen_columns(path: Path, rows: ListRows, columns: str) -> Columns:
    """The columns that somebody has named, by name or by number from 1.

    Raises:
        UnclearListError: they are not two or three, or one is not there.
    """
    parts = _parts(columns)
    if not 2 <= len(parts) <= 3:
        raise unclear(path, rows, f"--columns {columns} names {len(parts)} columns of {path}, not two or three.")
    numbers = [_number(path, rows, part) for part in parts]
    if len(set(numbers)) < len(numbers):
        raise unclear(path, rows, f"--columns {columns} names a column of {path} twice.")
    return Columns(*numbers)


def without_header(path: Path, rows: ListRows) -> Columns:
    """The columns of a list that has no header: clear where there are two, and one of them holds names of pictures.

    Raises:
        UnclearListError: otherwise.
    """
    found = looks_like(rows)
    if len(rows.header) != 2 or found is None:
        raise unclear(path, rows, f"{path} has no header, and {len(rows.header)} columns.")
    return found


def unclear(path: Path, rows: ListRows, message: str) -> UnclearListError:
    """The question which columns of a list are meant, with what its first lines look like."""
    if len(rows.header) < 2:
        what = "It is empty" if not rows.header else "Its lines have one column"
        hint = f"{what}: write a line path,label, and one with two such values for each image."
        return UnclearListError(message, hint)
    found, name = looks_like(rows), path.name
    headed: Header = "auto"
    if path.suffix.lower() in (".csv", ".tsv"):
        headed = "yes" if rows.headed and not any(map(is_picture_name, rows.header)) else "no"
    choice = FolderChoice(header=headed, columns=f"{found.path + 1},{found.label + 1}") if found else AS_IT_LIES
    hint = f"Choose the columns of the pictures and of their classes, such as --columns {choice.columns or '1,2'}"
    hint += f" --header {headed}; " if headed == "no" else "; "
    hint += f"or write path and label above them in {name}."
    head = [rows.header] if rows.headed else []
    lines = [*head, *rows.rows[: SHOWN - len(head)]]
    return UnclearListError(
        message, hint, [["" if each is None else str(each) for each in row] for row in lines], choice
    )


def looks_like(rows: ListRows) -> Columns | None:
    """The column that holds names of pictures, and the one that may be their classes, if anything looks so."""
    lines = [row for row in rows.rows[:200] if row]
    if rows.headed and any(map(is_picture_name, rows.header)):
        lines = [rows.header, *lines]
    cells = [[row[number] for row in lines] for number in range(len(rows.header))]
    pictures = [sum(isinstance(cell, str) and is_picture_name(cell) for cell in column) for column in cells]
    if not any(pictures):
        return None
    path = pictures.index(max(pictures))
    values = {
        n: len(set(map(str, column))) for n, column in enumerate(cells) if n != path and not all(map(is_blank, column))
    }
    if not values:
        return None
    # What repeats most is a class; a number of its own in each row is none.
    several = {n: count for n, count in values.items() if count > 1} or values
    return Columns(path, min(several, key=lambda n: (several[n], abs(n - path))))


def _parts(columns: str) -> list[str]:
    return [part.strip() for part in columns.split(",")] if columns.strip() else []


def _number(path: Path, rows: ListRows, part: str) -> int:
    named = [number for number, name in enumerate(rows.header) if str(name).strip() == part] if rows.headed else []
    if len(named) > 1:
        raise unclear(path, rows, f"{path} has the column {part} twice: columns {named[0] + 1} and {named[1] + 1}.")
    if named:
        return named[0]
    if _NUMBER.fullmatch(part) and int(part) <= len(rows.header):
        return int(part) - 1
    what = f"{_told(rows.header)}" if rows.headed else f"{len(rows.header)} columns"
    raise unclear(path, rows, f"{path} has no column {part or 'without a name'}; it has {what}.")


def _told(cells: Sequence[Any]) -> str:
    return ", ".join(str(cell).strip() for cell in cells if not is_blank(cell))[:200] or "nothing"


def require_plain(path: Path, choice: FolderChoice) -> None:
    """Refuse a word about the header of a list that cannot have one.

    Raises:
        DataError: it is no CSV or TSV file.
    """
    if choice.header != "auto":
        raise DataError(
            f"{path} is no CSV or TSV file, so --header {choice.header} says nothing about it.", "Leave it out."
        )
