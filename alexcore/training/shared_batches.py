"""Memory for batches that loader processes fill and training empties, over and over again.

By itself a DataLoader makes new shared memory for each batch. The system then clears each of its pages for the process
that writes, maps each for the one that reads, and takes them away again: more work than the copy itself. Here the same
pages are used again, and what is sent is where a batch lies.
"""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch.utils.data import get_worker_info

# Batches that each loader process makes in advance, as in torch.
AHEAD = 2
# One more is being read while the process goes on: it is asked for its next batch before that.
_PLACES = AHEAD + 1


class Placed(NamedTuple):
    """A batch that lies in shared memory: where, its shape (N, H, W, 3), and its labels."""

    place: int
    shape: tuple[int, ...]
    labels: list[int]


class SharedBatches:
    """Places for the batches of a DataLoader that keeps their order and asks each process for `AHEAD` batches at most.

    The memory has no name and is shared with forked processes only; in one that is started in another way, as on
    Windows and macOS, there is none, and nothing fits. So it needs no cleaning up, and no room in /dev/shm.
    """

    def __init__(self, processes: int, size: int) -> None:
        # Whole pages, so that no two processes write to the same one.
        self.size = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
        self._memory = torch.empty(0, dtype=torch.uint8)
        if processes and size:
            self._memory = torch.frombuffer(mmap.mmap(-1, processes * _PLACES * self.size), dtype=torch.uint8)
        self._made = 0

    def __reduce__(self) -> tuple[type[SharedBatches], tuple[int, int]]:
        """What is sent to another process has no memory."""
        return SharedBatches, (0, 0)

    def put(self, images: Sequence[torch.Tensor], labels: list[int]) -> Placed | None:
        """In a loader process: copy pictures, each (H, W, 3) uint8, to the next place; None if they do not fit."""
        info = get_worker_info()
        shape = (len(images), *images[0].shape)
        needed = len(images) * images[0].numel()
        if info is None or needed > self.size or not len(self._memory) or images[0].dtype != torch.uint8:
            return None
        placed = Placed(info.id * _PLACES + self._made % _PLACES, shape, labels)
        self._made += 1
        torch.stack(list(images), out=self._view(placed))
        return placed

    def get(self, placed: Placed) -> tuple[torch.Tensor, torch.Tensor]:
        """Where a batch lies, (N, H, W, 3) uint8, and labels, (N,) int64; good until the next is asked for."""
        return self._view(placed), torch.tensor(placed.labels)

    def _view(self, placed: Placed) -> torch.Tensor:
        first = placed.place * self.size
        return self._memory[first : first + torch.Size(placed.shape).numel()].view(placed.shape)
