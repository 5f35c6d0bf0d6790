"""The same scalars as TensorBoard event files: `tensorboard --logdir runs` shows every run."""

from __future__ import annotations

import contextlib
import os
import platform
import time
from pathlib import Path
from typing import Any, BinaryIO

_STEP = {"loss": "train/loss_step", "acc1": "train/acc1_step", "lr": "train/lr", "grad_norm": "train/grad_norm"}
_EPOCH = {
    "train_loss": "train/loss",
    "train_acc1": "train/acc1",
    "val_loss": "val/loss",
    "val_acc1": "val/acc1",
    "images_per_s": "speed/images_per_s",
}


class ScalarWriter:
    """Writes what events hold; opened with the first scalar, because the import takes a moment.

    torch's SummaryWriter would write from a thread of its own, which outlives a deleted run folder and dies in it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: BinaryIO | None = None
        self._purge: int | None = None

    def write(self, kind: str, fields: dict[str, Any]) -> None:
        """Write the scalars of one event; after a `resume` TensorBoard forgets what came later."""
        if kind == "resume":
            self._purge = int(fields["step"]) + 1
        names = {"step": _STEP, "epoch": _EPOCH}.get(kind)
        if names is None:
            return
        if self._file is None and not self._open():
            return
        from tensorboard.compat.proto.summary_pb2 import Summary

        told = {tag: fields[name] for name, tag in names.items() if fields.get(name) is not None}
        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in told.items()]
        self._record(step=int(fields["step"]), summary=Summary(value=values))

    def _open(self) -> bool:
        from tensorboard.compat.proto.event_pb2 import SessionLog

        if not self._folder.parent.is_dir():  # the run was deleted meanwhile, and this would bring it back
            return False
        self._folder.mkdir(exist_ok=True)
        # The name is TensorBoard's: it sorts files of one run by the time in it.
        name = f"events.out.tfevents.{self._second():010d}.{platform.node()}.{os.getpid()}"
        self._file = (self._folder / name).open("ab")
        self._record(file_version="brain.Event:2")
        if self._purge is not None:
            self._record(step=self._purge, session_log=SessionLog(status=SessionLog.START))
        return True

    def _second(self) -> int:
        """Now, in seconds; but later than the run's other files, also after a resume within the same second.

        TensorBoard would otherwise read the files in the order of the process numbers, and draw a zig-zag.
        """
        parts = [file.name.split(".") for file in self._folder.glob("events.out.tfevents.*")]
        taken = [int(each[3]) for each in parts if each[3].isdecimal()]
        return max([time.time_ns() // 10**9, *(each + 1 for each in taken)])

    def _record(self, **fields: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.record_writer import RecordWriter

        assert self._file is not None
        RecordWriter(self._file).write(Event(wall_time=time.time(), **fields).SerializeToString())
        self._file.flush()

    def close(self) -> None:
        """Close the file. A folder that has gone is no error here: the run has its own word for that."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
