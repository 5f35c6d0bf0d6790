"""Bring a torchvision data set that lies on the disk into the form that everything else here reads.

    export_torchvision("cifar10", Path("down"), Path("data/cifar10"))  ->  data/cifar10/{train,val,test}/CLASS/*.png

torchvision's own classes read the files, and check their MD5 before they trust them. The result is an ImageFolder tree:
CIFAR10 keeps its pixels in a table, from which PNG files are made; the others keep JPEG files, of which hard links are
made, so that they take no room twice. Classes are numbered by sorted name, as in any ImageFolder; for CIFAR10 and the
pets that is torchvision's own order, for Flowers102 it is not.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from alexcore.data.storage import Progress, new_folder, require_new, silent
from alexcore.errors import ConfigError, DataError
from alexcore.pair import require_torch

_EVERY = 50  # pictures between two reports


class _Sample(NamedTuple):
    """One picture on its way: a file to be linked, or pixels, (H, W, 3) uint8, to be written as PNG."""

    split: str
    class_name: str
    file_name: str
    source: Any


@dataclass(frozen=True)
class TorchvisionSet:
    """What there is to know about a data set before torchvision is loaded.

    Attributes:
        title: torchvision's name of the class.
        place: What must lie below the root.
        origin: The archives that hold it.
        samples: Lists its pictures; called with (root, download).
    """

    title: str
    place: str
    origin: str
    samples: Callable[[Path, bool], list[_Sample]]


def _splits(labels: list[int], share: float) -> list[str]:
    """Divide training rows into train and val: the same share of each class, the same rows each time."""
    rng = np.random.default_rng(0)
    splits = np.full(len(labels), "train", dtype=object)
    for label in sorted(set(labels)):
        rows = rng.permutation(np.flatnonzero(np.asarray(labels) == label))
        splits[rows[: min(max(1, round(len(rows) * share)), len(rows) - 1)]] = "val"
    return [str(split) for split in splits]


def _folder(class_name: str) -> str:
    """A class's name as a folder's: Windows forbids some letters, and one class is called `pink-yellow dahlia?`."""
    return re.sub(r'[<>:"/\\|?*]', "", class_name).strip(" .")


def _save(source: Any, path: Path) -> None:
    if not isinstance(source, Path):
        Image.fromarray(source).save(path, compress_level=1)
        return
    try:
        path.hardlink_to(source)
    except OSError:  # another disk, or one without links
        shutil.copy2(source, path)


def _cifar10(root: Path, download: bool) -> list[_Sample]:
    from torchvision.datasets import CIFAR10

    samples = []
    for train in (True, False):
        found = CIFAR10(root, train=train, download=download)
        splits = _splits(found.targets, 0.1) if train else ["test"] * len(found.targets)
        for row, (label, split) in enumerate(zip(found.targets, splits, strict=True)):
            name = _folder(found.classes[label])
            samples.append(_Sample(split, name, f"{name}_{row:05d}.png", found.data[row]))
    return samples


def _flowers102(root: Path, download: bool) -> list[_Sample]:
    try:
        import_module("scipy.io")
    except ImportError as error:
        raise DataError(
            "Flowers102 keeps its labels in .mat files, and the package that reads them, scipy, is not installed.",
            "Install it: pip install scipy",
        ) from error
    from torchvision.datasets import Flowers102

    samples = []
    for split in ("train", "val", "test"):
        # With this loader an item is (path, label).
        found = Flowers102(root, split=split, download=download, loader=Path)
        for row in range(len(found)):
            file, label = found[row]
            samples.append(_Sample(split, _folder(Flowers102.classes[label]), file.name, file))
    return samples


def _pets(root: Path, download: bool) -> list[_Sample]:
    from torchvision.datasets import OxfordIIITPet

    samples = []
    for part in ("trainval", "test"):
        found = OxfordIIITPet(root, split=part, download=download)
        # An item would be the decoded picture; which file it came from, only these two tell.
        files, labels = found._images, found._labels
        splits = _splits(labels, 0.2) if part == "trainval" else ["test"] * len(labels)
        for file, label, split in zip(files, labels, splits, strict=True):
            samples.append(_Sample(split, _folder(found.classes[label]), file.name, file))
    return samples


SETS = {
    "cifar10": TorchvisionSet(
        "CIFAR10",
        "cifar-10-batches-py/ with data_batch_1 to data_batch_5, test_batch and batches.meta",
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        _cifar10,
    ),
    "flowers102": TorchvisionSet(
        "Flowers102",
        "flowers-102/ with jpg/, imagelabels.mat and setid.mat",
        "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/ (102flowers.tgz and the two .mat files)",
        _flowers102,
    ),
    "oxford_iiit_pet": TorchvisionSet(
        "OxfordIIITPet",
        "oxford-iiit-pet/ with images/ and annotations/",
        "https://www.robots.ox.ac.uk/~vgg/data/pets/ (images.tar.gz and annotations.tar.gz)",
        _pets,
    ),
}


def export_torchvision(
    name: str, root: Path, target: Path, download: bool = False, on_progress: Progress = silent
) -> Path:
    """Write a torchvision data set as target/{train,val,test}/CLASS/*.

    The test split stays as it is. Where the data set has no val, a tenth (CIFAR10) or a fifth (pets) of each class of
    its training pictures becomes val, the same pictures each time.

    Args:
        name: A key of `SETS`; upper and lower case are the same, and the name of the class will do.
        root: What torchvision calls `root`: the folder above the data set's own.
        target: Must be absent or empty; appears when it is complete.
        download: Let torchvision fetch what is missing into `root`.
        on_progress: Called with (pictures done, pictures in all).

    Raises:
        ConfigError: there is no such data set here, or torch and torchvision do not fit.
        DataError: files are missing or damaged, the download failed, or `target` cannot be written.
    """
    wanted = name.lower().replace("-", "_")
    key = next((key for key, each in SETS.items() if wanted in (key, each.title.lower())), None)
    if key is None:
        raise ConfigError(f"There is no torchvision data set {name!r} here.", f"Choose one of {', '.join(SETS)}.")
    require_new(target)
    require_torch()
    chosen = SETS[key]
    try:
        samples = chosen.samples(root, download)
    # torchvision says "not found or corrupted" by RuntimeError; a damaged list gives ValueError or the like.
    except (RuntimeError, OSError, ValueError, LookupError) as error:
        raise _unusable(chosen, root, download, error) from error
    with new_folder(target) as folder:
        for done, sample in enumerate(samples, start=1):
            path = folder / sample.split / sample.class_name / sample.file_name
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                _save(sample.source, path)
            except FileNotFoundError as error:
                raise _unusable(chosen, root, False, error) from error
            if done % _EVERY == 0 or done == len(samples):
                on_progress(done, len(samples))
    return target


def _unusable(chosen: TorchvisionSet, root: Path, download: bool, error: Exception) -> DataError:
    if download:
        message = f"{chosen.title} could not be fetched into {root} ({error})."
        return DataError(
            message, f"Fetch it yourself from {chosen.origin} and unpack it: there should be {root}/{chosen.place}."
        )
    reason = f" ({error})" if not isinstance(error, RuntimeError) else ""
    return DataError(
        f"The files of {chosen.title} are missing or damaged below {root}{reason}.",
        f"There should be {root}/{chosen.place}; they come from {chosen.origin}.",
    )
