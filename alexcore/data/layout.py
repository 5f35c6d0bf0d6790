"""How a folder is meant: which of its folders are splits, which are classes, and what is neither.

    read(walk(root), AS_IT_LIES)  ->  Labelled: the pictures by split and class, and the FolderReading that says why

What is clear is read. What can mean two things is an error that holds both readings. Nothing here opens a picture; a
list that lies among pictures without class folders is read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NoReturn

from alexcore.data.folder_cleaning import Cleaner
from alexcore.data.folder_lists import Listed, by_lists, found_lists, lists_in, why_no_list
from alexcore.data.index import SPLITS
from alexcore.data.labelled import (
    Classes,
    Labelled,
    by_class_in_name,
    by_own_folder,
    counts_of,
    preview_of,
    split_files,
)
from alexcore.data.layout_refusals import (
    data_set_or_class,
    doubled_names,
    no_train,
    refuse_classes_again,
    several_readings,
    two_folders,
    without_class_folders,
)
from alexcore.data.layout_words import (
    are_parts,
    are_splits,
    are_versions,
    classes_in_names,
    is_pool,
    numbered_splits,
    speaks_of_unlabelled,
    split_of,
    splits_in,
)
from alexcore.data.reading import (
    AS_IT_LIES,
    AmbiguousError,
    ClassesFrom,
    FolderChoice,
    FolderReading,
    Layout,
    LeftOut,
)
from alexcore.data.tree import Below, Entry, Folder, Tree
from alexcore.errors import DataError
from alexcore.findings.layout import FoldersInClasses, SplitFilesUnread

# Classes of a network that is to be measured on a folder; None where one is to be trained.
Known = Collection[str] | None


def read(tree: Tree, choice: FolderChoice = AS_IT_LIES, *, own_val: bool = False) -> Labelled:
    """Read a folder as its owner means it.

    Args:
        tree: What a walk has found; what means nothing is taken out of it.
        choice: What somebody has said about it; its `test` does not matter here.
        own_val: Whether the pictures to validate on come from elsewhere, so that none are drawn.

    Raises:
        AmbiguousError: it can mean two things, or only the names of the files, or a list, tell the classes and nobody
            has said that they do.
        DataError: there is no picture in it, or none that has a class.
    """
    found = _Reader(tree, choice, own_val).read()
    if choice.layout == "auto" and choice.classes_from == "folder":
        return found
    # Somebody has chosen: what else there was to choose.
    try:
        others: tuple[FolderReading, ...] = (_Reader(tree, AS_IT_LIES, own_val).read().reading,)
    except AmbiguousError as error:
        others = error.readings
    except DataError:
        others = ()
    others = tuple(each for each in others if each.counts != found.reading.counts)
    return replace(found, reading=replace(found.reading, alternatives=others))


def read_given(tree: Tree, choice: FolderChoice, known: Collection[str]) -> Labelled:
    """Read a folder as it is handed over to a network that knows some classes: nothing is drawn, and train may lack.

    Pictures that no split holds are in the split "", those without a class in the class "". Raises as `read`.
    """
    found = _Reader(tree, choice, True, known=known).read()
    images = found.images if found.reading.splits else {"": found.images["train"]}
    return replace(found, images=images)


def read_part(tree: Tree, choice: FolderChoice) -> Classes:
    """Read a folder that is one split as a whole, such as a separate validation folder."""
    reader = _Reader(tree, choice, True)
    if choice.classes_from == "name":
        return reader.by_names(reader.top, [])
    return reader.class_folders(reader.cleaner.unwrapped(tree.top, only_generic=True), [])


class _Reader:
    """Reads one folder. `trying` makes a reading of what could not be opened, so that it can be shown."""

    def __init__(
        self, tree: Tree, choice: FolderChoice, own_val: bool, trying: bool = False, known: Known = None
    ) -> None:
        self.tree, self.choice, self.own_val, self.trying = tree, choice, own_val, trying
        self.known = known
        self.cleaner = Cleaner(tree.top, choice.pairs, known or ())
        self.top = self.cleaner.unwrapped(tree.top)
        self.lists: list[Listed] = []
        self.lacking: dict[str, str] = {}

    def read(self) -> Labelled:
        layout, by = self.choice.layout, self.choice.classes_from
        if self.cleaner.doubled and not self.trying:
            self._refuse_pairs()
        if not self.top.count:
            self._refuse_unlabelled([])
        if by == "list":
            return self._by_list()
        if by == "name":
            found_lists(self.tree.top, self.top, self.lacking)
        if layout == "flat" or (layout == "classes" and by == "name"):
            return self._flat()
        if layout == "splits":
            return self._splits(self._split_folders(self.top))
        if layout == "classes":
            return self._classes()
        return self._clear()

    def _clear(self) -> Labelled:
        """What the names of the folders say, if it is one thing."""
        filled = self.top.filled
        splits = splits_in(filled)
        ordinary = [name for name in filled if name not in splits]
        if "train" in (words := numbered_splits(filled)).values() and len(words) == len(filled):  # also two for train
            return self._splits(self._split_folders(self.top, words))
        if splits and not ordinary:
            return self._splits(self._split_folders(self.top))
        trains = [name for name, split in splits.items() if split == "train"]
        if trains:
            known = {name for train in trains for name in self._inside(filled[train]).filled}
            # What holds classes of train once more is no class; nobody has said which split it is.
            if all(known & set(filled[name].filled) or speaks_of_unlabelled(name) for name in ordinary):
                return self._splits(self._split_folders(self.top))
            self._refuse_two("classes" if self.choice.classes_from == "folder" else "flat", "splits")
        if self.choice.classes_from == "name":
            return self._flat()
        if any(set(filled[name].filled) & set(ordinary) for name in splits):
            self._refuse_two("splits", "classes")
        if are_parts(ordinary) and not any(each.filled for each in filled.values()):
            self._refuse_unlabelled([*self.top.entries()], self._other(layout="classes"))
        if len(filled) > 1 and (pools := [name for name in ordinary if is_pool(name)]):
            self._refuse_one(pools[0], "is called like one")
        if are_versions({name: set(each.filled) for name, each in filled.items()}):
            self._refuse_two("flat", "classes")
        # Once more the same classes, and other pictures: no class of its own, whatever else it is.
        if any(each.filled and set(each.filled) <= set(ordinary) - {name} for name, each in filled.items()):
            self._refuse_two("flat", "classes")
        if len(filled) == 1 and found_lists(self.tree.top, self.top, self.lacking):
            self._refuse_unlabelled([*self.top.entries()])
        return self._splits_inside() if self._has_splits_inside() else self._plain_classes()

    # Splits -----------------------------------------------------------------------------------------------------

    def _split_folders(self, top: Folder, words: Mapping[str, str] | None = None) -> dict[str, Folder]:
        """The folder of each split, in the order of splits; `words` say which name means which."""
        found: dict[str, Folder] = {}
        # Those with pictures first: an empty one beside them does not matter.
        words = splits_in(top.folders) if words is None else words
        for name, folder in sorted(top.folders.items(), key=lambda each: not each[1].count):
            split = words.get(name)
            if split in found and folder.count:
                raise two_folders(top, split, (found[split].name, name), self._as_classes())
            if split:
                found.setdefault(split, folder)
        ordinary = {name: folder for name, folder in top.filled.items() if name not in words}
        if "train" not in found and found and ordinary:  # class folders, and one of test pictures beside them
            found["train"] = Folder(top.path, ordinary)
        if "train" not in found and (self.known is None or not found):
            raise no_train(top, [found[split].name for split in SPLITS if split in found], self._as_classes())
        return {split: found[split] for split in SPLITS if split in found}

    def _as_classes(self) -> list[FolderReading]:
        """What one word would make of it, where nobody has said yet that these are splits."""
        asked = self.choice.layout == "auto" and not self.trying
        return [self._other(layout="classes")] if asked else []

    def _splits(self, folders: Mapping[str, Folder]) -> Labelled:
        left_out = self._beside(folders)
        inner = {split: self._inside(folder) for split, folder in folders.items()}
        images: dict[str, Classes] = {}
        if self.choice.classes_from == "name":
            images = {split: self.by_names(folder, left_out) for split, folder in inner.items()}
        else:
            for split, folder in inner.items():
                if folder.images and not folder.filled:  # pictures and no class folders
                    found = self._without_folders(split, [folder, folders[split]], left_out)
                    images |= {} if found is None else {split: found}
                else:
                    if self.choice.layout == "auto" and not self.trying:
                        refuse_classes_again(folder, lambda: self._other(layout="splits"))
                    images[split] = self.class_folders(folder, left_out)
        names = {split: self.cleaner.relative(folder) for split, folder in folders.items()}
        parts = {split: [inner[split]] for split in inner}
        return self._labelled("splits", self.choice.classes_from, names, images, parts, left_out)

    def _inside(self, folder: Folder) -> Folder:
        """What the folder of a split wraps, as train/images/ or train/train/ do."""
        return self.cleaner.unwrapped(folder, only_generic=True)

    def _beside(self, folders: Mapping[str, Folder]) -> list[LeftOut]:
        """What lies beside the folders of splits and is none."""
        used = {folder.path for folder in folders.values()}
        if self.top.path in used:
            return []
        rest = [each for each in self.top.filled.values() if each.path not in used]
        found = [LeftOut("beside", self.cleaner.relative(each), each.count) for each in rest]
        return [*self._loose(self.top), *found]

    def _loose(self, folder: Folder) -> list[LeftOut]:
        return [LeftOut("loose", self.cleaner.relative(folder), len(folder.images))] if folder.images else []

    def _without_folders(self, split: str, folders: Sequence[Folder], left_out: list[LeftOut]) -> Classes | None:
        """The pictures of a split without class folders, by a list that lies beside them; None if it is left out."""
        inner = folders[0]
        lists = lists_in(folders, self.tree.top, self.lacking)
        lists = lists or found_lists(self.tree.top, self.top, self.lacking).get(split, [])
        if lists and split != "train":
            self.lists.append(lists[0])
            return lists[0].classes(inner.entries())
        if self.known is not None:
            return {"": list(inner.images)}
        if split == "test" or self.trying:
            left_out.append(LeftOut("unlabelled", self.cleaner.relative(inner), len(inner.images)))
            return None
        if split == "train":
            self._refuse_unlabelled([*inner.images])
        raise DataError(
            f"{inner.path} holds {len(inner.images):,} pictures, but no class folders and no list of their classes"
            f"{why_no_list(self.lacking)}.",
            "Put them into class folders as in train/, or move them out of the data set.",
        )

    def _has_splits_inside(self) -> bool:
        """Whether each class has its own train/, and one its own val/ or test/; refused where that may be otherwise."""
        filled = self.top.filled
        inside = {name: [*folder.filled] for name, folder in filled.items()}
        parted = [name for name, names in inside.items() if len(names) > 1 and are_splits(names)]
        if not parted:
            return False
        trains = [{*self._split_folders(filled[name])["train"].filled} for name in parted]
        if len(filled) > 1 and len(trains[0]) > 1 and all(each == trains[0] for each in trains):
            self._refuse_one(parted[0], "has splits with class folders")
        alone = [name for name, names in inside.items() if not are_splits(names)]
        if alone:
            self._refuse_one(parted[0], f"has splits, and {alone[0]}/ has none")
        return True

    def _splits_inside(self) -> Labelled:
        images: dict[str, dict[str, Below]] = {}
        parts: dict[str, list[Folder]] = {}
        names: dict[str, str] = {}
        for name, folder in self.top.filled.items():
            for split, inner in self._split_folders(folder).items():
                images.setdefault(split, {})[name] = Below(inner)
                parts.setdefault(split, []).append(inner)
                names.setdefault(split, f"*/{inner.name}")
        return self._labelled("classes", "folder", names, images, parts, self._loose(self.top))

    # Classes ----------------------------------------------------------------------------------------------------

    def _classes(self) -> Labelled:
        if not self.top.filled:
            if self.known is None:
                self._refuse_unlabelled(self.top.images)
            nameless: Classes = {"": list(self.top.entries())}
            return self._labelled("flat", "folder", {}, {"train": nameless}, {"train": [self.top]}, [])
        left_out: list[LeftOut] = []
        images = self.class_folders(self.top, left_out)
        empty = tuple(name for name, entries in images.items() if not entries and split_of(name))
        images = {name: entries for name, entries in images.items() if name not in empty}
        own = {"train": [self.top]}
        found = self._labelled("classes", "folder", {}, {"train": images}, own, left_out)
        return replace(found, empty=empty)

    def _plain_classes(self) -> Labelled:
        """Class folders, as nobody had to choose; if they have folders of their own, those may be meant."""
        found = self._classes()
        nested = [name for name, folder in self.top.filled.items() if len(folder.filled) > 1]
        if not nested:
            return found
        reading = replace(found.reading, alternatives=(self._other(layout="flat"),))
        return replace(found, reading=reading, notes=(*found.notes, *FoldersInClasses.of(nested)))

    def class_folders(self, folder: Folder, left_out: list[LeftOut]) -> Classes:
        """The pictures of each class folder in a folder."""
        left_out += self._loose(folder)
        self.cleaner.clean_below(folder)
        return {name: Below(inner) for name, inner in folder.folders.items()}

    def _flat(self) -> Labelled:
        left_out: list[LeftOut] = []
        by = self.choice.classes_from
        images: Classes = by_own_folder(self.top.entries()) if by == "folder" else self.by_names(self.top, left_out)
        own = {"train": [self.top]}
        return self._labelled("flat", by, {}, {"train": images}, own, left_out)

    def by_names(self, folder: Folder, left_out: list[LeftOut]) -> Classes:
        """The pictures below a folder by the class in their name; those without one are left out."""
        images, unnamed = by_class_in_name(folder)
        if unnamed:
            left_out.append(LeftOut("unnamed", self.cleaner.relative(folder), unnamed))
        return images

    # Lists ------------------------------------------------------------------------------------------------------

    def _by_list(self) -> Labelled:
        """The classes that lists say; several lists are those of several splits."""
        found = by_lists(self.tree.top, self.top, self.lacking)
        self.lists += found.lists
        listed = {entry.path for classes in found.images.values() for each in classes.values() for entry in each}
        rest = self.top.count - len(listed)
        left_out = [LeftOut("unlisted", self.cleaner.relative(self.top), rest)] if rest else []
        splits = {} if set(found.images) == {"train"} and found.of_all else dict.fromkeys(found.images, ".")
        named = {split: self.top.folders[name] for name, split in splits_in(self.top.folders).items() if splits}
        splits |= {split: self.cleaner.relative(folder) for split, folder in named.items()}
        own = {split: [self.top] for split in found.images}
        return self._labelled("splits" if splits else "flat", "list", splits, found.images, own, left_out)

    # What becomes of it -----------------------------------------------------------------------------------------

    def _labelled(
        self,
        layout: Layout,
        by: ClassesFrom,
        splits: Mapping[str, str],
        images: Mapping[str, Classes],
        parts: Mapping[str, Sequence[Folder]],
        left_out: Sequence[LeftOut],
    ) -> Labelled:
        counts = counts_of(images)
        draw = not self.own_val and "val" not in images
        gone = tuple(dict.fromkeys([*self.cleaner.left_out, *left_out]))
        root = self.cleaner.relative(self.top)
        preview = preview_of(images, len(self.tree.top.path) + 1) if self.trying else None
        lists, lacking = tuple(each.path for each in self.lists), tuple(self.lacking.items())
        reading = FolderReading(root, layout, by, splits, counts, gone, preview, lists, self.choice, lacking=lacking)
        notes = [note for each in self.lists for note in each.notes]
        notes += SplitFilesUnread.of(split_files(self.tree.top, self.top) if draw and by != "list" else [])
        return Labelled(reading, images, parts, draw, notes=tuple(notes))

    def _other(self, **chosen: str) -> FolderReading:
        """The reading that another choice gives."""
        choice = replace(self.choice, **chosen)  # type: ignore[arg-type]
        reader = _Reader(self.tree, choice, self.own_val, True, self.known)
        reader.lacking = self.lacking
        return reader.read().reading

    def _refuse_pairs(self) -> None:
        """Ask whether files that differ in their ending only are pictures; what else is unclear is asked before."""
        try:
            both, first = self._other(pairs="both"), self._other(pairs="first")
        except AmbiguousError:
            return
        raise doubled_names(self.tree.top, self.cleaner.doubled, self.cleaner.example, both, first)

    def _refuse_two(self, *layouts: Layout) -> NoReturn:
        readings = [self._other(layout=layout) for layout in layouts]
        for number, each in enumerate(readings):
            if each.layout == "splits" and not each.classes:  # the names of the files may tell what no folder does
                named = self._other(layout="splits", classes_from="name")
                readings[number] = named if len(named.classes) > 1 else each
        raise several_readings(self.top, readings)

    def _refuse_one(self, name: str, why: str) -> NoReturn:
        """Refuse a folder that is the data set, or one of several classes."""
        raise data_set_or_class(self.top, name, why, self._other(layout="classes"))

    def _refuse_unlabelled(self, entries: Sequence[Entry], *others: FolderReading) -> NoReturn:
        """Refuse pictures that lie in no class folders, and offer what else may tell their classes, then `others`."""
        readings: list[FolderReading] = []
        listed = entries and found_lists(self.tree.top, self.top, self.lacking)
        if classes_in_names(entries):
            readings.append(self._other(classes_from="name", layout="auto"))
        if listed:
            with suppress(DataError):  # several lists of the same pictures, or none of these
                readings.append(self._other(classes_from="list", layout="auto"))
        raise without_class_folders(self.tree.top, [*readings, *others], why_no_list(self.lacking))
