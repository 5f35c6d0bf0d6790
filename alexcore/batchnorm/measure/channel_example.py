"""One channel of a real batch for the formula of batch norm: read from a network, and computed by hand."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from alexcore.batchnorm.measure.undisturbed import undisturbed
from alexcore.batchnorm.measure.weighted_layers import layers_of
from alexcore.batchnorm.read.formula import LEFT, channel_formula
from alexcore.errors import ConfigError

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
        {"layer", "channel"} and what `formula.channel_formula` returns, for the middle of the first 6 pictures.

    Raises:
        ConfigError: no such layer, it has no batch norm with running statistics, or no such channel.
    """
    known = {
        each.name: each.norm for each in layers_of(model) if isinstance(each.norm, nn.modules.batchnorm._BatchNorm)
    }
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
        hook = norm.register_forward_hook(lambda _module, given, _output: found.append(given[0][:, channel].clone()))
        try:
            model(images)
        finally:
            hook.remove()
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
