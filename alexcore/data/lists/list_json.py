"""The rows of a list in JSON (one document, or one object a line), before anybody asks what its columns mean.

{"image_names": ["a.jpg", ...], "image_labels": ["rose", ...], "split": ["train", ...], "classes": ["rose", ...]}
[{"path": "a.jpg", "label": "rose"}, ...]
{"file_name": "a.jpg", "label": 0}          on each line of a .jsonl file

Also as programs write them: objects by file name or by row number (as pandas does), lists of file names by class, rows
of cells, any of these by split, and records within an object that holds other things.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from alexcore.data.layout_words import split_of
from alexcore.data.lists.list_columns import VERBATIM
from alexcore.data.lists.list_rows import ListRows, is_picture_name, shown
from alexcore.errors import DataError

_WRITE_JSON = 'Write {"image_names": [...], "image_labels": [...]}.'
_WRITE_JSONL = 'Write {"path": "a.jpg", "label": "rose"} on each line.'
_COLUMNS = {"image_names": "path", "image_labels": "label", "split": "split"}


class _TwiceError(ValueError):
    """A key stands twice in one object, of which JSON itself would keep the last."""


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _TwiceError(f"the key {shown(key)} stands twice")
        found[key] = value
    return found


def from_json(path: Path, text: str, means_something: Callable[[Sequence[str]], bool]) -> ListRows:
    """Cut one JSON document into rows; `means_something` says whether names of columns tell path and label.

    Raises:
        DataError: it is no JSON, or has none of the forms that people and programs write.
    """
    value = _loaded(path, text, "JSON", _WRITE_JSON)
    if isinstance(value, dict) and value.keys() >= {"images", "annotations"}:
        raise DataError(
            f"{path} is in the form of COCO: it tells what is where in an image, not which class an image has.",
            "Write a list with a row for each image: path,label.",
        )
    found = _rows_of(path, value, means_something)
    if found is not None:
        return found
    lacking = [key for key in ("image_names", "image_labels") if not isinstance(value, dict) or key not in value]
    if lacking:
        raise DataError(f"{path} lacks {' and '.join(lacking)}.", _WRITE_JSON)
    present = {key: value[key] for key in _COLUMNS if key in value and (value[key] is not None or key != "split")}
    return _of_columns(path, present, value)


def _rows_of(path: Path, value: Any, means_something: Callable[[Sequence[str]], bool]) -> ListRows | None:
    """The rows of a document, or of a part of it, whose form says what it holds; None where it does not."""
    if isinstance(value, list) and value:
        if all(isinstance(each, dict) for each in value):
            return _records(value, [_entry(number) for number in range(len(value))])
        if all(isinstance(each, list) and each for each in value):
            return _of_lines(path, value, means_something)
    if not isinstance(value, dict) or not value or "image_names" in value or "image_labels" in value:
        return None
    inner = list(value.values())
    if any(map(is_picture_name, value)) and not any(map(_holds_more, inner)):
        return _pairs(list(value.items()))
    if isinstance(value.get("columns"), list) and isinstance(value.get("data"), list):  # as pandas does with "split"
        return _of_lines(path, [value["columns"], *value["data"]], lambda _first: True)
    if all(map(split_of, value)):
        return _by_split({key: _rows_of(path, each, means_something) for key, each in value.items()})
    lists = {key: each for key, each in value.items() if isinstance(each, list) and key != "classes"}
    if means_something(list(lists)):
        return _of_columns(path, lists, value)
    if all(isinstance(each, dict) and each for each in inner):
        if means_something(list(value)) and all(each.keys() == inner[0].keys() for each in inner):
            columns = {key: list(each.values()) for key, each in value.items()}  # as pandas does
            return _of_columns(path, columns, {})
        rows = [{"path": key, **each} if is_picture_name(key) else each for key, each in value.items()]
        return (
            _records(rows, [_entry(number) for number in range(len(rows))]) if means_something(list(rows[0])) else None
        )
    names = [(name, key) for key, each in lists.items() for name in each]
    if len(lists) == len(value) > 1 and all(isinstance(name, str) and is_picture_name(name) for name, _ in names):
        return _pairs(names)
    records = [each for each in lists.values() if each and all(isinstance(one, dict) for one in each)]
    return _rows_of(path, records[0], means_something) if len(records) == 1 else None


def _pairs(pairs: Sequence[tuple[str, Any]]) -> ListRows:
    return ListRows(["path", "label"], list(map(list, pairs)), [_entry(number) for number in range(len(pairs))])


def _of_lines(
    path: Path, lines: Sequence[Sequence[Any]], means_something: Callable[[Sequence[str]], bool]
) -> ListRows | None:
    """Rows of lists of cells; the first is the header if it tells path and label."""
    if any(not isinstance(line, list) or any(map(_holds_more, line)) for line in lines):
        return None
    headed = means_something([str(cell) for cell in lines[0]])
    header = [str(cell) for cell in lines[0]] if headed else [str(number + 1) for number in range(len(lines[0]))]
    odd = next((number for number, line in enumerate(lines) if len(line) != len(header)), None)
    if odd is not None:
        raise DataError(
            f"{_entry(odd)} of {path} has {len(lines[odd])} values; the first has {len(header)}.",
            "Each image needs as many.",
        )
    rows = lines[headed:]
    return ListRows(header, rows, [_entry(number) for number in range(len(rows))], headed=headed)


def _by_split(parts: Mapping[str, ListRows | None]) -> ListRows | None:
    """Rows that stand under the names of splits, with the split as one more column."""
    known = [(split, part) for split, part in parts.items() if part is not None and part.headed]
    if len(known) < len(parts) or any(list(part.header) != list(known[0][1].header) for _, part in known):
        return None
    rows = [[*row, split] for split, part in known for row in part.rows]
    places = [f"{place} in {split}" for split, part in known for place in part.places]
    return ListRows([*known[0][1].header, "split"], rows, places)


def from_json_lines(path: Path, text: str) -> ListRows:
    """Cut a file with one JSON object a line into rows.

    Raises:
        DataError: a line is none.
    """
    values, places, blank = [], [], 0
    # Not splitlines, which also cuts at characters that JSON allows within a text.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        value = _loaded(path, line, f"JSON in line {number}", _WRITE_JSONL)
        if not isinstance(value, dict):
            raise DataError(f"line {number} of {path} is no object: {shown(value)}.", _WRITE_JSONL)
        if all(each is None or each == "" for each in value.values()):
            blank += 1
            continue
        values.append(value)
        places.append(f"line {number}")
    return _records(values, places, blank)


def _loaded(path: Path, text: str, what: str, hint: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}" if what == "JSON" else f"column {error.colno}"
        raise DataError(f"{path} is no {what}: {error.msg} at {where}.", hint) from error
    except _TwiceError as error:
        raise DataError(f"{path} is no clear {what}: {error}.", "Keep one of them.") from error
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits, a thousand brackets
        raise DataError(f"{path} is no {what}: {error}.", hint) from error


def _holds_more(value: Any) -> bool:
    return isinstance(value, list | dict)


def _entry(number: int) -> str:
    return f"entry {number} (counted from 0)"


def _records(values: Sequence[Mapping[str, Any]], places: Sequence[str], blank: int = 0) -> ListRows:
    header = list(dict.fromkeys(key for value in values for key in value))
    return ListRows(header, [[value.get(key) for key in header] for value in values], places, blank)


def _of_columns(path: Path, lists: Mapping[str, Any], value: Mapping[str, Any]) -> ListRows:
    """Rows of lists that belong together by their places; the first of them says how many there are."""
    classes = value.get("classes")
    for key, column in {**lists, "classes": classes}.items():
        if column is None and key == "classes":
            continue
        if not isinstance(column, list):
            raise DataError(f"{key} in {path} is no list.", _WRITE_JSON)
    first = next(iter(lists))
    for key, column in lists.items():
        if len(column) != len(lists[first]):
            raise DataError(
                f"{path} has {len(lists[first])} {first} but {len(column)} {key}.",
                "Each picture needs one of each, at the same place.",
            )
    header = [_COLUMNS.get(key, key) for key in lists]
    rows = [list(row) for row in zip(*lists.values(), strict=True)]
    places = [_entry(number) for number in range(len(rows))]
    if "image_names" in lists:
        for name, place in zip(lists["image_names"], places, strict=True):
            if not isinstance(name, str) or not name:
                raise DataError(f"{shown(name)} in image_names of {path} is no path: {place}.", "Write it as text.")
    return ListRows(header, rows, places, 0, classes, value.get(VERBATIM) is True)
