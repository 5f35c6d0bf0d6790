"""The same scalars as TensorBoard event files: `tensorboard --logdir runs` shows every run."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

_STEP = {"loss": "train/loss_step", "acc1": "train/acc1_step", "lr": "train/lr"}
_EPOCH = {
    "train_loss": "train/loss",
    "train_acc1": "train/acc1",
    "val_loss": "val/loss",
    "val_acc1": "val/acc1",
    "images_per_s": "speed/images_per_s",
}


class ScalarWriter:
    """Writes what events hold; opened with the first scalar, because the import takes a moment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: Any = None
        self._purge: int | None = None

    def write(self, kind: str, fields: dict[str, Any]) -> None:
        """Write the scalars of one event; after a `resume` TensorBoard forgets what came later."""
        if kind == "resume":
            self._purge = int(fields["step"]) + 1
        names = {"step": _STEP, "epoch": _EPOCH}.get(kind)
        if names is None:
            return
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            if not self._folder.parent.is_dir():  # the run was deleted meanwhile, and this would bring it back
                return
            self._writer = SummaryWriter(self._folder, purge_step=self._purge, flush_secs=10)
        for field, tag in names.items():
            if fields.get(field) is not None:
                self._writer.add_scalar(tag, fields[field], fields["step"])

    def close(self) -> None:
        """Flush and close. A folder that has gone is no error here: the run has its own word for that."""
        if self._writer is not None:
            with contextlib.suppress(OSError):
                self._writer.close()
