"""Which pictures an exported project reads, and how: as torchvision's ImageFolder does, or by a list of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from alexcore.data.index import DataIndex
from alexcore.data.shards import is_sharded
from alexcore.data.sources import choice_of, open_checked
from alexcore.errors import DataError
from alexcore.export.source import Source, open_data

_FOLDERS = "`FOLDER` holds `train/CLASS/*.jpg` and `val/CLASS/*.jpg`, with the classes of `class_indices.json`."


@dataclass(frozen=True)
class ExportedPictures:
    """How a project finds the pictures of its run."""

    root: str  # the folder as the run had it
    words: str  # what to tell a reader about it
    listing: str = ""  # the text of pictures.csv, or empty if ImageFolder finds the same pictures in the same order
    note: str = ""  # what keeps the project from training on the run's pictures; empty if nothing does


def pictures_of(source: Source) -> ExportedPictures:
    """Look at the run's data set, if it is still there."""
    config = source.config
    try:
        open_data(source)
        index = open_checked(config.data, config.val, choice=choice_of(config), intensity=config.intensity)
    except DataError as error:
        note = f"The run's data set could not be opened when this was exported ({error.message}). " + _FOLDERS
        return ExportedPictures(config.data, _FOLDERS, note=note)
    if is_sharded(index):
        note = (
            "The run read its pictures from tar shards, in an order of its own. Unpack them first (`tar -xf` gives the "
            "pictures, whose labels lie beside them) into the folders below; the project then trains in the same way, "
            "but not to the same bits."
        )
        return ExportedPictures(config.data, _FOLDERS, note=note)
    if index.classes != source.classes or _has_image_folder_order(index):
        return ExportedPictures(str(index.root), _FOLDERS)
    words = (
        "`FOLDER` is the folder to which the paths in `pictures.csv` belong: the run's pictures did not lie in plain "
        "`train/CLASS` and `val/CLASS` folders (or some were left out), so a list says which there are. For pictures "
        "of your own, write another list: path, label, split."
    )
    return ExportedPictures(str(index.root), words, _listing(index))


def _has_image_folder_order(index: DataIndex) -> bool:
    """Whether torchvision's ImageFolder numbers the classes and orders the pictures of both splits as the run did."""
    from torchvision.datasets import ImageFolder

    for split in ("train", "val"):
        rows = index.select(split)
        try:
            found = ImageFolder(str(index.root / split))
        except OSError:  # no such folder, or an empty class
            return False
        ours = [(index.path_of(path), label) for path, label in zip(rows["path"], rows["label"], strict=True)]
        if found.class_to_idx != index.class_to_idx or [(Path(path), label) for path, label in found.samples] != ours:
            return False
    return True


def _listing(index: DataIndex) -> str:
    rows = pd.concat([index.select("train"), index.select("val")])[["path", "label", "split"]]
    return rows.assign(label=[index.classes[label] for label in rows["label"]]).to_csv(index=False, lineterminator="\n")
