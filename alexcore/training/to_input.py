"""ToTensor and Normalize for a whole batch of bytes at once: the same bits in a third of the time.

Pictures travel from the loader's processes as they are decoded, three bytes a pixel, and become numbers where they are
needed. Height x width x colour is also the order of memory that fast convolutions read (channels_last).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from alexcore.augment.operations import Operation, active, arguments, for_batches, for_samples

# torch divides work of 32,768 numbers and more among its threads, which takes longer here than the work: these are many
# small pieces, and each would wait for the other threads to wake up.
_PIECE = 32_767
_STEPS = (["ToTensor"], ["ToTensor", "Normalize"])


class ToInput:
    """Turns bytes, (N, H, W, 3) uint8, into (N, 3, H, W) float32 in channels_last order, from 0 to 1 or normalised."""

    def __init__(self, normalize: Operation | None = None) -> None:
        values = arguments(normalize) if normalize else {"mean": (), "std": ()}
        self.mean: Sequence[float] = values["mean"]
        self.std: Sequence[float] = values["std"]

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Compute ((x * (1 / 255)) - mean) / std, in the order and precision of torchvision."""
        count, height, width, _ = images.shape
        result = torch.empty((count, height, width, 3), dtype=torch.float32)
        # Some rows at a time, which stay in the processor's cache over these four passes. A row of pixels is a line of
        # numbers: three numbers a pixel are too few for vector instructions.
        lines = max(1, _PIECE // (3 * width))
        mean, std = (torch.tensor(list(each)).repeat(width) if each else None for each in (self.mean, self.std))
        sources, targets = (each.view(count * height, 3 * width).split(lines) for each in (images, result))
        for source, target in zip(sources, targets, strict=True):
            target.copy_(source).mul_(1.0 / 255)
            if mean is not None and std is not None:
                target.sub_(mean).div_(std)
        return result.permute(0, 3, 1, 2)


def cut_tail(operations: Sequence[Operation]) -> tuple[list[Operation], ToInput | None]:
    """Divide a pipeline into what is done picture by picture and what can wait for the whole batch.

    Returns:
        The operations on pictures and the rest as a `ToInput`; or all operations and None, where something else follows
        ToTensor (RandomErasing, MixUp ...), which has to find numbers.
    """
    steps = active(operations)
    names: list[Any] = [each["op"] for each in for_samples(steps)]
    at = names.index("ToTensor") if "ToTensor" in names else len(names)
    if not at or for_batches(steps) or names[at:] not in _STEPS:
        return list(operations), None
    return steps[:at], ToInput(steps[at + 1] if len(steps) > at + 1 else None)
