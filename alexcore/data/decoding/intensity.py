"""Choose how values beyond 8 bits and what is transparent become 8-bit RGB, by a sample of a whole data set.

No picture is judged alone: if each were stretched to its own darkest and lightest value, the same brightness would be
another number in each. The sample is of the training split; validation, test and prediction go by the same rule.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image, ImageFile

from alexcore.data.decoding.image_opening import UnreadableError, with_image
from alexcore.data.decoding.images import read_picture
from alexcore.data.decoding.levels import BACKGROUNDS, PLAIN, TYPES, Rendering, has_deep_colour, kind_of
from alexcore.data.index import DataIndex
from alexcore.data.shards import picture_source
from alexcore.errors import DataError
from alexcore.files import read_json, write_json
from alexcore.findings.decoding import DeepColour, IntensityScaled, NearlyConstant, TransparencyOn
from alexcore.findings.finding import Finding, finding_of
from alexcore.home import cache_dir
from alexcore.run_intensity import EACH, window_of

# How many pictures are looked at, and how many values of each.
SAMPLE, VALUES = 96, 4096
# The finished pictures that are looked at, and the side to which they are reduced.
LOOKS, SIDE = 32, 32
# Levels of 255: the standard deviation of all values of all pictures below which there is nothing to see.
NOTHING_TO_SEE = 2.0
# What is cut off at either end where a window is put around values, and the share of the window of whole bits below
# which that is done.
TAIL, SMALL = 0.001, 0.25
# Values that stand apart are at most so many of all, and leave so many different ones.
FEW, DISTINCT = 0.01, 4
DEPTHS = (8, 10, 12, 14, 16)
# What these endings hold has 8 bits and no transparency; such files need not be opened.
_PLAIN = (".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".pjpeg", ".pjp", ".mpo", ".bmp")
_VERSION = 2
_SAID = (IntensityScaled, NearlyConstant, TransparencyOn)

Values = npt.NDArray[np.float64]


@dataclass
class Sample:
    """What was seen of a set: values by their kind, a picture each, and small pictures with transparency, RGBA.

    `deep` is how many of the pictures that were `looked` at have 16 bits a colour.
    """

    values: dict[str, list[Values]] = field(default_factory=lambda: defaultdict(list))
    layers: list[Image.Image] = field(default_factory=list)
    looked: int = 0
    deep: int = 0


def with_rendering(index: DataIndex, intensity: str = "auto") -> DataIndex:
    """The index with its rule, and with what there is to say about it as problems; remembered by its files.

    What was said of another rule is forgotten.
    """
    record = _record(index, intensity)
    try:
        kept = read_json(record) or {}
        rendering, found = Rendering.of(kept["rendering"]), [finding_of(*each) for each in kept["findings"]]
    except (TypeError, ValueError, KeyError):  # none yet, or damaged
        rendering, found = choose(index, intensity)
        record.parent.mkdir(parents=True, exist_ok=True)
        told = [[each.code, each.values] for each in found]
        write_json(record, {"root": str(index.root), "rendering": rendering.as_dict(), "findings": told})
    before = [each for each in index.problems if not isinstance(each, _SAID)]
    return replace(index, rendering=rendering, intensity=intensity, problems=(*before, *found))


def _record(index: DataIndex, intensity: str) -> Path:
    columns = ["path", "bytes", "mtime_ns", "split"]
    identity = pd.util.hash_pandas_object(index.files[columns], index=False)
    digest = hashlib.sha256(f"{index.root}\0{intensity}\0{_VERSION}".encode() + identity.to_numpy().tobytes())
    return cache_dir() / "intensity" / f"{digest.hexdigest()[:32]}.json"


def choose(index: DataIndex, intensity: str = "auto") -> tuple[Rendering, list[Finding]]:
    """The rule for a data set, and what to say about it; `intensity` is what TrainConfig allows."""
    if intensity == EACH:
        return PLAIN, []
    paths = _spread([str(path) for path in index.files.loc[index.files["split"] == "train", "path"]])
    sample = look_at(_sources(index, [path for path in paths if not path.lower().endswith(_PLAIN)][:SAMPLE]))
    windows: list[tuple[str, float, float]] = []
    found: list[Finding] = []
    for kind, values in sorted(sample.values.items()):
        window, said = window_for(kind, values, intensity)
        windows.append((kind, *window))
        found.append(said)
    if sample.deep:
        found.append(DeepColour(sample.deep, sample.looked))
    background = background_for(sample.layers)
    if background != PLAIN.background:
        found.append(TransparencyOn(background))
    rendering = Rendering(tuple(windows), background)
    spread = _spread_of_levels(_sources(index, paths[:LOOKS]), rendering)
    if spread is not None and spread < NOTHING_TO_SEE:
        found.append(NearlyConstant(round(spread, 2), intensity, bool(windows)))
    return rendering, found


def _spread(paths: Sequence[str]) -> list[str]:
    """All paths in an order of which each beginning is spread over the whole, the same each time."""
    order = np.argsort(np.arange(len(paths)) * 0.6180339887 % 1.0, kind="stable")
    return [paths[int(place)] for place in order]


def _sources(index: DataIndex, paths: Iterable[str]) -> Iterable[Path | bytes]:
    for path in paths:
        try:
            yield picture_source(index, path)
        except DataError:  # a shard that has changed: whoever reads it says so
            continue


def look_at(sources: Iterable[Path | bytes]) -> Sample:
    """Take values and transparency from pictures; those that cannot be read are passed over."""
    sample = Sample()

    def look(image: ImageFile.ImageFile) -> None:
        kind = kind_of(image)
        sample.looked += 1
        sample.deep += has_deep_colour(image)
        if kind:
            values = np.asarray(image).astype(np.float64).ravel()
            sample.values[kind].append(values[:: max(1, len(values) // VALUES)])
        elif image.has_transparency_data:
            sample.layers.append(image.convert("RGBA").resize((SIDE, SIDE), Image.Resampling.NEAREST))

    for source in sources:
        try:
            with_image(source, look)
        except (UnreadableError, FileNotFoundError):
            continue
    return sample


# Windows ----------------------------------------------------------------------------------------------------------


def window_for(kind: str, values: Sequence[Values], intensity: str) -> tuple[tuple[float, float], IntensityScaled]:
    """The window for a kind of numbers, and what to say of it."""
    pooled = np.concatenate(list(values))
    pooled = pooled[np.isfinite(pooled)]
    ordinary = without_strays(pooled)
    least, greatest = (float(ordinary.min()), float(ordinary.max())) if len(ordinary) else (0.0, 0.0)
    bits = 0
    if (window := window_of(intensity)) is None:
        window = TYPES[kind]
        if intensity == "minmax" and len(pooled):
            window = float(pooled.min()), float(pooled.max())
        elif intensity == "auto" and len(ordinary):
            window, bits = _automatic(kind, ordinary)
        if window[0] >= window[1]:  # one value everywhere
            window, bits = TYPES[kind], 0
    how = f"as {bits} bits ({window[0]:.6g} to {window[1]:.6g})" if bits else f"from {window[0]:.6g} to {window[1]:.6g}"
    return window, IntensityScaled(kind, least, greatest, TYPES[kind][1], how, len(values))


def without_strays(values: Values) -> Values:
    """The values without those that stand apart: the mark of missing data (-9999, -3.4e38), hot and dead pixels.

    Values at either end go if the gap before them is wider than everything else together. They are few, or they are
    one and the same value and the smaller half; what is left still is a picture's worth of values.
    """
    for _ in range(4):
        before = len(values)
        values = -_without_high_strays(-_without_high_strays(values))
        if len(values) == before:
            break
    return values


def _without_high_strays(values: Values) -> Values:
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) < DISTINCT:
        return values
    above = 1 - np.cumsum(counts)[:-1] / len(values)
    apart = np.diff(distinct) > distinct[:-1] - distinct[0]
    apart &= above < FEW
    apart[-1] |= bool(distinct[-1] - distinct[-2] > distinct[-2] - distinct[0] and above[-1] < 0.5)
    apart[: DISTINCT - 1] = False
    cuts = np.flatnonzero(apart)
    return values[values <= distinct[cuts[0]]] if len(cuts) else values


def _automatic(kind: str, values: Values) -> tuple[tuple[float, float], int]:
    """The window that a person would choose who sees the values, and its bits if it is that of a number of bits."""
    low, high = (float(each) for each in np.quantile(values, (TAIL, 1 - TAIL)))
    least, greatest = float(values.min()), float(values.max())
    whole_bits = [(depth, 2.0**depth - 1) for depth in DEPTHS]
    wholes = [(0, 1.0), (0, 255.0)] if kind == "floating-point" else whole_bits
    # The few pixels beyond are hot ones. What fills only a part of its bits, as a thermometer does, has its own window.
    for bits, top in wholes:
        if least >= 0 and high <= top:
            if high - low >= SMALL * top:
                return (0.0, top), bits
            break
    return ((low, high) if low < high else (least, greatest)), 0


# Backgrounds, and whether there is anything to see ----------------------------------------------------------------


def background_for(layers: Sequence[Image.Image]) -> str:
    """White, unless it hides what is drawn on transparency in most of these pictures; then what hides least."""

    def seen(colour: str) -> float:
        spreads = []
        for layer in layers:
            flat = Image.alpha_composite(Image.new("RGBA", layer.size, colour), layer).convert("RGB")
            spreads.append(float(np.asarray(flat, dtype=np.float64).reshape(-1, 3).std(axis=0).max()))
        return float(np.median(spreads))

    if not layers or seen("white") >= NOTHING_TO_SEE:
        return PLAIN.background
    best = max(BACKGROUNDS, key=seen)
    return best if seen(best) >= NOTHING_TO_SEE else PLAIN.background


def _spread_of_levels(sources: Iterable[Path | bytes], rendering: Rendering) -> float | None:
    """The standard deviation of all levels of some finished pictures, but for a few; None if none can be read."""
    looks: list[npt.NDArray[Any]] = []
    for source in sources:
        try:
            image = read_picture(source, at_least=SIDE, rendering=rendering).image
        except DataError:
            continue
        looks.append(np.asarray(image.resize((SIDE, SIDE), Image.Resampling.NEAREST), dtype=np.float64).reshape(-1, 3))
    if not looks:
        return None
    levels = np.concatenate(looks)
    # A hot pixel in each is nothing to see either.
    low, high = np.quantile(levels, (TAIL, 1 - TAIL), axis=0)
    return float(levels.clip(low, high).std(axis=0).max())
