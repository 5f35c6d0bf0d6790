"""Which pictures lie in two splits, as far as that is known already: from the hashes of a check, or from a scan."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from alexcore.data.index import DataIndex
from alexcore.data.inspection.quality import findings_dir, known_findings
from alexcore.data.inspection.verify import hashes_file, known_rows
from alexcore.findings.before import SameInTwoSplits
from alexcore.findings.finding import few
from alexcore.findings.pictures import Leak

# What was found, by the state of the data set and of what is known of it: a page asks each time it is drawn.
_found: dict[tuple[object, ...], SameInTwoSplits | None] = {}
_MOST = 16


def known_in_two_splits(whole: DataIndex) -> SameInTwoSplits | None:
    """What a run should be told of copies that lie in several splits; None where nobody knows of any.

    `whole` is a data set with its unreadable pictures. No file of it is opened.
    """
    key = (whole.files_identity, whole.sides_identity, changed(hashes_file(whole)), changed(findings_dir()))
    if key not in _found:
        if len(_found) >= _MOST:
            _found.clear()
        _found[key] = _look(whole)
    return _found[key]


def changed(path: Path) -> int:
    """When a file or folder was changed (ns); 0 if there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _look(whole: DataIndex) -> SameInTwoSplits | None:
    leaks = next((each for each in known_findings(whole) or () if isinstance(each, Leak)), None)
    paths = list(leaks.paths) if leaks else _doubled(whole)
    return SameInTwoSplits(few(paths), len(paths)) if paths else None


def _doubled(whole: DataIndex) -> list[str]:
    """The pictures of which another split has a copy, byte by byte."""
    rows = known_rows(whole)
    if rows is None or not len(rows):
        return []
    contents, number = np.unique(np.ascontiguousarray(rows).view("V16").ravel(), return_inverse=True)
    splits = whole.files["split"].astype("category").cat.codes.to_numpy()
    lowest, highest = np.full(len(contents), 9, np.int8), np.full(len(contents), -1, np.int8)
    np.minimum.at(lowest, number, splits)
    np.maximum.at(highest, number, splits)
    several = (lowest != highest)[number] & rows.any(axis=1)
    return [str(path) for path in whole.files["path"][several]]
