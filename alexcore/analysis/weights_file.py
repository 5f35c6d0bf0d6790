"""A weights file from a stranger: opened without running code, checked before a byte of it becomes a network.

    container   a zip file as torch.save writes it, its entries not compressed (so it cannot grow) and within the limit
    pickle      `weights_only=True`: tensors and plain data, nothing that could be called
    mapping     class names, each once, numbered from 0 without gaps
    settings    a TrainConfig, and an evaluation transform that ends in the network's image size
    variant     every tensor has the name, shape and type that the settings ask for; compared without memory
    values      finite

Nothing is written to disk.
"""

from __future__ import annotations

import zipfile
from io import BytesIO
from typing import Any

import torch

from alexcore.analysis.prediction import Classifier
from alexcore.augment.check import require_legal
from alexcore.config import TrainConfig, make_config
from alexcore.errors import CheckpointError, ConfigError
from alexcore.training.checkpoint import RUN_PARTS, build_model, load_checkpoint_from, require_state
from alexcore.words.numbers import size_text

# A full AlexNet has 244 MB of weights; with momentum and averages a last.pt holds several times that.
MAX_BYTES = 200 * 2**20
MAX_CLASSES = 10_000
SAVE_IT = "Give the best.pt of a run of this program, runs/<id>/checkpoints/best.pt."


def open_weights(content: bytes, name: str) -> Classifier:
    """Make a classifier of a weights file's bytes; `name`, which comes from outside, is what to call it.

    Raises:
        CheckpointError: it is refused; the sentence gives the reason.
    """
    _require_container(content, name)
    state = require_state(load_checkpoint_from(content, name), name)
    classes = _require_mapping(state["class_to_idx"], name)
    config = _require_settings(state, name)
    _require_shapes(state["model"], config, len(classes), name, len(content))
    # Only what a network needs: a stranger's optimizer is of no use here.
    return Classifier.of_state({key: state[key] for key in (*RUN_PARTS, "stripped") if key in state}, name)


def _refused(name: str, why: str) -> CheckpointError:
    return CheckpointError(f"{name} is refused: {why}.", SAVE_IT)


def _require_container(content: bytes, name: str) -> None:
    if len(content) > MAX_BYTES:
        raise _refused(name, f"it has {size_text(len(content))}, the limit is {size_text(MAX_BYTES)}")
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            entries = archive.infolist()
    # Older files of torch.save are one bare pickle; whatever else is no zip file belongs here too.
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, OSError) as error:
        raise _refused(name, "it is no file that torch.save wrote (in its format since version 1.6)") from error
    if any(each.compress_type != zipfile.ZIP_STORED for each in entries):
        raise _refused(name, "its parts are compressed, which torch.save never does")
    if sum(each.file_size for each in entries) > MAX_BYTES:
        raise _refused(name, f"its parts are said to have more than {size_text(MAX_BYTES)}")


def _require_mapping(mapping: Any, name: str) -> list[str]:
    if not isinstance(mapping, dict) or not mapping:
        raise _refused(name, "its class_to_idx is no mapping from class names to numbers")
    if len(mapping) > MAX_CLASSES:
        raise _refused(name, f"it has {len(mapping):,} classes, the limit is {MAX_CLASSES:,}")
    odd = next((each for each in mapping if not isinstance(each, str) or not each.strip()), None)
    if odd is not None:
        raise _refused(name, f"{str(odd)[:40]!r} is no class name")
    numbers = list(mapping.values())
    if any(type(each) is not int for each in numbers) or sorted(numbers) != list(range(len(numbers))):
        raise _refused(name, f"its classes are not numbered from 0 to {len(mapping) - 1}, each number once")
    return sorted(mapping, key=mapping.__getitem__)


def _require_settings(state: dict[str, Any], name: str) -> TrainConfig:
    if not isinstance(state["config"], dict):
        raise _refused(name, "its config holds no settings")
    try:
        config = make_config(**state["config"])
        require_legal(state["evaluation_operations"], config.image_size)
    except (ConfigError, TypeError) as error:
        raise _refused(name, f"its settings are not legal ({' '.join(str(error).split())[:200]})") from error
    return config


def _require_shapes(weights: Any, config: TrainConfig, classes: int, name: str, most: int) -> None:
    """Compare with a network on the device "meta", which has shapes and no memory."""
    if not isinstance(weights, dict) or not all(isinstance(each, torch.Tensor) for each in weights.values()):
        raise _refused(name, "its model is no table of tensors")
    with torch.device("meta"):
        expected = build_model(config, classes).state_dict()
    what = f"the variant {config.variant} with norm {config.norm}, width {config.width:g} and {classes} classes"
    for key in expected:
        if key not in weights:
            raise _refused(name, f"it lacks {key}, which {what} has")
    for key, value in weights.items():
        if key not in expected:
            raise _refused(name, f"it has {str(key)[:60]}, which {what} does not have")
        have, want = value, expected[key]
        if have.shape != want.shape or have.dtype != want.dtype:
            raise _refused(
                name, f"{key} is {tuple(have.shape)} {have.dtype}, but {what} needs {tuple(want.shape)} {want.dtype}"
            )
        if have.layout != torch.strided:
            raise _refused(name, f"{key} is {have.layout}, not an ordinary tensor")
    # A tensor may repeat one number without storing it again, and so be larger than its file.
    needed = sum(each.numel() * each.element_size() for each in expected.values())
    if needed > most:
        raise _refused(name, f"its weights would take {size_text(needed)}, more than the file has")
    odd = next((key for key, value in weights.items() if not bool(torch.isfinite(value).all())), None)
    if odd is not None:
        raise _refused(name, f"{odd} holds values that are no numbers")
