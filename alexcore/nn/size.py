"""How many numbers a network learns, worked out from the table of its layers."""

from __future__ import annotations

from alexcore.nn.norms import one_norm
from alexcore.nn.variants import GRID, one_variant, scaled


def count_parameters(num_classes: int, variant: str = "seed", norm: str = "batch", width: float = 1.0) -> int:
    """The number of parameters of `AlexNet` with these arguments.

    A convolution has kernel**2 * inputs / groups weights an output, and a bias unless a norm follows, which has two
    numbers a channel; a linear layer has inputs + 1 an output.

    Raises:
        ConfigError: the variant is unknown.
    """
    spec = one_variant(variant)
    per_channel = one_norm(norm).per_channel if one_norm(norm).layer else 0
    total, channels = 0, 3
    for conv in spec.convs:
        outputs = scaled(conv.channels, width)
        total += outputs * (conv.kernel**2 * channels // conv.groups + (per_channel or 1))
        channels = outputs
    units = channels * GRID**2
    for outputs in [*(scaled(each, width) for each in spec.hidden), num_classes]:
        total += outputs * (units + 1)
        units = outputs
    return total
