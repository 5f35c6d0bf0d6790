"""Checkpoints: a dict of tensors and plain data, written whole or not at all, opened with `weights_only=True`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import torch

from alexcore.config import TrainConfig, make_config
from alexcore.errors import CheckpointError, ConfigError
from alexcore.files import replacing
from alexcore.nn import Network

VERSION = 1
# What the checkpoint of a run holds.
RUN_PARTS = ("version", "model", "config", "class_to_idx", "evaluation_operations")


def build_model(config: TrainConfig, num_classes: int) -> Network:
    """The network that a configuration describes, with fresh weights from torch's current random state."""
    return Network(
        num_classes,
        variant=config.variant,
        norm=config.norm,
        width=config.width,
        dropout=config.dropout,
        init=config.init,
        activation=config.activation,
    )


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write `state` to a temporary file, flush it to the disk, and rename it to `path`.

    Raises:
        CheckpointError: the disk is full or cannot be written; an older checkpoint at `path` is untouched.
    """
    try:
        with replacing(path, durable=True) as temporary:
            torch.save({"version": VERSION, **state}, temporary)
    # torch reports a full disk as a RuntimeError of its zip writer.
    except (OSError, RuntimeError) as error:
        raise CheckpointError(
            f"{path} cannot be written: {error}.", "Free some disk space and resume the run."
        ) from error


def load_checkpoint(
    path: Path, device: torch.device | str = "cpu", required: Sequence[str] = RUN_PARTS
) -> dict[str, Any]:
    """Read a checkpoint onto `device`, without running any code that it might contain; `required` is what it must hold.

    Raises:
        CheckpointError: the file is missing, damaged, no checkpoint of this project, or of a newer version.
    """
    if not path.is_file():
        raise CheckpointError(f"There is no checkpoint {path}.", "Train for at least one epoch, or stop the run first.")
    return require_state(load_checkpoint_from(path, str(path), device), path, required)


def load_checkpoint_from(source: Path | BinaryIO, name: str, device: torch.device | str = "cpu") -> Any:
    """Read what torch.save wrote, from a file or a stream; no code that it might contain is run.

    Raises:
        CheckpointError: it is damaged or holds more than tensors and plain data; `name` is what the sentence calls it.
    """
    try:
        return torch.load(source, map_location=device, weights_only=True)
    except Exception as error:
        # Any byte is an instruction to an unpickler, so a file of another kind fails in any way whatever.
        reason = str(error).strip().splitlines()
        what = f"{name} is no checkpoint, or a damaged one ({reason[0] if reason else type(error).__name__})."
        raise CheckpointError(what, "Choose another run, or another file of this one.") from error


def require_state(state: Any, path: Path | str, required: Sequence[str] = RUN_PARTS) -> dict[str, Any]:
    """Return what was read from `path`, if it has the parts of a checkpoint.

    Raises:
        CheckpointError: a part is missing, or it is of a newer version.
    """
    missing = [key for key in required if key not in state] if isinstance(state, dict) else list(required)
    if missing:
        raise CheckpointError(
            f"{path} holds no run: it lacks {', '.join(missing)}.", "Choose last.pt or best.pt of a run folder."
        )
    if not isinstance(state["version"], int) or state["version"] > VERSION:
        raise CheckpointError(
            f"{path} has version {state['version']}; this program reads up to {VERSION}.", "Update it."
        )
    return dict(state)


def restore_model(state: dict[str, Any], source: Path) -> tuple[Network, TrainConfig, tuple[str, ...]]:
    """Rebuild the network of a loaded checkpoint, in eval mode.

    Returns:
        The network, the configuration of its run, and the class names in the order of their numbers.

    Raises:
        CheckpointError: configuration, mapping and weights do not fit together.
    """
    try:
        config = make_config(**state["config"])
        numbers = {str(name): int(number) for name, number in state["class_to_idx"].items()}
        classes = tuple(sorted(numbers, key=lambda name: numbers[name]))
        if [numbers[name] for name in classes] != list(range(len(classes))):
            raise CheckpointError(f"{source} numbers its classes {sorted(numbers.values())}.", "Choose another run.")
        model = build_model(config, len(classes))
        model.load_state_dict(state["model"])
    except (ConfigError, RuntimeError, TypeError, ValueError, AttributeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(
            f"{source} does not fit its own configuration ({reason}).", "Choose another run."
        ) from error
    model.eval()
    return model, config, classes
