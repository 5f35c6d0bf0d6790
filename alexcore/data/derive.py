"""Make a data set of another: some classes, classes merged, or pictures left out. None of them is touched.

The problems of the new one are those of its own mapping, as they will be found when it is saved with `write_manifest`
and opened again; what was odd about the first one's folders is told where that is opened.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pandas as pd

from alexcore.data.class_index import class_problems, classes_in, listed
from alexcore.data.index import DataIndex, by_split_and_class
from alexcore.errors import DataError
from alexcore.home import MANIFEST_ENDINGS


def select_classes(index: DataIndex, keep: Sequence[str]) -> DataIndex:
    """Keep some classes and number them anew; their order stays.

    Raises:
        DataError: a name is unknown, or fewer than two are left.
    """
    require_known(index, keep)
    if len(set(keep)) < 2:
        raise DataError(
            f"{len(set(keep))} of {len(index.classes)} classes would be kept.", "Keep two: a network chooses between."
        )
    return _renamed(index, {name: name for name in index.classes if name in keep}, f"{len(set(keep))} of its classes")


def merge_classes(index: DataIndex, groups: Mapping[str, Sequence[str]]) -> DataIndex:
    """Put classes together under new names (new name -> old names) and number all anew; the others keep their names.

    The numbers follow the sorted names if they did so before; otherwise a group takes the place of its first class.

    Raises:
        DataError: a name is unknown, in two groups, blank, or taken by a class outside the group.
    """
    new_name = {name: name for name in index.classes}
    for name, members in groups.items():
        require_known(index, members)
        if not name.strip() or not members:
            what = "A group of classes has no name" if members else f"The group {name!r} has no classes"
            raise DataError(f"{what}.", "Give each group a name and the classes to put into it.")
        if name in index.classes and name not in members:
            raise DataError(
                f"The group {name} has the name of a class that is not in it.", f"Put {name} into it, or rename it."
            )
        shared = [member for key, others in groups.items() if key != name for member in others if member in members]
        if shared:
            raise DataError(f"The class {shared[0]} is in two groups.", "Put each class into one group.")
        new_name |= dict.fromkeys(members, name)
    words = "; ".join(f"{name} = {' + '.join(members)}" for name, members in groups.items())
    return _renamed(index, new_name, f"merged: {words}")


def exclude(index: DataIndex, paths: Iterable[str | Path]) -> DataIndex:
    """Leave pictures out, `paths` as in `index.files` or absolute.

    The mapping stays, also if a class loses its last picture, so that runs still fit.

    Raises:
        DataError: a picture is not in the data set, or none would be left.
    """
    names = {os.fspath(path).replace(os.sep, "/") for path in paths}
    rows = [str(path) for path in index.files["path"]]
    absolute = [os.path.join(index.root, row).replace(os.sep, "/") for row in rows]
    gone = [row in names or full in names for row, full in zip(rows, absolute, strict=True)]
    unknown = sorted(names - set(rows) - set(absolute))
    if unknown:
        raise DataError(
            f"Not in the data set: {listed(unknown)}.", "Name pictures as the data set does, or absolutely."
        )
    if all(gone):
        raise DataError(f"All {len(rows):,} pictures would be left out.", "Keep some in each class.")
    files = index.files[[not each for each in gone]].reset_index(drop=True)
    return checked(index, index.classes, files, f"without {sum(gone):,} pictures")


def names_in(text: str, classes: Sequence[str], separator: str) -> list[str]:
    """The classes that a text names with a separator between them, which may itself be part of a name.

    A JSON list is taken as it stands. A part that is no class is handed back, for the sentence that refuses it.

    Raises:
        DataError: the text can be read in two ways.
    """
    if text.lstrip().startswith("["):
        with suppress(ValueError):
            listing = json.loads(text)
            if all(isinstance(name, str) for name in listing):
                return list(listing)
    ways = _ways(text.split(separator), classes, separator)
    if len(ways) > 1:
        one, other = (json.dumps(way, ensure_ascii=False) for way in ways[:2])
        raise DataError(f"{text!r} can mean {one} or {other}.", "Write the one that is meant as such a JSON list.")
    return ways[0] if ways else [name.strip() for name in text.split(separator)]


def _ways(parts: Sequence[str], classes: Sequence[str], separator: str) -> list[list[str]]:
    """The ways, two at most, to put parts together so that each is a class."""
    known = set(classes)
    ways: list[list[list[str]]] = [[[]]]  # of the first 0, 1, 2 ... parts
    for end in range(1, len(parts) + 1):
        found: list[list[str]] = []
        for begin in range(end):
            piece = separator.join(parts[begin:end])
            name = piece if piece in known else piece.strip()
            if name in known:
                found += [[*way, name] for way in ways[begin]]
        ways.append(found[:2])
    return ways[-1]


def group_in(text: str, classes: Sequence[str]) -> tuple[str, list[str]]:
    """The new name and the classes that NEW=OLD+OLD names; names may hold = and + themselves.

    Raises:
        DataError: it has another form, or can be read in two ways.
    """
    places = [place for place, character in enumerate(text) if character == "="]
    cuts = [(text[:place], text[place + 1 :]) for place in places]
    cuts = [(new, old) for new, old in cuts if new.strip() and old]
    known = set(classes)
    fitting = [(new, old) for new, old in cuts if known.issuperset(names_in(old, classes, "+"))]
    if not cuts or not (fitting or cuts[0][1].strip()):
        raise DataError(
            f"--merge {text!r} does not say what is merged into what.", "Write NEW=OLD+OLD: pets=cats+dogs."
        )
    if len(fitting) > 1:
        ways = " or ".join(f"{new!r} of {old!r}" for new, old in fitting[:2])
        raise DataError(f"--merge {text!r} can mean {ways}.", 'Write the classes as a JSON list: NEW=["OLD", "OLD"].')
    new, old = (fitting or cuts)[0]
    return new if new in known else new.strip(), names_in(old, classes, "+")


def require_known(index: DataIndex, names: Sequence[str]) -> None:
    """Raise a DataError if one of the names is no class of the data set."""
    unknown = [name for name in names if name not in index.classes]
    if unknown:
        raise DataError(f"There is no class {listed(unknown)}.", f"The classes are {', '.join(index.classes)}.")


def _renamed(index: DataIndex, new_name: Mapping[str, str], what: str) -> DataIndex:
    classes = tuple(dict.fromkeys(new_name[name] for name in index.classes if name in new_name))
    if list(index.classes) == sorted(index.classes):
        classes = tuple(sorted(classes))
    number = {index.class_to_idx[old]: classes.index(new) for old, new in new_name.items()}
    files = index.files[index.files["label"].isin(list(number))]
    files = files.assign(label=files["label"].map(number).astype("int32"))
    return checked(index, classes, by_split_and_class(files), what)


def checked(index: DataIndex, classes: tuple[str, ...], files: pd.DataFrame, what: str) -> DataIndex:
    """The data set that `index` has become, with the problems of its own mapping; `what` says how."""
    problems = class_problems(index.root, classes, classes_in(files, classes))
    # What was opened does not open this one: it has no path until it is saved.
    layout = f"{index.layout}; {what}"
    return replace(index, layout=layout, classes=classes, files=files, problems=tuple(problems), source=None)


def stem_of(name: str) -> str:
    """The name or path of a data set without folders and ending, as the names of those made of it begin."""
    stem = name.rstrip("/").rsplit("/", 1)[-1]
    ending = next((each for each in MANIFEST_ENDINGS if stem.endswith(each)), "")
    return stem.removesuffix(ending) or "data"
