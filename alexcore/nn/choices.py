"""Names that a network can be built from, and how one is checked."""

from __future__ import annotations

from collections.abc import Iterable

from alexcore.errors import ConfigError

INITS = ("seed", "torch", "kaiming", "xavier")
ACTIVATIONS = ("relu", "tanh", "sigmoid")


def check_choice(name: str, value: str, legal: Iterable[str]) -> None:
    """Raise unless `value` is one of the legal names.

    Raises:
        ConfigError: it is not; the message names the setting, the value and the legal names.
    """
    names = tuple(legal)
    if value not in names:
        raise ConfigError(f"{name} = {value!r} is not allowed: it must be one of {', '.join(names)}.")
