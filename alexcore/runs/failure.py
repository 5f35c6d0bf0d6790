"""What a run may die of, in a sentence and a hint."""

from __future__ import annotations

from alexcore.config import TrainConfig
from alexcore.errors import AlexError, RunError, TrainingError
from alexcore.training.memory import is_out_of_memory, not_enough_memory


def explain(error: Exception, config: TrainConfig | None) -> AlexError:
    """Turn what a run may die of into a sentence and a hint; the traceback is kept as the cause."""
    text = str(error)
    told: AlexError
    if is_out_of_memory(error) and config:
        told = not_enough_memory(config)
    elif isinstance(error, OSError):
        told = RunError(f"A file cannot be read or written: {text}.", "Check the disk's free space and permissions.")
    else:
        told = TrainingError(
            f"The run failed unexpectedly: {type(error).__name__}: {text.splitlines()[0] if text else ''}",
            "This is a bug. worker.log in the run's folder has the details.",
        )
    told.__cause__ = error
    return told
