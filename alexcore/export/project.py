"""The three-file project: a run as plain PyTorch, to be read from top to bottom and run without this package.

The files are templates (`templates/*.jinja`), so that they can be read as what they become; here is only what is put
into them. A branch that the run does not use is not in its files.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from alexcore.augment.operations import Operation
from alexcore.augment.presets import training_operations, with_normalize
from alexcore.config import TrainConfig
from alexcore.export import project_code
from alexcore.export.bundle import zip_entry
from alexcore.export.card import model_card
from alexcore.export.formats import Wish, Written
from alexcore.export.pictures import ExportedPictures, pictures_of
from alexcore.export.rendering import render
from alexcore.export.source import Source, Trained, load_trained
from alexcore.export.weights import saved
from alexcore.nn.blueprints import one_network
from alexcore.training.checkpoint import build_model
from alexcore.training.device import choose_device, choose_precision
from alexcore.training.schedule import image_side, last_epoch
from alexcore.training.start_from import start_from

_REQUIREMENTS = "torch>=2.11,!=2.13.0\ntorchvision>=0.26\npillow>=11.3\nnumpy>=2.0\n"


@dataclass(frozen=True)
class Project:
    """The files of a project by name, and sentences about what it lacks."""

    files: dict[str, bytes]
    notes: list[str]


def make_project(source: Source, trained: Trained) -> Project:
    """Write the files of a run's project.

    Raises:
        NotCarriedError: the run has settings that a project cannot have.
        ConfigError: the weights that the run started from are gone.
    """
    training, precision = _train_operations(source.config, trained), _precision(source)
    project_code.require_carried(source.config, training, precision, trained.rendering)
    pictures = pictures_of(source)
    values = _values(source, trained, pictures, training, precision)
    files = {name: _tidy(render(f"{name}.jinja", **values)).encode() for name in ("model.py", "train.py", "predict.py")}
    indices = {str(number): name for number, name in enumerate(trained.classes)}
    files["class_indices.json"] = (json.dumps(indices, indent=1, ensure_ascii=False) + "\n").encode()
    if pictures.listing:
        files["pictures.csv"] = pictures.listing.encode()
    if source.config.start_from:
        files["start.pt"] = saved(_start_weights(source.config, trained.classes))
    files["weights.pt"] = saved({"model": trained.model.state_dict()})
    files["requirements.txt"] = _REQUIREMENTS.encode()
    files["README.md"] = render("README.md.jinja", **values).encode()
    files["MODEL_CARD.md"] = model_card(source).encode()
    return Project(files, values["notes"])


def as_zip(source: Source, project: Project) -> bytes:
    """All files in one folder of a zip; the same run gives the same bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in project.files.items():
            archive.writestr(zip_entry(f"{source.name}/{name}"), data)
    return packed.getvalue()


def write_project(source: Source, file: Path, _: Wish) -> Written:
    """The three files in a zip."""
    made = make_project(source, load_trained(source))
    file.write_bytes(as_zip(source, made))
    return Written(notes=made.notes)


def _tidy(code: str) -> str:
    """Two blank lines at most: a branch that was left out leaves its own behind."""
    return re.sub(r"\n{4,}", "\n\n\n", code).rstrip("\n") + "\n"


def _start_weights(config: TrainConfig, classes: tuple[str, ...]) -> dict[str, torch.Tensor]:
    """What a run took over from another one: all layers, or all but a last one that had to stay new."""
    model = build_model(config, len(classes))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    start_from(model, config, classes)
    after = model.state_dict()
    head = [f"{model.head_path}.weight", f"{model.head_path}.bias"]
    new = all(torch.equal(before[name], after[name]) for name in head)
    return {name: value for name, value in after.items() if not (new and name in head)}


def _train_operations(config: TrainConfig, trained: Trained) -> list[Operation]:
    operations = training_operations(config.augment, config.image_size)
    if config.normalize == "data":  # measured once, and kept in the checkpoint
        operations = with_normalize(operations, *trained.mean_std)
    return operations


def _values(
    source: Source, trained: Trained, pictures: ExportedPictures, training: list[Operation], precision: str
) -> dict[str, Any]:
    """Everything that the templates ask for."""
    config = source.config
    grows, lines = image_side(config, 0) < config.image_size, project_code.transform_lines(training)
    weights = project_code.weight_lines(config.class_weights)
    listed = bool(pictures.listing)
    criterion = [
        "weight=class_weights(train_dataset).to(device)" if weights else "",
        f"label_smoothing={config.label_smoothing!r}" if config.label_smoothing else "",
        'reduction="sum"',
    ]
    steps = int(source.start.get("steps_per_epoch") or 0)
    rule = "min([os.cpu_count() or 1, BATCH_SIZE if BATCH_SIZE > 1 else 0, 8])"
    return {
        **project_code.network_code(trained.model.description, config.image_size),
        "class_name": one_network(config.variant).class_name,
        "name": source.name,
        "config": config,
        "unfinished": source.unfinished,
        "notes": [each for each in (source.unfinished, pictures.note) if each],
        "num_classes": len(trained.classes),
        "whole_window": trained.rendering.window("16-bit"),
        "float_window": trained.rendering.window("floating-point"),
        "background": trained.rendering.background,
        "side": config.image_size,
        "eval_lines": project_code.transform_lines(trained.operations),
        "train_lines": [project_code.growing(line, config.image_size) for line in lines] if grows else lines,
        "train_transform": "None" if grows else "train_transform",
        "grows": grows,
        "last_epoch": str(last_epoch(config, steps)) if config.max_steps else "EPOCHS - 1",
        "listed": listed,
        "data": pictures.root,
        "data_words": pictures.words,
        "data_comment": "the paths in pictures.csv belong to it" if listed else "train/CLASS and val/CLASS",
        "device": project_code.device_code(config.device),
        "workers": rule if config.num_workers < 0 else str(config.num_workers),
        "weights": weights,
        "criterion_arguments": ", ".join(filter(None, criterion)),
        "optimizer": project_code.optimizer_code(config),
        "factor": project_code.factor_lines(config),
        "autocast": precision == "bfloat16",
        "checkpoint": source.checkpoint.name,
        "versions": _versions(source),
    }


def _precision(source: Source) -> str:
    """The format that the run computed in: as it was told, because "auto" depends on the machine."""
    name = str(source.start.get("precision") or "")
    if name in ("float32", "bfloat16", "float16"):
        return name
    return str(choose_precision(source.config.precision, choose_device(source.config.device))).removeprefix("torch.")


def _versions(source: Source) -> str:
    packages = source.environment.get("packages")
    known = packages if isinstance(packages, dict) else {}
    named = [f"{name} {known[name]}" for name in ("torch", "torchvision", "pillow") if name in known]
    return ", ".join(named) or "others"
