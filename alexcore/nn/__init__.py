"""The networks: AlexNet in its variants, their initial weights and the arithmetic of their sizes.

    arithmetic   size in, size out of a sliding window          no torch
    variants     the three AlexNets as data; legal names        no torch
    pooling      the average over a fixed grid, deterministic
    init         initial weights
    alexnet      the module that is built from all of these

`AlexNet` is imported on first use, so that a form can read `VARIANTS` without waiting for torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alexcore.nn.variants import ACTIVATIONS, INITS, NORMS, VARIANTS, minimum_input_size

if TYPE_CHECKING:
    from alexcore.nn.alexnet import AlexNet

__all__ = ["ACTIVATIONS", "INITS", "NORMS", "VARIANTS", "AlexNet", "minimum_input_size"]


def __getattr__(name: str) -> Any:
    if name == "AlexNet":
        from alexcore.nn.alexnet import AlexNet

        return AlexNet
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
