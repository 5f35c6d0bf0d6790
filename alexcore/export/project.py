"""The three-file project: a run as plain PyTorch, to be read from top to bottom and run without this package.

The files are templates (`templates/*.jinja`), so that they can be read as what they become; here is only what is put
into them. A branch that the run does not use is not in its files.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import dataclass, replace
from pprint import pformat
from typing import Any

import torch

from alexcore.augment.code import code_of, mixing_code
from alexcore.augment.operations import Operation, active, for_samples
from alexcore.augment.presets import training_operations, with_normalize
from alexcore.config import FIELDS, TrainConfig
from alexcore.export.card import model_card
from alexcore.export.network_code import network_code
from alexcore.export.pictures import ExportedPictures, pictures_of
from alexcore.export.rendering import render
from alexcore.export.source import Source, Trained
from alexcore.fields import numbers_in
from alexcore.nn.blueprints import one_network
from alexcore.training.checkpoint import build_model
from alexcore.training.device import choose_device, choose_precision
from alexcore.training.objective import NO_CLASS
from alexcore.training.schedule import image_side, last_epoch
from alexcore.training.start_from import start_from

_REQUIREMENTS = "torch>=2.11,!=2.13.0\ntorchvision>=0.26\npillow>=11.3\nnumpy>=2.0\n"
_LONGEST = 110
# The settings that this module and the templates know what to make of. Another one, of a later version or another
# branch, is not left out in silence: see `_unknown`, and the test that asks for every field of TrainConfig to be here.
KNOWN = frozenset(
    {
        "data",
        "val",
        "image_size",
        "start_size",
        "augment",
        "normalize",
        "num_workers",
        "decoded_cache_mib",
        "variant",
        "norm",
        "width",
        "init",
        "activation",
        "dropout",
        "batch_size",
        "accumulation_steps",
        "label_smoothing",
        "class_weights",
        "ignore_index",
        "optimizer",
        "lr",
        "momentum",
        "nesterov",
        "weight_decay",
        "decay_all",
        "grad_clip",
        "ema_decay",
        "scheduler",
        "lr_gamma",
        "lr_step_epochs",
        "lr_milestones",
        "plateau_patience",
        "warmup_steps",
        "seed",
        "deterministic",
        "device",
        "cudnn_benchmark",
        "precision",
        "channels_last",
        "compile",
        "start_from",
        "freeze_features",
        "epochs",
        "max_steps",
        "time_budget_s",
        "early_stopping",
        "checkpoint_every_epochs",
        "checkpoint_every_minutes",
        "processes",
        "sync_batchnorm",
    }
)
_FORMULAS = ("inverse", "effective")


@dataclass(frozen=True)
class Project:
    """The files of a project by name, and sentences about what it lacks."""

    files: dict[str, bytes]
    notes: list[str]


def make_project(source: Source, trained: Trained) -> Project:
    """Write the files of a run's project.

    Raises:
        ConfigError: the weights that the run started from are gone.
    """
    source, more = _in_one_process(source)
    pictures = pictures_of(source)
    values = _values(source, trained, pictures)
    values["notes"] += more + _unknown(source.config)
    files = {name: _tidy(render(f"{name}.jinja", **values)).encode() for name in ("model.py", "train.py", "predict.py")}
    indices = {str(number): name for number, name in enumerate(trained.classes)}
    files["class_indices.json"] = (json.dumps(indices, indent=1, ensure_ascii=False) + "\n").encode()
    if pictures.listing:
        files["pictures.csv"] = pictures.listing.encode()
    if values["start"]:
        files["start.pt"] = _saved(_start_weights(source.config, trained.classes))
    files["weights.pt"] = _saved({"model": trained.model.state_dict()})
    files["requirements.txt"] = _REQUIREMENTS.encode()
    files["README.md"] = render("README.md.jinja", **values).encode()
    files["MODEL_CARD.md"] = model_card(source).encode()
    return Project(files, values["notes"])


def as_zip(source: Source, project: Project) -> bytes:
    """All files in one folder of a zip; the same run gives the same bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in project.files.items():
            # ZipInfo's own date is 1980 each time, where writestr with a name would take the clock's.
            info = zipfile.ZipInfo(f"{source.name}/{name}")
            # Weights are as good as random: packing them takes seconds and saves a twentieth.
            info.compress_type = zipfile.ZIP_STORED if name.endswith(".pt") else zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, data)
    return packed.getvalue()


