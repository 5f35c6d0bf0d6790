"""The networks: AlexNet in its variants, their initial weights and the arithmetic of their sizes.

    arithmetic   size in, size out of a sliding window          no torch
    choices      names that a network can be built from         no torch
    norms        the table of norms                             no torch
    variants     the three AlexNets as data                     no torch
    pooling      the average over a fixed grid, deterministic
    init         initial weights
    alexnet      the module that is built from all of these

`AlexNet` is imported on first use, so that a form can read `VARIANTS` without waiting for torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alexcore.nn.choices import ACTIVATIONS, INITS
from alexcore.nn.norms import NORMS
from alexcore.nn.variants import VARIANTS, minimum_input_size

if TYPE_CHECKING:
    from alexcore.nn.alexnet import AlexNet

__all__ = ["ACTIVATIONS", "INITS", "NORMS", "VARIANTS", "AlexNet", "minimum_input_size"]


def __getattr__(name: str) -> Any:
    if name == "AlexNet":
        from alexcore.nn.alexnet import AlexNet

        return AlexNet
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
