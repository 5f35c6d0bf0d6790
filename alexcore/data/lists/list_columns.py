"""Which column of a list is what: the images, their labels, splits and numbers; by its name, and by what stands in it.

`path`, `label`, `split` and `index` are taken by these names. Other usual names count where exactly one column fits;
then the list may instead have a column for each class, with a single 1 in each row. What was taken is told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alexcore.data.layout_words import split_of
from alexcore.data.lists.list_choice import chosen_columns, unclear, without_header
from alexcore.data.lists.list_rows import ListRows, is_blank, is_picture_name
from alexcore.data.reading import UnclearListError
from alexcore.errors import DataError
from alexcore.findings.data_lists import ColumnPerClass, ListColumns, RowNumbers
from alexcore.findings.finding import Finding

VERBATIM = "verbatim"
# Other names that columns have, in small letters and without what separates words.
_WORDS = {
    "path": "path paths file files filename filenames filepath filepaths image images imagename imagenames imagepath "
    "imagepaths imagefile imagefilename imageid img imgname imgpath imgfile imgid picture picturename picturepath "
    "photo photopath photoname",
    "label": "label labels labelname classlabel imagelabel imagelabels class classes classname classid category "
    "categories categoryname target targets species speciesname breed variety diagnosis dx tag groundtruth y",
    "split": "split splits set subset dataset partition usage phase",
}
# These may be anything; they count where nothing else does, and if they are no numbers.
_IDS = frozenset({"id", "name", "uuid"})
_PATHS, _LABELS, _SPLITS = (frozenset(words.split()) for words in _WORDS.values())
_WHOLE = re.compile(r"[0-9]{1,18}(\.0*)?")
_ONE, _ZERO = frozenset({"1", "1.0", "true"}), frozenset({"0", "0.0", "false", ""})
_NAMELESS = re.compile(r"unnamed: ?[0-9]+|")


@dataclass(frozen=True)
class ListColumn:
    """The columns of a list as they stand in it, each as long as the list; `numbers` are those of the classes."""

    paths: Sequence[Any]
    labels: Sequence[Any]
    places: Sequence[str]
    splits: Sequence[Any] | None = None
    numbers: Sequence[Any] | None = None
    split_name: str = "split"
    verbatim: bool = False
    was: Sequence[Any] | None = None
    notes: tuple[Finding, ...] = ()


def means_something(header: Sequence[str]) -> bool:
    """Whether a header tells the path of an image, and either its label or a column for each of several classes."""
    keys = [_key(name) for name in header]
    has_path = any(key in _PATHS | _IDS for key in keys)
    return has_path and (any(key in _LABELS for key in keys) or len([key for key in keys if key]) > 2)


def columns_of(path: Path, rows: ListRows, columns: str = "") -> ListColumn:
    """Find out which column is what; `columns` are those that somebody has chosen, if any (see list_choice.py).

    Raises:
        UnclearListError: a column is lacking, stands twice, or two could be meant.
        DataError: a row has no class, or several.
    """
    header = [str(name) for name in rows.header]
    notes: list[Finding] = []
    for number, name in enumerate(header):
        if _NAMELESS.fullmatch(_plain(name)) and _are_numbers(rows.column(number)):
            notes.append(RowNumbers(name.strip() or f"number {number + 1}"))
    chosen = chosen_columns(path, rows, columns) if columns else None if rows.headed else without_header(path, rows)
    where_path: int | None
    where_label: int | None
    if chosen:
        where_path, where_label, where_split = chosen.path, chosen.label, chosen.split
    else:
        where_path, where_label = _one(path, rows, "path", _PATHS), _one(path, rows, "label", _LABELS)
        where_split = None
    if where_path is None:
        where_path = _one(path, rows, "path", _IDS, skip=_are_numbers)
    if where_path is None or (where_label is None and not rows.rows):
        raise _no_columns(path, rows)
    if where_split is None:
        where_split = _split_column(path, rows)
    if where_label is None:
        classes = _class_columns(rows, {where_path, where_split})
        if not classes:
            raise _no_columns(path, rows)
        labels: Sequence[Any] = _single_ones(path, rows, classes)
        notes.append(ColumnPerClass(header[where_path].strip(), len(classes)))
    else:
        labels = _complete(path, rows, where_label)
        taken = [header[where_path].strip(), header[where_label].strip()]
        if [_plain(name) for name in taken] != ["path", "label"] and "image_names" not in taken:
            notes.append(ListColumns(*taken))
    where_was = _exactly(path, rows, {"was"}) if where_split is not None else None
    numbers, where_index = None, _exactly(path, rows, {"index"})
    if where_index is not None:
        numbers = _complete(path, rows, where_index)
        if _are_row_numbers(numbers) and len(set(map(str, labels))) < len(labels):
            notes.append(RowNumbers(header[where_index].strip()))
            numbers = None
    return ListColumn(
        paths=_complete(path, rows, where_path),
        labels=labels,
        places=rows.places,
        splits=None if where_split is None else _complete(path, rows, where_split),
        numbers=numbers,
        split_name="split" if where_split is None else _plain(header[where_split]),
        verbatim=_is_verbatim(rows),
        was=None if where_was is None else rows.column(where_was),
        notes=tuple(notes),
    )


def _plain(name: str) -> str:
    return name.strip().lower()


def _key(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()


def _no_columns(path: Path, rows: ListRows) -> UnclearListError:
    header = [str(name) for name in rows.header]
    found = ", ".join(name.strip() for name in header if name.strip())[:200] or "nothing"
    if any(map(is_picture_name, header)):
        return unclear(path, rows, f"{path} has no header: its first line is {found}.")
    return unclear(path, rows, f"{path} has no columns path and label; its first line has {found}.")


def _exactly(path: Path, rows: ListRows, names: set[str]) -> int | None:
    """The column of one of these very names, in any case."""
    found = [number for number, name in enumerate(rows.header) if _plain(str(name)) in names]
    if len(found) > 1:
        name = rows.header[found[0]].strip()
        raise unclear(path, rows, f"{path} has the column {name} twice: columns {found[0] + 1} and {found[1] + 1}.")
    return found[0] if found else None


def _nothing(_cells: Sequence[Any]) -> bool:
    return False


def _one(
    path: Path,
    rows: ListRows,
    name: str,
    words: frozenset[str],
    skip: Callable[[Sequence[Any]], bool] = _nothing,
) -> int | None:
    """The column `name`, or the one that is usually called otherwise; None where there is none."""
    number = _exactly(path, rows, {name})
    if number is not None:
        return number
    found = [n for n, each in enumerate(rows.header) if _key(str(each)) in words and not skip(rows.column(n))]
    filled = [number for number in found if not all(map(is_blank, rows.column(number)))]
    if len(filled) > 1:
        each = [
            f"{rows.header[number].strip()} ({len(set(map(str, rows.column(number))))} values)" for number in filled
        ]
        raise unclear(path, rows, f"Each of these columns of {path} could be the {name}: {', '.join(each)}.")
    return filled[0] if filled else found[0] if found else None


def _split_column(path: Path, rows: ListRows) -> int | None:
    number = _exactly(path, rows, {"split"})
    if number is not None:
        return number
    # A set may also be the number of a delivery: only words for splits make it one.
    found = [
        number
        for number, name in enumerate(rows.header)
        if _key(str(name)) in _SPLITS and rows.rows and all(split_of(str(cell)) for cell in rows.column(number))
    ]
    if len(found) > 1:
        names = " and ".join(rows.header[number].strip() for number in found)
        raise DataError(f"{path} has several columns that could be the split: {names}.", "Name the right one split.")
    return found[0] if found else None


def _complete(path: Path, rows: ListRows, number: int) -> list[Any]:
    """A column that no row may end before."""
    for width, place in zip(rows.widths, rows.places, strict=False):
        if width <= number:
            raise DataError(
                f"{place} of {path} has {width} columns; the first line has {len(rows.header)}.",
                'Put a value that holds a comma into double quotes: "a, b.jpg".',
            )
    return rows.column(number)


def _is_verbatim(rows: ListRows) -> bool:
    found = [number for number, name in enumerate(rows.header) if _plain(str(name)) == VERBATIM]
    return bool(found and rows.rows) and all(cell in ("yes", True) for cell in rows.column(found[0]))


def _are_row_numbers(cells: Sequence[Any]) -> bool:
    """Whether a column holds a number of its own for each row, as a data frame's index does."""
    return _are_numbers(cells) and len({str(cell).strip() for cell in cells}) == len(cells)


