"""Why a run has failed, in a sentence: which limit was reached, and only what remains is a bug."""

from __future__ import annotations

import contextlib
import gc
import re
import shutil
import traceback
from pathlib import Path

from alexcore.config import TrainConfig
from alexcore.errors import AlexError, RunError, TrainingError
from alexcore.training.memory import is_out_of_memory, not_enough_memory
from alexcore.words.limits import limit_of
from alexcore.words.numbers import size_text

_SHARED = Path("/dev/shm")
# As torch says it: "(pid 7) is killed by signal: Killed." or "(pid(s) 7, 9) exited unexpectedly".
_LOADER = re.compile(r"DataLoader worker \(pid(?:\(s\))? ([\d, ]+)\) (.*)", re.DOTALL)


def explain(error: Exception, config: TrainConfig | None) -> AlexError:
    """Turn what a run may die of into a sentence and a hint; the traceback is kept as the cause."""
    told: AlexError | None = _loader_lost(error, config) or _shared_memory_full(error)
    if told is None and is_out_of_memory(error):
        told = not_enough_memory(config, error)
    if told is None and (isinstance(error, OSError) or limit_of(error)):
        hint = limit_of(error) or "Check the disk's free space and permissions."
        told = RunError(f"A file cannot be read or written: {_last_line(error)}.", hint)
    if told is None:
        told = TrainingError(
            f"The run failed unexpectedly: {type(error).__name__}: {str(error).partition(chr(10))[0]}",
            "This is a bug. worker.log in the run's folder has the details.",
        )
    told.__cause__ = error
    return told


def let_go(error: BaseException | None) -> None:
    """Close what an error holds through the calls that it came from: files, also deleted ones, and processes.

    A disk that is full, or a process with too many open files, could else not even say so.
    """
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
    gc.collect()


def log_failure(error: BaseException, log: Path) -> None:
    """Append the traceback to a worker's log, if there is room."""
    with contextlib.suppress(OSError), log.open("a", encoding="utf-8") as file:
        traceback.print_exception(error, file=file)


def _last_line(error: Exception) -> str:
    # From a loader process comes its whole traceback, which ends with what was the matter.
    return (str(error).strip().splitlines() or [type(error).__name__])[-1].rstrip(".")


def _loader_lost(error: Exception, config: TrainConfig | None) -> TrainingError | None:
    found = _LOADER.search(str(error)) if isinstance(error, RuntimeError) else None
    if found is None or "shared memory" in found[2]:
        return None
    who = f"A process that reads pictures (pid {found[1]})"
    fewer = 0 if config is None or config.num_workers < 0 else config.num_workers // 2
    again = f"`resume` goes on, with fewer such processes if it happens again: num_workers {fewer}."
    if "Killed" in found[2] or found[2].strip() == "exited unexpectedly":  # torch knows the signal only at times
        cause = "If nobody did so, the system did, because memory, or the container's memory limit, had run out."
        return TrainingError(f"{who} was killed.", f"{cause} {again}")
    how = _last_line(RuntimeError(found[2].partition(". ")[0]))
    return TrainingError(f"{who} ended: {how}.", f"worker.log in the run's folder has its last words. {again}")


def _shared_memory_full(error: Exception) -> TrainingError | None:
    text = str(error)
    if not isinstance(error, RuntimeError) or not ("shared memory" in text or "</torch_" in text):
        return None
    if "Too many open files" in text:
        return None
    size = f" ({size_text(shutil.disk_usage(_SHARED).total)})" if _SHARED.is_dir() else ""
    return TrainingError(
        "Shared memory, through which pictures come from the processes that read them, is full.",
        f"Its limit is the size of {_SHARED}{size}: raise it (`--shm-size` of a container), or resume with "
        "num_workers 0.",
    )
