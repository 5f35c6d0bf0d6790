"""Take out of a folder what is not the data set: folders around it, a second copy of it, drawings of its pictures."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping

from alexcore.data.layout_words import classes_in_names, is_generic, speaks_of_drawings, split_of
from alexcore.data.reading import LeftOut
from alexcore.data.tree import Entry, Folder

# What a drawing has behind the name of its picture.
_SUFFIX = re.compile(r"[\W_]*(masks?|segmentation|segmented|seg|gt|labels?|labelids|trimap|contours?)$", re.I)


class Cleaner:
    """Takes folders out of one tree; `left_out` says which, relative to the folder that was opened."""

    def __init__(self, opened: Folder, classes: Collection[str] = ()) -> None:
        """A folder called like one of the `classes` wraps nothing."""
        self.opened = opened
        self.classes = {name.casefold() for name in classes}
        self.left_out: list[LeftOut] = []

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


def _stem(name: str) -> str:
    return os.path.splitext(name)[0].lower()
