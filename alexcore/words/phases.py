"""What a run is doing just now: a code, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

from alexcore.words.template import filled

Phase = Literal[
    "",
    "starting",
    "loading-pytorch",
    "starting-again",
    "waiting-for-processes",
    "waiting-for-run",
    "checking-pictures",
    "measuring-colours",
    "building-network",
    "building-networks",
    "loading-weights",
    "compiling",
    "reading-probe-pictures",
    "sweeping-rates",
    "training",
    "validating",
    "measuring",
    "recalibrating",
    "measuring-doubt",
]
# In these a run does nothing itself.
WAITING: tuple[Phase, ...] = ("waiting-for-processes", "waiting-for-run")

SAID: Mapping[str, str] = {
    "starting": "starting",
    "loading-pytorch": "loading PyTorch",
    "starting-again": "starting again, because a process was lost",
    "waiting-for-processes": "waiting for the other processes",
    "waiting-for-run": "waiting for {run}",
    "checking-pictures": "checking pictures",
    "measuring-colours": "measuring colours",
    "building-network": "building the network",
    "building-networks": "building the networks",
    "loading-weights": "loading weights",
    "compiling": "compiling",
    "reading-probe-pictures": "reading the probe pictures",
    "sweeping-rates": "sweeping the learning rates",
    "training": "training",
    "validating": "validating",
    "measuring": "measuring",
    "recalibrating": "recalibrating",
    "measuring-doubt": "measuring when to doubt predictions",
}


_WAITING_FOR = SAID["waiting-for-run"].removesuffix("{run}")


def phase_of(text: str) -> tuple[Phase, dict[str, str]]:
    """The code of the phase in a status.json, and its values; of what nobody knows, "starting".

    Version 0.1 wrote words instead of codes, those that `SAID` still has, and a run of it may still be going on.
    """
    for code in get_args(Phase):
        if text in (code, SAID.get(code)):
            return code, {}
    if text.startswith(_WAITING_FOR):
        return "waiting-for-run", {"run": text.removeprefix(_WAITING_FOR)}
    return "starting", {}


def phase_in_words(phase: str, values: Mapping[str, Any] | None = None) -> str:
    """A few words for a phase; one of a newer version, or of a command of its own, says itself."""
    try:
        return filled(SAID[phase], values or {})
    except (LookupError, TypeError, ValueError):
        return phase
