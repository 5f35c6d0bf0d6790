"""The networks: what there is, as data, and the torch module that is built of it.

    arithmetic   size in, size out of a sliding window
    choices      names that a network can be built from
    call         a layer as Python writes it
    norms        the table of norms
    description  a network as data, and the layers that it may have
    alexnet      the three AlexNets
    blueprints   the table of networks
    layers       sizes, costs and receptive fields of their layers
    convolution  one convolution to play with
    listening    what layers give while a network runs            torch
    init         initial weights                                  torch
    network      the module                                       torch

`Network` is imported on first use, so that a form can read the tables without waiting for torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alexcore.nn.blueprints import NETWORKS, minimum_input_size
from alexcore.nn.choices import ACTIVATIONS, INITS
from alexcore.nn.norms import NORMS

if TYPE_CHECKING:
    from alexcore.nn.network import Network

__all__ = ["ACTIVATIONS", "INITS", "NETWORKS", "NORMS", "Network", "minimum_input_size"]


def __getattr__(name: str) -> Any:
    if name == "Network":
        from alexcore.nn.network import Network

        return Network
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