def _tidy(code: str) -> str:
    """Two blank lines at most: a branch that was left out leaves its own behind."""
    return re.sub(r"\n{4,}", "\n\n\n", code).rstrip("\n") + "\n"


def _saved(value: Any) -> bytes:
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def _start_weights(config: TrainConfig, classes: tuple[str, ...]) -> dict[str, torch.Tensor]:
    """What a run took over from another one: all layers, or all but a last one that had to stay new."""
    model = build_model(config, len(classes))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    start_from(model, config, classes)
    after = model.state_dict()
    head = [f"{model.head_path}.weight", f"{model.head_path}.bias"]
    new = all(torch.equal(before[name], after[name]) for name in head)
    return {name: value for name, value in after.items() if not (new and name in head)}


def _in_one_process(source: Source) -> tuple[Source, list[str]]:
    """What several processes did side by side the project does one after the other, as micro-batches."""
    ranks = source.config.processes
    if ranks <= 1:
        return source, []
    steps = source.config.accumulation_steps * ranks
    note = (
        f"The run trained in {ranks} processes. The project makes the same steps in one, a process's part after the "
        "other's, so the weights are nearly the run's, but not the same bits; statistics that the processes exchanged "
        "(SyncBatchNorm) come from one part each."
    )
    return replace(source, config=source.config.model_copy(update={"accumulation_steps": steps})), [note]


def _unknown(config: TrainConfig) -> list[str]:
    """Settings that the run used and the project cannot have."""
    found = [
        f"{name} = {getattr(config, name)!r}"
        for name, spec in FIELDS.items()
        if name not in KNOWN and getattr(config, name) != spec.default
    ]
    return (
        [f"The project does not know what to make of {', '.join(found)}: it trains as if left alone."] if found else []
    )


def _train_operations(config: TrainConfig, trained: Trained) -> list[Operation]:
    operations = training_operations(config.augment, config.image_size)
    if config.normalize == "data":  # measured once, and kept in the checkpoint
        operations = with_normalize(operations, *trained.mean_std)
    return operations


def _lines(operations: list[Operation]) -> list[str]:
    return [_broken(line) for each in for_samples(active(operations)) for line in code_of(each)]


def _growing(line: str, image_size: int) -> str:
    """The same transform with its lengths in pixels as what they are for a side of `image_size` px."""

    def scaled(number: re.Match[str]) -> str:
        if number[0] == "0":
            return "0"
        return "side" if int(number[0]) == image_size else f"round({number[0]} * side / {image_size})"

    return re.sub(
        r"\b(size|padding)=(\[[^]]*\]|\d+)", lambda found: f"{found[1]}={re.sub(r'[0-9]+', scaled, found[2])}", line
    )


def _broken(line: str) -> str:
    """A long call with a line for each argument: measured colours have 17 digits each."""
    if len(line) <= _LONGEST:
        return line
    name, arguments = line.removesuffix(")").split("(", 1)
    rows = [f"        {each}," for each in re.split(r", (?=\w+=)", arguments)]
    return "\n".join([f"{name}(", *rows, "    )"])


def _values(source: Source, trained: Trained, pictures: ExportedPictures) -> dict[str, Any]:
    """Everything that the templates ask for."""
    config = source.config
    training = _train_operations(config, trained)
    mix = mixing_code(training, len(trained.classes))
    steps = int(source.start.get("steps_per_epoch") or 0)
    grows = image_side(config, 0, steps) < config.image_size
    train_lines = _lines(training)
    if grows:
        train_lines = [_growing(line, config.image_size) for line in train_lines]
    precision = _precision(source)
    notes = [each for each in (source.unfinished, pictures.note) if each]
    planned = _planned_steps(config, trained)
    if planned:
        notes.append(
            f"The run had a time budget, so its clock decided its length: {planned} steps. The project makes as many, "
            "but the run planned its rate anew on the way, so the weights are not the same bits."
        )
    return {
        **_loss(config, bool(mix)),
        **_rate(config),
        **network_code(trained.model.description, config.image_size, config.deterministic),
        "class_name": one_network(config.variant).class_name,
        "name": source.name,
        "config": config,
        "unfinished": source.unfinished,
        "notes": notes,
        "num_classes": len(trained.classes),
        "side": config.image_size,
        "mix": mix,
        "eval_lines": _lines(trained.operations),
        "train_lines": train_lines,
        "grows": grows,
        "last_epoch": last_epoch(config, steps) if config.max_steps else None,
        "listed": bool(pictures.listing),
        "data": pictures.root,
        "data_words": pictures.words,
        "data_comment": "the paths in pictures.csv belong to it" if pictures.listing else "train/CLASS and val/CLASS",
        "planned_steps": planned,
        "accumulate": config.accumulation_steps > 1,
        "start": bool(config.start_from) and config.start_from != "imagenet",
        "step_arguments": _step_arguments(config, precision["fp16"]),
        "checkpoint": source.checkpoint.name,
        "versions": _versions(source),
        **precision,
    }


