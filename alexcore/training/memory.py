"""Not enough memory: how that is recognised, and what helps."""

from __future__ import annotations

import sys

from alexcore.config import TrainConfig
from alexcore.errors import TrainingError
from alexcore.nn.norms import one_norm

# How CUDA, the CPU's allocator and MPS say it.
_SIGNS = ("out of memory", "can't allocate memory", "not enough memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory has run out."""
    torch = sys.modules.get("torch")  # only who has loaded it can have its error
    known = (MemoryError, torch.OutOfMemoryError) if torch else MemoryError
    said = isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in _SIGNS)
    return said or isinstance(error, known)


def not_enough_memory(config: TrainConfig) -> TrainingError:
    """The sentence for it, with numbers that need about half of the memory and give the same gradient."""
    told = (
        f"There is not enough memory for this run: batches of {config.batch_size} pictures of {config.image_size} px "
        f"(batch_size = {config.batch_size})."
    )
    if config.batch_size == 1:
        return TrainingError(told, f"Make the network smaller: width {config.width / 2:g}, or a smaller image_size.")
    half, double = config.batch_size // 2, config.accumulation_steps * 2
    norm = one_norm(config.norm)
    statistics = f" Only {norm.kind} will see smaller batches." if norm.over_batch else ""
    return TrainingError(
        told,
        f"Start again with batch_size {half} and accumulation_steps {double}: half the memory, the same effective "
        f"batch.{statistics}",
    )
