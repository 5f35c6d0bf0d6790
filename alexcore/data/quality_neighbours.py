"""Which pictures of a data set look like a given one: the hashes of the quality scan, compared with one picture's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from alexcore.data.index import DataIndex
from alexcore.data.quality_groups import DHASH_BITS, PHASH_BITS, PLAIN_CONTRAST
from alexcore.data.quality_measures import known_measures, measure
from alexcore.errors import DataError


def near_pictures(index: DataIndex, source: Path | bytes, split: str = "train", most: int = 6) -> pd.DataFrame | None:
    """The `most` pictures of a split that are most like one picture, of any origin, by their perceptual hashes.

    Returns:
        path, label, phash_bits (of 64) and dhash_bits (of 128) that differ, and `same`: whether both are within the
        limits of the quality scan. Sorted, the likest first. None if the data set was not scanned yet.

    Raises:
        DataError: the picture cannot be decoded, or is so plain that its hashes mean nothing.
    """
    measures = known_measures(index)
    if measures is None:
        return None
    own = measure(source)
    if own["reason"]:
        raise DataError(f"The picture cannot be decoded: {own['reason']}.", "Choose another one.")
    if own["contrast"] < PLAIN_CONTRAST:
        raise DataError("The picture is a plain surface, whose hashes are noise.", "Choose another one.")
    rows = index.files[["path", "split", "label"]].merge(measures.drop_duplicates("path"), on="path", how="inner")
    rows = rows[(rows["split"] == split) & (rows["reason"] == "") & (rows["contrast"] >= PLAIN_CONTRAST)]

    def differing(name: str) -> npt.NDArray[np.int64]:
        return np.asarray(np.bitwise_count(rows[name].to_numpy("uint64") ^ np.uint64(own[name])), "int64")

    found = pd.DataFrame(
        {
            "path": rows["path"].to_numpy(),
            "label": rows["label"].to_numpy(),
            "phash_bits": differing("phash"),
            "dhash_bits": differing("dhash") + differing("dhash_vertical"),
        }
    )
    found["same"] = (found["phash_bits"] <= PHASH_BITS) & (found["dhash_bits"] <= DHASH_BITS)
    found = found.assign(sum=found["phash_bits"] + found["dhash_bits"])
    found = found.sort_values(["same", "sum", "path"], ascending=[False, True, True], ignore_index=True)
    return found.drop(columns="sum").head(most)
