"""How a folder is read, in words and numbers: what was chosen, what came of it, and what it might mean instead.

`layout.read` makes a FolderReading; files, pages and the command line show it. A folder that can mean two things is an
AmbiguousError, which holds a FolderReading for each; `FolderReading.choice` opens the one that is meant.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from alexcore.errors import ConfigError, DataError
from alexcore.words.template import filled

Layout = Literal["auto", "splits", "classes", "flat"]
ClassesFrom = Literal["folder", "name", "list"]
Header = Literal["auto", "yes", "no"]
Pairs = Literal["auto", "first", "both"]
Untrained = Literal["refuse", "drop", "keep"]
Why = Literal["copy", "drawings", "doubled", "loose", "beside", "unlabelled", "unnamed", "unlisted"]
# Of each class, for somebody who has to say whether that is what is meant; and of how many classes.
PREVIEW, PREVIEWED = 4, 12


@dataclass(frozen=True)
class FolderChoice:
    """How somebody wants a folder to be read, or a list.

    `test` is a separate folder of test pictures; may be empty. `pairs` says what two files are that differ in their
    ending only, `untrained` what becomes of a class without training pictures. Of a list, `root` is the folder that has
    taken the place of the one that it names, `header` whether its first line names its columns, and `columns` those of
    the pictures, their classes and perhaps their splits, by name or by number from 1: "file,species" or "2,3".
    """

    layout: Layout = "auto"
    classes_from: ClassesFrom = "folder"
    test: str = ""
    root: str = ""
    header: Header = "auto"
    columns: str = ""
    pairs: Pairs = "auto"
    untrained: Untrained = "refuse"

    def __post_init__(self) -> None:
        for name, value, legal in (
            ("layout", self.layout, get_args(Layout)),
            ("classes_from", self.classes_from, get_args(ClassesFrom)),
            ("pairs", self.pairs, get_args(Pairs)),
            ("untrained", self.untrained, get_args(Untrained)),
            ("header", self.header, get_args(Header)),
        ):
            if value not in legal:
                raise ConfigError(f"{name} = {value!r} is not allowed: it must be one of {', '.join(legal)}.")

    @property
    def arguments(self) -> list[str]:
        """What a command has to be given for it."""
        parts = [] if self.layout == "auto" else ["--layout", self.layout]
        parts += [] if self.classes_from == "folder" else ["--classes-from", self.classes_from]
        parts += [] if self.pairs == "auto" else ["--pairs", self.pairs]
        parts += [] if self.untrained == "refuse" else ["--untrained", self.untrained]
        parts += ["--test", self.test] if self.test else []
        parts += ["--root", self.root] if self.root else []
        parts += [] if self.header == "auto" else ["--header", self.header]
        return [*parts, *(["--columns", self.columns] if self.columns else [])]

    @property
    def flags(self) -> str:
        """The same as a person types it."""
        return shlex.join(self.arguments)


AS_IT_LIES = FolderChoice()
# What may be chosen, by the names of the fields of TrainConfig and of the flags; and what of it is about a list alone.
CHOICES = tuple(each.name for each in fields(FolderChoice))
OF_LISTS = ("root", "header", "columns")
# What is about any data set, or has no meaning for a list and does no harm.
OF_ALL = ("pairs", "untrained")


@dataclass(frozen=True)
class LeftOut:
    """What a reading leaves out: `path` is relative to the folder that was opened, `why` a code."""

    why: Why
    path: str
    images: int


@dataclass(frozen=True)
class FolderReading:
    """One way to read a data set.

    Attributes:
        root: The folder that holds the splits or the classes, relative to the one that was opened; "." if it is that.
        layout: Whether splits come first, or classes, or neither; "auto" of a data set that is no folder.
        classes_from: What says which class a picture has.
        splits: Each split with its folder, relative to `root`; empty where there are none.
        counts: Pictures by split and class; all are in train where there are no splits.
        left_out: What has pictures and is not read.
        preview: Some pictures of each class, relative to the folder that was opened; only where somebody has to choose.
        lists: The lists that name the classes, relative to the folder that was opened.
        lacking: Files that might be such lists and are none, each with what it lacks.
        choice: What has to be chosen to open it this way.
        alternatives: What it might mean instead, where somebody has chosen.
    """

    root: str
    layout: Layout
    classes_from: ClassesFrom
    splits: Mapping[str, str]
    counts: Mapping[str, Mapping[str, int]]
    left_out: tuple[LeftOut, ...] = ()
    preview: Mapping[str, Sequence[str]] | None = None
    lists: tuple[str, ...] = ()
    choice: FolderChoice = AS_IT_LIES
    alternatives: tuple[FolderReading, ...] = ()
    lacking: tuple[tuple[str, str], ...] = ()

    @property
    def classes(self) -> dict[str, int]:
        """All classes and their pictures, whatever the split."""
        found: dict[str, int] = {}
        for classes in self.counts.values():
            for name, count in classes.items():
                found[name] = found.get(name, 0) + count
        return dict(sorted(found.items()))

    @property
    def images(self) -> int:
        """How many pictures are read."""
        return sum(self.classes.values())

    @property
    def words(self) -> str:
        """What it comes to, in half a sentence: "4 classes (bus 6, car 6, train 8 and 1 more)"."""
        if self.splits and self.layout == "splits":
            splits = []
            for split in self.splits:
                classes = self.counts.get(split, {})
                lost = sum(each.images for each in self.left_out if each.why == "unlabelled")
                pictures = _counted(sum(classes.values()) if classes else lost, "picture")
                told = f"in {_counted(len(classes), 'class', 'classes')}" if classes else "without classes"
                splits.append(f"{split} ({pictures} {told})")
            text = f"the splits {joined(splits)}"
        else:
            named = joined([f"{name} {count:,}" for name, count in list(self.classes.items())[:4]], len(self.classes))
            text = f"{_counted(len(self.classes), 'class', 'classes')} ({named})"
        by = f"the {'list' if len(self.lists) == 1 else 'lists'} {joined(self.lists[:4], len(self.lists))}"
        text += {"folder": "", "name": " by the names of the files", "list": f" by {by}"}[self.classes_from]
        gone = [f"{each.path} ({each.images:,})" for each in self.left_out if each.why == "beside"]
        return text + (f", leaving out {joined(gone[:4], len(gone))}" if gone else "")

    def as_json(self, *, preview: bool = True) -> dict[str, Any]:
        """What files keep of it and programs get; without the `preview` for whoever has chosen already."""
        more: dict[str, Any] = {"classes": list(self.classes), "images": self.images, "flags": self.choice.flags}
        more |= {"alternatives": [each.as_json(preview=preview) for each in self.alternatives]}
        return {**asdict(self), **more, "preview": self.preview if preview else None}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> FolderReading:
        """The reading of which `as_json` has told.

        Raises:
            LookupError, TypeError: it has told nothing of the kind.
        """
        known = {name: record[name] for name in cls.__dataclass_fields__ if name != "lacking"}
        known["lacking"] = tuple((str(path), str(why)) for path, why in record.get("lacking", ()))
        known["lists"] = tuple(record["lists"])
        known["left_out"] = tuple(LeftOut(**each) for each in record["left_out"])
        known["alternatives"] = tuple(map(cls.from_json, record["alternatives"]))
        return cls(**{**known, "choice": FolderChoice(**record["choice"])})


def joined(names: Sequence[str], count: int = 0) -> str:
    """The first of `count` names, and how many more there are."""
    return filled("{names:listed {count}}", {"names": tuple(names), "count": count or len(names)})


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


class UnclearListError(DataError):
    """A list whose columns somebody has to name: `rows` are its first lines, `choice` is what they look like, if known.

    Where it is told by a file (`from_dict`), there are no rows.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        rows: Sequence[Sequence[str]] = (),
        choice: FolderChoice = AS_IT_LIES,
        *,
        code: str = "",
        values: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message, hint, code=code, values=values)
        self.rows, self.choice = tuple(map(tuple, rows)), choice

    @property
    def is_open(self) -> bool:
        """Whether there is something to choose from."""
        return bool(self.rows)


class PicturesGoneError(DataError):
    """A list whose pictures do not lie where it says, or may not be opened there; perhaps their folder was moved."""


class AmbiguousError(DataError):
    """A folder that can be read in several ways, or in one that somebody has to confirm: `readings`, likeliest first.

    Where it is told by a file (`from_dict`), there are none.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        readings: Sequence[FolderReading] = (),
        *,
        code: str = "",
        values: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message, hint, code=code, values=values)
        self.readings = tuple(readings)

    @property
    def is_open(self) -> bool:
        """Whether there is something to choose from."""
        return bool(self.readings)
