"""Measure what the predictions of a run are doubted by: the worker does once training has finished, or `reference`.

The network sees some hundred training images with two chance views of each, and some hundred validation images with
one. Nothing of the run changes: the checkpoint that predicts is read, and one more file lies beside it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from filelock import FileLock, Timeout
from PIL import Image

from alexcore.analysis.prediction import Classifier
from alexcore.config import TrainConfig
from alexcore.data.archives.incoming import Incoming, set_pictures, spread_rows
from alexcore.data.class_index import require_same_mapping
from alexcore.data.content_hashes import seen_by
from alexcore.data.decoding.images import read_picture
from alexcore.data.index import DataIndex
from alexcore.data.sources import choice_of, open_checked
from alexcore.doubt.chance_views import chance_view
from alexcore.doubt.confidence import find_threshold
from alexcore.doubt.kept import Doubt, read_doubt, write_doubt
from alexcore.doubt.novelty import FEWEST, Described, Novelty, fit_novelty
from alexcore.doubt.pixels import pixel_statistics
from alexcore.errors import AlexError, DataError, RunError
from alexcore.findings.run import DoubtNotMeasured
from alexcore.runs.store import Run, read_run, require_checkpoint
from alexcore.training.budget import kept_for_doubt
from alexcore.training.device import choose_device
from alexcore.training.run_data import Reporter
from alexcore.training.session import Session

# More training images flag no more, and more validation images only sharpen the two shares.
MOST_TRAINING, MOST_VALIDATION = 400, 160
VIEWS = 2
# Images that pass through the network together, without their views; and how many such chunks are prepared ahead.
CHUNK, AHEAD = 12, 2
# Of a time limit so much is for looking at training images; the fit and the check need the rest.
LOOKING = 0.6

# Called with (images done, in all).
OnProgress = Callable[[int, int], None]
TimeLeft = Callable[[], float]


def no_limit() -> float:
    """There is as much time as it takes."""
    return math.inf


@dataclass(frozen=True)
class _Looked:
    """A chunk of images: the network's probabilities of the plain ones, and everything described, views after them."""

    labels: list[int]
    probabilities: npt.NDArray[np.float32]  # (N, C)
    plain: Described  # N rows
    views: Described  # N * views rows, those of an image one after the other


def described(classifier: Classifier, images: Sequence[Image.Image]) -> tuple[npt.NDArray[np.float32], Described]:
    """Probabilities (N, C) of N RGB images, and what the recipe reads of them."""
    return _through(classifier, [_prepared(classifier, each) for each in images])


class _EndedError(Exception):
    """A stop was asked for."""


def after_training(config: TrainConfig, run_dir: Path, reporter: Reporter) -> None:
    """Measure the run that has just finished, and keep the result in its folder; what prevents it is told as a note.

    Within a time budget it takes what `kept_for_doubt` says. A stop ends it, and a pause halts it, as they do training.
    """
    session = Session(run_dir, reporter)

    def on_progress(done: int, total: int) -> None:
        eta_s = session.clock() / max(done, 1) * (total - done)
        reporter.progress("measuring-doubt", done, total, eta_s=round(eta_s, 1))
        if not session.obey():
            raise _EndedError

    try:
        index = _learned_from(config, run_dir)
        train_images = len(index.select("train"))
        if train_images < FEWEST:  # not worth a word: the page says it to whoever asks
            return
        limit = kept_for_doubt(config.time_budget_s, train_images) or math.inf
        on_progress(0, 1)
        classifier = Classifier(require_checkpoint(read_run(run_dir)), choose_device(config.device))
        write_doubt(run_dir, measure_doubt(classifier, index, on_progress, lambda: limit - session.clock()))
    except _EndedError:
        session.tell(DoubtNotMeasured("it was stopped."))
    # Nothing that goes wrong here, a full disk or GPU say, makes of the run one that has not finished.
    except (AlexError, OSError, RuntimeError, MemoryError, np.linalg.LinAlgError) as error:
        session.tell(DoubtNotMeasured(str(error) or type(error).__name__))


