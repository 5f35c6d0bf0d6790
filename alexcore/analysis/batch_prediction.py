"""Many pictures through one or several networks: decoded ahead in threads, answered in batches, memory flat.

A batch can be worked off in slices of time, so that a page stays alive between them:

    batch = BatchPrediction(networks, pictures)
    while not batch.advance(seconds=0.5): show(batch.done, batch.total)
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Hashable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageOps

from alexcore.analysis.prediction import Classifier
from alexcore.data.archives.incoming import Incoming
from alexcore.data.decoding.images import read_picture
from alexcore.doubt.kept import REFERENCE, Doubt, read_doubt
from alexcore.doubt.novelty import Described
from alexcore.doubt.pixels import pixel_statistics
from alexcore.errors import AlexError

# Pictures that pass through a network together, and how many such chunks are decoded ahead.
CHUNK, AHEAD = 32, 2
# Test-time augmentation looks at the picture, its mirror image, and the middle of both, this share of each side.
MIDDLE = 0.875


@dataclass(frozen=True)
class AskedNetwork:
    """A network that answers, called by its run's id, and what its answers are held against, if that was measured."""

    name: str
    classifier: Classifier
    doubt: Doubt | None = None


def asked_network(name: str, run_dir: Path, checkpoint: Path) -> AskedNetwork:
    """The network of a run's checkpoint, with what its run has measured for these very weights.

    Raises:
        CheckpointError: it cannot be used.
    """
    classifier = Classifier(checkpoint)
    # Only then: naming the weights takes a tenth of a second.
    doubt = read_doubt(run_dir, classifier.weights) if (run_dir / REFERENCE).is_file() else None
    return AskedNetwork(name, classifier, doubt)


@dataclass(frozen=True)
class Reply:
    """What the networks say about one picture, or why it could not be read."""

    name: str  # the picture's name, from outside
    notes: tuple[str, ...] = ()  # what was changed on the way: "rotated by EXIF"
    format: str = ""  # of the content, "JPEG"
    size: tuple[int, int] = (0, 0)  # upright width and height in px
    error: str = ""  # a sentence; empty for a picture that was answered
    hint: str = ""  # what to do about the error
    probabilities: tuple[npt.NDArray[np.float32], ...] = ()  # for each network (C,) float32
    # For each network how far the picture is from its training pictures, above 0 unlike them, where that was measured.
    novelty: tuple[float | None, ...] = ()
    label: int | None = None  # the number of its true class, if that is known
    path: str = ""  # the row's path in its data set, for a picture of one


@dataclass(frozen=True)
class Decoded:
    """A picture on its way: what to say about it, and for each network its views and its pixels' statistics.

    A view is (3, H, W) float32, the statistics of the picture as a network is shown it are (14,); empty if unasked.
    """

    reply: Reply
    tensors: tuple[tuple[torch.Tensor, ...], ...] = ()
    pixels: tuple[npt.NDArray[np.float32], ...] = ()


def views_of(image: Image.Image, tta: bool) -> list[Image.Image]:
    """The picture alone or, with test-time augmentation, the four views that are averaged."""
    if not tta:
        return [image]
    left, top = round(image.width * (1 - MIDDLE) / 2), round(image.height * (1 - MIDDLE) / 2)
    middle = image.crop((left, top, max(left + 1, image.width - left), max(top + 1, image.height - top)))
    return [image, ImageOps.mirror(image), middle, ImageOps.mirror(middle)]


def decode(picture: Incoming, networks: Sequence[Classifier], tta: bool = False, statistics: bool = False) -> Decoded:
    """Read one picture by the policy and transform it for each network; what cannot be read has its sentence.

    With `statistics` its pixels are described, too.
    """
    reply = Reply(picture.name, label=picture.label, path=picture.path)
    try:
        content, names = picture.read(), {each.rendering: picture.name for each in networks}
        # Once for all networks that have learned from pictures of the same rule.
        seen = {rule: read_picture(content, name, rendering=rule) for rule, name in names.items()}
        views = {rule: views_of(each.image, tta) for rule, each in seen.items()}
        tensors = tuple(tuple(each.transform(view) for view in views[each.rendering]) for each in networks)
        read = seen[networks[0].rendering]
        known = {rule: pixel_statistics(each.image) for rule, each in seen.items()} if statistics else {}
        pixels = tuple(known[each.rendering] for each in networks if known)
    except AlexError as error:
        return Decoded(replace(reply, error=error.message, hint=error.hint))
    return Decoded(replace(reply, notes=read.notes, format=read.format, size=read.size), tensors, pixels)


