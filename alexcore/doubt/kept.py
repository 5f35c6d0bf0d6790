"""What a run keeps to doubt its predictions with: `reference.npz`, measured once for the weights that predict.

Two independent things: `unlike`, when the image is of another kind than the training images, and `unsure`, when the
network's own confidence was too often wrong on validation images.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from alexcore.doubt.confidence import Threshold
from alexcore.doubt.novelty import FEWEST, Novelty
from alexcore.files import replacing

REFERENCE = "reference.npz"
# Of the features and of the form; another number is another fit, and is measured anew.
VERSION = 1
Word = Literal["unlike", "not flagged", "not measured"]
UNLIKE: Final = "unlike"
NOT_FLAGGED: Final = "not flagged"
NOT_MEASURED: Final = "not measured"


class Verdict(NamedTuple):
    """What is said of one prediction beside it; `score` above 0 is flagged, None was not measured."""

    novelty: Word
    score: float | None
    unsure: bool


NOTHING_KNOWN = Verdict(NOT_MEASURED, None, unsure=False)


@dataclass(frozen=True, eq=False)
class Doubt:
    """What the predictions of one set of weights are held against.

    Attributes:
        weights: What `weights_key` says of them.
        images: Validation images that were predicted; 0 where there are none.
        right: How many of them were predicted right.
        threshold: The confidence below which a prediction is called unsure; None where none parts right from wrong.
        novelty: The fit of the training images; None where they are too few.
        flagged: How many validation images are called unlike: false alarms.
        flagged_views: How many are when each is cropped, lit or compressed in another way.
    """

    weights: str
    images: int
    right: int
    threshold: Threshold | None
    novelty: Novelty | None
    flagged: int
    flagged_views: int

    def verdict(self, confidence: float, score: float | None) -> Verdict:
        """What to say of a prediction with this confidence, 0 to 1, of an image with this novelty score."""
        unsure = self.threshold is not None and confidence < self.threshold.value
        if score is None:
            return Verdict(NOT_MEASURED, None, unsure)
        return Verdict(UNLIKE if score > 0 else NOT_FLAGGED, score, unsure)

    @property
    def false_alarms(self) -> str:
        """How often a flag is wrong, as a sentence: what a flag may claim."""
        if self.novelty is None:
            return f"What is unlike the training images was not measured: it takes {FEWEST} of them."
        if not self.images:
            return "There were no validation images to measure how often this flag is wrong."
        return (
            f"Of {self.images:,} validation images, {self.flagged / self.images:.0%} are flagged like this, and "
            f"{self.flagged_views / self.images:.0%} of them cropped, darker or compressed."
        )

    def about(self) -> dict[str, Any]:
        """The measured numbers as plain data."""
        return {
            "images": self.images,
            "acc1": self.right / self.images if self.images else None,
            "threshold": self.threshold and asdict(self.threshold),
            "novelty": self.novelty
            and {
                "training_images": self.novelty.images,
                "views": self.novelty.views,
                "flagged": self.flagged,
                "flagged_views": self.flagged_views,
            },
        }


def verdict_of(doubt: Doubt | None, confidence: float, score: float | None) -> Verdict:
    """As `Doubt.verdict`; without a doubt nothing is known."""
    return NOTHING_KNOWN if doubt is None else doubt.verdict(confidence, score)


def write_doubt(run_dir: Path, doubt: Doubt) -> None:
    """Keep it in the run's folder.

    Raises:
        OSError: the disk refuses.
    """
    about = {
        "version": VERSION,
        "weights": doubt.weights,
        "images": doubt.images,
        "right": doubt.right,
        "threshold": doubt.threshold and asdict(doubt.threshold),
        "flagged": doubt.flagged,
        "flagged_views": doubt.flagged_views,
    }
    arrays: dict[str, Any] = {"about": np.array(json.dumps(about))}
    if doubt.novelty is not None:
        arrays |= doubt.novelty.as_arrays()
    with replacing(run_dir / REFERENCE) as temporary, temporary.open("wb") as stream:
        np.savez(stream, **arrays)


def read_doubt(run_dir: Path, weights: str = "") -> Doubt | None:
    """What was measured for these weights; None where it is missing, damaged, of another version or other weights.

    Without `weights` it is read to be described, and may be of weights that the run no longer has.
    """
    try:
        # np.load leaves a file open that it has opened itself and finds damaged.
        with (run_dir / REFERENCE).open("rb") as stream, np.load(stream, allow_pickle=False) as record:
            kept = {name: record[name] for name in record.files}
        about = json.loads(str(kept.pop("about")))
        if (about["version"], about["weights"]) != (VERSION, weights or about["weights"]):
            return None
        threshold = None if about["threshold"] is None else Threshold(**about["threshold"])
        counts = (int(about[name]) for name in ("flagged", "flagged_views"))
        novelty = Novelty.from_arrays(kept) if kept else None
        return Doubt(about["weights"], int(about["images"]), int(about["right"]), threshold, novelty, *counts)
    except (OSError, ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile):
        return None


def weights_key(tensors: Iterable[tuple[str, npt.NDArray[Any]]]) -> str:
    """A name for a network's weights, given as names and arrays: it changes with any bit, and not with their file."""
    digest = hashlib.blake2b(digest_size=16)
    for name, values in tensors:
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()
