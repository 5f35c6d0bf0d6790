"""A run's history as charts and tables can take it, whatever somebody has written into events.jsonl."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import streamlit as st

from alexcore.runs.events import Event
from alexcore.runs.series import Series

# Beyond these a float does not hold every whole number, and a table's column overflows soon after.
MOST = 2**53
# What charts compute with; each may be missing.
_BY_STEP = ("loss", "acc1", "lr", "grad_norm", "wait_s", "images_per_s")
_BY_EPOCH = ("train_loss", "train_acc1", "val_loss", "val_acc1", "seconds", "steps_per_epoch", "total_steps")


class ReadableSeries(Series):
    """The history without the values that no worker writes: they become None, and rows without a place are left out."""

    def _add(self, event: Event) -> None:
        kept = readable(event)
        if kept is not None:
            super()._add(kept)


def histories(folders: Sequence[Path]) -> list[Series]:
    """This session's reading of some runs: what it has read already need not be read again; others are forgotten."""
    held: dict[Path, Series] = st.session_state.setdefault("histories", {})
    for gone in held.keys() - set(folders):
        del held[gone]
    for folder in folders:
        held.setdefault(folder, ReadableSeries(folder / "events.jsonl")).refresh()
    return [held[folder] for folder in folders]


def readable(event: Event) -> Event | None:
    """The event with values of the kinds that charts expect, or None if it says neither step nor epoch where it must.

    Most events are good, and come back as they are.
    """
    kind = event["type"]
    changed: Event = {name: number(event[name]) for name in (*_BY_STEP, *_BY_EPOCH) if name in event}
    changed["ts"] = number(event.get("ts")) or 0.0
    if kind in ("step", "epoch", "resume"):
        changed["step"] = whole(event.get("step"))
        if changed["step"] is None:
            return None
    if kind in ("step", "epoch"):
        changed["epoch"] = whole(event.get("epoch"))
        if changed["epoch"] is None and kind == "epoch":
            return None
    if kind == "epoch":
        changed |= {"recall": _recall(event), "confusion": event.get("confusion"), "worst": _worst(event)}
    if kind == "start":
        classes = event.get("classes")
        changed["classes"] = [str(each) for each in classes] if isinstance(classes, list) else []
    return {**event, **changed}


def number(value: Any) -> float | None:
    """A finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) <= MOST or (isinstance(value, float) and math.isfinite(value)) else None


def whole(value: Any) -> int | None:
    """A whole number from 0 that a table can hold, or None."""
    found = number(value)
    return int(found) if found is not None and 0 <= found <= MOST and found == int(found) else None


def moment(seconds: float | None) -> datetime | None:
    """The server's time of a clock, or None where there is none and where a calendar has no such day."""
    try:
        return datetime.fromtimestamp(seconds) if seconds else None
    except (ValueError, OverflowError, OSError, TypeError):
        return None


def share(done: float, of: float) -> float | None:
    """How much is done, 0 to 1, or None where that is not known."""
    done_, of_ = number(done), number(of)
    return min(1.0, max(0.0, done_ / of_)) if done_ is not None and of_ else None


def _recall(event: Event) -> list[float | None] | None:
    found = event.get("recall")
    return [number(each) for each in found] if isinstance(found, list) else None


def _worst(event: Event) -> list[dict[str, Any]] | None:
    found = event.get("worst")
    if not isinstance(found, list):
        return None
    return [
        row
        for row in found
        if isinstance(row, dict)
        and isinstance(row.get("path"), str)
        and number(row.get("probability")) is not None
        and all(whole(row.get(name)) is not None for name in ("label", "predicted"))
        and number(row.get("loss", 0)) is not None
    ]
