"""Take out of a folder what is not the data set: folders around it, a second copy of it, drawings of its pictures.

A drawing lies in a folder of its own, with the name of its picture, or beside it and says so: x.jpg and x_mask.png.
Of x.jpg and x.png the names do not tell whether both are pictures, so somebody has to say (`Cleaner.doubled`).
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping

from alexcore.data.layout_words import (
    DRAWN,
    classes_in_names,
    drawn_from,
    is_generic,
    may_hold_drawn,
    speaks_of_drawings,
    split_of,
)
from alexcore.data.reading import LeftOut, Pairs
from alexcore.data.tree import Entry, Folder, by_name

# What a drawing in a folder of its own has behind the name of its picture.
_SUFFIX = re.compile(rf"[\W_]*(?:{DRAWN})$", re.I)
_NUMBER = re.compile(r"0*(\d+)$")
# Which of two files of one name is the picture: a photograph before anything else, what drawings are kept in last.
_PICTURE_FIRST = {".jpg": 0, ".jpeg": 0, ".jpe": 0, ".jfif": 0, ".png": 2, ".gif": 2, ".bmp": 2}


class Cleaner:
    """Takes folders and files out of one tree; `left_out` says which, relative to the folder that was opened.

    `doubled` is how many files have the name of another one but for its ending, such as `example`, if nearly all
    pictures are such pairs and nobody has said what to make of them.
    """

    def __init__(self, opened: Folder, pairs: Pairs = "auto", classes: Collection[str] = ()) -> None:
        self.opened = opened
        self.classes = {name.casefold() for name in classes}
        self.left_out: list[LeftOut] = []
        self.doubled, self.example = 0, ""
        if pairs != "both":
            self._look_beside(pairs)

    def relative(self, folder: Folder) -> str:
        """The path of a folder, relative to the one that was opened."""
        return os.path.relpath(folder.path, self.opened.path).replace(os.sep, "/")

    def unwrapped(self, folder: Folder, *, only_generic: bool = False) -> Folder:
        """Step down through folders that only wrap others; of `only_generic`, through those with names like images.

        Pictures that lie loosely beside the one that is stepped into are left out.
        """
        while True:
            self.clean(folder)
            filled = folder.filled
            if len(filled) != 1:
                return folder
            ((name, inner),) = filled.items()
            # A wrapper has folders of its own, or pictures whose names tell their classes; a class has neither.
            wraps = bool(inner.filled) and 10 * len(inner.images) < inner.count
            wraps = is_generic(name) or (not only_generic and (wraps or self._is_named(inner)))
            # train/train/ is train/, and train/ around all splits is none; else a folder called train is one.
            if split_of(name) or (only_generic and not wraps):
                around = "train" in map(split_of, inner.filled) and all(map(split_of, inner.filled))
                wraps = name == folder.name or (not only_generic and around)
            if not wraps or name.casefold() in self.classes or len(folder.images) > inner.count:
                return folder
            if folder.images:
                self.left_out.append(LeftOut("loose", self.relative(folder), len(folder.images)))
            folder = inner

    @staticmethod
    def _is_named(folder: Folder) -> bool:
        return not folder.filled and bool(classes_in_names(folder.images))

    def clean_below(self, folder: Folder) -> None:
        """Take drawings out of the class folders of a folder."""
        for inner in folder.folders.values():
            if len(inner.folders) > 1:
                self._take_drawings(inner)

    def clean(self, folder: Folder) -> None:
        """Take drawings and a second copy out of a folder."""
        if len(folder.folders) > 1:
            self._take_drawings(folder)
            self._take_copy(folder)

    def _look_beside(self, pairs: Pairs) -> None:
        """Take out drawings that lie beside their pictures, and of two files of one name the second, or count those."""
        drawn, seconds, paired = Counter[str](), Counter[str](), 0
        for folder in _all(self.opened):
            # All names of a folder in one text: quick to look through, and nearly all folders have nothing odd.
            names = "\0".join([*map(by_name, folder.images), ""]).lower()
            if may_hold_drawn(names):
                drawn += self._take_drawn(folder)
            ending = _ending(folder.images[0].name) if folder.images else ""
            if names.count(f"{ending}\0") < names.count("\0"):
                second = self._second_names(folder)
                self.example = self.example or min(second, default="")
                seconds.update(f"*{_ending(name)}" for name in second)
                paired += len(second) + len({os.path.splitext(name)[0] for name in second})
                if pairs == "first":
                    folder.images = [entry for entry in folder.images if entry.name not in second]
        self.left_out += [LeftOut("drawings", kind, count) for kind, count in sorted(drawn.items())]
        if pairs == "first":
            self.left_out += [LeftOut("doubled", kind, count) for kind, count in sorted(seconds.items())]
        elif paired > 2 and 2 * paired > self.opened.count:
            self.doubled = sum(seconds.values())

    @staticmethod
    def _take_drawn(folder: Folder) -> Counter[str]:
        said = {entry.name: drawn_from(_stem(entry.name)) for entry in folder.images}
        stems = {_stem(name) for name, (base, _) in said.items() if not base}
        taken = {name: kind + _ending(name) for name, (base, kind) in said.items() if base in stems}
        folder.images = [entry for entry in folder.images if entry.name not in taken]
        return Counter(taken.values())

    @staticmethod
    def _second_names(folder: Folder) -> set[str]:
        """The names of files that differ from one that is likelier the picture in their ending only."""
        groups: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for entry in folder.images:
            groups[os.path.splitext(entry.name)[0]].setdefault(_ending(entry.name), entry.name)
        several = [group for group in groups.values() if len(group) > 1]
        ranked = [sorted(group, key=lambda each: (_PICTURE_FIRST.get(each, 1), each)) for group in several]
        return {group[ending] for group, order in zip(several, ranked, strict=True) for ending in order[1:]}

    def _take(self, why: str, folder: Folder, name: str) -> None:
        taken = folder.folders.pop(name)
        self.left_out.append(LeftOut("copy" if why == "copy" else "drawings", self.relative(taken), taken.count))

    def _take_drawings(self, folder: Folder) -> None:
        filled = folder.filled
        spoken = [name for name in filled if speaks_of_drawings(name)]
        others = [name for name in filled if name not in spoken]
        if not spoken or not others:
            return
        # Beside ordinary class folders one called mask may be a class, unless it has their classes in it once more.
        plain = all(is_generic(name) or split_of(name) for name in others)
        stems = {_stem(entry.name) for name in others for entry in filled[name].entries()}
        for name in spoken:
            own = [_stem(entry.name) for entry in filled[name].entries()]
            inside = set(filled[name].filled)
            same = 2 * sum(stem in stems or _SUFFIX.sub("", stem) in stems for stem in own) >= len(own)
            # jpg/image_00001.jpg and segmim/segmim_00001.jpg
            same |= plain and not inside and {*map(_number, own)} <= {*map(_number, stems)}
            if same and (plain or (inside and inside <= set(others)) or self._mirrors(filled[name], others, filled)):
                self._take("drawings", folder, name)

    @staticmethod
    def _mirrors(folder: Folder, others: Iterable[str], filled: Mapping[str, Folder]) -> bool:
        """Whether most pictures of a folder lie in a folder of the same name as their namesakes in the others."""

        def placed(entry: Entry) -> tuple[str, str]:
            return os.path.basename(os.path.dirname(entry.path)), _SUFFIX.sub("", _stem(entry.name))

        outside = {placed(entry) for name in others for entry in filled[name].entries()}
        own = [placed(entry) for entry in folder.entries()]
        return bool(folder.filled) and 2 * sum(each in outside for each in own) >= len(own)

    def _take_copy(self, folder: Folder) -> None:
        filled = folder.filled
        for name in [each for each in filled if split_of(each) is None]:
            inner, others = filled[name], set(filled) - {name}
            while len(inner.folders) == 1 and not set(inner.folders) & others:
                (inner,) = inner.folders.values()
            again = set(inner.folders)
            if not inner.count or not again or not again <= others or inner.images:
                continue
            outside = {f"{key}/{path}": entry for key in again for path, entry in filled[key].relative().items()}
            inside = inner.relative()
            # Two sets of pictures that are numbered from 0 have the same names; a copy has the same sizes, too.
            if inside.keys() <= outside.keys() and all(
                entry.stat().st_size == outside[path].stat().st_size for path, entry in inside.items()
            ):
                self._take("copy", folder, name)
                del filled[name]


def _all(folder: Folder) -> Iterable[Folder]:
    yield folder
    for inner in folder.folders.values():
        yield from _all(inner)


def _ending(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def _number(stem: str) -> str:
    found = _NUMBER.search(stem)
    return found[1] if found else stem


def _stem(name: str) -> str:
    return os.path.splitext(name)[0].lower()
