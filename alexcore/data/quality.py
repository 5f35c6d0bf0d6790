"""Look at every picture of a data set and say what is wrong with it, in findings a person can act on.

    from alexcore.data.quality import scan
    for finding in scan(open_source("data/flowers")):
        print(finding.sentence)

Give `scan` the index of `open_source`, not of `open_checked`, which has left the damaged pictures out already. Nothing
is changed on disk: `QualityFinding.paths` is what a page lists, `QualityFinding.surplus` what one would leave out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image

from alexcore.data.index import SPLITS, DataIndex
from alexcore.files import read_json, write_json
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
# Part of the key of stored findings: raise it when a threshold or a sentence changes.
VERSION = 1

# Formats that are another one under an own name: what cameras write in .jpg files, and the kinds of one family.
_SAME_FORMAT = {"MPO": "JPEG"}

# Every kind of finding, in the order in which they are shown, with its title.
KINDS = {
    "undecodable": "Cannot be decoded",
    "truncated": "Cut off",
    "leak": "The same picture in two splits",
    "label_conflict": "The same picture in two classes",
    "exact_duplicates": "Exact duplicates",
    "near_duplicates": "Near duplicates",
    "blurry": "Blurry",
    "dark": "Dark",
    "light": "Light",
    "low_information": "Nearly empty",
    "grayscale": "Without colour",
    "odd_size": "Unusual size",
    "odd_aspect": "Unusual shape",
    "wrong_extension": "Wrong file extension",
    "exif_rotated": "Turned by EXIF",
}


@dataclass(frozen=True)
class QualityFinding:
    """Pictures that have one thing in common that their owner should know.

    Attributes:
        kind: A key of `KINDS`, for URLs and filters.
        title: A few words.
        sentence: What it is, how many, by which definition and threshold, and what to do.
        severity: `warning` if it makes training or its figures worse, `info` if it is worth a look.
        paths: The pictures, as in `DataIndex.files`; for `groups` all of their members.
        groups: For duplicates, which pictures are the same one; the best to keep is first.
        surplus: What to leave out so that nothing of this finding remains: of duplicates all but one, of leaks those
            in the split that can spare them (train before val before test), else all pictures.
    """

    kind: str
    title: str
    sentence: str
    severity: Literal["warning", "info"]
    paths: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...] = ()
    surplus: tuple[str, ...] = ()


def scan(index: DataIndex, on_progress: Callable[[int, int], None] | None = None) -> list[QualityFinding]:
    """Measure every picture that was not measured before, and report what is wrong.

    Can be interrupted: what was measured is kept, and the next scan goes on from there.

    Args:
        index: The data set.
        on_progress: Called with (pictures done, pictures in all); the last one counts as done with the comparison of
            all pictures.

    Returns:
        The findings, in the order of `KINDS`; a kind of which there is no picture has none.
    """
    # Here, because a page that only reads findings needs neither the decoders' statistics nor scipy.
    from alexcore.data.quality_groups import exact_groups, near_groups
    from alexcore.data.quality_measures import measure_all

    def measuring(done: int, total: int) -> None:
        if on_progress:
            on_progress(min(done, total - 1), total)

    measures = measure_all(index, measuring)
    table = pd.concat(
        [measures.drop(columns=["path"]), index.files[["path", "split", "label"]].reset_index(drop=True)], axis=1
    ).assign(exact=exact_groups(measures), near=near_groups(measures))
    found = [*_damaged(table), *_repeated(index, table), *_single(table)]
    findings = sorted(found, key=lambda finding: list(KINDS).index(finding.kind))
    record = _record(index)
    record.parent.mkdir(parents=True, exist_ok=True)
    write_json(record, {"root": str(index.root), "findings": [asdict(finding) for finding in findings]})
    if on_progress:
        on_progress(len(table), len(table))
    return findings


def known_findings(index: DataIndex) -> list[QualityFinding] | None:
    """What `scan` found for exactly these files, splits and labels earlier, or None. Opens no picture."""
    found = (read_json(_record(index)) or {}).get("findings")
    try:
        return None if found is None else [_finding(raw) for raw in found]
    except (TypeError, ValueError, KeyError):  # a file that somebody has damaged is as good as none
        return None


def _finding(raw: dict[str, Any]) -> QualityFinding:
    values = {field.name: raw[field.name] for field in fields(QualityFinding)}
    if values["kind"] not in KINDS:
        raise ValueError(values["kind"])
    groups = tuple(tuple(map(str, group)) for group in values["groups"])
    return QualityFinding(
        **{**values, "paths": tuple(values["paths"]), "groups": groups, "surplus": tuple(values["surplus"])}
    )


def _record(index: DataIndex) -> Path:
    columns = ["path", "bytes", "mtime_ns", "split", "label"]
    identity = pd.util.hash_pandas_object(index.files[columns], index=False)
    digest = hashlib.sha256(f"{index.root}\0{index.classes}".encode() + identity.to_numpy().tobytes()).hexdigest()
    return cache_dir() / "quality" / f"{digest[:32]}-v{VERSION}.json"


def _pictures(count: int, singular: str, plural: str) -> str:
    return f"{count:,} picture {singular}" if count == 1 else f"{count:,} pictures {plural}"


def _listing(
    kind: str, table: pd.DataFrame, chosen: Any, says: tuple[str, str], rest: str, severity: Literal["warning", "info"]
) -> Iterator[QualityFinding]:
    """A finding of single pictures: its sentence is their number, `says` (of one, of many) and `rest`."""
    paths = tuple(dict.fromkeys(table.loc[chosen, "path"].astype(str)))
    if paths:
        sentence = f"{_pictures(len(paths), *says)}{rest}"
        yield QualityFinding(kind, KINDS[kind], sentence, severity, paths, surplus=paths)


def _damaged(table: pd.DataFrame) -> Iterator[QualityFinding]:
    """Pictures that no run can use: `truncated` where the decoder ran out of data, `undecodable` for all else."""
    damaged = table["reason"] != ""
    cut = damaged & table["reason"].str.contains("truncated", case=False)
    for kind, rows, says in (
        ("undecodable", damaged & ~cut, ("cannot be decoded", "cannot be decoded")),
        ("truncated", cut, ("ends too early: the file is cut off", "end too early: the files are cut off")),
    ):
        first = next(iter(table.loc[rows, "reason"]), "")
        rest = f' ("{first}"). Runs leave them out; copy the files again or delete them.'
        yield from _listing(kind, table, rows, says, rest, "warning")


def _single(table: pd.DataFrame) -> Iterator[QualityFinding]:
    """What can be said of a picture by itself, or in comparison with the usual one of the data set."""
    good = table[table["reason"] == ""]
    width, height = good["width"].to_numpy(float), good["height"].to_numpy(float)
    side = np.sqrt(width * height)
    usual = float(np.median(side)) if len(good) else 0.0
    empty = good["entropy_bits"] < LOW_ENTROPY_BITS
    checks: list[tuple[str, Any, tuple[str, str], str, Literal["warning", "info"]]] = [
        (
            "blurry",
            (good["sharpness"] < BLURRY_SHARPNESS) & ~empty,  # where there is nothing, nothing is sharp
            ("has no sharp detail", "have no sharp detail"),
            f": at 256 px, and with the contrast stretched, even their strongest edges (the 99.9th percentile) reach "
            f"less than {BLURRY_SHARPNESS:.0f} % of full scale. Look whether the class can still be seen.",
            "info",
        ),
        (
            "dark",
            good["value_p95"] < DARK_VALUE_P95,
            ("is dark", "are dark"),
            f": in 95 % of the pixels the brightest channel stays below {DARK_VALUE_P95:.0f} % of full scale. "
            "Brighten the pictures, or look whether the class can be seen.",
            "info",
        ),
        (
            "light",
            good["luma_p5"] > LIGHT_LUMA_P5,
            ("is light", "are light"),
            f": 95 % of the pixels are brighter than {LIGHT_LUMA_P5:.0f} % of full scale. "
            "Look whether details are burnt out.",
            "info",
        ),
        (
            "low_information",
            empty,
            ("is nearly empty", "are nearly empty"),
            f": the brightness of a pixel tells less than {LOW_ENTROPY_BITS:.0f} bits (entropy of the histogram, at "
            "most 8), because nearly all of the picture is a few plain tones. Crop to the object or leave them out.",
            "info",
        ),
        (
            "grayscale",
            _unless_usual(good["chroma_p99"] < GRAY_CHROMA_P99),
            ("has no colour", "have no colour"),
            f": in 99 % of the pixels red, green and blue differ by less than {GRAY_CHROMA_P99:.1f} % of full scale. "
            "A network may learn colour as a sign of the class; check that they are not all of one class.",
            "info",
        ),
        (
            "odd_size",
            (side * ODD_SIZE_FACTOR < usual) | (side > usual * ODD_SIZE_FACTOR),
            ("has an unusual size", "have an unusual size"),
            f": more than {ODD_SIZE_FACTOR:.0f} times smaller or larger a side than the usual {usual:,.0f} px (median "
            "of the square root of width times height). Enlarged ones will look blurred to the network.",
            "info",
        ),
        (
            "odd_aspect",
            np.maximum(width, height) > ODD_ASPECT * np.minimum(width, height),
            ("is very long", "are very long"),
            f": one side is more than {ODD_ASPECT:.0f} times the other, so a square crop loses most of it. "
            "Crop to the object.",
            "info",
        ),
        (
            "wrong_extension",
            _wrongly_named(good),
            ("has the extension of another format", "have the extension of another format"),
            " than their content has. They are read all the same here; other programs may refuse them. Rename them.",
            "info",
        ),
        (
            "exif_rotated",
            good["rotated"],
            ("is stored turned", "are stored turned"),
            " and set upright by the orientation in the EXIF data. They are turned here; programs that ignore EXIF "
            "show them lying. Save them upright if others will use the data.",
            "info",
        ),
    ]
    for kind, chosen, says, rest, severity in checks:
        yield from _listing(kind, good, chosen, says, rest, severity)


def _unless_usual(chosen: pd.Series[bool]) -> pd.Series[bool]:
    return chosen & (chosen.mean() <= USUAL_SHARE)


def _wrongly_named(table: pd.DataFrame) -> npt.NDArray[np.bool_]:
    Image.init()
    known = {**Image.registered_extensions(), ".jfif": "JPEG"}
    named = [known.get(Path(path).suffix.lower(), "") for path in table["path"].astype(str)]
    content = [_SAME_FORMAT.get(each, each) for each in table["format"].astype(str)]
    return np.array([a not in ("", b) for a, b in zip(named, content, strict=True)], dtype=bool)


def _repeated(index: DataIndex, table: pd.DataFrame) -> Iterator[QualityFinding]:
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
    yield from _grouping(
        "leak",
        leaks,
        "near",
        leaks[spare],
        "of which copies lie in more than one split, so a score on the one measures memory of the other; same means "
        f"equal files or nearly equal perceptual hashes {_LIMITS}. Leave out the {{surplus}} that can be spared, from "
        "train before val before test.",
    )
    conflicts = near[several["label"]]
    numbers = sorted(set(conflicts["label"]))
    names = ", ".join(index.classes[int(number)] for number in numbers[:5]) + (", ..." if len(numbers) > 5 else "")
    yield from _grouping(
        "label_conflict",
        conflicts,
        "near",
        conflicts,
        f"of which copies lie in different classes ({names}), so at least one label is wrong or both are right; same "
        f"means equal files or nearly equal perceptual hashes {_LIMITS}. Decide for one class, or leave all out.",
    )
    yield from _grouping(
        "exact_duplicates",
        exact,
        "exact",
        exact[exact.duplicated("exact")],
        "of which the files are equal byte by byte. Leave out the {surplus} that are superfluous.",
    )
    alike = near[several["exact"]]
    yield from _grouping(
        "near_duplicates",
        alike,
        "near",
        alike[alike.duplicated("near")],
        "that look alike: another size, crop, colour or compression, or the next shot of the same thing; their "
        f"perceptual hashes are nearly equal {_LIMITS}. Keep the best of each group: {{surplus}} are superfluous.",
    )


# Kept in words beside quality_groups.PHASH_BITS and DHASH_BITS (a test compares them), to spare pages that import.
_LIMITS = "(phash differs in at most 8 of 64 bits, dhash in at most 24 of 128)"


def _grouping(kind: str, rows: pd.DataFrame, by: str, surplus: pd.DataFrame, says: str) -> Iterator[QualityFinding]:
    groups = tuple(sorted(tuple(dict.fromkeys(paths.astype(str))) for _, paths in rows.groupby(by)["path"]))
    if not groups:
        return
    paths = tuple(path for group in groups for path in group)
    spare = tuple(dict.fromkeys(surplus["path"].astype(str)))
    what = "1 picture" if len(groups) == 1 else f"{len(groups):,} pictures"
    sentence = f"There {'is' if len(groups) == 1 else 'are'} {what} ({len(paths):,} files) {says}"
    severity: Literal["warning", "info"] = "info" if kind == "near_duplicates" else "warning"
    yield QualityFinding(kind, KINDS[kind], sentence.format(surplus=f"{len(spare):,}"), severity, paths, groups, spare)
