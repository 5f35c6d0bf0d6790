"""Measure each picture once, for the quality scan: its bytes, its light, its sharpness, its perceptual hashes.

One decode a picture (a JPEG no larger than needed), then Pillow's statistics and filters and imagehash's hashes. The
measures of a data set are one Parquet file, keyed by the identity of each file (path, size, time), so that a second
scan measures only what is new, and a scan that was killed goes on where it was.

All brightness is in percent of full scale. Everything but size and format is measured on the upright picture, reduced
until its shorter side has 256 px, which is about what the network sees of it; nothing is enlarged.
"""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import imagehash
import numpy as np
import pandas as pd
from PIL import Image, ImageChops, ImageFilter, ImageOps, ImageStat

from alexcore.data.decoding.images import check_decodable, read_picture
from alexcore.data.decoding.levels import PLAIN, Rendering
from alexcore.data.index import DataIndex
from alexcore.data.shards import picture_source
from alexcore.data.storage import Progress, silent
from alexcore.errors import DataError
from alexcore.files import replacing
from alexcore.home import cache_dir

SIDE = 256
THREADS = 4
BATCH = 64
# Part of the file's name: a changed definition must not meet old numbers.
VERSION = 2
SAVE_EVERY_S = 3.0
# Rows of files that are not in the index (another view of the same folder) are kept up to this number.
FOREIGN_ROWS = 1_000_000
IDENTITY = ["path", "bytes", "mtime_ns"]
# What is measured, each with its type.
_MEASURES = {
    **dict.fromkeys(("digest", "reason", "format"), "str"),
    **dict.fromkeys(("width", "height"), "int32"),
    "rotated": "bool",
    **dict.fromkeys(("luma_mean", "luma_p5", "value_p95", "chroma_p99", "contrast", "entropy_bits"), "float64"),
    "sharpness": "float64",
    **dict.fromkeys(("phash", "dhash", "dhash_vertical"), "uint64"),
}
_EMPTY = {"str": "", "int32": 0, "bool": False, "float64": np.nan, "uint64": 0}
# A row of a picture that cannot be decoded has these values, and `reason` says why.
NOTHING: dict[str, Any] = {name: _EMPTY[kind] for name, kind in _MEASURES.items()}
_TYPES = {"path": "str", "bytes": "int64", "mtime_ns": "int64", **_MEASURES}
COLUMNS = list(_TYPES)


def measure(source: Path | bytes, rendering: Rendering = PLAIN) -> dict[str, Any]:
    """Decode one picture and measure it.

    Returns:
        A value for each name in `NOTHING`: digest (128 bits of BLAKE2b over the file's bytes), reason (why it cannot
        be decoded, or ""), format (of the content), width and height (upright, px), rotated (by EXIF), and of the
        reduced picture luma_mean and luma_p5 (mean and 5th percentile of ITU-R 601 luma, percent), value_p95 (95th
        percentile of the brightest channel, percent), chroma_p99 (99th percentile of brightest minus darkest channel,
        percent), contrast (standard deviation of luma, percent), entropy_bits (of the histogram of luma, 0 to 8),
        sharpness (see `_sharpness`, percent), phash, dhash and dhash_vertical (64 bits each).
    """
    try:
        data = source if isinstance(source, bytes) else source.read_bytes()
    except OSError as error:
        return {**NOTHING, "reason": error.strerror or type(error).__name__}
    row = {**NOTHING, "digest": hashlib.blake2b(data, digest_size=16).hexdigest()}
    try:
        picture = read_picture(data, "It", at_least=SIDE, rendering=rendering)
    except DataError as error:
        # The words of `verify`, which the rest of the house uses for the same file.
        return {**row, "reason": check_decodable(source) or error.message.rstrip(".")}
    image = _reduced(picture.image)
    red, green, blue = image.split()
    value = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    chroma = ImageChops.subtract(value, ImageChops.darker(ImageChops.darker(red, green), blue))
    luma = image.convert("L")
    statistics = ImageStat.Stat(luma)
    return {
        **row,
        "format": picture.format,
        "width": picture.size[0],
        "height": picture.size[1],
        "rotated": "rotated by EXIF" in picture.notes,
        "luma_mean": statistics.mean[0] / 255 * 100,
        "luma_p5": _percentile(luma, 0.05),
        "value_p95": _percentile(value, 0.95),
        "chroma_p99": _percentile(chroma, 0.99),
        "contrast": statistics.stddev[0] / 255 * 100,
        "entropy_bits": luma.entropy(),
        "sharpness": _sharpness(luma),
        "phash": _as_number(imagehash.phash(luma)),
        "dhash": _as_number(imagehash.dhash(luma)),
        "dhash_vertical": _as_number(imagehash.dhash_vertical(luma)),
    }


