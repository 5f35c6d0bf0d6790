"""How slowly batch norm's running statistics follow."""

from __future__ import annotations

import math
from typing import Any

from alexcore.batchnorm.read.quantities import rounded
from alexcore.errors import ConfigError

MOST_POINTS = 201


def statistics_lag(momentum: float | None, updates: int, accumulation: int = 1) -> dict[str, Any]:
    """What the initial values still weigh in the running statistics: (1 - m)^n after n updates.

    With accumulation, every optimizer step brings k updates, so that a step counts with 1 - (1 - m)^k;
    1 - (1 - m)^(1/k) would give m a step again. That mends the running statistics alone, not the gradient: each
    micro-batch is still normalised by its own.

    Args:
        momentum: Of batch norm, 0 to 1; None is the plain mean of all batches.
        updates: Batches seen in train mode, at least 0.
        accumulation: Micro-batches an optimizer step, k.

    Returns:
        {"momentum", "updates", "weight": 0 to 1, "half_life": updates until it is a half, "effective_momentum",
        "compensated_momentum", "curve": weights after 0 to `updates` of them (at most 201 points), "curve_updates"}.
        `half_life` is None for a momentum of 0, which never forgets, and with None for the plain mean, which has
        forgotten after its first batch, the momenta are None, too.

    Raises:
        ConfigError: momentum, updates or accumulation are out of range.
    """
    if momentum is not None and not 0 <= momentum <= 1:
        raise ConfigError(f"momentum = {momentum!r} is not allowed: it must be from 0 to 1.")
    if updates < 0:
        raise ConfigError(f"updates = {updates!r} is not allowed: it must be at least 0.")
    if accumulation < 1:
        raise ConfigError(f"accumulation = {accumulation!r} is not allowed: it must be at least 1.")

    def weight(count: int) -> float:
        return float(count == 0) if momentum is None else float((1 - momentum) ** count)

    points = sorted({round(number * updates / (MOST_POINTS - 1)) for number in range(MOST_POINTS)})
    data: dict[str, Any] = rounded(
        {
            "momentum": momentum,
            "updates": updates,
            "weight": weight(updates),
            "half_life": half_life(momentum),
            "effective_momentum": None if momentum is None else 1 - (1 - momentum) ** accumulation,
            "compensated_momentum": None if momentum is None else 1 - (1 - momentum) ** (1 / accumulation),
            "curve": [weight(count) for count in points],
            "curve_updates": points,
        }
    )
    return data


def half_life(momentum: float | None) -> float | None:
    """Updates until the initial value weighs a half: 6.6 for 0.1. None if that is never, or without a momentum."""
    if momentum is None or momentum == 0:
        return None
    return 0.0 if momentum == 1 else math.log(0.5) / math.log1p(-momentum)
