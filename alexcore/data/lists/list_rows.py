"""The rows of a list, whatever its form: what stands in the cells of a CSV or TSV file, and at which line.

Spreadsheets write what their country and their maker use: commas, semicolons or tabs, UTF-8 or UTF-16, a first line
`sep=;`, cells and rows that hold nothing. None of that is a matter of the list's meaning, so it ends here.
"""

from __future__ import annotations

import codecs
import csv
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from alexcore.data.decoding.images import EXTENSIONS
from alexcore.errors import DataError

WRITE_CSV = "A manifest needs a header like path,label or path,label,split."
_SEPARATORS = ",;\t|"
# Enough for any header.
_HEAD = 65_536
# Enough to see by what lines are cut, where no header tells.
_LINES = 20
_SEP_LINE = re.compile('"?sep=(.)"?', re.IGNORECASE | re.DOTALL)
# The longest first: the mark of UTF-32 begins like that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class ListRows:
    """What a list says, before anybody asks what its columns mean.

    Attributes:
        header: The name of each column, as written.
        rows: As many cells a row; None where it has none.
        places: Where each row stands, in words that a person can look up.
        blank: How many rows hold nothing and were passed over.
        classes: The names in the order of their numbers, as written, if the list has them apart from its rows.
        verbatim: Whether the labels are to be taken as they stand.
        widths: How many cells each row has in the file, if rows may end early.
        headed: Whether the file names its columns; where it does not, they are called by their numbers from 1.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[Any]]
    places: Sequence[str]
    blank: int = 0
    classes: Sequence[Any] | None = None
    verbatim: bool = False
    widths: Sequence[int] = ()
    headed: bool = True

    def column(self, number: int) -> list[Any]:
        """The cells of one column."""
        return [row[number] for row in self.rows]


def is_blank(cell: Any) -> bool:
    """Whether a cell holds nothing, or nothing that one could see."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def is_picture_name(name: str) -> bool:
    """Whether a name ends as those of pictures do."""
    return os.path.splitext(name.strip())[1].lower() in EXTENSIONS


def shown(value: Any) -> str:
    """A value as a sentence quotes it, not longer than fits into one."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:60]}..."


def decoded(path: Path, content: bytes) -> str:
    """The text of a list: UTF-8, or what its first bytes say.

    Raises:
        DataError: it is neither.
    """
    if content.startswith(b"PK\3\4"):
        raise DataError(f"{path} is a workbook or a zip file, not text.", "In a spreadsheet choose Save as, CSV UTF-8.")
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    if encoding == "utf-8" and len(content) % 2 == 0 and b"\0" in content[:200]:  # UTF-16 without its mark
        encoding = "utf-16-le" if content[1:2] == b"\0" else "utf-16-be" if content[:1] == b"\0" else encoding
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        said = any(content.startswith(mark) for mark, _ in _MARKS)
        name = encoding.upper().removesuffix("-SIG") if said or encoding == "utf-8" else "UTF-8 or UTF-16"
        raise DataError(
            f"{path} is not {name} text (byte {error.start}).", "Save it as UTF-8; in Excel as CSV UTF-8."
        ) from error


def from_csv(
    path: Path,
    text: str,
    means_something: Callable[[Sequence[str]], bool],
    has_header: Callable[[Sequence[Sequence[str]]], bool],
) -> ListRows:
    """Cut the text of a CSV or TSV file into rows.

    `means_something` says of a row whether it is a header that tells path and label; by it the separator is chosen.
    `has_header` says of all rows whether the first of them is to name the columns.

    Raises:
        DataError: the file is no CSV, or a row has more cells than the header.
    """
    first, end, rest = text.partition("\n")
    said = _SEP_LINE.fullmatch(first.strip("\r "))
    skipped = 0
    if said:
        text, skipped = rest if end else "", 1
    separator = said[1] if said else _separator(path, text, means_something)
    found = list(_rows(path, text, separator, skipped))
    filled = [(row, line) for row, line in found if not all(map(is_blank, row))]
    if not filled:
        return ListRows([], [], [])
    header = _without_blank_end(filled[0][0])
    headed = has_header([header, *(row for row, _ in filled[1:])])
    told = not headed or means_something(header)  # otherwise whoever asks for the columns says that this is no header
    if not headed:
        header = [str(number + 1) for number in range(len(header))]
    rows, places, widths = [], [], []
    for row, line in filled[headed:]:
        if told and not all(map(is_blank, row[len(header) :])):
            raise DataError(
                f"line {line} of {path} has {len(row)} columns; the first line has {len(header)}.",
                'Put a value that holds a comma into double quotes: "a, b.jpg".',
            )
        cut = row if len(row) == len(header) else [*row[: len(header)], *[None] * (len(header) - len(row))]
        rows.append(cut)
        places.append(f"line {line}")
        widths.append(len(row))
    return ListRows(header, rows, places, len(found) - len(filled), widths=widths, headed=headed)


def from_annotations(path: Path, text: str) -> ListRows:
    """Cut a list without a header, such as val_annotations.txt, into rows: a tab between, file and class first.

    Raises:
        DataError: a line has no tab.
    """
    rows, places = [], []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        cells = line.rstrip("\r").split("\t")
        if len(cells) < 2:
            raise DataError(
                f"line {number} of {path} has no tab: {line[:60]!r}.", "Write file, tab, class on each line."
            )
        rows.append(cells[:2])
        places.append(f"line {number}")
    return ListRows(["path", "label"], rows, places)


def _separator(path: Path, text: str, means_something: Callable[[Sequence[str]], bool]) -> str:
    """The character between two cells: the one by which the header means something, else the commonest in it."""
    first = text.lstrip("\r\n").partition("\n")[0]

    def rank(separator: str) -> tuple[bool, int]:
        return separator == "\t" and path.suffix.lower() == ".tsv", first.count(separator)

    for each in sorted(_SEPARATORS, key=rank, reverse=True):
        try:
            header: list[str] = next((row for row in _reader(text[:_HEAD], each) if not all(map(is_blank, row))), [])
        except csv.Error:
            continue
        if means_something(header):
            return each
    # Of those that cut every line into as many cells the commonest; of equally common ones the comma.
    return max(_SEPARATORS, key=lambda each: (_cuts_evenly(text, each), *rank(each)))


def _cuts_evenly(text: str, separator: str) -> bool:
    try:
        lines = [row for row, _ in zip(_reader(text[:_HEAD], separator), range(_LINES), strict=False) if row]
    except csv.Error:
        return False
    return len({len(row) for row in lines}) == 1 < len(lines[0])


def _reader(text: str, separator: str) -> Any:
    return csv.reader(StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True)


def _rows(path: Path, text: str, separator: str, skipped: int) -> Iterator[tuple[list[str], int]]:
    try:
        reader = _reader(text, separator)
    except (TypeError, ValueError) as error:  # sep= names a quotation mark, or a line end
        raise DataError(f"{path} names {separator!r} as its separator.", "Let it be a comma.") from error
    try:
        for row in reader:
            if row:
                yield row, reader.line_num + skipped
    except csv.Error as error:
        raise DataError(f"{path} is no CSV: {error} in line {reader.line_num + skipped}.", WRITE_CSV) from error


def _without_blank_end(row: Sequence[str]) -> list[str]:
    filled = [number for number, cell in enumerate(row) if not is_blank(cell)]
    return list(row[: filled[-1] + 1]) if filled else []
