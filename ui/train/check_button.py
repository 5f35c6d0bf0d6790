"""The button of a check: it starts a background job, and shows how far that is and how it ended."""

from __future__ import annotations

from alexcore.command_line import flags
from alexcore.config import TrainConfig
from alexcore.training.checks import check_name
from ui.parts.job_progress import job_button


def check_button(kind: str, config: TrainConfig, label: str, doing: str, unit: str, note: str, key: str = "") -> None:
    """Draw the button that starts a check, or its progress while it runs, or why it failed beside the button."""
    name, command = check_name(kind, config), [kind, *flags(config)]
    key = key or f"train_check_{kind.replace('-', '_')}"
    job_button(name, command, label, key, note, doing=doing, unit=unit)
