"""Shards to batches: the Iterable-style counterpart of `loader`, read with the `webdataset` library.

What holds of an epoch:
- Each picture occurs exactly once over all processes and ranks, however many shards there are. The epoch's sequence of
  pictures (shards in shuffled order) is cut into equal parts, one for each process of each rank; a shard on a
  border is read by both neighbours, each of which decodes only its own pictures.
- The draw of a picture depends on (seed, epoch, index) alone, with the index that the picture has in its split. The set
  of pixels is therefore the same with any number of processes and ranks, and the same as from the source of the shards.
- The order depends on (seed, epoch) and on the number of processes and ranks, because each process shuffles a buffer of
  its own. A resume is exact to the bit only with the same number; -1 (the rule) may give another on another machine.
- The batches have the sizes that `plan` counts with: what is left over in the processes is joined at the end.
- Every rank has as many batches as the others; a last one may be without pictures.
"""

from __future__ import annotations

import os
import random
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from alexcore.augment.operations import Operation
from alexcore.augment.pipeline import Transform, batch_seed, build_mixing, build_transform, draw, sample_seed
from alexcore.data.decoding.images import read_picture
from alexcore.data.index import DataIndex
from alexcore.data.shards import is_sharded, split_path
from alexcore.data.tar_index import is_picture, split_name
from alexcore.errors import DataError
from alexcore.system import open_file
from alexcore.training.loader import (
    Batch,
    Incomplete,
    Loader,
    Reading,
    Sample,
    as_it_is,
    collate,
    incomplete,
    is_sample,
    no_pictures,
    worker_count,
)

# Encoded pictures that wait in each process to be picked by chance: about 50 MB of ordinary photographs.
SHUFFLE_BUFFER = 512
# The order of an epoch is drawn like a picture that does not exist; the buffers of the processes count on from -2.
_ORDER = -1
_BUFFER = -2

# None stands for a batch that was left out: it keeps the turns of the processes as they were.
Item = Batch | Incomplete | DataError | None


