"""The parts of an exported project that depend on a setting by more than a number: lines of Python, by its value.

A project is there to be read, so it has the settings that a reader meets and no others; a run with another one is
refused (`require_carried`), because a script that leaves a setting out in silence trains something else.
"""

from __future__ import annotations

import inspect
import re
from pkgutil import resolve_name
from pprint import pformat
from typing import Any

from alexcore.augment.code import code_of
from alexcore.augment.operations import Operation, active, for_batches, for_samples
from alexcore.config import FIELDS, TrainConfig
from alexcore.data.decoding.levels import PLAIN, Rendering
from alexcore.data.reading import CHOICES
from alexcore.errors import ConfigError
from alexcore.fields import numbers_in
from alexcore.nn.description import Description
from alexcore.nn.layers import layers_of_description

_LONGEST = 110
# The settings that the templates know what to make of, and those on which no weight depends. Any other one, also of a
# later version, has to be as it is by default.
CARRIED = frozenset(
    (
        *("data", "val", *CHOICES),
        *("image_size", "start_size", "augment", "normalize", "intensity", "num_workers", "decoded_cache_mib"),
        *("variant", "norm", "width", "init", "activation", "dropout"),
        *("batch_size", "accumulation_steps", "label_smoothing", "class_weights"),
        *("optimizer", "lr", "momentum", "nesterov", "weight_decay", "grad_clip"),
        *("scheduler", "lr_gamma", "lr_step_epochs", "lr_milestones", "plateau_patience", "warmup_steps"),
        *("seed", "device", "cudnn_benchmark", "precision", "start_from", "epochs", "max_steps", "early_stopping"),
        *("checkpoint_every_epochs", "checkpoint_every_minutes", "unreadable_limit"),
    )
)


class NotCarriedError(ConfigError):
    """A run has settings that an exported project cannot have."""


def require_carried(
    config: TrainConfig, operations: list[Operation], precision: str, rendering: Rendering = PLAIN
) -> None:
    """Refuse a run whose settings are more than a project has lines for.

    Raises:
        NotCarriedError: it names each of those settings.
    """
    found = {name: getattr(config, name) for name, spec in FIELDS.items() if name not in CARRIED}
    odd = [f"{name} = {value!r}" for name, value in found.items() if value != FIELDS[name].default]
    odd += ["scheduler = 'plateau'"] * (config.scheduler == "plateau")
    odd += [f"{each['op']} in augment" for each in for_batches(active(operations))]
    odd += [f"precision = {config.precision!r}, which was float16"] * (precision == "float16")
    odd += [f"{kind} pictures" for kind, _, _ in rendering.windows if kind not in ("16-bit", "floating-point")]
    if odd:
        raise NotCarriedError(
            f"A project cannot carry {', '.join(odd)}: its train.py has only the settings that a reader meets.",
            "Export the weights, a graph or the bundle, or train once more without.",
        )


def network_code(description: Description, size: int) -> dict[str, Any]:
    """What the template of model.py asks for: the lines that build a network, for pictures of `size` px a side.

    Returns:
        "parts": what the three parts are called; "feature_lines" and "classifier_lines": a line a layer, the last one
        with as many outputs as the caller has classes; "grid", "pool_line": what brings the map to the grid, "" where
        it has that size already; "definitions": the source of layers that torch does not have.
    """
    rows = layers_of_description(description, size)
    lines = [
        (f"{spec.call},", f"  # {row.channels} x {row.side} x {row.side}" if spec.window else "")
        for spec, row in zip(description.features, rows, strict=False)
    ]
    side, grid, (_, pool, _) = rows[len(lines) - 1].side, description.grid, description.parts
    # The comments stand below each other.
    width = max(len(code) for code, _ in lines)
    layers = [str(each.call) for each in description.classifier]
    last = f"nn.Linear({description.classifier[-1].call.arguments[0]}, num_classes)"
    average = f"nn.AdaptiveAvgPool2d(({grid}, {grid}))"
    foreign = {spec.call.name: None for spec in description.features if not spec.call.name.startswith("torch.nn:")}
    return {
        "parts": description.parts,
        "feature_lines": [(code.ljust(width) if comment else code) + comment for code, comment in lines],
        "classifier_lines": [f"{each}," for each in (*layers[:-1], last)],
        "grid": grid,
        "pool_line": f"self.{pool} = {average}  # {side} x {side} -> {grid} x {grid}, without any weight"
        if side != grid
        else "",
        "definitions": [inspect.getsource(resolve_name(name)).rstrip() for name in foreign],
    }


