"""Does the upload path answer as evaluation does? Asked with validation pictures, whose logged answers are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from alexcore.analysis.batch_prediction import AskedNetwork, BatchPrediction
from alexcore.analysis.reference_files import evenly
from alexcore.data.archives.incoming import Incoming, from_bytes
from alexcore.data.index import DataIndex
from alexcore.data.shards import picture_source
from alexcore.errors import DataError

PICTURES = 32
# Batches of another size, or a GPU, round the last bits differently; a probability may differ by a tenth of a percent.
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Parity:
    """How far the two ways agree over `pictures`; `largest` is the largest difference of a probability, of any class.

    `different` are the paths of those with another class, or a probability that is off by more than the tolerance.
    """

    pictures: int
    different: tuple[str, ...]
    largest: float

    @property
    def in_words(self) -> str:
        """The result as a sentence."""
        if self.different:
            return (
                f"{len(self.different)} of {self.pictures} validation pictures are answered differently here than "
                f"by evaluation, the first is {self.different[0]}; probabilities differ by up to {self.largest:.2g}."
            )
        return (
            f"{self.pictures} of {self.pictures} validation pictures are answered here as evaluation answered them; "
            f"the largest difference of a probability is {self.largest:.1g}."
        )


def check_parity(network: AskedNetwork, index: DataIndex, logged: pd.DataFrame, count: int = PICTURES) -> Parity:
    """Send `count` validation pictures through the upload path and compare with what evaluation logged.

    The pictures are evenly spread over the split; `logged` is as `Reference.logged` gives it.

    Raises:
        DataError: a picture cannot be read any more, or the log is of another network.
    """
    rows = logged.iloc[list(evenly(len(logged), count))]
    expected = rows[[name for name in logged.columns if name[0] == "p" and name[1:].isdecimal()]].to_numpy()
    if expected.shape[1] != len(network.classifier.classes):
        raise DataError("The logged answers are of another network.", "Measure the run again.")
    batch = BatchPrediction([network], [_upload(index, path) for path in rows["path"]])
    batch.advance()
    bad = next((reply for reply in batch.replies if reply.error), None)
    if bad is not None:
        raise DataError(bad.error, bad.hint)
    found = np.stack([reply.probabilities[0] for reply in batch.replies])
    apart = np.abs(found - expected).max(axis=1)
    same = (found.argmax(axis=1) == rows["predicted"].to_numpy()) & (apart <= TOLERANCE)
    return Parity(len(rows), tuple(rows["path"][~same]), float(apart.max(initial=0.0)))


def _upload(index: DataIndex, path: str) -> Incoming:
    """The picture as a browser would send it: a name, and bytes in memory."""
    source = picture_source(index, path)
    with DataError.from_system(f"{path} cannot be read", "Measure the run again."):
        content = source if isinstance(source, bytes) else source.read_bytes()
    return from_bytes(path, lambda: content, len(content), len(content))
