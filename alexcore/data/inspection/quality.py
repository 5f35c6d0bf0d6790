"""Look at every picture of a data set and say what is wrong with it, in findings a person can act on.

    from alexcore.data.inspection.quality import scan
    for finding in scan(open_source("data/flowers")):
        print(finding.sentence)

Give `scan` the index of `open_source`, not of `open_checked`, which has left the damaged pictures out already. Nothing
is changed on disk: `Pictures.paths` is what a page lists, `Pictures.surplus` what one would leave out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image

from alexcore.data.index import SPLITS, DataIndex
from alexcore.data.storage import Progress, silent
from alexcore.files import read_json, write_json
from alexcore.findings import pictures
from alexcore.findings.finding import finding_of
from alexcore.findings.pictures import KINDS, Pictures
from alexcore.home import cache_dir

# What makes a picture dark, light and so on. Where a number is more than a convention, it was chosen by looking at what
# it lists among 4,053 photographs of flowers; quality_measures says how each quantity is measured.
DARK_VALUE_P95 = 35.0
LIGHT_LUMA_P5 = 70.0
BLURRY_SHARPNESS = 58.0
LOW_ENTROPY_BITS = 2.0
GRAY_CHROMA_P99 = 2.5
ODD_ASPECT = 3.0
ODD_SIZE_FACTOR = 4.0
# If more than this share of a data set is grayscale or turned, that is how the data set is, and no finding.
USUAL_SHARE = 0.5
# Part of the key of stored findings: raise it when a threshold or the values of a finding change.
VERSION = 3


def scan(index: DataIndex, on_progress: Progress = silent) -> list[Pictures]:
    """Measure every picture that was not measured before, and report what is wrong.

    Can be interrupted: what was measured is kept, and the next scan goes on from there. The last picture that
    `on_progress` is told of counts as done with the comparison of all pictures.

    Returns:
        The findings, in the order of `KINDS`; a kind of which there is no picture has none.
    """
    # Here, because a page that only reads findings needs neither the decoders' statistics nor scipy.
    from alexcore.data.inspection.quality_groups import exact_groups, near_groups
    from alexcore.data.inspection.quality_measures import measure_all

    measures = measure_all(index, lambda done, total: on_progress(min(done, total - 1), total))
    table = pd.concat(
        [measures.drop(columns=["path"]), index.files[["path", "split", "label"]].reset_index(drop=True)], axis=1
    ).assign(exact=exact_groups(measures), near=near_groups(measures))
    found = [*_damaged(table), *_repeated(index, table), *_single(table)]
    findings = sorted(found, key=lambda finding: list(KINDS).index(finding.kind))
    record = _record(index)
    record.parent.mkdir(parents=True, exist_ok=True)
    write_json(record, {"root": str(index.root), "findings": [[each.code, each.values] for each in findings]})
    on_progress(len(table), len(table))
    return findings


def known_findings(index: DataIndex) -> list[Pictures] | None:
    """What `scan` found for exactly these files, splits and labels earlier, or None. Opens no picture."""
    try:
        findings = [finding_of(*raw) for raw in (read_json(_record(index)) or {})["findings"]]
    except (TypeError, ValueError, KeyError):  # a file that somebody has damaged is as good as none
        return None
    return [finding for finding in findings if isinstance(finding, Pictures)]


def _record(index: DataIndex) -> Path:
    columns = ["path", "bytes", "mtime_ns", "split", "label"]
    identity = pd.util.hash_pandas_object(index.files[columns], index=False)
    digest = hashlib.sha256(
        f"{index.root}\0{index.classes}{index.rendering.key}".encode() + identity.to_numpy().tobytes()
    ).hexdigest()
    return findings_dir() / f"{digest[:32]}-v{VERSION}.json"


def findings_dir() -> Path:
    """Where what `scan` finds is kept, a file a data set; its time changes with each."""
    return cache_dir() / "quality"


def _listing(kind: type[Pictures], table: pd.DataFrame, chosen: Any, **more: Any) -> Iterator[Pictures]:
    """A finding of single pictures."""
    paths = tuple(dict.fromkeys(table.loc[chosen, "path"].astype(str)))
    if paths:
        yield kind(paths=paths, surplus=paths, **more)


def _damaged(table: pd.DataFrame) -> Iterator[Pictures]:
    """Pictures that no run can use: `truncated` where the decoder ran out of data, `undecodable` for all else."""
    damaged = table["reason"] != ""
    cut = damaged & table["reason"].str.contains("truncated", case=False)
    for kind, rows in ((pictures.UndecodablePictures, damaged & ~cut), (pictures.TruncatedPictures, cut)):
        yield from _listing(kind, table, rows, reason=next(iter(table.loc[rows, "reason"]), ""))


def _single(table: pd.DataFrame) -> Iterator[Pictures]:
    """What can be said of a picture by itself, or in comparison with the usual one of the data set."""
    good = table[table["reason"] == ""]
    width, height = good["width"].to_numpy(float), good["height"].to_numpy(float)
    side = np.sqrt(width * height)
    usual = float(np.median(side)) if len(good) else 0.0
    empty = good["entropy_bits"] < LOW_ENTROPY_BITS
    # Where there is nothing, nothing is sharp.
    blurry = (good["sharpness"] < BLURRY_SHARPNESS) & ~empty
    yield from _listing(pictures.Blurry, good, blurry, limit=BLURRY_SHARPNESS)
    yield from _listing(pictures.Dark, good, good["value_p95"] < DARK_VALUE_P95, limit=DARK_VALUE_P95)
    yield from _listing(pictures.Light, good, good["luma_p5"] > LIGHT_LUMA_P5, limit=LIGHT_LUMA_P5)
    yield from _listing(pictures.LowInformation, good, empty, limit=LOW_ENTROPY_BITS)
    gray = good["chroma_p99"] < GRAY_CHROMA_P99
    yield from _listing(pictures.Grayscale, good, gray & (gray.mean() <= USUAL_SHARE), limit=GRAY_CHROMA_P99)
    odd = (side * ODD_SIZE_FACTOR < usual) | (side > usual * ODD_SIZE_FACTOR)
    yield from _listing(pictures.OddSize, good, odd, factor=ODD_SIZE_FACTOR, usual=usual)
    long = np.maximum(width, height) > ODD_ASPECT * np.minimum(width, height)
    yield from _listing(pictures.OddShape, good, long, factor=ODD_ASPECT)
    yield from _listing(pictures.WrongExtension, good, _wrongly_named(good))
    yield from _listing(pictures.ExifRotated, good, good["rotated"])


def _wrongly_named(table: pd.DataFrame) -> npt.NDArray[np.bool_]:
    Image.init()
    known = {**Image.registered_extensions(), **dict.fromkeys((".jif", ".pjpeg", ".pjp", ".mpo"), "JPEG")}
    named = [known.get(Path(path).suffix.lower(), "") for path in table["path"].astype(str)]
    return np.array([a not in ("", b) for a, b in zip(named, table["format"].astype(str), strict=True)], dtype=bool)


def _repeated(index: DataIndex, table: pd.DataFrame) -> Iterator[Pictures]:
    """Pictures that are there more than once; exact and near duplicates both count as the same picture."""
    # The best copy of a group comes first: of the split that can spare least, then the largest, then by name.
    rank = table["split"].map({split: number for number, split in enumerate(reversed(SPLITS))})
    ordered = table.assign(rank=rank, pixels=-table["width"].astype("int64") * table["height"]).sort_values(
        ["near", "rank", "pixels", "path"]
    )
    near = ordered[ordered.groupby("near")["near"].transform("size") > 1]
    by_near = near.groupby("near", sort=False)
    several = {name: by_near[name].transform("nunique") > 1 for name in ("split", "label", "exact")}
    exact = near[near.groupby("exact")["exact"].transform("size") > 1]

    leaks = near[several["split"]]
    spare = leaks["rank"] > leaks.groupby("near")["rank"].transform("min")
    yield from _grouping(pictures.Leak, leaks, "near", leaks[spare])
    conflicts = near[several["label"]]
    numbers = sorted(set(conflicts["label"]))
    names = tuple(index.classes[int(number)] for number in numbers[:5])
    yield from _grouping(
        pictures.LabelConflict, conflicts, "near", conflicts, classes=names, more=len(numbers) > len(names)
    )
    yield from _grouping(pictures.ExactDuplicates, exact, "exact", exact[exact.duplicated("exact")])
    alike = near[several["exact"]]
    yield from _grouping(pictures.NearDuplicates, alike, "near", alike[alike.duplicated("near")])


def _grouping(
    kind: type[Pictures], rows: pd.DataFrame, by: str, surplus: pd.DataFrame, **more: Any
) -> Iterator[Pictures]:
    groups = tuple(sorted(tuple(dict.fromkeys(paths.astype(str))) for _, paths in rows.groupby(by)["path"]))
    if groups:
        paths = tuple(path for group in groups for path in group)
        yield kind(paths=paths, groups=groups, surplus=tuple(dict.fromkeys(surplus["path"].astype(str))), **more)
