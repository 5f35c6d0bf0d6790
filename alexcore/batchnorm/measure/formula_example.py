"""One channel of a real batch for the formula of batch norm: read from a network or an experiment, computed by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from alexcore.augment.operations import Operation
from alexcore.augment.presets import evaluation_operations, with_normalize
from alexcore.batchnorm.measure.arms import build_arm
from alexcore.batchnorm.measure.batches import probe_set
from alexcore.batchnorm.measure.undisturbed import undisturbed
from alexcore.batchnorm.measure.weighted_layers import layers_of
from alexcore.batchnorm.read.channel_formula import LEFT, channel_formula
from alexcore.batchnorm.settings import trained_file
from alexcore.config import TrainConfig, load_config
from alexcore.data.decoding.levels import kept_rendering
from alexcore.data.index import DataIndex
from alexcore.data.sources import choice_of, open_source
from alexcore.data.statistics import measure
from alexcore.errors import CheckpointError, ConfigError
from alexcore.nn.listening import listening
from alexcore.training.checkpoint import load_checkpoint

# Values that a reader follows: the middle of this many pictures.
SHOWN = 6


def channel_example(
    model: nn.Module, images: Tensor, layer: str = "conv1", channel: int = 0, *, statistics: str = LEFT
) -> dict[str, Any]:
    """Compute what batch norm does to one channel of a batch, with the network's own gamma, beta and statistics.

    The values come from a pass in train mode, so that the layers before this one use the batch's statistics, too; the
    column of eval mode applies this one layer's running statistics to the very same values. One pass forward.

    Args:
        model: A network with batch norm.
        images: (N, 3, H, W) float32 on the network's device.
        layer: Name of a weighted layer that batch norm follows.
        channel: From 0.
        statistics: Where the running statistics come from, in words.

    Returns:
        {"layer", "channel"} and what `channel_formula` returns, for the middle of the first 6 pictures.

    Raises:
        ConfigError: no such layer, it has no batch norm with running statistics, or no such channel.
    """
    norms = ((each.name, each.norm) for each in layers_of(model))
    known = {name: norm for name, norm in norms if isinstance(norm, nn.modules.batchnorm._BatchNorm)}
    norm = known.get(layer)
    if norm is None or norm.running_mean is None or norm.running_var is None:
        there = ", ".join(known) or "none"
        raise ConfigError(f"layer = {layer!r} has no batch norm.", f"Layers of this network that have one: {there}.")
    if not 0 <= channel < norm.num_features:
        raise ConfigError(
            f"channel = {channel!r} is not allowed: {layer} has the channels 0 to {norm.num_features - 1}."
        )
    found: list[Tensor] = []
    with undisturbed(model, train=True), torch.no_grad():
        mean, variance = norm.running_mean[channel].item(), norm.running_var[channel].item()
        updates = int(norm.num_batches_tracked.item()) if norm.num_batches_tracked is not None else 0
        with listening([(layer, norm)], lambda _key, _norm, given, _output: found.append(given[0][:, channel].clone())):
            model(images)
    values = found[0].cpu()
    values = values.reshape(len(values), *(values.shape[1:] or (1, 1)))
    height, width = values.shape[1:]
    return {
        "layer": layer,
        "channel": channel,
        **channel_formula(
            values.numpy(),
            gamma=1.0 if norm.weight is None else norm.weight[channel].item(),
            beta=0.0 if norm.bias is None else norm.bias[channel].item(),
            eps=norm.eps,
            momentum=norm.momentum,
            running_mean=mean,
            running_variance=variance,
            updates=updates,
            statistics=statistics,
            shown=[(picture, height // 2, width // 2) for picture in range(min(SHOWN, len(values)))],
        ),
    }


def experiment_example(run_dir: Path, seed: int, layer: str, channel: int, *, trained: bool) -> dict[str, Any]:
    """Work the algorithm out for one channel on one batch of the experiment's probe pictures.

    `layer` is one that BatchNorm follows, such as "conv1"; `trained` takes the weights at the end, else those before
    the first step.

    Returns:
        What `channel_example` returns.

    Raises:
        AlexError: the data set or the weights cannot be read, or there is no such layer or channel.
    """
    config = load_config(run_dir / "config.json")
    index = open_source(config.data, config.val, choice=choice_of(config))
    index = replace(index, rendering=kept_rendering(run_dir))
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
    return with_normalize(operations, found.mean, found.divisors)
