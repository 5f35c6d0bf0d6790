"""What a data set looks like in numbers: `python -m alexcore data stats PATH`.

Mean and standard deviation are those of all pixels of all training pictures after the evaluation transform's resize to
a square (bilinear, as torchvision's Resize does it), in [0, 1]; a picture counts the same whatever its size. They come
from one histogram of 256 values a channel, in whole numbers: no rounding, whatever the order and the number of threads.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image

from alexcore.data.decoding.images import read_header, read_picture
from alexcore.data.decoding.levels import Rendering
from alexcore.data.index import DataIndex
from alexcore.data.shards import picture_source
from alexcore.data.storage import Progress, silent
from alexcore.errors import DataError
from alexcore.files import replacing
from alexcore.home import cache_dir

IMAGE_SIZE = 224
AVERAGE_SIDE = 64
CHANNELS = ("red", "green", "blue")
# What Normalize takes at least: below, every colour is constant to its eye, and dividing would make noise of rounding.
LEAST_STD = 1e-4
# Pillow releases the interpreter's lock while it decodes; the batch bounds what waits to be added up.
THREADS, BATCH = 4, 256
# What the eye makes of red, green and blue (ITU-R BT.601).
_LUMA = np.array([0.299, 0.587, 0.114])
# Part of a record's name: what reads more pictures than before must not meet an old answer.
_READS = "|2"
_DAMAGED_RECORD = (OSError, ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile)


@dataclass(frozen=True)
class Statistics:
    """What `measure` has found.

    Attributes:
        image_size: Side of the square in pixels at which pixels were counted.
        pictures: Training pictures that mean and std rest on.
        unreadable: Pictures of any split whose pixels could not be decoded.
        mean: Of red, green and blue, in [0, 1].
        std: Of red, green and blue, over all pixels (their number is what the sum is divided by).
        table: A row a picture in the order of `index.files`: width and height in px after the EXIF rotation (from the
            header alone; 0 where it cannot be read), bytes, brightness in [0, 1] (nan where it cannot be decoded).
        averages: (classes, 64, 64, 3) uint8: the mean training picture of each class.
        averaged: (classes,) int64: on how many pictures each of them rests.
    """

    image_size: int
    pictures: int
    unreadable: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    table: pd.DataFrame
    averages: npt.NDArray[np.uint8]
    averaged: npt.NDArray[np.int64]

    @property
    def divisors(self) -> tuple[float, ...]:
        """What a pipeline divides by: `std`, but 1 for a channel that is constant, which is then only shifted."""
        return tuple(value if value >= LEAST_STD else 1.0 for value in self.std)

    @property
    def constant(self) -> str:
        """A sentence that names the channels that are constant; empty where none is."""
        names = [name for name, value in zip(CHANNELS, self.std, strict=True) if value < LEAST_STD]
        if not names:
            return ""
        return f"The same value in every picture: {' and '.join(names)}; shifted to 0 and divided by 1."

    def normalize_code(self) -> str:
        """The line of Python that puts these numbers into a pipeline."""
        mean, std = (", ".join(f"{value:.4f}" for value in values) for values in (self.mean, self.divisors))
        return f"transforms.Normalize(mean=[{mean}], std=[{std}])"

    def summary(self) -> dict[str, Any]:
        """The numbers without the pictures, as `data stats --json` prints them; ranges are least, median, greatest."""
        known = self.table[self.table["width"] > 0]
        columns = {
            "width": known["width"],
            "height": known["height"],
            "aspect": known["width"] / known["height"],
            "bytes": self.table["bytes"],
            "brightness": self.table["brightness"].dropna(),
        }
        return {
            "image_size": self.image_size,
            "pictures": self.pictures,
            "unreadable": self.unreadable,
            "mean": list(self.mean),
            "std": list(self.divisors),
            "normalize": self.normalize_code(),
            **{
                name: [round(float(value), 4) for value in (column.min(), column.median(), column.max())]
                for name, column in columns.items()
                if len(column)
            },
        }


def statistics_file(index: DataIndex, image_size: int = IMAGE_SIZE) -> Path:
    """Where the statistics of exactly these pictures, splits and classes are kept, whether or not they exist yet."""
    digest = hashlib.sha256(
        f"{index.files_identity}|{image_size}|{index.classes!r}{_READS}{index.rendering.key}".encode()
    )
    digest.update(index.files["label"].to_numpy(np.int64).tobytes())
    digest.update((index.files["split"] == "train").to_numpy(bool).tobytes())
    return cache_dir() / "statistics" / f"{digest.hexdigest()[:32]}.npz"


def known_statistics(index: DataIndex, image_size: int = IMAGE_SIZE) -> Statistics | None:
    """What `measure` found earlier for exactly this data set, or None."""
    try:
        # np.load leaves a file open that it has opened itself and finds damaged.
        with statistics_file(index, image_size).open("rb") as file, np.load(file, allow_pickle=False) as record:
            about = json.loads(record["about"].tobytes())
            table = pd.DataFrame({name: record[name] for name in ("width", "height", "brightness")})
            table.insert(2, "bytes", index.files["bytes"].to_numpy())
            counted = about["pictures"], about["unreadable"], tuple(about["mean"]), tuple(about["std"])
            return Statistics(image_size, *counted, table, record["averages"], record["averaged"])
    except _DAMAGED_RECORD:
        return None


def measure(index: DataIndex, image_size: int = IMAGE_SIZE, on_progress: Progress = silent) -> Statistics:
    """Measure a data set, or return what is known of it; every picture is decoded once and none is kept in memory.

    Validation and test pictures count for sizes and brightness only. `image_size` is the side in px to which pictures
    are resized.

    Raises:
        DataError: not one training picture can be decoded.
    """
    known = known_statistics(index, image_size)
    if known is not None:
        return known
    files = index.files
    paths = [str(path) for path in files["path"]]
    labels = files["label"].to_numpy()
    training = (files["split"] == "train").to_numpy(bool)
    sizes = np.zeros((len(paths), 2), dtype=np.int32)
    brightness = np.full(len(paths), np.nan, dtype=np.float32)
    histogram = np.zeros((3, 256), dtype=np.int64)
    sums = np.zeros((len(index.classes), AVERAGE_SIDE, AVERAGE_SIDE, 3), dtype=np.uint32)
    averaged = np.zeros(len(index.classes), dtype=np.int64)
    with ThreadPoolExecutor(THREADS) as pool:
        for start in range(0, len(paths), BATCH):
            batch = range(start, min(start + BATCH, len(paths)))
            measured = pool.map(
                lambda row: _measure(picture_source(index, paths[row]), image_size, index.rendering), batch
            )
            for row, (size, pixels) in zip(batch, measured, strict=True):
                sizes[row] = size
                if pixels is None:
                    continue
                counts, small = pixels
                brightness[row] = counts @ np.arange(256) / counts.sum(axis=1) @ _LUMA / 255
                if training[row]:
                    histogram += counts
                    sums[labels[row]] += small
                    averaged[labels[row]] += 1
            on_progress(batch.stop, len(paths))
    if not averaged.sum():
        raise DataError(f"{index.root} has no readable training picture to measure.", "Add pictures to train/.")
    mean, std = _moments(histogram)
    table = pd.DataFrame(
        {"width": sizes[:, 0], "height": sizes[:, 1], "bytes": files["bytes"].to_numpy(), "brightness": brightness}
    )
    averages = np.rint(sums / np.maximum(averaged, 1)[:, None, None, None]).astype(np.uint8)
    pictures, unreadable = int(averaged.sum()), int(np.isnan(brightness).sum())
    result = Statistics(image_size, pictures, unreadable, mean, std, table, averages, averaged)
    _store(statistics_file(index, image_size), result)
    return result


def _measure(
    source: Path | bytes, image_size: int, rendering: Rendering
) -> tuple[tuple[int, int], tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]] | None]:
    """The size from the header; of the pixels the histogram and a small copy, or None if they are damaged."""
    size = (0, 0)
    try:
        header = read_header(source)
        size = (header.width, header.height)
        image = read_picture(source, rendering=rendering).image
        image = image.resize((image_size, image_size), Image.Resampling.BILINEAR)
    except DataError:
        return size, None
    histogram = np.array(image.histogram(), dtype=np.int64).reshape(3, 256)
    return size, (histogram, np.asarray(image.resize((AVERAGE_SIDE, AVERAGE_SIDE), Image.Resampling.BOX)))


def _moments(histogram: npt.NDArray[np.int64]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and population standard deviation of each channel in [0, 1]; histogram: (3, 256) counts."""
    values = np.arange(256) / 255
    counts = histogram.sum(axis=1)
    mean = histogram @ values / counts
    std = np.sqrt((histogram * (values - mean[:, None]) ** 2).sum(axis=1) / counts)
    return tuple(mean.tolist()), tuple(std.tolist())


def _store(file: Path, found: Statistics) -> None:
    about = {"pictures": found.pictures, "unreadable": found.unreadable, "mean": found.mean, "std": found.std}
    columns: dict[str, Any] = {name: found.table[name].to_numpy() for name in ("width", "height", "brightness")}
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(
            stream,
            about=np.frombuffer(json.dumps(about).encode(), dtype=np.uint8),
            averages=found.averages,
            averaged=found.averaged,
            **columns,
        )
