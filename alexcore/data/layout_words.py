"""What the names of folders and files say of a data set."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping

from alexcore.data.tree import Entry

# What people call the three splits, in small letters and without what separates words; last, in other languages.
SPLIT_WORDS: Mapping[str, str] = {
    word: split
    for split, words in {
        "train": "train training trains trainset trainingset traindata trainingdata trainimages trainingimages tr "
        "trainingsdaten trainingsbilder entrainement entrenamiento treino treinamento addestramento",
        "val": "val valid validation validate valset validset validationset valdata validationdata valimages "
        "validationimages dev devset eval evaluation "
        "validierung validierungsdaten validierungsbilder validacion validacao validazione",
        "test": "test testing tests testset testingset testdata testingdata testimages testingimages ts te "
        "testdaten testbilder prueba pruebas teste",
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
# Those of them that are no class either, with other folders beside them: nobody tells images from something else.
_POOLS = frozenset(
    {"images", "image", "imgs", "img", "jpegimages", "jpegs", "jpeg", "jpg", "pngs", "png", "allimages"},
)
# Folders beside the pictures with a drawing for each of them, of which no network is to learn.
_DRAWINGS = re.compile(
    r"annotation|mask|trimap|segm|label|ground.?truth|contour|bbox|bounding|depth|edges|(^|[^a-z])gt([^a-z]|$)", re.I
)
# Folders beside the splits with pictures that are to be classified, not learned.
_UNLABELLED = re.compile(
    r"unlabell?ed|unsupervised|(^|[\W_])(pred|predict|prediction|predictions|submission)($|[\W_])", re.I
)
# What a drawing is called beside its picture: x_mask.png, x-gt.png, mask_x.png. The plain words are sought first.
_DRAWN_WORDS = (
    "mask",
    "seg",
    "gt",
    "label",
    "truth",
    "trimap",
    "contour",
    "annot",
    "overlay",
    "matte",
    "edges",
    "depth",
)
DRAWN = (
    r"(?:color[ _.-]?)?masks?|segm?|segmentation|segmented|gt|ground[ _.-]?truth|labels?|label_?(?:train)?ids?|trimaps?"
    r"|contours?|annot(?:ation|ated)?s?|overlays?|matte"
)
_DRAWN_AFTER = re.compile(rf"[ _.-]+(?:{DRAWN})(?=[ _.-]*\d*$)", re.I)
_DRAWN_BEFORE = re.compile(rf"(?:{DRAWN})[ _.-]+", re.I)
_PART = re.compile(r"image|img|photo|picture|batch|chunk|shard|(^|[\W_])part([\W_\d]|$)", re.I)
_VERSION = re.compile(r"gr[ae]y|colou?r|resiz|augment|cropped|scaled|([^a-z]|^)bw([^a-z]|$)", re.I)
_YEAR = re.compile(r"(19|20)\d\d$")
# cat.0.jpg, Abyssinian_12.jpg, n02085620_7.jpg, Class 1-!-0.png, tulip (3).jpg; and 12_frog.png.
_NAMED_FIRST = re.compile(r"(.*?[^\W\d_].*?)[\W_]*\d+\)?")
_NAMED_LAST = re.compile(r"\d+[\W_]+(.*[^\W\d_].*)")


def split_of(name: str) -> str | None:
    """The split that a word means, in any case, with any separators and a year; None for any other word."""
    return SPLIT_WORDS.get(_YEAR.sub("", re.sub(r"[\W_]", "", name).lower()))


def split_in_words(text: str) -> str:
    """The split that a word in a text means, such as the name of a file; "" for none."""
    return next(filter(None, map(split_of, re.findall("[a-z]+", text.lower()))), "")


def may_name_splits(file: str) -> bool:
    """Whether a file's name says that pictures for training or for a test may be listed in it."""
    stem, ending = os.path.splitext(file.lower())
    words = [word for word in re.findall("[a-z]+", stem) if len(word) > 3 or word == "val"]
    return ending in (".txt", ".csv", ".tsv", ".json", ".jsonl", ".mat", ".lst") and any(map(split_of, words))


def numbered_splits(names: Iterable[str]) -> dict[str, str]:
    """Which of these names mean which split but for a number at the end: train1, train2."""
    return {name: split for name in names if (split := split_of(name.rstrip("0123456789")))}


def are_splits(names: Collection[str]) -> bool:
    """Whether all of these names mean splits, and one of them train."""
    splits = [split_of(name) for name in names]
    return "train" in splits and None not in splits


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
    numbered = numbered_splits(name for name in names if name not in found)
    often = Counter([*found.values(), *numbered.values()])
    if "train" in found.values():
        found |= {name: split for name, split in numbered.items() if often[split] == 1}
    return {name: found[name] for name in names if name in found}


def are_parts(names: Collection[str]) -> bool:
    """Whether folders are called like parts of one pool, such as images_part_1 and images_part_2, and no classes."""
    return len(names) > 1 and len({re.sub(r"\d+", "", name) for name in names}) == 1 and all(map(_PART.search, names))


def are_versions(inside: Mapping[str, set[str]]) -> bool:
    """Whether folders hold the same classes each, and one is called like a version of pictures: color, grayscale.

    Or all are called alike but for a number: fold1, fold2. `inside` are the names of the folders in each.
    """
    common = set.intersection(*inside.values()) if len(inside) > 1 else set()
    words = {re.sub(r"\d+", "", name).strip(" _.-") for name in inside}
    told = any(is_generic(name) or speaks_of_drawings(name) or _VERSION.search(name) for name in inside)
    told |= len(words) == 1 and "" not in words
    ordinary = [name for name in common if not (is_generic(name) or speaks_of_drawings(name) or split_of(name))]
    return told and len(ordinary) > 1


def speaks_of_unlabelled(name: str) -> bool:
    """Whether a folder's name says that nobody knows the classes of the pictures in it."""
    return _UNLABELLED.search(name) is not None


def is_pool(name: str) -> bool:
    """Whether a folder's name says that all pictures are in it, so that with others beside it, it is hardly a class."""
    return re.sub(r"[\W_]", "", name).lower() in _POOLS


def is_generic(name: str) -> bool:
    """Whether a folder's name says no more than that there are pictures in it."""
    return re.sub(r"[\W_]", "", name).lower() in _GENERIC


def may_hold_drawn(names: str) -> bool:
    """Whether one of many names, joined and in small letters, may be that of a drawing: a quick look at first."""
    # A letter is found ten times as fast as a word, and most names lack one of each word.
    return any(all(letter in names for letter in word) and word in names for word in _DRAWN_WORDS)


def drawn_from(stem: str) -> tuple[str, str]:
    """Of the name of a drawing that of its picture, and what all such are called; both empty for no drawing."""
    if found := _DRAWN_AFTER.search(stem):
        return stem[: found.start()], f"*{found[0]}"
    found = _DRAWN_BEFORE.match(stem)
    return (stem[found.end() :], f"{found[0]}*") if found else ("", "")


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
