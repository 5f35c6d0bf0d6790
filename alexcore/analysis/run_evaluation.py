"""Evaluate a trained run on its own or another data set, picture by picture.

    answers = answer_pictures(checkpoint)          each picture: truth, answer, probabilities, loss
    report = report_of(answers)                    the figures that follow from them, as plain data

Pictures that the run was trained on (its `seen.npz`) do not count on other data: they would measure its memory.

Pictures of every kind of source are read one by one by their row, shards too, so an answer always has its picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from alexcore.analysis.metrics import calibration, calibration_error, class_scores, confusion_matrix, mean_of, wilson
from alexcore.analysis.prediction import Classifier, HowTrained
from alexcore.augment.pipeline import build_transform
from alexcore.data.class_index import require_same_mapping
from alexcore.data.content_hashes import SEEN, seen_by, seen_is_damaged
from alexcore.data.decoding.images import read_picture
from alexcore.data.given import NO_CLASS, open_given_checked
from alexcore.data.index import DataIndex
from alexcore.data.reading import AS_IT_LIES, FolderChoice
from alexcore.data.shards import picture_source
from alexcore.data.sources import choice_of, open_checked
from alexcore.errors import DataError
from alexcore.files import read_json
from alexcore.findings.evaluation import ClassesUnmeasured, NoSuchSplit, NotSplit, OtherSplit
from alexcore.findings.finding import Finding
from alexcore.findings.saved import SeenDamaged
from alexcore.training.changed_data import data_moved
from alexcore.training.device import choose_device
from alexcore.training.evaluation import MOST_WRONG
from alexcore.training.loader import Batch, collate, worker_count

# Of each picture the most probable classes are kept, however many there are.
TOP = 5
# Below this many pictures, loader processes take longer to start than to help.
ALONE = 64
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Answers:
    """What a network answered to each picture of a split."""

    # A row a picture, in the order of the split: path (as in `DataIndex.files`), label (NO_CLASS where none is known),
    # predicted, probability (of the predicted class), label_probability, loss (cross entropy in nats), top_index and
    # top_probability (lists of at most 5, best first), position (in the split, counted from 0).
    table: pd.DataFrame
    classes: tuple[str, ...]  # names in the order of their numbers
    data: str  # what was evaluated: the path that opens it
    split: str  # which part of it
    ignored: int = 0  # pictures left out, because the run ignores their class
    left_out_seen: int = 0  # pictures left out, because the run was trained on them
    seen: int = 0  # pictures in the table although the run was trained on them
    extra: Mapping[str, int] = field(default_factory=dict)  # pictures left out, by their class, which it does not know
    said: tuple[Finding, ...] = ()  # what is worth saying of the run's files, and of other data than its own
    trained: HowTrained | None = None  # how far the training of the network had come


class _Pictures(Dataset[tuple[torch.Tensor, int] | DataError]):
    """Some pictures of a data set, each through the evaluation transform; an unreadable one is its error."""

    def __init__(self, index: DataIndex, rows: pd.DataFrame, classifier: Classifier) -> None:
        self.index, self.paths, self.labels = index, rows["path"].tolist(), rows["label"].tolist()
        self.transform, self.rendering = build_transform(classifier.operations), classifier.rendering

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, number: int) -> tuple[torch.Tensor, int] | DataError:
        path = str(self.paths[number])
        try:
            image = read_picture(picture_source(self.index, path), path, rendering=self.rendering).image
        except DataError as error:
            return error
        return self.transform(image), int(self.labels[number])


def _batches(pictures: _Pictures, batch_size: int) -> Iterator[Batch]:
    workers = worker_count(-1, batch_size) if len(pictures) > ALONE else 0
    loader = DataLoader(
        pictures,
        batch_size=batch_size,
        num_workers=workers,
        collate_fn=collate,
        # A generator of its own, so that nothing outside is moved on.
        generator=torch.Generator(),
    )
    for batch in loader:
        if isinstance(batch, DataError):
            raise batch
        yield batch


def answer_pictures(
    checkpoint: Path,
    data: str = "",
    val: str = "",
    split: str = "",
    on_progress: Progress | None = None,
    choice: FolderChoice = AS_IT_LIES,
    *,
    include_seen: bool = False,
) -> Answers:
    """Let a checkpoint answer pictures, in fp32, in eval mode, through its own evaluation transform.

    `data`, with its separate validation folder `val`, is empty for the data set that the run was trained on; `choice`
    says how the folder `data` is meant; `on_progress` is called with (phase, done, total). Other data is taken as it is
    given (see `alexcore.data.given`): nothing is drawn from it. `split` is train, val, test or all; "" is val, or test
    where there is no val, or all where there is neither.

    Pictures that the run was trained on are left out unless `include_seen` says otherwise. Its own data set as it was
    in training is never cut, so that figures stay those of the training; nor is its own training split.

    Raises:
        CheckpointError: there is no usable checkpoint, or its own data set has another mapping.
        DataError: the data set cannot be used, its split is empty, or the run was trained on all of it.
    """
    report = on_progress or (lambda _phase, _done, _total: None)
    device = choose_device()
    classifier = Classifier(checkpoint, device)
    own = not data or any(_same_place((data, val), place) for place in _own_places(checkpoint, classifier))
    if not data:
        data, val, choice = classifier.config.data, classifier.config.val, choice_of(classifier.config)
    seen_hashes = seen_by(checkpoint.parent.parent)

    def checking(done: int, total: int) -> None:
        report("checking-pictures", done, total)

    said: list[Finding] = [*classifier.notes]
    if seen_is_damaged(checkpoint.parent.parent):
        said.append(SeenDamaged(SEEN))
    extra: Mapping[str, int] = {}
    if own:
        # Where its own data is split anew, on another machine perhaps, what it has learned is on the side of training.
        index = open_checked(data, val, checking, choice, learned=seen_hashes)
        require_same_mapping(classifier.classes, index.classes)
    else:
        given = open_given_checked(data, classifier.classes, val, choice, checking)
        index, extra = given.index, given.extra
        said += given.index.problems
        moved = data_moved(classifier.config.data, str(Path(data).expanduser().resolve()), index, seen_hashes)
        if moved and moved.images and not Path(moved.was).expanduser().exists():
            said.append(moved)
    split, rows_of_split = _part(index, split, own, said)
    seen = rows_of_split["path"].map(lambda path: index.hashes.get(path) in seen_hashes).to_numpy(bool)
    as_learned = index.fingerprint() == classifier.fingerprint
    if split == "all" and as_learned:
        seen = seen | (rows_of_split["split"] == "train").to_numpy(bool)
    # As it was in training, or at least what was asked for is what the run has learned.
    as_trained = (as_learned and split != "all") or (own and split == "train")
    places = np.flatnonzero(~seen) if not include_seen and not as_trained else np.arange(len(seen))
    if not len(places):
        raise DataError(
            f"All {len(seen):,} pictures in the {split} split of {index.root} were in this run's training set.",
            "Choose pictures that it has not seen, or let them count with --include-seen.",
        )
    pictures = _Pictures(index, rows_of_split.iloc[places], classifier)
    rows: list[dict[str, Any]] = []
    batch_size = max(32, classifier.config.batch_size)
    with torch.no_grad():
        for images, labels in _batches(pictures, batch_size):
            logits = classifier.model(images.to(device, memory_format=torch.channels_last)).float().cpu()
            rows += _rows(logits, labels)
            report("evaluating", len(rows), len(pictures))
    table = pd.DataFrame(rows)
    table.insert(0, "path", pictures.paths)
    table["position"] = places
    counts = (table["label"] != classifier.config.ignore_index).to_numpy(bool)
    kept, known = table[counts].reset_index(drop=True), int(seen[places][counts].sum())
    measured = set(kept["label"])
    if not own and measured - {NO_CLASS}:
        names = [name for number, name in enumerate(index.classes) if number not in measured]
        said += ClassesUnmeasured.of(names)
    return Answers(
        kept,
        index.classes,
        str(index.origin),
        split,
        ignored=len(table) - len(kept),
        left_out_seen=len(seen) - len(places),
        seen=known,
        extra=extra,
        said=tuple(said),
        trained=classifier.trained,
    )


def _part(index: DataIndex, split: str, own: bool, said: list[Finding]) -> tuple[str, pd.DataFrame]:
    """The rows that are asked for, and the name of their split; what is chosen for somebody is said."""
    wished = split
    if not split:
        split = "val" if own else next((each for each in ("val", "test") if each in index.splits), "all")
    rows = index.files if split == "all" else index.select(split)
    if not len(rows):
        raise NoSuchSplit(str(index.origin), split).refusal(DataError)
    if not wished and split != "val":
        said.append(NotSplit(len(rows)) if split == "all" else OtherSplit(len(rows)))
    return split, rows


def _own_places(checkpoint: Path, classifier: Classifier) -> Iterator[tuple[str, str]]:
    """Where the run's own data was when the checkpoint was written, and where its config.json says that it is now."""
    yield classifier.config.data, classifier.config.val
    config = read_json(checkpoint.parent.parent / "config.json") or {}
    yield str(config.get("data", "")), str(config.get("val", ""))