def measure_run(run: Run, on_progress: OnProgress) -> Doubt:
    """What was measured for the run's weights; if nothing was, measure it now and keep it in the run's folder.

    Raises:
        RunError: a worker is at the run.
        AlexError: it cannot be measured, as `measure_doubt` says.
    """
    classifier = Classifier(require_checkpoint(run), choose_device())
    kept = read_doubt(run.path, classifier.weights)
    if kept is not None:
        return kept
    config = classifier.config
    with RunError.from_system(f"{run.path} cannot be written", "Check its permissions and the disk."):
        try:
            lock = FileLock(run.path / ".lock").acquire(timeout=0)
        except Timeout as error:
            raise RunError(f"The run {run.id} is still at work.", "It is measured when it has finished.") from error
        with lock:
            doubt = measure_doubt(classifier, _learned_from(config, run.path), on_progress)
            write_doubt(run.path, doubt)
    return doubt


def _learned_from(config: TrainConfig, run_dir: Path) -> DataIndex:
    """The data set of a run as the run had it: what came into training since is left out, by its content.

    And of validation what it was trained on. Of a run of version 0.1 nobody knows, and the data set counts as it is.
    """
    index = open_checked(config.data, config.val, choice=choice_of(config))
    seen = seen_by(run_dir)
    if not seen:
        return index
    known = index.files["path"].map(lambda path: index.hashes.get(path) in seen)
    return replace(index, files=index.files[known == (index.files["split"] == "train")].reset_index(drop=True))


def measure_doubt(
    classifier: Classifier,
    index: DataIndex,
    on_progress: OnProgress = lambda _done, _total: None,
    time_left: TimeLeft = no_limit,
) -> Doubt:
    """Measure a network on the data set of its run.

    Args:
        classifier: The network, with the configuration of its run.
        index: The data set, of which every image has been checked.
        on_progress: Is called after each few images; what it raises ends the measuring.
        time_left: Seconds until it should be over; fewer images are looked at then.

    With fewer training images than describe a kind, nothing is said of what is unlike them.

    Raises:
        CheckpointError: the data set has another mapping.
        DataError: the time was too short, or the network gives no finite numbers.
    """
    index = replace(index, rendering=classifier.rendering)
    require_same_mapping(classifier.classes, index.classes)
    train, val = (_rows(index, split, most) for split, most in (("train", MOST_TRAINING), ("val", MOST_VALIDATION)))
    if len(train) < FEWEST:
        train = []
    total = len(train) + len(val)
    end_looking = (1 - LOOKING) * time_left()
    looked = []
    for chunk in _looked_at(classifier, index, train, VIEWS):
        looked.append(chunk)
        on_progress(sum(len(each.labels) for each in looked), total)
        if time_left() < end_looking:
            break
    novelty = _fitted(looked) if train else None
    count = sum(len(each.labels) for each in looked)
    seen: list[_Looked] = []
    for chunk in _looked_at(classifier, index, val, 1):
        seen.append(chunk)
        on_progress(count + sum(len(each.labels) for each in seen), count + len(val))
        if time_left() <= 0:
            break
    return _concluded(classifier.weights, novelty, seen)


def _concluded(weights: str, novelty: Novelty | None, validation: list[_Looked]) -> Doubt:
    """The threshold of unsure, and what the check on the validation images has found."""
    flagged, flagged_views = (
        sum(int((novelty.scores(rows) > 0).sum()) for rows in part) if novelty else 0
        for part in ([each.plain for each in validation], [each.views for each in validation])
    )
    nothing = np.zeros(0, dtype=np.float32)
    confidences = np.concatenate([nothing, *(each.probabilities.max(axis=1) for each in validation)])
    right = np.concatenate([nothing, *(each.probabilities.argmax(axis=1) == each.labels for each in validation)])
    threshold = find_threshold(confidences, right.astype(bool))
    return Doubt(weights, len(right), int(right.sum()), threshold, novelty, flagged, flagged_views)