@cache
def _decoders() -> ThreadPoolExecutor:
    # Two are enough to keep a CPU's network busy, and bound how many large pictures are open at once.
    return ThreadPoolExecutor(2, thread_name_prefix="decode")


def decoded_chunks(
    pictures: Sequence[Incoming],
    networks: Sequence[Classifier],
    tta: bool = False,
    chunk: int = CHUNK,
    statistics: bool = False,
) -> Iterator[list[Decoded]]:
    """Yield the pictures in their order, `chunk` at a time, decoded in threads while the last ones are worked on."""
    waiting: deque[list[Future[Decoded]]] = deque()
    starts = iter(range(0, len(pictures), chunk))

    def submit() -> None:
        start = next(starts, None)
        if start is not None:
            part = pictures[start : start + chunk]
            waiting.append([_decoders().submit(decode, each, networks, tta, statistics) for each in part])

    for _ in range(AHEAD):
        submit()
    while waiting:
        futures = waiting.popleft()
        submit()
        yield [each.result() for each in futures]


class BatchPrediction:
    """Pictures in work: `replies` holds the answers so far, in the order of the pictures.

    `known` are answers of these networks to the pictures with these identities, which are not asked about again.
    """

    def __init__(
        self,
        networks: Sequence[AskedNetwork],
        pictures: Sequence[Incoming],
        *,
        tta: bool = False,
        known: Mapping[Hashable, Reply] | None = None,
    ) -> None:
        self.networks, self.total = list(networks), len(pictures)
        self.replies: list[Reply] = []
        # By their places; what a picture is called and its label belong to the set that it stands in now.
        self._known = {
            place: replace(known[each.identity], name=each.name, label=each.label, path=each.path)
            for place, each in enumerate(pictures)
            if known and each.identity in known
        }
        pictures = [each for place, each in enumerate(pictures) if place not in self._known]
        self._add([])
        # With several networks and views a picture takes longer, and a slice of time holds fewer of them.
        chunk = max(4, CHUNK // (len(self.networks) * (4 if tta else 1)))
        statistics = any(each.doubt and each.doubt.novelty for each in self.networks)
        self._chunks = decoded_chunks(pictures, [each.classifier for each in self.networks], tta, chunk, statistics)
        self._lock = threading.Lock()

    @property
    def done(self) -> int:
        """Pictures answered so far."""
        return len(self.replies)

    @property
    def finished(self) -> bool:
        """Whether all pictures have been answered."""
        return self.done >= self.total

    def stop(self) -> None:
        """Leave the rest of the pictures unanswered."""
        with self._lock:
            self.total = self.done

    def advance(self, seconds: float | None = None) -> bool:
        """Answer more pictures: for so many seconds (a chunk at least), or all; whether all are done.

        A second caller, such as the page of the same session after a click, leaves the work to the first.
        """
        if not self._lock.acquire(blocking=False):
            return self.finished
        try:
            until = None if seconds is None else time.monotonic() + seconds
            while not self.finished:
                self._add(self._answer(next(self._chunks)))
                if until is not None and time.monotonic() >= until:
                    break
        finally:
            self._lock.release()
        return self.finished

    def _add(self, answered: Sequence[Reply]) -> None:
        """Put new answers in their places, between those that are known."""
        waiting = iter(answered)
        while (reply := self._known.get(len(self.replies)) or next(waiting, None)) is not None:
            self.replies.append(reply)

    def _answer(self, chunk: list[Decoded]) -> list[Reply]:
        readable = [each for each in chunk if not each.reply.error]
        columns = [self._look(number, readable) for number in range(len(self.networks))] if readable else []
        answered = (
            replace(
                each.reply,
                probabilities=tuple(probabilities[row] for probabilities, _ in columns),
                novelty=tuple(None if scores is None else float(scores[row]) for _, scores in columns),
            )
            for row, each in enumerate(readable)
        )
        return [each.reply if each.reply.error else next(answered) for each in chunk]

    def _look(
        self, number: int, readable: list[Decoded]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32] | None]:
        """Probabilities (N, C), the mean over the views, and novelty (N,) of the picture itself, for one network."""
        network, views = self.networks[number], len(readable[0].tensors[number])
        classifier, novelty = network.classifier, None
        asked = [torch.stack([each.tensors[number][view] for each in readable]) for view in range(views)]
        fit = network.doubt.novelty if network.doubt else None
        if fit is None:
            first, _ = classifier.look(asked[0])
        else:
            first, _, channels = classifier.look_closely(asked[0])
            pixels = np.stack([each.pixels[number] for each in readable])
            novelty = fit.scores(Described(channels.numpy(), pixels))
        every = [first, *(classifier.look(batch)[0] for batch in asked[1:])]
        return torch.stack(every).mean(dim=0).numpy(), novelty
