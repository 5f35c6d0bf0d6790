"""Pictures to batches. The order of an epoch and each picture's draw follow from the seed, not from who reads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, Sampler, default_collate

from alexcore.augment import pipeline
from alexcore.augment.operations import Operation
from alexcore.data.decoding.decoded import DecodedPictures
from alexcore.data.decoding.levels import PLAIN, Rendering
from alexcore.data.index import DataIndex
from alexcore.errors import DataError
from alexcore.system import available_cores, lower_priority
from alexcore.training.shared_batches import AHEAD, Placed, SharedBatches
from alexcore.training.sharing import part
from alexcore.training.to_input import cut_tail

Key = tuple[int, int]
# From which epoch on another pipeline is used, and which: pictures may grow.
Stage = tuple[int, Sequence[Operation]]
Batch = tuple[torch.Tensor, torch.Tensor]
Sample = tuple[torch.Tensor, int]
# What becomes of a picture that can no longer be read: it ends the pass, is simply not in its batch, or leaves a blank
# with the label `NO_LABEL` in its place, so that the others keep theirs.
Lost = Literal["refused", "skipped", "blank"]
NO_LABEL = -1
# The order of an epoch is drawn like a picture that does not exist.
_ORDER = -1
# How much further loader processes stand back than training: torch's threads wait for each other many times in a step,
# and where one of them finds its core taken, all of them wait. Without others on the cores a step leaves room enough.
_NICENESS = 14


def worker_count(num_workers: int, batch_size: int, local_ranks: int = 1) -> int:
    """Loader processes: as asked, or for -1 the blog's rule min(cores, batch size if above 1 else 0, 8).

    Processes that train together on one machine share its cores.
    """
    if num_workers >= 0:
        return num_workers
    return min(max(1, available_cores() // local_ranks), batch_size if batch_size > 1 else 0, 8)


class PictureDataset(Dataset[tuple[torch.Tensor, int]]):
    """A Map-style data set. Its key is (epoch, index), because the draw of a picture depends on both.

    Attributes:
        to_input: What turns a batch of its pictures into the network's input; None if they are that already.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        labels: Sequence[int],
        operations: Sequence[Operation],
        seed: int,
        decoded_mib: int = 0,
        later: Sequence[Stage] = (),
        rendering: Rendering = PLAIN,
    ) -> None:
        self.paths = list(paths)
        self.labels = list(labels)
        # Normalize is the same at any size, and so what can wait for the batch.
        head, self.to_input = cut_tail(operations)
        self.transforms = [(0, pipeline.build_transform(head))]
        self.transforms += [(epoch, pipeline.build_transform(cut_tail(each)[0])) for epoch, each in later]
        self.seed = seed
        self.decoded = DecodedPictures(decoded_mib, rendering=rendering)

    def __len__(self) -> int:
        return len(self.paths)

    def transform_of(self, epoch: int) -> pipeline.Transform:
        """What is done to a picture in an epoch."""
        return next(each for first, each in reversed(self.transforms) if first <= epoch)

    def most_bytes(self) -> int:
        """Bytes of one picture before `to_input`, at its largest; 0 if an empty picture does not tell."""
        try:
            return max(no_pictures(transform)[0].shape[1:].numel() for _, transform in self.transforms)
        except ValueError:  # a crop that is larger than it, and no Resize before
            return 0

    def __getitem__(self, key: Key) -> tuple[torch.Tensor, int]:
        """Return the picture and its label: (3, H, W) float32, normalised, or (H, W, 3) uint8 before `to_input`."""
        epoch, index = key
        image = self.decoded.read(self.paths[index])
        transform = self.transform_of(epoch)
        seed = pipeline.sample_seed(self.seed, epoch, index)
        return as_sample(pipeline.draw(transform, image, seed)), self.labels[index]


class Incomplete(NamedTuple):
    """A batch of `size` pictures, some of which can no longer be read: `lost` has the path and the sentence of each."""

    batch: Batch
    lost: dict[str, str]
    size: int