def _step_arguments(config: TrainConfig, scaled: bool) -> str:
    batch = "window" if config.accumulation_steps > 1 else "images, labels"
    net = "trained" if config.compile else "net"
    return ", ".join([net, "optimizer", "criterion", batch, *["scaler"] * scaled])


def _loss(config: TrainConfig, mixed: bool) -> dict[str, Any]:
    scheme = config.class_weights if config.class_weights in _FORMULAS else ""
    typed = [] if scheme or config.class_weights == "none" else numbers_in(config.class_weights)
    ignore = config.ignore_index != NO_CLASS
    arguments = [
        "weight=class_weights(train_dataset).to(device)" if scheme else "",
        "weight=torch.tensor(CLASS_WEIGHTS, device=device)" if typed else "",
        f"label_smoothing={config.label_smoothing!r}" if config.label_smoothing else "",
        "ignore_index=IGNORED" if ignore and not mixed else "",
        'reduction="sum"',
    ]
    return {
        "scheme": scheme,
        "weights": bool(scheme or typed),
        "ignore": ignore,
        "typed_weights": pformat(typed, width=100, compact=True) if typed else "",
        # Mixed pictures count one each, whatever their classes weigh.
        "divides": ignore or (bool(scheme or typed) and not mixed),
        "criterion_arguments": ", ".join(filter(None, arguments)),
    }


def _rate(config: TrainConfig) -> dict[str, Any]:
    arguments = {
        "step": ["step", "steps_per_epoch"],
        "multistep": ["step", "steps_per_epoch"],
        "exponential": ["step", "total_steps"],
        "cosine": ["step", "total_steps"],
        "onecycle": ["step", "total_steps"],
    }.get(config.scheduler, ["step"] if config.warmup_steps else [])
    call = ", ".join('position["step"]' if each == "step" else each for each in arguments)
    parts = ["LR", 'position["lr_scale"]' * (config.scheduler == "plateau"), f"lr_factor({call})" * bool(arguments)]
    return {
        "has_factor": bool(arguments),
        "factor_arguments": ", ".join(arguments),
        "rate": " * ".join(filter(None, parts)),
        "milestones": tuple(numbers_in(config.lr_milestones, int)),
        "optimizer_words": {
            "sgd": "One rate for all weights.",
            "adam": "A rate of its own for each weight.",
            "adamw": "A rate of its own for each weight.",
        }[config.optimizer],
    }


def _planned_steps(config: TrainConfig, trained: Trained) -> int:
    if not config.time_budget_s:
        return 0
    position = trained.saved.get("position", {})
    return int(position.get("total_steps") or position.get("step") or 1)


def _precision(source: Source) -> dict[str, Any]:
    """The format that the run computed in: as it was told, because "auto" depends on the machine."""
    name = str(source.start.get("precision") or "")
    if name not in ("float32", "bfloat16", "float16"):
        device = choose_device(source.config.device)
        name = str(choose_precision(source.config.precision, device)).removeprefix("torch.")
    return {"autocast": "" if name == "float32" else name, "fp16": name == "float16"}


def _versions(source: Source) -> str:
    packages = source.environment.get("packages")
    known = packages if isinstance(packages, dict) else {}
    return (
        ", ".join(f"{name} {known[name]}" for name in ("torch", "torchvision", "pillow") if name in known) or "others"
    )
