"""torch and torchvision come as a pair; say so in a sentence where they do not fit."""

from __future__ import annotations

from alexcore.errors import ConfigError

PAIR = "torch>=2.11,!=2.13.0 torchvision>=0.26"


def require_torch() -> None:
    """Import both.

    Raises:
        ConfigError: one is missing, or they are not of one pair.
    """
    try:
        import torch
        import torchvision  # noqa: F401

        torch.zeros(1)
    # A pair that does not match fails with "operator torchvision::nms does not exist", a RuntimeError.
    except (ImportError, RuntimeError, OSError, AttributeError) as error:
        raise ConfigError(
            f"torch and torchvision cannot be loaded together ({error}).",
            f"Install a matching pair from PyPI: pip install --upgrade {PAIR}",
        ) from error