class BatchSource(Protocol):
    """What the loop and the evaluation need of a loader; `lost` is as in `Loader`."""

    lost: dict[str, str]

    def epoch(self, epoch: int = 0, start: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch from the batch `start` on."""


class _Row(NamedTuple):
    """A picture in a shard: the key and suffix that `webdataset` will give it, its number in the split, its label."""

    key: str
    suffix: str
    number: int
    label: int


class ShardStream(IterableDataset[Item]):
    """The batches of one loader process, each already a batch; set `when` to (epoch, start) before each pass."""

    def __init__(self, index: DataIndex, split: str, operations: Sequence[Operation], how: Reading) -> None:
        rows = index.select(split)
        self.rows: dict[str, list[_Row]] = {}
        ordered = rows.assign(number=range(len(rows))).sort_values("offset")
        for path, number, label in zip(ordered["path"], ordered["number"], ordered["label"], strict=True):
            shard, member = split_path(path)
            name = split_name(member)
            assert name is not None, member
            self.rows.setdefault(shard, []).append(_Row(*name, int(number), int(label)))
        self.root, self.size, self.rendering = index.root, len(rows), index.rendering
        self.transforms = [(first, build_transform(each)) for first, each in [(0, operations), *how.later]]
        self.mixing = build_mixing(operations, len(index.classes))
        self.batch_size, self.seed, self.shuffle = how.batch_size, how.seed, how.shuffle
        self.rank, self.world_size, self.lost = how.rank, how.world_size, how.lost
        # A tensor, because in shared memory it reaches loader processes that live on from epoch to epoch.
        self.when = torch.zeros(2, dtype=torch.int64)

    def part(self, number: int, parts: int) -> range:
        """The places of one of `parts` parts in the sequence of an epoch."""
        return range(self.size * number // parts, self.size * (number + 1) // parts)

    def share(self, epoch: int, number: int, parts: int) -> dict[str, list[_Row]]:
        """What one of `parts` parts of the epoch has to read, shard by shard."""
        shards = sorted(self.rows)
        if self.shuffle:
            random.Random(sample_seed(self.seed, epoch, _ORDER)).shuffle(shards)
        wanted, first, found = self.part(number, parts), 0, {}
        for shard in shards:
            rows = self.rows[shard]
            chosen = rows[max(wanted.start - first, 0) : max(wanted.stop - first, 0)]
            if chosen:
                found[shard] = chosen
            first += len(rows)
        return found

    def __iter__(self) -> Iterator[Item]:
        """Begin the epoch that `when` names, in whichever process this is."""
        epoch, start = self.when.tolist()
        worker = get_worker_info()
        number, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        return self._items(epoch, start, number, workers)

    def _items(self, epoch: int, start: int, worker: int, workers: int) -> Iterator[Item]:
        # Not at the top: it takes half a second, which whoever trains from files shall not pay.
        import webdataset
        from webdataset.tariterators import group_by_keys, tar_file_expander

        base, parts = self.rank * workers, self.world_size * workers
        share = self.share(epoch, base + worker, parts)
        reading = _Reading(self.root, share)
        stages: list[Any] = [
            reading.streams,
            lambda sources: tar_file_expander(sources, select_files=is_picture),
            group_by_keys,
            reading.known,
        ]
        if self.shuffle:
            seed = sample_seed(self.seed, epoch, _BUFFER - base - worker)
            stages.append(webdataset.shuffle(SHUFFLE_BUFFER, initial=SHUFFLE_BUFFER, seed=seed))
        stages.append(webdataset.batched(self.batch_size, collation_fn=None))
        sizes = [len(self.part(base + each, parts)) for each in range(workers)]
        skip = full_batches_before(start, sizes, self.batch_size)[worker]
        try:
            for done, batch in enumerate(reading.guarded(webdataset.DataPipeline(*stages))):
                yield None if done < skip else self._batch(epoch, batch)
        except DataError as error:  # raised here, in a loader process, it would arrive as a traceback in a string
            yield error

    def _batch(self, epoch: int, batch: list[tuple[str, _Row, bytes]]) -> Item:
        first = batch[0][1].number
        samples = [self._sample(epoch, *each) for each in batch]
        seed = batch_seed(self.seed, epoch, first)
        if all(map(is_sample, samples)):
            return collate(samples, self.mixing, seed)
        names, empty = [name for name, _, _ in batch], no_pictures(self._transform(epoch))
        return incomplete(names, samples, empty, self.lost, self.mixing, seed)

    def _transform(self, epoch: int) -> Transform:
        return next(each for first, each in reversed(self.transforms) if first <= epoch)

    def _sample(self, epoch: int, name: str, row: _Row, content: bytes) -> Sample | DataError:
        try:
            image = read_picture(content, name, rendering=self.rendering).image
        except DataError as error:
            return error
        return draw(self._transform(epoch), image, sample_seed(self.seed, epoch, row.number)), row.label


class _Stream:
    """A file to be read from front to back.

    A generator that is left in its middle may hold one, and the garbage collector then meets them in any order: a file
    object would complain that nobody has closed it.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = -1
        self._descriptor = open_file(path, os.O_RDONLY)

    def read(self, size: int) -> bytes:
        """Return the next bytes, none at the end."""
        return os.read(self._descriptor, size)

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    __del__ = close


class _Reading:
    """One pass over some shards: opens them, picks the wanted pictures, and notices what is missing."""

    def __init__(self, root: Path, share: dict[str, list[_Row]]) -> None:
        self.root = root
        self.wanted = {shard: {row.key: row for row in rows} for shard, rows in share.items()}
        self.current = root

    def streams(self) -> Iterator[dict[str, Any]]:
        """The shards as `webdataset` wants them; its own opener would take a name such as pipe:... for a command."""
        for shard in self.wanted:
            self.current = self.root / shard
            stream = _Stream(self.current)
            yield {"url": shard, "stream": stream}
            stream.close()

    def known(self, samples: Iterator[dict[str, Any]]) -> Iterator[tuple[str, _Row, bytes]]:
        """Turn samples into (name for an error, row, bytes); those that are not wanted here fall away."""
        for sample in samples:
            shard, key = sample["__url__"], sample["__key__"]
            row = self.wanted[shard].get(key)
            if row and row.suffix in sample:
                del self.wanted[shard][key]
                yield f"{self.root / shard}!{key}.{row.suffix}", row, sample[row.suffix]

    def guarded(self, batches: Iterable[Any]) -> Iterator[Any]:
        """Hand on what the pipeline makes.

        Raises:
            DataError: a shard is missing or damaged, or does not hold what it held when the data set was opened.
        """
        try:
            yield from batches
        # What a damaged archive makes of tarfile and of the library; their messages hold addresses of objects.
        except (tarfile.TarError, OSError, ValueError, EOFError) as error:
            message = f"{self.current} cannot be read: it is missing, truncated or damaged."
            raise DataError(message, "Copy the shard again, or pack the data set again.") from error
        for shard, rows in self.wanted.items():
            if rows:
                message = f"{self.root / shard} lacks {len(rows)} of its pictures, the first {next(iter(rows))}."
                raise DataError(message, "It has changed since the data set was opened: copy it again.")


def turns(sizes: Sequence[int], batch_size: int) -> Iterator[tuple[int, int]]:
    """The order in which the DataLoader hands on the batches of its processes: (process, pictures in the batch).

    `sizes` are the pictures of each process; all of its batches but the last are of `batch_size`.
    """
    for begin in range(0, max(sizes, default=0), batch_size):
        for process, size in enumerate(sizes):
            if size > begin:
                yield process, min(batch_size, size - begin)


def full_batches_before(start: int, sizes: Sequence[int], batch_size: int) -> list[int]:
    """For each process, how many of its full batches come before the batch `start` of `ShardLoader.epoch`."""
    before, done, rest = [0] * len(sizes), 0, 0
    for process, size in turns(sizes, batch_size):
        if done >= start:
            break
        if size == batch_size:
            before[process] += 1
            done += 1
        else:
            rest += size
            done, rest = done + rest // batch_size, rest % batch_size
    return before


class ShardLoader:
    """The batches of one split that lies in shards, epoch by epoch; the counterpart of `Loader`."""

    def __init__(self, index: DataIndex, split: str, operations: Sequence[Operation], how: Reading) -> None:
        self.lost: dict[str, str] = {}
        self.batch_size = how.batch_size
        self.most = -(-len(index.select(split)) // (how.batch_size * how.world_size))
        self.stream = ShardStream(index, split, operations, how)
        workers = worker_count(how.num_workers, how.batch_size)
        if workers:
            self.stream.when.share_memory_()
        self._loader = DataLoader(
            self.stream,
            batch_size=None,  # the stream makes the batches
            num_workers=workers,
            collate_fn=as_it_is,
            pin_memory=how.pin_memory,
            persistent_workers=how.shuffle and workers > 0,
            # A generator of its own: otherwise each pass would draw from the one that dropout uses.
            generator=torch.Generator(),
        )

    def __len__(self) -> int:
        """Batches in an epoch of this rank; those of two ranks differ by one at most."""
        return -(-len(self.stream.part(self.stream.rank, self.stream.world_size)) // self.batch_size)

    def epoch(self, epoch: int = 0, start: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch as `Loader.epoch`; those before `start` are read but not decoded.

        Raises:
            DataError: a shard can no longer be read; or a picture in it, and that is refused.
        """
        self.stream.when.copy_(torch.tensor([epoch, start]))
        done, rest = 0, Rest(self.batch_size)
        for item in self._loader:
            if isinstance(item, DataError):
                raise item
            if isinstance(item, Incomplete):
                self.lost |= item.lost
                part, size = item.batch, item.size
            else:
                part, size = item, len(item[1]) if item else 0
            batch = rest.add(part) if part and size < self.batch_size else part
            if part is None or batch is not None:
                if batch is not None and done >= start:
                    yield batch
                done += 1
        if (batch := rest.take()) is not None:
            if done >= start:
                yield batch
            done += 1
        for _ in range(max(done, start), self.most):
            yield no_pictures(self.stream.transforms[-1][1])


class Rest:
    """The pictures that did not fill a batch in their process, until they do so together."""

    def __init__(self, batch_size: int) -> None:
        self.batch_size = batch_size
        self._parts: list[Batch] = []

    def add(self, part: Batch) -> Batch | None:
        """Take up fewer pictures than a batch has; return a batch as soon as there is one."""
        self._parts.append(part)
        return self.take() if sum(len(labels) for _, labels in self._parts) >= self.batch_size else None

    def take(self) -> Batch | None:
        """Return what has come together, a batch at most, or None."""
        if not self._parts:
            return None
        images, labels = (torch.cat(each) for each in zip(*self._parts, strict=True))
        size = self.batch_size
        self._parts = [(images[size:], labels[size:])] if len(labels) > size else []
        return images[:size], labels[:size]


def make_loader(index: DataIndex, split: str, operations: Sequence[Operation], **settings: Any) -> BatchSource:
    """The loader for the kind of data set that `index` is; `settings` as for `Reading`."""
    return (ShardLoader if is_sharded(index) else Loader)(index, split, operations, Reading(**settings))
