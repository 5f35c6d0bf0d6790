"""The end of an experiment: recalibrated networks, their validation, and a run folder for each arm."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import torch

from alexcore.batchnorm.measure.arm_validation import Figures, OnBatch, ValBatches, figures_of
from alexcore.batchnorm.measure.arms import Arm
from alexcore.batchnorm.measure.recalibration import batch_norms, recalibrate
from alexcore.files import write_json
from alexcore.nn import Network
from alexcore.runs.events import EventWriter
from alexcore.training.checkpoint import save_checkpoint
from alexcore.training.loader import Batch
from alexcore.training.run_data import RunData
from alexcore.training.state import Position, TrainingState

Networks = dict[str, Network]
Check = Callable[[], None]


def recalibrated(arms: list[Arm], batches_of: Callable[[Arm], Iterable[Batch]], check: Check) -> Networks:
    """Copies of the networks with batch norm whose running statistics were measured anew on `batches_of` the arm.

    Arms without batch norm, and those that have diverged, are left out. `check` is called before each batch and stops
    the work by raising.
    """

    def checked(batches: Iterable[Batch]) -> Iterator[Batch]:
        for batch in batches:
            check()
            yield batch

    found: Networks = {}
    for arm in arms:
        if batch_norms(arm.model) and arm.diverged_at is None:
            found[arm.key] = copy.deepcopy(arm.model)
            recalibrate(found[arm.key], checked(batches_of(arm)))
    return found


def all_figures(
    arms: list[Arm], networks: Networks, val: ValBatches, device: torch.device, on_batch: OnBatch
) -> dict[str, Figures]:
    """Validate every arm as it is and, where there is a recalibrated network, that one, too; by the arms' keys."""
    found: dict[str, Figures] = {}
    for arm in arms:
        ignored = arm.config.ignore_index
        found[arm.key] = figures_of(arm, arm.model, val, device, ignored, on_batch)
        if arm.key in networks:
            again = figures_of(arm, networks[arm.key], val, device, ignored, on_batch)
            found[arm.key] |= {f"{name}_recalibrated": again[name] for name in ("val_loss", "val_acc1")}
    return found


def write_arms(
    run_dir: Path,
    arms: list[Arm],
    networks: Networks,
    data: Mapping[int, RunData],
    state: str,
    step: int,
    figures: Mapping[str, Figures],
    statistics: str,
) -> None:
    """Write each arm as a run folder of its own, arms/<norm>-s<seed>, which every command that takes a run can read.

    Args:
        run_dir: Of the experiment.
        arms: All arms.
        networks: What to save in place of an arm's network: the recalibrated ones.
        data: By seed.
        state: "finished" or "stopped".
        step: Steps made.
        figures: The last validation, if there was one.
        statistics: What the running statistics of the recalibrated networks were measured on, in words.
    """
    for arm in arms:
        own = data[arm.seed]
        folder = run_dir / "arms" / arm.key
        (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
        config = arm.config.model_dump()
        write_json(folder / "config.json", config)
        write_json(folder / "class_indices.json", own.index.class_indices)
        if (run_dir / "env.json").is_file():
            shutil.copy(run_dir / "env.json", folder / "env.json")
        saved = TrainingState(networks.get(arm.key, arm.model), arm.optimizer)
        saved.position = _position(arm, own, step)
        about = {
            "config": config,
            "class_to_idx": own.index.class_to_idx,
            "evaluation_operations": own.evaluation_operations,
            "fingerprint": own.index.fingerprint(),
            "statistics": statistics if arm.key in networks else "",
        }
        save_checkpoint(folder / "checkpoints" / "last.pt", {**saved.as_dict(), **about})
        _write_history(folder, saved.position, state, figures.get(arm.key))
        write_json(
            folder / "status.json",
            {"state": state, "epoch": saved.position.epoch, "step": step, "total_steps": arm.config.max_steps},
        )


def _position(arm: Arm, data: RunData, step: int) -> Position:
    epoch, passed = divmod(step, data.plan.steps_per_epoch)
    return Position(epoch=epoch, batch=passed * arm.config.accumulation_steps, step=step)


def _write_history(folder: Path, position: Position, state: str, figures: Figures | None) -> None:
    """The one event that lists and summaries of runs look for: the last validation."""
    path = folder / "events.jsonl"
    path.unlink(missing_ok=True)
    writer = EventWriter(path)
    if figures:
        ending = "_recalibrated" if "val_acc1_recalibrated" in figures else ""
        writer.write(
            "epoch",
            epoch=position.epoch,
            step=position.step,
            val_loss=round(figures["val_loss" + ending], 6),
            val_acc1=round(figures["val_acc1" + ending], 6),
        )
    writer.write("end", state=state)
    writer.close()
