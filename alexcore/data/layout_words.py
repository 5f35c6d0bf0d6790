"""What the names of folders and files say of a data set."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping

from alexcore.data.tree import Entry

# What people call the three splits, in small letters and without what separates words.
SPLIT_WORDS: Mapping[str, str] = {
    word: split
    for split, words in {
        "train": "train training trains trainset trainingset traindata trainingdata trainimages trainingimages tr",
        "val": "val valid validation validate valset validset validationset valdata validationdata valimages "
        "validationimages dev devset eval evaluation",
        "test": "test testing tests testset testingset testdata testingdata testimages ts te",
    }.items()
    for word in words.split()
}
# Folders that hold all pictures, and say nothing about them.
_GENERIC = frozenset(
    {
        *("images", "image", "imgs", "img", "pictures", "pics", "photos", "original", "originals", "rgb", "raw"),
        *("jpegimages", "jpegs", "jpeg", "jpg", "pngs", "png", "data", "dataset", "allimages"),
    }
)
# Folders beside the pictures with a drawing for each of them, of which no network is to learn.
_DRAWINGS = re.compile(
    r"annotation|mask|trimap|segment|label|ground.?truth|contour|bbox|bounding|depth|edges|(^|[^a-z])gt([^a-z]|$)", re.I
)
# Folders beside the splits with pictures that are to be classified, not learned.
_UNLABELLED = re.compile(
    r"unlabell?ed|unsupervised|(^|[\W_])(pred|predict|prediction|predictions|submission)($|[\W_])", re.I
)
_PART = re.compile(r"image|img|photo|picture|batch|chunk|shard|(^|[\W_])part([\W_\d]|$)", re.I)
_VERSION = re.compile(r"gr[ae]y|colou?r|resiz|augment|cropped|scaled|([^a-z]|^)bw([^a-z]|$)", re.I)
_YEAR = re.compile(r"(19|20)\d\d$")
# cat.0.jpg, Abyssinian_12.jpg, n02085620_7.jpg, Class 1-!-0.png, tulip (3).jpg; and 12_frog.png.
_NAMED_FIRST = re.compile(r"(.*?[^\W\d_].*?)[\W_]*\d+\)?")
_NAMED_LAST = re.compile(r"\d+[\W_]+(.*[^\W\d_].*)")


def split_of(name: str) -> str | None:
    """The split that a word means, in any case, with any separators and a year; None for any other word."""
    return SPLIT_WORDS.get(_YEAR.sub("", re.sub(r"[\W_]", "", name).lower()))


def splits_in(names: Iterable[str]) -> dict[str, str]:
    """Which of these names of folders mean which split.

    Those that share another word, such as seg_train and seg_test, mean splits too, if one of them is train.
    """
    names = list(names)
    found = {name: split for name in names if (split := split_of(name))}
    parted: defaultdict[tuple[str, ...], dict[str, str]] = defaultdict(dict)
    for name in names:
        words = [word for word in re.split(r"[\W_]+", name.lower()) if word]
        splits = [split_of(word) for word in words]
        if name not in found and sum(map(bool, splits)) == 1:
            rest = tuple(word for word, split in zip(words, splits, strict=True) if split is None)
            parted[rest][name] = next(filter(None, splits))
    for group in parted.values():
        if len(set(group.values())) > 1 and "train" in group.values():
            found |= group
    # train and test1: a number does not matter, unless there is another folder for the same split.
    numbered = {name: split for name in names if name not in found and (split := split_of(name.rstrip("0123456789")))}
    often = Counter([*found.values(), *numbered.values()])
    if "train" in found.values():
        found |= {name: split for name, split in numbered.items() if often[split] == 1}
    return {name: found[name] for name in names if name in found}


def are_parts(names: Collection[str]) -> bool:
    """Whether folders are called like parts of one pool, such as images_part_1 and images_part_2, and no classes."""
    return len(names) > 1 and len({re.sub(r"\d+", "", name) for name in names}) == 1 and all(map(_PART.search, names))


def are_versions(inside: Mapping[str, set[str]]) -> bool:
    """Whether folders hold the same classes each, and one is called like a version of pictures: color, grayscale.

    `inside` are the names of the folders in each.
    """
    common = set.intersection(*inside.values()) if len(inside) > 1 else set()
    told = any(is_generic(name) or speaks_of_drawings(name) or _VERSION.search(name) for name in inside)
    return told and len([name for name in common if not is_generic(name) and not speaks_of_drawings(name)]) > 1


def speaks_of_unlabelled(name: str) -> bool:
    """Whether a folder's name says that nobody knows the classes of the pictures in it."""
    return _UNLABELLED.search(name) is not None


def is_generic(name: str) -> bool:
    """Whether a folder's name says no more than that there are pictures in it."""
    return re.sub(r"[\W_]", "", name).lower() in _GENERIC


def speaks_of_drawings(name: str) -> bool:
    """Whether a folder's name speaks of masks, outlines or other annotations."""
    return _DRAWINGS.search(name) is not None


def class_in(name: str) -> str | None:
    """The class that a file's name tells beside a number; None where it tells none."""
    stem = os.path.splitext(name)[0]
    found = _NAMED_FIRST.fullmatch(stem) or _NAMED_LAST.fullmatch(stem)
    return found[1].strip(" ._-") or None if found else None


def classes_in_names(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """The pictures by the class in their name, sorted, if most have one and two or more are of several pictures.

    Names such as IMG_1.jpg tell one class, and those of nothing but numbers none.
    """
    found: defaultdict[str, list[Entry]] = defaultdict(list)
    total = 0
    for entry in entries:
        total += 1
        name = class_in(entry.name)
        if name is not None:
            found[name].append(entry)
    several = [each for each in found.values() if len(each) > 1]
    if len(several) < 2 or 4 * sum(map(len, several)) < 3 * total:
        return {}
    return dict(sorted(found.items()))
