"""The training images to find the nearest of, and the log of validation: a background job's work, kept in the cache.

    python -m alexcore reference RUN_DIR

A folder a checkpoint and state of its data set, in `data/.cache/references`:

    reference.json   classes, how many pictures
    logged.csv       the validation pictures as evaluation answers them: path, label, predicted, probability, p0, p1 ...
    features.npy, pictures.csv   the training pictures for `neighbours`

Version 0.1 also wrote there when to doubt an answer, which nobody reads any more: a run keeps that itself
(`alexcore/doubt/kept.py`).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from alexcore.analysis.batch_prediction import decoded_chunks
from alexcore.analysis.neighbours import FeatureWriter
from alexcore.analysis.prediction import Classifier
from alexcore.analysis.reference_files import LOGGED, RECORD, evenly, reference_folder, references_dir
from alexcore.data.archives.incoming import set_pictures
from alexcore.data.class_index import require_same_mapping
from alexcore.data.index import DataIndex
from alexcore.data.shards import is_sharded
from alexcore.data.sources import choice_of, open_checked
from alexcore.data.storage import new_folder, require_room
from alexcore.errors import DataError
from alexcore.files import write_json
from alexcore.training.device import choose_device
from alexcore.training.shard_loader import make_loader

# Training pictures that are indexed, and validation pictures that are asked, evenly spread: more cost time and disk
# (160 MB at 4,096 units) and hardly change an answer.
MOST = 20_000
# Folders that are kept, the newest.
KEPT = 8
Floats = npt.NDArray[np.float32]


def build_reference(checkpoint: Path, on_progress: Callable[[int, int], None] | None = None) -> Path:
    """Measure a checkpoint on its run's data set; `on_progress` is called with (pictures done, in all).

    Returns:
        The folder with the files named above; an earlier one of the same checkpoint and data is replaced.

    Raises:
        CheckpointError: there is no usable checkpoint, or the data set has another mapping.
        DataError: the data set cannot be used, or the disk is full.
    """
    report = on_progress or (lambda _done, _total: None)
    classifier = Classifier(checkpoint, choose_device())
    index = open_checked(classifier.config.data, classifier.config.val, choice=choice_of(classifier.config))
    index = replace(index, rendering=classifier.rendering)
    require_same_mapping(classifier.classes, index.classes)
    target = reference_folder(checkpoint, classifier.config.data, classifier.config.val)
    split = index.files["split"].to_numpy()
    train, val = (np.flatnonzero(split == each) for each in ("train", "val"))
    train, val = (rows[list(evenly(len(rows), MOST))] for rows in (train, val))
    for name, rows in (("training", train), ("validation", val)):
        if not len(rows):
            raise DataError(f"{index.root} has no readable {name} picture.", "Choose a data set that has some.")
    total = len(train) + len(val)
    width = classifier.model.head.in_features
    require_room(references_dir(), 2 * len(train) * width, "The index of the training pictures")
    fresh = target.with_name(f"{target.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    with new_folder(fresh) as folder:
        _index_training(classifier, index, train, folder, lambda done: report(done, total))
        logged = _log_validation(classifier, index, val, lambda done: report(len(train) + done, total))
        logged.to_csv(folder / LOGGED, index=False)
        write_json(folder / RECORD, {"classes": list(classifier.classes), "indexed": len(train)})
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)
    _forget_oldest()
    report(total, total)
    return target


def _looked_at(classifier: Classifier, index: DataIndex, rows: npt.NDArray[np.intp]) -> Iterator[tuple[Floats, Floats]]:
    """Yield probabilities and features of these pictures, in their order."""
    for chunk in decoded_chunks(set_pictures(index, rows.tolist()), [classifier]):
        bad = next((each.reply for each in chunk if each.reply.error), None)
        if bad is not None:
            raise DataError(bad.error, bad.hint)
        probabilities, features = classifier.look(torch.stack([each.tensors[0][0] for each in chunk]))
        yield probabilities.numpy(), features.numpy()


def _index_training(
    classifier: Classifier, index: DataIndex, rows: npt.NDArray[np.intp], folder: Path, report: Callable[[int], None]
) -> None:
    """Write the index of the training pictures."""
    writer, done = FeatureWriter(folder, len(rows)), 0
    for _, features in _looked_at(classifier, index, rows):
        writer.add(features)
        done += len(features)
        report(done)
    writer.close(index.files.iloc[rows])


def _log_validation(
    classifier: Classifier, index: DataIndex, rows: npt.NDArray[np.intp], report: Callable[[int], None]
) -> pd.DataFrame:
    """What evaluation answers: through its own loader, so that the upload path can be compared with it."""
    asked: list[Floats] = []
    done, answers = 0, _looked_at(classifier, index, rows)
    # Several processes read shards, in no fixed order; and of a part, evaluation has no loader.
    if len(rows) == len(index.select("val")) and not is_sharded(index):
        loader = make_loader(index, "val", classifier.operations, batch_size=max(32, classifier.config.batch_size))
        looks = (classifier.look(images) for images, _ in loader.epoch())
        answers = ((probabilities.numpy(), features.numpy()) for probabilities, features in looks)
    for probabilities, _ in answers:
        asked.append(probabilities)
        done += len(probabilities)
        report(done)
    values = np.concatenate(asked)
    each_class = {f"p{number}": column for number, column in enumerate(values.T)}
    table = index.files.iloc[rows][["path", "label"]]
    return table.assign(predicted=values.argmax(axis=1), probability=values.max(axis=1), **each_class)


def _forget_oldest() -> None:
    found = [each for each in references_dir().iterdir() if each.is_dir() and not each.name.startswith(".")]
    for each in sorted(found, key=lambda folder: folder.stat().st_mtime, reverse=True)[KEPT:]:
        shutil.rmtree(each, ignore_errors=True)