def _same_place(one: tuple[str, str], other: tuple[str, str]) -> bool:
    return [each and Path(each).expanduser().resolve() for each in one] == [
        each and Path(each).expanduser().resolve() for each in other
    ]


def _rows(logits: torch.Tensor, labels: torch.Tensor) -> list[dict[str, Any]]:
    """A row a picture of (N, C) logits; where there is no class, what depends on it is nan."""
    known, numbers = labels != NO_CLASS, labels.clamp(min=0)
    losses = F.cross_entropy(logits, numbers, reduction="none").where(known, math.nan).tolist()
    probabilities = torch.softmax(logits, dim=1)
    # argmax and not the first of topk: of two equal classes each takes another one, and training counts by argmax.
    predicted = logits.argmax(dim=1)
    own = probabilities.gather(1, numbers[:, None])[:, 0].where(known, math.nan).tolist()
    said = probabilities.gather(1, predicted[:, None])[:, 0].tolist()
    values, places = probabilities.topk(min(TOP, logits.shape[1]), dim=1)
    columns = zip(labels.tolist(), predicted.tolist(), said, own, losses, places.tolist(), values.tolist(), strict=True)
    names = ("label", "predicted", "probability", "label_probability", "loss", "top_index", "top_probability")
    return [dict(zip(names, row, strict=True)) for row in columns]


