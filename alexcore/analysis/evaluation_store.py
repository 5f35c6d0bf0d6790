"""Evaluations that were made before, known by the checkpoint's file and the state of the data set.

An evaluation is a command (`evaluate`) that the dashboard starts as a background job. Its figures are a JSON file, its
answers a Parquet file beside it; both lie in the cache, and anybody may delete them. The JSON is written last: where it
is, both are whole.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from alexcore.data.reading import AS_IT_LIES, FolderChoice
from alexcore.data.sources import open_source, source_signature
from alexcore.errors import CheckpointError
from alexcore.files import read_json, replacing, write_json
from alexcore.home import cache_dir

# Part of every name: a changed form of the files must not meet older ones.
VERSION = 2
COLUMNS = ("path", "label", "predicted", "probability", "label_probability", "loss", "top_index", "top_probability")
_FIGURES = ("images", "labelled", "loss", "acc1", "confusion", "per_class", "calibration", "classes", "data", "split")


@dataclass(frozen=True)
class StoredEvaluation:
    """One evaluation: its figures (see `evaluation.report_of`), and the answers, a row a picture."""

    report: dict[str, Any]
    answers: pd.DataFrame

    @property
    def classes(self) -> list[str]:
        """Class names in the order of their numbers."""
        return [str(each) for each in self.report["classes"]]


def about_seen(report: dict[str, Any]) -> str:
    """What there is to say of a report about images that the run was trained on; empty for nothing."""
    left_out, seen = (int(report.get(key, 0)) for key in ("left_out_seen", "seen"))
    if left_out:
        total = report["images"] + report.get("ignored", 0) + left_out
        return f"{left_out:,} of {total:,} images were in this run's training set: left out."
    if seen and report["split"] != "train":
        return f"{seen:,} of {report['images']:,} images were in this run's training set, and count all the same."
    return ""


def evaluation_name(
    checkpoint: Path,
    data: str,
    val: str = "",
    split: str = "",
    choice: FolderChoice = AS_IT_LIES,
    *,
    include_seen: bool = False,
) -> str:
    """A name for the evaluation of this file on this state of a data set; also that of its background job.

    Without a `split` it is that of val: where val exists both are the same evaluation, and elsewhere there is one only.

    Raises:
        CheckpointError: the checkpoint is missing.
        DataError: the data set cannot be read.
    """
    try:
        status = checkpoint.stat()
    except OSError as error:
        raise CheckpointError(f"There is no checkpoint {checkpoint}.", "Train for at least one epoch first.") from error
    places = [each for each in (data, val, choice.test) if each]
    sources = [(str(Path(each).expanduser().resolve()), _signature(each)) for each in places]
    parts = [VERSION, str(checkpoint.resolve()), status.st_size, status.st_mtime_ns, sources, split or "val"]
    parts += [choice.flags] if choice.flags else []
    text = json.dumps([*parts, "--include-seen"] if include_seen else parts)
    return f"evaluate-{hashlib.sha256(text.encode()).hexdigest()[:20]}"


def _signature(data: str) -> str:
    path = Path(data).expanduser()
    # A pattern such as train-{000..009}.tar names no file whose time could be asked.
    return open_source(data).files_identity if path.name.endswith(".tar") else source_signature(path)


def _files(name: str) -> tuple[Path, Path]:
    folder = cache_dir() / "evaluations"
    return folder / f"{name}.json", folder / f"{name}.parquet"


def remember_evaluation(name: str, report: dict[str, Any], answers: pd.DataFrame) -> None:
    """Keep an evaluation."""
    figures, table = _files(name)
    figures.parent.mkdir(parents=True, exist_ok=True)
    with replacing(table) as temporary:
        answers[list(COLUMNS)].to_parquet(temporary, index=False)
    write_json(figures, report)


def evaluation_time(name: str) -> int:
    """When the evaluation of this name was written (ns), 0 if there is none."""
    try:
        return _files(name)[0].stat().st_mtime_ns
    except OSError:
        return 0


def known_evaluation(name: str) -> StoredEvaluation | None:
    """The evaluation of this name, or None where there is none or its files are damaged."""
    figures, table = _files(name)
    report = read_json(figures)
    if report is None or any(key not in report for key in _FIGURES):
        return None
    try:
        answers = pd.read_parquet(table, columns=list(COLUMNS))
    except (OSError, ValueError, KeyError):  # deleted, or damaged: it can be made again
        return None
    return StoredEvaluation(report, answers) if len(answers) == report["images"] else None