def _reduced(image: Image.Image) -> Image.Image:
    factor = SIDE / min(image.size)
    if factor >= 1:
        return image
    size = (round(image.width * factor), round(image.height * factor))
    return image.resize(size, Image.Resampling.BOX, reducing_gap=2.0)


def _sharpness(luma: Image.Image) -> float:
    """The strength of the sharpest details: the 99.9th percentile of Pillow's FIND_EDGES, in percent of full scale.

    The contrast is stretched first (autocontrast, 1 % cut off at either end), so that fog and night are not taken for
    blur. A percentile so high asks whether anything at all is sharp: a flower before a soft background is.
    """
    edges = ImageOps.autocontrast(luma, cutoff=1).filter(ImageFilter.FIND_EDGES)
    # The filter leaves a frame of one pixel as it was.
    inner = edges.crop((1, 1, max(2, edges.width - 1), max(2, edges.height - 1)))
    return _percentile(inner, 0.999)


def _percentile(band: Image.Image, share: float) -> float:
    counts = np.cumsum(band.histogram())
    return float(np.searchsorted(counts, share * counts[-1])) / 255 * 100


def _as_number(value: imagehash.ImageHash) -> int:
    return int.from_bytes(np.packbits(value.hash.ravel()).tobytes(), "big")


def measure_all(index: DataIndex, on_progress: Progress = silent) -> pd.DataFrame:
    """The measures of every picture, in the order of `index.files`; only those not yet known are taken."""
    identity = index.files[IDENTITY].reset_index(drop=True)
    stored = _load(index)
    known = identity.merge(stored, on=IDENTITY, how="inner")
    done = set(known["path"])
    missing = identity[~identity["path"].isin(done)]
    on_progress(len(known), len(identity))
    frames = [stored]
    saved_s, save_s = time.monotonic(), 0.0
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            for start in range(0, len(missing), BATCH):
                batch = missing.iloc[start : start + BATCH]
                sources = [picture_source(index, str(path)) for path in batch["path"]]
                rows = pool.map(partial(measure, rendering=index.rendering), sources)
                found = pd.DataFrame(list(rows)).assign(**{name: batch[name].to_numpy() for name in IDENTITY})
                frames.append(found[COLUMNS].astype(_TYPES))
                on_progress(len(known) + min(start + BATCH, len(missing)), len(identity))
                # At most a tenth of the time goes into saving, however large the data set is.
                if time.monotonic() - saved_s > max(SAVE_EVERY_S, 10 * save_s):
                    began = time.monotonic()
                    frames = [_save(index, frames)]
                    saved_s = time.monotonic()
                    save_s = saved_s - began
    finally:  # an interrupted scan keeps what it has
        measures = pd.concat(frames, ignore_index=True)
        if len(frames) > 1:
            _save(index, frames)
    return identity.merge(measures.drop_duplicates(IDENTITY, keep="last"), on=IDENTITY, how="left")


def known_measures(index: DataIndex) -> pd.DataFrame | None:
    """The measures of every picture in the order of `index.files`, or None if one was never measured."""
    stored = _load(index)
    known = index.files[IDENTITY].merge(stored, on=IDENTITY, how="inner")
    return known if len(known) == len(index.files) else None


def _file(index: DataIndex) -> Path:
    digest = hashlib.sha256(f"{index.root}{index.rendering.key}".encode()).hexdigest()
    return cache_dir() / "quality" / f"{digest[:32]}-v{VERSION}.parquet"


def _load(index: DataIndex) -> pd.DataFrame:
    try:
        stored = pd.read_parquet(_file(index), columns=COLUMNS).astype(_TYPES)
    except (OSError, ValueError, KeyError):  # none yet, or damaged: then everything is measured again
        return pd.DataFrame({name: [] for name in COLUMNS}).astype(_TYPES)
    return stored.drop_duplicates("path", keep="last")


def _save(index: DataIndex, frames: list[pd.DataFrame]) -> pd.DataFrame:
    rows = pd.concat(frames, ignore_index=True).drop_duplicates("path", keep="last")
    foreign = ~rows["path"].isin(set(index.files["path"]))
    if foreign.sum() > FOREIGN_ROWS:
        rows = rows[~foreign]
    file = _file(index)
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as temporary:
        # A file that could not even be read says nothing about its content.
        rows[rows["digest"] != ""].to_parquet(temporary, index=False)
    return rows
