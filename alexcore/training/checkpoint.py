"""Checkpoints: a dict of tensors and plain data, written whole or not at all, opened with `weights_only=True`."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, cast

import torch

from alexcore.config import TrainConfig, make_config
from alexcore.errors import CheckpointError, ConfigError, DamagedCheckpointError
from alexcore.files import replacing
from alexcore.findings.saved import NamesStripped
from alexcore.integrity import VerifiedFile, begins_as_zip
from alexcore.nn import Network
from alexcore.training.foreign import is_bare, misfit, plain_names, what_else
from alexcore.words.limits import limit_of

VERSION = 1
# What the checkpoint of a run holds.
RUN_PARTS = ("version", "model", "config", "class_to_idx", "evaluation_operations")
# What a resume needs beside, and what of it is of no use to anybody else.
RESUME_PARTS = (*RUN_PARTS, "optimizer", "position", "rng")
_ONLY_TO_RESUME = ("optimizer", "scaler", "trained", "ema_updates", "rng")
_CHOOSE = "Choose another run, or another file of this one."
_ODD = "its parts do not belong together"


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


def save_checkpoint(path: Path, state: dict[str, Any], former: Path | None = None) -> None:
    """Write `state` to a temporary file, flush it to the disk, and rename it to `path`, what was there to `former`.

    Raises:
        CheckpointError: the disk is full or cannot be written; an older checkpoint at `path` is untouched.
    """
    try:
        with replacing(path, durable=True, former=former) as temporary:
            temporary.touch()  # what the system refuses it says itself; torch says only that something was
            torch.save({"version": VERSION, **state}, temporary)
    # torch reports a full disk as a RuntimeError of its zip writer.
    except (OSError, RuntimeError) as error:
        why, hint = "the disk, or your share of it, is full", "Free some disk space and resume the run."
        if isinstance(error, OSError):
            why = error.strerror or str(error)
            hint = f"{limit_of(error) or 'Check the permissions of its folder.'} Then resume the run."
        raise CheckpointError(f"{path} cannot be written: {why}.", hint) from error


def without_optimizer(path: Path) -> None:
    """Write a checkpoint anew with what predicts, and without what only a resume needs, which is most of it.

    Raises:
        CheckpointError: it is damaged, or cannot be written; it is untouched then.
    """
    state = load_checkpoint(path)
    if any(name in state for name in _ONLY_TO_RESUME):
        save_checkpoint(path, {name: value for name, value in state.items() if name not in _ONLY_TO_RESUME})


def load_checkpoint(
    path: Path, device: torch.device | str = "cpu", required: Sequence[str] = RUN_PARTS
) -> dict[str, Any]:
    """Read a checkpoint onto `device`, without running any code that it might contain; `required` is what it must hold.

    Raises:
        DamagedCheckpointError: its bytes are not those that were written, or it is no file of torch.save.
        CheckpointError: it is missing, cannot be read, is no checkpoint of this project, or of a newer version.
    """
    if not path.is_file():
        raise CheckpointError(f"There is no checkpoint {path}.", "Train for at least one epoch, or stop the run first.")
    with CheckpointError.from_system(f"{path} cannot be read", "Check its permissions and the disk."):
        return require_state(load_checkpoint_from(path, str(path), device), path, required)


def load_checkpoint_from(source: Path | bytes, name: str, device: torch.device | str = "cpu") -> Any:
    """Read what torch.save wrote, and compare each part with its CRC; no code that it might contain is run.

    Raises:
        DamagedCheckpointError: it is damaged, or holds more than tensors and plain data; `name` is what the sentence
            calls it.
        OSError: it cannot be read.
    """
    failed, state = False, None
    with _opened(source) as file:
        checked = VerifiedFile(file)
        try:
            state = torch.load(cast(BinaryIO, checked), device, weights_only=True)
        except Exception:  # noqa: BLE001
            # Any byte is an instruction to an unpickler, so a file of another kind fails in any way whatever.
            failed = True
        damage = checked.damage()
        if not (damage or failed):
            return state
        what = "" if damage and begins_as_zip(file) else what_else(file)
    if what:
        raise DamagedCheckpointError(f"{name} is no checkpoint, but {what}.", _CHOOSE)
    raise DamagedCheckpointError(f"{name} is no checkpoint, or a damaged one: {damage or _ODD}.", _CHOOSE)


def _opened(source: Path | bytes) -> BinaryIO:
    return BytesIO(source) if isinstance(source, bytes) else source.open("rb", buffering=0)


def require_state(state: Any, path: Path | str, required: Sequence[str] = RUN_PARTS) -> dict[str, Any]:
    """Return what was read from `path`, if it has the parts of a checkpoint.

    Names of weights that another program has put something before are as ours are then; `stripped` lists what it was.

    Raises:
        CheckpointError: a part is missing, or it is of a newer version.
    """
    if is_bare(state):
        first = next(iter(state))
        raise CheckpointError(
            f"{path} holds no run, but bare weights: {len(state)} tensors such as {str(first)[:60]}, without classes "
            "and settings.",
            "Choose last.pt or best.pt of a run folder.",
        )
    missing = [key for key in required if key not in state] if isinstance(state, dict) else list(required)
    if missing:
        raise CheckpointError(
            f"{path} holds no run: it lacks {', '.join(missing)}.", "Choose last.pt or best.pt of a run folder."
        )
    if not isinstance(state["version"], int) or state["version"] > VERSION:
        raise CheckpointError(
            f"{path} has version {state['version']}; this program reads up to {VERSION}.", "Update it."
        )
    renamed: dict[str, Any] = {}
    for name in ("model", "trained"):
        if isinstance(state.get(name), dict):
            renamed[name], taken = plain_names(state[name])
            if taken:
                renamed["stripped"] = taken
    return {**state, **renamed}


def renamed(state: dict[str, Any], path: Path) -> list[NamesStripped]:
    """What there is to say of names of weights that `require_state` had to change."""
    return [NamesStripped(str(path), tuple(state["stripped"]))] if "stripped" in state else []


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
        if wrong := misfit(state["model"], model.state_dict()):
            raise ValueError(wrong)
        model.load_state_dict(state["model"])
    except (ConfigError, RuntimeError, TypeError, ValueError, AttributeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(
            f"{source} does not fit its own configuration ({reason}).", "Choose another run."
        ) from error
    model.eval()
    return model, config, classes