def _are_numbers(cells: Sequence[Any]) -> bool:
    return bool(cells) and all(_WHOLE.fullmatch(str(cell).strip()) for cell in cells)


# A column for each class ----------------------------------------------------------------------------------------


def _class_columns(rows: ListRows, others: set[int | None]) -> list[int]:
    """The columns that hold nothing but 0 and 1, if there are several."""
    found = []
    for number, name in enumerate(rows.header):
        cells = {_bit(cell) for cell in rows.column(number)}
        if number not in others and not _NAMELESS.fullmatch(_plain(str(name))) and cells <= _ONE | _ZERO:
            found.append(number)
    return found if len(found) > 1 else []


def _bit(cell: Any) -> str:
    return "" if cell is None else str(cell).strip().lower()


def _single_ones(path: Path, rows: ListRows, classes: Sequence[int]) -> list[str]:
    names = [str(rows.header[number]).strip() for number in classes]
    twice = next((name for number, name in enumerate(names) if name in names[:number]), None)
    if twice:
        raise DataError(f"{path} has the column {twice} twice.", "Rename or delete the one that does not count.")
    labels = []
    for row, place in zip(rows.rows, rows.places, strict=True):
        ones = [name for name, number in zip(names, classes, strict=True) if _bit(row[number]) in _ONE]
        if len(ones) != 1:
            what = f"several classes: {', '.join(ones[:4])}" if ones else "no class: none of its columns is 1"
            raise DataError(
                f"{place} of {path} has {what}.",
                "Each picture has one class here: leave such rows out, or make a class of its own of them.",
            )
        labels.append(ones[0])
    return labels
