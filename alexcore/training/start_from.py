"""Weights to begin with: none of one's own, another run's, or torchvision's from ImageNet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from alexcore.config import TrainConfig
from alexcore.data.content_hashes import seen_by
from alexcore.errors import CheckpointError, ConfigError, RunError
from alexcore.findings.finding import Finding
from alexcore.findings.run import StartedFromImageNet, StartedFromOtherClasses, StartedFromRun
from alexcore.nn import Network
from alexcore.run_names import run_folder
from alexcore.training.checkpoint import load_checkpoint, renamed
from alexcore.training.foreign import misfit

# What has to be the same for the shapes of all layers but the last to be the same.
_SHAPE = ("variant", "width", "norm")


def start_from(model: Network, config: TrainConfig, classes: tuple[str, ...]) -> list[Finding]:
    """Put the weights that `config.start_from` names into a fresh network; returns what was taken over, and how.

    The source is a run's folder or its name, a checkpoint's file, or "imagenet"; `classes` are the new run's.

    Raises:
        ConfigError: the source has another network, or is not there.
        CheckpointError: it is no checkpoint.
    """
    if config.start_from == "imagenet":
        _require(config, {"variant": "torchvision", "width": 1.0, "norm": "none", "activation": "relu"}, "ImageNet's")
        _copy(model, imagenet_weights(), head=False)
        return [StartedFromImageNet(len(classes))]
    path = checkpoint_of(config.start_from)
    saved = load_checkpoint(path)
    _require(config, {name: saved["config"].get(name) for name in _SHAPE}, f"{path}'s")
    numbers = saved["class_to_idx"]
    theirs = tuple(sorted(numbers, key=lambda name: int(numbers[name])))
    _copy(model, saved["model"], head=theirs == classes)
    if theirs == classes:
        return [StartedFromRun(str(path), len(classes)), *renamed(saved, path)]
    taken = StartedFromOtherClasses(str(path), theirs[:5], classes[:5], len(theirs), len(classes))
    return [taken, *renamed(saved, path)]


def learned_before(source: str) -> frozenset[bytes]:
    """The hashes of what the run that `start_from` names was trained on, as far as that is known."""
    try:
        return seen_by(checkpoint_of(source).parent.parent) if source and source != "imagenet" else frozenset()
    except ConfigError:  # whoever takes the weights says so
        return frozenset()


def checkpoint_of(source: str) -> Path:
    """The checkpoint that a text names: a file, a run's folder, or a run's id or name in the store.

    Raises:
        ConfigError: there is none, or several runs have that name.
    """
    try:
        named = run_folder(source)
    except RunError as error:
        raise ConfigError(f"start_from = {source!r}: {error.message}", error.hint) from error
    for path in (Path(source).expanduser(), *([named] if named else [])):
        if path.is_file():
            return path
        for name in ("best.pt", "last.pt"):
            if (path / "checkpoints" / name).is_file():
                return path / "checkpoints" / name
    raise ConfigError(
        f"start_from = {source!r} is no run with a checkpoint and no checkpoint file.",
        'Give the name of a run (see `runs list`), a path, or "imagenet".',
    )


def imagenet_weights() -> dict[str, torch.Tensor]:
    """The weights of torchvision's AlexNet, downloaded once into torch's cache (233 MB).

    Raises:
        ConfigError: they cannot be downloaded.
    """
    from torchvision.models import AlexNet_Weights

    url = AlexNet_Weights.IMAGENET1K_V1.url
    try:
        weights = torch.hub.load_state_dict_from_url(
            url, map_location="cpu", progress=False, check_hash=True, weights_only=True
        )
    # No network, a refused address, a full disk; and a RuntimeError for a file whose checksum is wrong.
    except (OSError, RuntimeError) as error:
        raise ConfigError(
            f"The ImageNet weights cannot be downloaded from {url} ({error}).",
            f"Check the network, or put the file into {Path(torch.hub.get_dir()) / 'checkpoints'} yourself.",
        ) from error
    return dict(weights)


def freeze(model: Network) -> None:
    """Keep the convolutions as they are; to be called before the optimizer is built."""
    model.convolutions.requires_grad_(False)


def train_mode(model: Network, frozen: bool) -> None:
    """Put a network into train mode; frozen convolutions stay in eval mode, or batch norm's statistics would move."""
    model.train()
    if frozen:
        model.convolutions.eval()


def _require(config: TrainConfig, theirs: dict[str, Any], whose: str) -> None:
    for name, value in theirs.items():
        if getattr(config, name) != value:
            raise ConfigError(
                f"start_from = {config.start_from!r} does not fit: {name} is {getattr(config, name)!r} here, and "
                f"{whose} is {value!r}.",
                f"Set {name} to {value}, or start from scratch.",
            )


def _copy(model: Network, weights: Any, head: bool) -> None:
    last, own = f"{model.head_path}.", model.state_dict()
    if not head and isinstance(weights, dict):
        weights, own = (
            {name: value for name, value in each.items() if not str(name).startswith(last)} for each in (weights, own)
        )
    if wrong := misfit(weights, own):
        raise CheckpointError(f"The weights do not fit the network: {wrong}.", "Choose another run.")
    model.load_state_dict(weights, strict=False)