class Batches(Dataset[Batch | Placed | Incomplete | DataError]):
    """A Map-style data set whose item is a whole batch: its key is the list of the keys of its pictures.

    An error is handed on as a value: raised in a loader process it would arrive as a traceback in a string.
    """

    def __init__(
        self,
        dataset: PictureDataset,
        mixing: pipeline.Mixing | None = None,
        shared: SharedBatches | None = None,
        lost: Lost = "refused",
    ) -> None:
        self.dataset, self.mixing, self.shared, self.lost = dataset, mixing, shared, lost

    def __getitem__(self, keys: list[Key]) -> Batch | Placed | Incomplete | DataError:
        """Return images, as those of `PictureDataset`, and labels: (N,) int64 or, mixed, (N, C) float32."""
        if not keys:
            return no_pictures(self.dataset.transforms[-1][1])
        epoch, first = keys[0]
        seed = pipeline.batch_seed(self.dataset.seed, epoch, first)
        read = [self._read(key) for key in keys]
        samples = [each for each in read if not isinstance(each, DataError)]
        if len(samples) < len(read):
            return self._incomplete(keys, read, seed)
        images, labels = zip(*samples, strict=True)
        if self.shared is not None and (placed := self.shared.put(images, list(labels))):
            return placed
        return collate(samples, self.mixing, seed)

    def _read(self, key: Key) -> Sample | DataError:
        try:
            return self.dataset[key]
        except DataError as error:
            return error

    def _incomplete(self, keys: list[Key], read: list[Sample | DataError], seed: int) -> Incomplete | DataError:
        names = [str(self.dataset.paths[index]) for _, index in keys]
        empty = no_pictures(self.dataset.transform_of(keys[0][0]))
        return incomplete(names, read, empty, self.lost, self.mixing, seed)


def incomplete(
    names: Sequence[str],
    read: Sequence[Sample | DataError],
    empty: Batch,
    lost: Lost,
    mixing: pipeline.Mixing | None = None,
    seed: int = 0,
) -> Incomplete | DataError:
    """What becomes of a batch some of whose pictures could not be read; `empty` is one without any, of its shape."""
    errors = [(name, each) for name, each in zip(names, read, strict=True) if isinstance(each, DataError)]
    if lost == "refused":
        return errors[0][1]
    blank = empty[0].new_zeros(empty[0].shape[1:]), NO_LABEL
    kept = [blank if isinstance(each, DataError) else each for each in read if lost == "blank" or is_sample(each)]
    batch = collate(kept, mixing, seed) if kept else empty
    if isinstance(batch, DataError):
        return batch
    return Incomplete(batch, {name: error.message for name, error in errors}, len(read))


def is_sample(read: Sample | DataError) -> bool:
    """Whether a picture could be read."""
    return not isinstance(read, DataError)


def no_pictures(transform: pipeline.Transform) -> Batch:
    """A batch without pictures: (0, 3, H, W) and (0,). What a rank gets where there are fewer pictures than ranks."""
    sample = as_sample(pipeline.draw(transform, Image.new("RGB", (256, 256)), 0))
    return sample.new_empty((0, *sample.shape)), torch.empty(0, dtype=torch.int64)


def as_sample(drawn: torch.Tensor | Image.Image) -> torch.Tensor:
    """A drawn picture as a tensor: as it is, or one that waits for `to_input` as (H, W, 3) uint8."""
    return drawn if isinstance(drawn, torch.Tensor) else torch.from_numpy(np.array(drawn))


def collate(
    samples: Sequence[tuple[torch.Tensor, int] | DataError], mixing: pipeline.Mixing | None = None, seed: int = 0
) -> Batch | DataError:
    """Make a batch of samples and mix it, drawn from `seed`; or hand on the first error among them."""
    error = next((sample for sample in samples if isinstance(sample, DataError)), None)
    if error is not None:
        return error
    images, labels = default_collate(list(samples))
    if mixing is None:
        return images, labels
    with pipeline.drawing_from(seed):
        return mixing(images, labels)


