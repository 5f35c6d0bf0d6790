"""BatchNorm on a real batch of an experiment, one channel number by number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from alexcore.augment.operations import Operation
from alexcore.augment.presets import evaluation_operations, with_normalize
from alexcore.batchnorm.measure.arms import build_arm
from alexcore.batchnorm.measure.batches import probe_set
from alexcore.batchnorm.measure.channel_example import channel_example
from alexcore.batchnorm.settings import arm_key
from alexcore.config import TrainConfig, load_config
from alexcore.data.index import DataIndex
from alexcore.data.sources import open_source
from alexcore.data.statistics import measure
from alexcore.errors import CheckpointError
from alexcore.training.checkpoint import load_checkpoint


def trained_file(run_dir: Path, seed: int) -> Path:
    """Where the weights of an experiment's BatchNorm arm lie once it has ended or stopped."""
    return run_dir / "arms" / arm_key("batch", seed) / "checkpoints" / "last.pt"


def worked_example(run_dir: Path, seed: int, layer: str, channel: int, *, trained: bool) -> dict[str, Any]:
    """Work the algorithm out for one channel on one batch of the experiment's probe pictures.

    Args:
        run_dir: The experiment.
        seed: Of the arm.
        layer: A layer that BatchNorm follows, such as "conv1".
        channel: From 0.
        trained: With the weights at the end; else with those before the first step.

    Returns:
        What `example.channel_example` returns.

    Raises:
        AlexError: the data set or the weights cannot be read, or there is no such layer or channel.
    """
    config = load_config(run_dir / "config.json")
    index = open_source(config.data, config.val)
    arm = build_arm(config, "batch", seed, len(index.classes), torch.device("cpu"))
    file = trained_file(run_dir, seed)
    saved = load_checkpoint(file) if file.is_file() else None
    statistics = "as it begins, before the first step"
    if trained:
        if saved is None:
            raise CheckpointError("The trained weights of this arm are not there yet.", "Wait for the end, or stop it.")
        arm.model.load_state_dict(saved["model"])
        statistics = str(saved.get("statistics") or "recalibrated: measured anew after the last step")
    operations = saved["evaluation_operations"] if saved else _operations(config, index)
    images, _ = probe_set(index, operations, config.batch_size, config.seed)
    return channel_example(
        arm.model, images.to(memory_format=torch.contiguous_format), layer, channel, statistics=statistics
    )


def _operations(config: TrainConfig, index: DataIndex) -> list[Operation]:
    """The evaluation transform of the run, with the data set's own colours where the run takes those."""
    operations = evaluation_operations(config.augment, config.image_size)
    if config.normalize != "data":
        return operations
    found = measure(index)
    return with_normalize(operations, found.mean, found.std)
