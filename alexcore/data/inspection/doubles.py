"""Which pictures lie in two splits, as far as that is known already: from the hashes of a check, or from a scan."""

from __future__ import annotations

import numpy as np

from alexcore.data.index import DataIndex
from alexcore.data.inspection.quality import known_findings
from alexcore.data.inspection.verify import known_rows
from alexcore.findings.before import SameInTwoSplits
from alexcore.findings.finding import few
from alexcore.findings.pictures import Leak


def known_in_two_splits(whole: DataIndex) -> SameInTwoSplits | None:
    """What a run should be told of copies that lie in several splits; None where nobody knows of any.

    `whole` is a data set with its unreadable pictures. No file of it is opened.
    """
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
