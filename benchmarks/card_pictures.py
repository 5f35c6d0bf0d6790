"""Pictures that lie on the device and are augmented there, whole batches at a time; for bench_gpu.py.

The draw of a picture depends on (seed, epoch, index) alone, as in the loader, but it is another draw: here a number is
a hash, because a generator for each picture would be a loop on the processor.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch.nn import functional as F

# Constants of SplitMix64 (Steele, Lea and Flood 2014), as signed numbers.
_STEP, _FIRST, _SECOND = (value - 2**64 for value in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
DRAWS = 5


def _shifted(values: torch.Tensor, bits: int) -> torch.Tensor:
    """`values >> bits` without the sign."""
    return (values >> bits) & ((1 << (64 - bits)) - 1)


def _mixed(values: torch.Tensor) -> torch.Tensor:
    values = (values ^ _shifted(values, 30)) * _FIRST
    values = (values ^ _shifted(values, 27)) * _SECOND
    return values ^ _shifted(values, 31)


def uniforms(seed: int, epoch: int, indices: torch.Tensor) -> torch.Tensor:
    """Numbers in [0, 1) that follow from (seed, epoch, index) alone: (N,) int64 becomes (N, 5) float32."""
    start = _mixed(torch.tensor([seed * 1_000_003 + epoch], dtype=torch.int64, device=indices.device) * _STEP)
    own = _mixed(start + indices * _STEP)
    counts = torch.arange(1, DRAWS + 1, device=indices.device)
    # 24 bits are what a float32 holds below 1; more would be rounded up to 1.
    return _shifted(_mixed(own[:, None] + counts * _STEP), 40).float() / 2**24


def augmented(pictures: torch.Tensor, draws: torch.Tensor, side: int) -> torch.Tensor:
    """RandomResizedCrop (8 to 100 % of the area, 3/4 to 4/3), a flip for every second one, and Normalize with 0.5.

    A crop that does not fit is cut to the picture instead of drawn again, and there is no antialiasing.

    Args:
        pictures: (N, 3, H, W) uint8.
        draws: (N, 5) float32 in [0, 1).
        side: Of the result, in pixels.

    Returns:
        (N, 3, side, side) float32 in channels_last order.
    """
    area, ratio, at_x, at_y, flip = draws.unbind(dim=1)
    area, ratio = 0.08 + 0.92 * area, torch.exp((2 * ratio - 1) * math.log(4 / 3))
    # Half of the sides, in the coordinates of affine_grid: the whole picture reaches from -1 to 1.
    wide, high = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    middle_x, middle_y = (2 * at_x - 1) * (1 - wide), (2 * at_y - 1) * (1 - high)
    wide = torch.where(flip < 0.5, wide, -wide)
    zero = torch.zeros_like(wide)
    theta = torch.stack([wide, zero, middle_x, zero, high, middle_y], dim=1).view(-1, 2, 3)
    grid = F.affine_grid(theta, [len(pictures), 3, side, side], align_corners=False)
    numbers = pictures.float().div_(127.5).sub_(1).contiguous(memory_format=torch.channels_last)
    result = F.grid_sample(numbers, grid, padding_mode="reflection", align_corners=False)
    return result.contiguous(memory_format=torch.channels_last)


def batches(
    pictures: torch.Tensor, labels: torch.Tensor, *, batch_size: int, side: int, seed: int, epoch: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """The batches of one epoch, shuffled and augmented where the pictures lie; the labels stay in main memory.

    Args:
        pictures: (N, 3, H, W) uint8, on any device.
        labels: (N,) int64, in main memory: the step counts them there, which on a card would wait for it.
        batch_size: Pictures of a batch; a last one that is not full is left out.
        side: Of the pictures that the network sees.
        seed: Of order and draws.
        epoch: Counted from 0.
    """
    order = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(seed * 1_000_003 + epoch))
    for chosen in order.split(batch_size):
        if len(chosen) == batch_size:
            here = chosen.to(pictures.device, non_blocking=True)
            yield augmented(pictures[here], uniforms(seed, epoch, here), side), labels[chosen]
