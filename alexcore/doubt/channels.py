"""What an image is like to a network: how strongly each channel of its convolutions responds, and how unevenly.

The last layer says which class an image is most like, and little about whether it is like any; early ones see a
texture that they have never seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor

from alexcore.nn import Network
from alexcore.nn.listening import listening


@contextmanager
def channels_heard(network: Network) -> Iterator[list[Tensor]]:
    """Collect what forward passes within it have given, convolution by convolution.

    Yields:
        A list to which each convolution adds two tensors (N, channels) float32: mean and standard deviation over the
        positions, after the activation and before any pooling (Lee et al. 2018 take several layers in a like way).
    """
    found: list[Tensor] = []

    def heard(_name: str, _module: object, _inputs: object, maps: Tensor) -> None:
        # (N, positions, channels), which is how maps lie in memory: a tenth of the time of `torch.std_mean`.
        values = maps.float().permute(0, 2, 3, 1).flatten(1, 2)
        mean = values.mean(dim=1)
        variance = (values * values).mean(dim=1) - mean * mean
        found.extend((mean, variance.clamp_min(0).sqrt()))

    with listening(((stage.name, stage.activation) for stage in network.stages()), heard):
        yield found
