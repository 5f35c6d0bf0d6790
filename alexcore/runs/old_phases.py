"""Phases of version 0.1, which wrote words into status.json: a run of it may still be going on."""

from __future__ import annotations

from typing import get_args

from alexcore.words.phases import Phase

_WAITING = "waiting for "
_OLD: dict[str, Phase] = {
    "loading PyTorch": "loading-pytorch",
    "starting again, because a process was lost": "starting-again",
    "waiting for the other processes": "waiting-for-processes",
    "checking pictures": "checking-pictures",
    "measuring colours": "measuring-colours",
    "building the network": "building-network",
    "building the networks": "building-networks",
    "loading weights": "loading-weights",
    "reading the probe pictures": "reading-probe-pictures",
}


def phase_of(text: str) -> tuple[Phase, dict[str, str]]:
    """The code of a phase and its values; of what nobody knows, "starting"."""
    for known in get_args(Phase):
        if text == known:
            return known, {}
    if text in _OLD:
        return _OLD[text], {}
    if text.startswith(_WAITING):
        return "waiting-for-run", {"run": text.removeprefix(_WAITING)}
    return "starting", {}