class EpochBatches(Sampler[list[Key]]):
    """The keys of one epoch's batches; set `epoch` and `start` (in batches) before each pass.

    Of several ranks each gets its part of every batch, which then has `batch_size` pictures for each of them: together
    they see what one process with so large a batch sees. The last batch may leave a rank without any.
    """

    def __init__(self, size: int, batch_size: int, seed: int, shuffle: bool, rank: int = 0, ranks: int = 1) -> None:
        self.size, self.seed, self.shuffle = size, seed, shuffle
        self.whole = batch_size * ranks
        self.rank, self.ranks = rank, ranks
        self.epoch = 0
        self.start = 0

    def __len__(self) -> int:
        return -(-self.size // self.whole) - self.start

    def __iter__(self) -> Iterator[list[Key]]:
        order = list(range(self.size))
        if self.shuffle:
            generator = torch.Generator().manual_seed(pipeline.sample_seed(self.seed, self.epoch, _ORDER))
            order = torch.randperm(self.size, generator=generator).tolist()
        for begin in range(self.start * self.whole, self.size, self.whole):
            own = part(min(self.whole, self.size - begin), self.rank, self.ranks)
            yield [(self.epoch, index) for index in order[begin + own.start : begin + own.stop]]


def give_way(_number: int) -> None:
    """In a loader process: leave the cores to training where both want them."""
    lower_priority(_NICENESS)


def as_it_is(item: Any) -> Any:
    """Leave alone what is a batch already; without it the DataLoader would look through it for arrays."""
    return item


@dataclass(frozen=True)
class Reading:
    """How a loader reads a split; `decoded_mib` is the budget of the cache of decoded pictures, which shards ignore."""

    batch_size: int
    seed: int = 0
    shuffle: bool = False
    num_workers: int = -1
    pin_memory: bool = False
    decoded_mib: int = 0
    later: Sequence[Stage] = ()
    rank: int = 0
    world_size: int = 1
    lost: Lost = "refused"


class Loader:
    """The batches of one split, epoch by epoch.

    Attributes:
        lost: The pictures that could not be read so far, path -> sentence, unless they are refused.
    """

    def __init__(self, index: DataIndex, split: str, operations: Sequence[Operation], how: Reading) -> None:
        self.lost: dict[str, str] = {}
        rows = index.select(split)
        paths = [index.path_of(path) for path in rows["path"]]
        cached = how.decoded_mib, how.later, index.rendering
        self.dataset = PictureDataset(paths, rows["label"].tolist(), operations, how.seed, *cached)
        self.batches = EpochBatches(len(self.dataset), how.batch_size, how.seed, how.shuffle, how.rank, how.world_size)
        workers = worker_count(how.num_workers, how.batch_size)
        # Pinned memory, from which a GPU reads, has to be allocated as such.
        sharing = self.dataset.to_input is not None and workers and not how.pin_memory
        self.shared = SharedBatches(workers, how.batch_size * self.dataset.most_bytes()) if sharing else None
        self._loader = DataLoader(
            Batches(self.dataset, pipeline.build_mixing(operations, len(index.classes)), self.shared, how.lost),
            # An "item" is a batch: only a whole batch can be mixed, and that is the loader processes' work.
            batch_size=None,
            sampler=self.batches,
            num_workers=workers,
            prefetch_factor=AHEAD if workers else None,
            worker_init_fn=give_way,
            collate_fn=as_it_is,
            pin_memory=how.pin_memory,
            # Only training comes back every epoch; validation would hold its processes idle in between.
            persistent_workers=how.shuffle and workers > 0,
            # A generator of its own: otherwise each pass would draw from the one that dropout uses.
            generator=torch.Generator(),
        )

    def epoch(self, epoch: int = 0, start: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch: images (N, 3, H, W) float32, labels (N,) int64 or, mixed, (N, C) float32.

        The epoch, from 0, decides order and draws; one that is continued begins with the batch `start`.

        Raises:
            DataError: a picture can no longer be read, and that is refused.
        """
        self.batches.epoch, self.batches.start = epoch, start
        to_input = self.dataset.to_input
        for batch in self._loader:
            if isinstance(batch, DataError):
                raise batch
            if isinstance(batch, Incomplete):
                self.lost |= batch.lost
                batch = batch.batch
            images, labels = self.shared.get(batch) if self.shared and isinstance(batch, Placed) else batch
            yield (to_input(images) if to_input else images), labels
