"""Whether the disk has room for what a run saves, looked at before it starts or goes on."""

from __future__ import annotations

import shutil
from pathlib import Path

from alexcore.config import TrainConfig
from alexcore.errors import RunError
from alexcore.findings.before import NotEnoughDisk
from alexcore.nn.blueprints import describe

# last.pt, the one before it, best.pt, and the temporary file that becomes one of them.
CHECKPOINT_FILES = 4
# Whatever a run needs: its events grow, others write too, and a disk that is full harms more than this run.
LEAST_FREE = 1_000_000_000


def checkpoint_bytes(config: TrainConfig, num_classes: int) -> int:
    """The size of one checkpoint: fp32 weights, what the optimizer keeps for each, and their moving average, if any."""
    return 4 * describe(config.variant, num_classes, config.norm, config.width).parameters * kept_numbers(config)


def kept_numbers(config: TrainConfig) -> int:
    """How many numbers a checkpoint holds for each weight, itself counted, until the run has finished."""
    kept = 2 if config.optimizer in ("adam", "adamw") else int(config.momentum > 0)
    return 1 + kept + bool(config.ema_decay)


def free_bytes(folder: Path) -> int:
    """Free bytes on the disk where `folder` is or will be."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def room_for(config: TrainConfig, classes: int, folder: Path, networks: int = 1) -> NotEnoughDisk:
    """What a run in `folder` will need and what is free there; an experiment trains several networks."""
    one = networks * checkpoint_bytes(config, classes)
    return NotEnoughDisk(CHECKPOINT_FILES * one, one, free_bytes(folder), LEAST_FREE)


def require_room(config: TrainConfig, classes: int, folder: Path, networks: int = 1) -> None:
    """Refuse to start a run whose disk has too little room.

    Raises:
        RunError: it is so; the sentence has the sum.
    """
    _require(room_for(config, classes, folder, networks))


def require_room_to_resume(run_dir: Path) -> None:
    """Refuse to go on with a run whose disk has too little room beside what lies there already.

    Raises:
        RunError: it is so.
    """
    sizes = [path.stat().st_size for path in run_dir.glob("checkpoints/*.pt")]
    one = max(sizes, default=0)
    _require(NotEnoughDisk(CHECKPOINT_FILES * one, one, free_bytes(run_dir), LEAST_FREE), sum(sizes))


def _require(room: NotEnoughDisk, present: int = 0) -> None:
    if room.free < max(room.least, room.needed - present):
        raise room.refusal(RunError)
