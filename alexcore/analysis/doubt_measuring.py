"""Measure what the predictions of a run are doubted by: the worker does once training has finished, or `reference`.

The network sees some hundred training images with two chance views of each, and some hundred validation images with
one. Nothing of the run changes: its best checkpoint is read, and no generator of torch is asked.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from alexcore.analysis.prediction import Classifier
from alexcore.data.archives.incoming import Incoming, set_pictures, spread_rows
from alexcore.data.class_index import require_same_mapping
from alexcore.data.decoding.images import read_picture
from alexcore.data.index import DataIndex
from alexcore.data.sources import choice_of, open_checked
from alexcore.doubt.confidence import find_threshold
from alexcore.doubt.kept import Doubt
from alexcore.doubt.novelty import FEWEST, Described, fit_novelty
from alexcore.doubt.pixels import pixel_statistics
from alexcore.doubt.views import chance_view
from alexcore.errors import DataError

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


def measure_doubt(
    classifier: Classifier, on_progress: OnProgress = lambda _done, _total: None, time_left: TimeLeft = no_limit
) -> Doubt:
    """Measure a network on the data set of its run.

    Args:
        classifier: The network, with the configuration of its run.
        on_progress: Is called before each few images; what it raises ends the measuring.
        time_left: Seconds until it should be over; fewer images are looked at then.

    Raises:
        CheckpointError: the data set has another mapping.
        DataError: it cannot be used, has too few training images, or the network gives no finite numbers for them.
    """
    config = classifier.config
    index = open_checked(config.data, config.val, choice=choice_of(config))
    index = replace(index, rendering=classifier.rendering)
    require_same_mapping(classifier.classes, index.classes)
    train, val = (_rows(index, split, most) for split, most in (("train", MOST_TRAINING), ("val", MOST_VALIDATION)))
    require_enough(len(train))
    total = len(train) + len(val)
    end_looking = (1 - LOOKING) * time_left()
    looked = []
    for chunk in _looked_at(classifier, index, train, VIEWS):
        looked.append(chunk)
        on_progress(sum(len(each.labels) for each in looked), total)
        if time_left() < end_looking:
            break
    count = sum(len(each.labels) for each in looked)
    require_enough(count)
    images = np.arange(count)
    rows = _joined([*(each.plain for each in looked), *(each.views for each in looked)])
    if not all(np.isfinite(each).all() for each in rows):
        raise DataError("The network gives numbers that are not finite for its own training images.", "Train it again.")
    novelty = fit_novelty(rows, np.concatenate([images, np.repeat(images, VIEWS)]))

    seen: list[_Looked] = []
    for chunk in _looked_at(classifier, index, val, 1):
        seen.append(chunk)
        on_progress(count + sum(len(each.labels) for each in seen), count + len(val))
        if time_left() <= 0:
            break
    flagged = [int((novelty.scores(each.plain) > 0).sum()) for each in seen]
    flagged_views = [int((novelty.scores(each.views) > 0).sum()) for each in seen]
    confidences = np.concatenate([each.probabilities.max(axis=1) for each in seen] or [np.zeros(0, np.float32)])
    right = np.array(
        [answer == label for each in seen for answer, label in zip(each.probabilities.argmax(axis=1), each.labels, strict=True)],
        dtype=bool,
    )
    threshold = find_threshold(confidences, right)
    return Doubt(classifier.weights, len(right), int(right.sum()), threshold, novelty, sum(flagged), sum(flagged_views))


def require_enough(training_images: int) -> None:
    """Refuse fewer training images than describe a kind.

    Raises:
        DataError: they are too few.
    """
    if training_images < FEWEST:
        raise DataError(
            f"{training_images} training images are too few to say what is unlike them: it takes {FEWEST}.",
            "Add images, and train again.",
        )


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


def _through(
    classifier: Classifier, prepared: Sequence[_Prepared]
) -> tuple[npt.NDArray[np.float32], Described]:
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
