"""How several processes (ranks) share a batch: by places, with nothing padded and nothing dropped."""

from __future__ import annotations


def part(size: int, rank: int, ranks: int) -> range:
    """The places of one rank in a batch.

    The first ranks have one picture more where it does not come out even, so the first of all is never without one.
    """
    whole, extra = divmod(size, ranks)
    begin = rank * whole + min(rank, extra)
    return range(begin, begin + whole + (rank < extra))


def place(position: int, size: int, batch_size: int, rank: int, ranks: int) -> int:
    """Where a picture stands in the order of all: the one at `position`, from 0, among those that its rank sees.

    `size` counts the pictures of all ranks in an epoch, `batch_size` those of one rank in each batch but the last.
    """
    whole = batch_size * ranks
    last = (size - 1) // whole
    number = min(position // batch_size, last)
    begin = number * whole
    return begin + part(min(whole, size - begin), rank, ranks).start + position - number * batch_size


def last_parts(size: int, batch_size: int, ranks: int, sharded: bool = False) -> list[int]:
    """How many pictures each rank has in the last batch of an epoch.

    Pictures in shards are shared by the epoch instead of by the batch, because each rank reads shards of its own.
    `size` and `batch_size` count as in `place`.
    """
    before = ((size - 1) // (batch_size * ranks)) * batch_size
    if sharded:
        return [size * (rank + 1) // ranks - size * rank // ranks - before for rank in range(ranks)]
    return [len(part(size - before * ranks, rank, ranks)) for rank in range(ranks)]
