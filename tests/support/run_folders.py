"""Run folders in every state, written by hand, so that pages and the store are tested without training."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from alexcore.augment.presets import evaluation_operations
from alexcore.config import TrainConfig, make_config
from alexcore.files import write_json
from alexcore.home import runs_dir
from alexcore.process import own_identity
from alexcore.runs.events import EventWriter
from alexcore.runs.store import (
    create_run,
)

STATES = ("queued", "running", "paused", "stopping", "stopped", "finished", "failed", "lost", "torn")
CLASSES = ("fine", "level", "wide")


def tiny_config(data: Path | str = "", **values: Any) -> TrainConfig:
    """A run that takes a second or two."""
    small: dict[str, Any] = {"epochs": 2, "batch_size": 8, "image_size": 64, "width": 0.25, "num_workers": 0}
    return make_config(data=str(data), **{**small, "device": "cpu", "precision": "fp32", **values})


def write_run(state: str, name: str, *, data: Path | str = "", checkpoint: bool = False, epochs: int = 2) -> Path:
    """Write a run folder that looks as a worker would have left it, or as it looks half-way."""
    config = tiny_config(data, epochs=epochs)
    folder = create_run(config, runs_dir() / name)
    write_json(folder / "class_indices.json", {str(index): each for index, each in enumerate(CLASSES)})
    writer = EventWriter(folder / "events.jsonl")
    if state != "queued":
        writer.write("start", classes=list(CLASSES), total_steps=10, steps_per_epoch=5)
        for step in range(1, 8):
            writer.write("step", epoch=(step - 1) // 5, step=step, loss=1.1 / step, acc1=0.1 * step, lr=1e-3)
        recall = {"recall": [1.0, 0.5, 0.75], "images_per_s": 100.0, "seconds": 1.0}
        writer.write("epoch", epoch=0, step=5, train_loss=1.0, train_acc1=0.5, val_loss=1.1, val_acc1=0.75, **recall)
    if state in ("stopped", "finished", "failed"):
        writer.write("end", state=state, seconds=12.0)
    writer.close()
    if state == "torn":
        with (folder / "events.jsonl").open("ab") as file:
            file.write(b'{"v":1, "seq": 99, "type": "st')
    if checkpoint:
        write_checkpoint(folder / "checkpoints" / "best.pt", config)
        write_checkpoint(folder / "checkpoints" / "last.pt", config)
    pid, started = own_identity()
    status: dict[str, Any] = {
        "state": {"lost": "running", "torn": "running"}.get(state, state),
        "pid": pid,
        "process_started": started,
        "heartbeat": time.time(),
        "epoch": 1,
        "step": 7,
        "total_steps": 10,
        "phase": "training",
        "done": 2,
        "total": 5,
        "images_per_s": 50.0,
        "eta_s": 30.0,
        "error": None,
    }
    if state == "lost":
        status["process_started"] = started - 1000
    if state == "failed":
        status["error"] = {"type": "TrainingError", "message": "The loss is nan.", "hint": "Lower the rate."}
        (folder / "worker.log").write_text("the end of the log\n", encoding="utf-8")
    write_json(folder / "status.json", status)
    return folder


def write_checkpoint(path: Path, config: TrainConfig, classes: tuple[str, ...] = CLASSES) -> None:
    """Write a checkpoint with fresh weights."""
    from alexcore.training.checkpoint import build_model, save_checkpoint
    from alexcore.training.state import Position

    state = {
        "model": build_model(config, len(classes)).state_dict(),
        "position": asdict(Position()),
        "config": config.model_dump(),
        "class_to_idx": {name: index for index, name in enumerate(classes)},
        "evaluation_operations": evaluation_operations(config.augment, config.image_size),
        "fingerprint": "",
    }
    save_checkpoint(path, state)


def write_status(folder: Path, **values) -> Path:
    """A status.json of this live process, with some values changed."""
    pid, started = own_identity()
    status = {"state": "running", "pid": pid, "process_started": started, "heartbeat": time.time(), **values}
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "status.json", status)
    return folder


def write_resumable(state: str, checkpoint: bool = True) -> Path:
    folder = write_run(state, "it")
    if checkpoint:
        (folder / "checkpoints" / "last.pt").touch()
    return folder
