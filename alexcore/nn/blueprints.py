"""The networks that there are: a name, which is a value of the setting `variant`, and what describes it.

A new network is one more entry, `NETWORKS["mine"] = Mine()`, here or from outside; whatever is built from layers of
`nn.description` is then trained, explained, compared and exported like the others.
"""

from __future__ import annotations

from typing import Protocol

from alexcore.errors import ConfigError
from alexcore.nn.alexnet import VARIANTS
from alexcore.nn.choices import ACTIVATIONS, check_choice
from alexcore.nn.description import Description, Design
from alexcore.nn.norms import one_norm

MAXIMUM_WIDTH = 4.0


class Blueprint(Protocol):
    """What is registered: it makes the description of a network from a run's settings."""

    @property
    def name(self) -> str:
        """The value of the setting `variant`."""

    @property
    def title(self) -> str:
        """What it is, in a line."""

    @property
    def class_name(self) -> str:
        """What an exported project calls its class, such as "AlexNet"."""

    def describe(self, design: Design) -> Description:
        """The network with these settings."""


NETWORKS: dict[str, Blueprint] = {**VARIANTS}


def one_network(name: str) -> Blueprint:
    """Return the blueprint of that name.

    Raises:
        ConfigError: there is none.
    """
    check_choice("variant", name, NETWORKS)
    return NETWORKS[name]


def describe(
    variant: str = "seed",
    num_classes: int = 5,
    norm: str = "batch",
    width: float = 1.0,
    dropout: float = 0.5,
    activation: str = "relu",
) -> Description:
    """Describe the network that these settings ask for.

    Args:
        variant: One of `NETWORKS`.
        num_classes: Outputs of the last layer, at least 1. `width` leaves it alone.
        norm: One of `NORMS`.
        width: Factor in (0, 4] on all channels and hidden units, rounded to multiples of 8, at least 8.
        dropout: Share in [0, 1) of units set to zero in training, around the hidden linear layers.
        activation: One of `ACTIVATIONS`.

    Raises:
        ConfigError: an argument is out of range; the message names it, its value and the legal ones.
    """
    blueprint, chosen = one_network(variant), one_norm(norm)
    check_choice("activation", activation, ACTIVATIONS)
    if num_classes < 1:
        raise ConfigError(f"num_classes = {num_classes!r} is not allowed: it must be at least 1.")
    # Written so that NaN fails, too.
    if not 0 < width <= MAXIMUM_WIDTH:
        raise ConfigError(f"width = {width!r} is not allowed: it must be above 0 and at most {MAXIMUM_WIDTH:g}.")
    if not 0 <= dropout < 1:
        raise ConfigError(f"dropout = {dropout!r} is not allowed: it must be from 0 and below 1.")
    return blueprint.describe(Design(num_classes, chosen, width, dropout, activation))


def minimum_input_size(variant: str) -> int:
    """Return the smallest image side, in pixels, that a network takes; the width plays no part.

    Raises:
        ConfigError: the network is unknown.
    """
    return describe(variant).minimum_size