def _fitted(looked: list[_Looked]) -> Novelty:
    """The fit of training images and their views."""
    count = sum(len(each.labels) for each in looked)
    if count < FEWEST:
        raise DataError(f"There was time for {count} training images only, and it takes {FEWEST}.", "Measure it again.")
    rows = _joined([*(each.plain for each in looked), *(each.views for each in looked)])
    if not all(np.isfinite(each).all() for each in rows):
        raise DataError("The network gives numbers that are not finite for its own training images.", "Train it again.")
    images = np.arange(count)
    return fit_novelty(rows, np.concatenate([images, np.repeat(images, VIEWS)]))


def _rows(index: DataIndex, split: str, most: int) -> list[int]:
    """Rows of a split, evenly spread over the classes, in an order of which every beginning is."""
    rows = spread_rows(index, split, most)
    return [rows[place] for place in np.random.default_rng(0).permutation(len(rows))]


@dataclass(frozen=True)
class _Prepared:
    tensor: torch.Tensor  # (3, H, W)
    pixels: npt.NDArray[np.float32]  # (14,)


def _prepared(classifier: Classifier, image: Image.Image) -> _Prepared:
    return _Prepared(classifier.transform(image), pixel_statistics(image))


def _through(classifier: Classifier, prepared: Sequence[_Prepared]) -> tuple[npt.NDArray[np.float32], Described]:
    probabilities, _, channels = classifier.look_closely(torch.stack([each.tensor for each in prepared]))
    return probabilities.numpy(), Described(channels.numpy(), np.stack([each.pixels for each in prepared]))


def _looked_at(classifier: Classifier, index: DataIndex, rows: list[int], views: int) -> Iterator[_Looked]:
    """Look at the images of these rows, `CHUNK` at a time; one that can no longer be read is left out."""
    side = classifier.config.image_size

    def prepare(picture: Incoming, row: int) -> list[_Prepared]:
        try:
            image = read_picture(picture.read(), picture.name, rendering=classifier.rendering).image
        except DataError:
            return []
        chance = np.random.default_rng([row, views])
        shown = [image, *(chance_view(image, side, chance) for _ in range(views))]
        return [_prepared(classifier, each) for each in shown]

    def submit(pool: ThreadPoolExecutor, part: list[int]) -> list[tuple[int, Future[list[_Prepared]]]]:
        pictures = set_pictures(index, part)
        return [(each.label or 0, pool.submit(prepare, each, row)) for each, row in zip(pictures, part, strict=True)]

    parts = [rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK)]
    # Two keep a processor's network busy; whoever ends early leaves at most what is prepared ahead.
    with ThreadPoolExecutor(2, thread_name_prefix="doubt") as pool:
        waiting = deque(submit(pool, part) for part in parts[:AHEAD])
        for number in range(len(parts)):
            ready = [(label, future.result()) for label, future in waiting.popleft()]
            if number + AHEAD < len(parts):
                waiting.append(submit(pool, parts[number + AHEAD]))
            ready = [(label, each) for label, each in ready if each]
            if not ready:
                continue
            plain, others = [each[0] for _, each in ready], [one for _, each in ready for one in each[1:]]
            probabilities, rows_of_all = _through(classifier, plain + others)
            cut = len(plain)
            yield _Looked(
                [label for label, _ in ready],
                probabilities[:cut],
                Described(*(each[:cut] for each in rows_of_all)),
                Described(*(each[cut:] for each in rows_of_all)),
            )


def _joined(parts: Sequence[Described]) -> Described:
    columns: Any = zip(*parts, strict=True)
    return Described(*(np.concatenate(column) for column in columns))
