"""The model card: what a network is for, what it reached, what it cannot do (Mitchell et al. 2019)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from alexcore.command_line import train_command
from alexcore.confusion import confusion_of
from alexcore.data.reading import FolderReading
from alexcore.errors import AlexError
from alexcore.export.rendering import render
from alexcore.export.source import Source
from alexcore.nn.blueprints import describe, one_network
from alexcore.runs.events import Event


@dataclass(frozen=True)
class Result:
    """What the exported checkpoint reached on the validation split; the epoch counts from 1, shares are 0 to 1.

    `recall` of a class without pictures is None; `confusion[truth][answer]` are pictures; `worst` is as in an epoch's
    event.
    """

    epoch: int
    accuracy: float
    loss: float
    recall: list[float | None]
    confusion: list[list[int]]
    worst: list[Event]


def result_of(source: Source) -> Result | None:
    """What the run measured for the checkpoint that is exported: the best epoch, or for last.pt the last one."""
    epochs = [event for event in source.history.comparable if event.get("val_acc1") is not None]
    if not epochs:
        return None
    # The first of equals: a later epoch has to be better to become best.pt.
    event = epochs[-1] if source.checkpoint.name == "last.pt" else max(epochs, key=lambda each: each["val_acc1"])
    return Result(
        int(event["epoch"]) + 1,
        float(event["val_acc1"]),
        float(event.get("val_loss") or 0.0),
        list(event.get("recall") or []),
        confusion_of(event.get("confusion")) or [],
        list(event.get("worst") or []),
    )


def facts(source: Source) -> dict[str, Any]:
    """What card and report have in common."""
    config, classes, start = source.config, source.classes, source.start
    network = one_network(config.variant).class_name
    return {
        "name": source.name,
        "config": config,
        "network": f"{'An' if network[0] in 'AEIOU' else 'A'} {network}",
        "classes": classes,
        "unfinished": source.unfinished,
        "parameters": describe(config.variant, len(classes), config.norm, config.width).parameters,
        "result": result_of(source),
        "environment": source.environment,
        "read_as": _read_as(source.environment.get("reading")),
        "train_images": start.get("train_images"),
        "val_images": start.get("val_images"),
        "command": repeat_command(source),
    }


def _read_as(record: Any) -> str:
    """In a sentence how the run has read its data set; empty of a run from before that was written down."""
    try:
        reading = FolderReading.from_json(record)
    except (LookupError, TypeError, AlexError):
        return ""
    chosen = f", as was chosen by {reading.choice.flags}" if reading.choice.flags else ""
    return f"The data set was read as {reading.words}{chosen}."


def repeat_command(source: Source) -> str:
    """The command that repeats the run, beside the files of a bundle, which call its pipeline pipeline.json."""
    return train_command(source.config, "pipeline.json")


def model_card(source: Source) -> str:
    """The card as Markdown."""
    return render("card.md.jinja", **facts(source))