def transform_lines(operations: list[Operation]) -> list[str]:
    """The transforms of a pipeline on one picture, a line each, or more where it is long."""
    return [_broken(line) for each in for_samples(active(operations)) for line in code_of(each)]


def growing(line: str, image_size: int) -> str:
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


def device_code(wish: str) -> str:
    """The device, or how it is found."""
    if wish != "auto":
        return f'torch.device("{wish}")'
    best = '"cuda:0" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"'
    return f"torch.device(\n    {best}\n)"


def weight_lines(scheme: str) -> list[str]:
    """How the weight of each class comes about; nothing where all count alike."""
    if scheme == "none":
        return []
    if scheme not in ("inverse", "effective"):
        typed = pformat(numbers_in(scheme), width=_LONGEST - 10, compact=True).splitlines()
        return [f"weights = {typed[0]}", *(" " * 10 + line for line in typed[1:]), "return torch.tensor(weights)"]
    each = {
        "inverse": ["weights = [1 / count if count else 0.0 for count in counts]"],
        "effective": [
            "# The effective number of pictures grows ever more slowly (Cui et al. 2019, eq. 2).",
            "effective = [(1 - 0.999**count) / (1 - 0.999) for count in counts]",
            "weights = [1 / each if count else 0.0 for each, count in zip(effective, counts)]",
        ],
    }[scheme]
    return [
        "labels = [label for _, label in train_dataset.samples]",
        "counts = [labels.count(index) for index in range(len(train_dataset.class_to_idx))]",
        *each,
        "scale = sum(counts) / sum(weight * count for weight, count in zip(weights, counts))",
        "return torch.tensor([weight * scale for weight in weights])  # their mean over all pictures is 1",
    ]


def optimizer_code(config: TrainConfig) -> str:
    """The call that makes the optimizer."""
    if config.optimizer == "sgd":
        nesterov = "nesterov=True, " if config.nesterov else ""
        return f"SGD(groups, lr=LR, momentum={config.momentum!r}, {nesterov}fused=True)"
    return f"{'AdamW' if config.optimizer == 'adamw' else 'Adam'}(groups, lr=LR, fused=True)"


def factor_lines(config: TrainConfig) -> list[str]:
    """What `training.schedule.lr_factor` does after the warm-up."""
    gamma = repr(config.lr_gamma)
    begin = "begin = min(WARMUP_STEPS, total_steps - 1)"
    milestones = tuple(numbers_in(config.lr_milestones, int))
    return {
        "constant": ["return warm"],
        "step": [f"return warm * {gamma} ** (step // steps_per_epoch // {config.lr_step_epochs})"],
        "multistep": [
            f"passed = sum(step // steps_per_epoch >= milestone for milestone in {milestones})",
            f"return warm * {gamma}**passed",
        ],
        "exponential": [begin, f"return warm * {gamma} ** (max(0, step - begin) / max(1, total_steps - 1 - begin))"],
        "cosine": [
            begin,
            "return warm * ((1 + math.cos(math.pi * (max(0, step - begin) / max(1, total_steps - begin)))) / 2)",
        ],
        "onecycle": [
            "# Up from 1/25 over the first 30 %, then down to 0, both along a cosine (Smith 2018).",
            "peak = max(1, round(0.3 * total_steps))",
            "if step < peak:",
            "    return warm * (1 - (1 - 1 / 25) * ((1 + math.cos(math.pi * (step / peak))) / 2))",
            "return warm * ((1 + math.cos(math.pi * ((step - peak) / max(1, total_steps - peak)))) / 2)",
        ],
    }[config.scheduler]
