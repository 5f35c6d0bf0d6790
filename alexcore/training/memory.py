"""Not enough memory: how that is recognised, and what helps."""

from __future__ import annotations

import errno
import sys

from alexcore.config import TrainConfig
from alexcore.errors import TrainingError
from alexcore.findings.before import NotEnoughMemory
from alexcore.nn.norms import one_norm

# How CUDA, the CPU's allocator and MPS say it.
_SIGNS = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory has run out."""
    torch = sys.modules.get("torch")  # only who has loaded it can have its error
    known = (MemoryError, torch.OutOfMemoryError) if torch else MemoryError
    said = isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in _SIGNS)
    return said or isinstance(error, known) or (isinstance(error, OSError) and error.errno == errno.ENOMEM)


def _of_gpu(error: BaseException | None) -> bool:
    # MPS shares the machine's memory, but has a limit of its own; the CPU's allocator names neither.
    return any(name in str(error) for name in ("CUDA", "HIP", "MPS"))


def not_enough_memory(config: TrainConfig | None, error: BaseException | None = None) -> TrainingError:
    """The sentence for it, with numbers that need about half of the memory and give the same gradient."""
    if config is None:
        return TrainingError("There is not enough memory.", "End other programs, or choose a smaller batch_size.")
    half, norm = config.batch_size // 2, one_norm(config.norm)
    return NotEnoughMemory(
        batch_size=config.batch_size,
        image_size=config.image_size,
        half=half,
        accumulation_steps=config.accumulation_steps * 2,
        norm=norm.kind,
        over_batch=norm.over_batch and half > 0,
        splits=half > 0,
        width=config.width / 2,
        gpu=_of_gpu(error),
    ).refusal(TrainingError)