def report_of(answers: Answers) -> dict[str, Any]:
    """The figures of an evaluation as plain data, as `evaluate --json` prints them.

    Returns:
        images, loss (mean cross entropy, nats), acc1, recall (by class name) and confusion (`[truth][answer]`); and
        labelled (pictures whose class is known, on which all figures are), answers (how often each class was named),
        acc1_low and acc1_high (Wilson, 95 %), balanced_acc1 (mean recall), macro_f1, per_class (a row a class, see
        `class_scores`), calibration (bins), ece, top_losses (12 wrong answers), classes, data, split, ignored,
        left_out_seen, seen, missing_classes, extra_classes (pictures of each), said (code, values, message, hint of
        each), trained_epochs, trained_steps, trained (in words). Where no class is known, figures are None.
    """
    classes, trained = answers.classes, answers.trained
    table = answers.table[answers.table["label"] != NO_CLASS]
    labels, predicted = table["label"].to_numpy("int64"), table["predicted"].to_numpy("int64")
    right = labels == predicted
    low, high = wilson(int(right.sum()), len(table)) or (None, None)
    scores = class_scores(labels, predicted, len(classes))
    bins = calibration(table["probability"].to_numpy("float64"), right)
    worst = table[~right].sort_values("loss", ascending=False, kind="stable").head(MOST_WRONG)
    named = answers.table["predicted"].value_counts()
    return {
        "images": len(answers.table),
        "labelled": len(table),
        "loss": float(table["loss"].mean()) if len(table) else None,
        "acc1": float(right.mean()) if len(table) else None,
        "acc1_low": low,
        "acc1_high": high,
        "balanced_acc1": mean_of(scores, "recall"),
        "macro_f1": mean_of(scores, "f1"),
        "recall": {name: row["recall"] for name, row in zip(classes, scores, strict=True)},
        "confusion": confusion_matrix(labels, predicted, len(classes)) if len(table) else None,
        "per_class": [{"class": name, **row} for name, row in zip(classes, scores, strict=True)],
        "answers": {name: int(named.get(number, 0)) for number, name in enumerate(classes)},
        "calibration": [asdict(each) for each in bins],
        "ece": calibration_error(bins),
        "top_losses": worst[["path", "label", "predicted", "probability", "loss"]].to_dict("records"),
        "classes": list(classes),
        "data": answers.data,
        "split": answers.split,
        "ignored": answers.ignored,
        "left_out_seen": answers.left_out_seen,
        "seen": answers.seen,
        "missing_classes": [name for name, row in zip(classes, scores, strict=True) if not row["images"]],
        "extra_classes": dict(answers.extra),
        "said": [each.as_event() for each in answers.said],
        "trained_epochs": trained and trained.epochs,
        "trained_steps": trained and trained.steps,
        "trained": trained and trained.in_words,
    }
