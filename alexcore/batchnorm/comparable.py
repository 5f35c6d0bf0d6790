"""What the BatchNorm experiment needs of a run, so that its arms can be compared; its presets and its command.

An experiment is described by two objects: a `TrainConfig`, which every arm shares but for its norm, and a `BnConfig`.
`make_experiment` builds both from one set of values, so that a form or a command line need not know which is whose.
"""

from __future__ import annotations

import shlex
from typing import Any

from alexcore.batchnorm.settings import BN_FIELDS, BnConfig, make_bn_config
from alexcore.command_line import PROGRAM, changed_flags
from alexcore.config import TrainConfig, make_config
from alexcore.errors import ConfigError

# What an experiment has in place of the defaults of a run. SGD, because its step is the gradient that the probes look
# at; the initial weights of the blog post, because every arm learns from them: from torch's own a plain AlexNet stays
# at the share of the largest class, and from Kaiming's the classifier of the arm with group norm dies at once.
BASE: dict[str, Any] = {
    "norm": "batch",
    "init": "seed",
    "optimizer": "sgd",
    "lr": 0.01,
    "momentum": 0.9,
    "weight_decay": 5e-4,
    "scheduler": "constant",
    "dropout": 0.5,
    "precision": "fp32",
    "epochs": 10_000,
    "checkpoint_every_minutes": 1.0,
    "start_size": 0,
    "processes": 1,
}

# Presets are data: a sentence for the form, what differs from BASE, what differs from BnConfig's defaults.
BN_PRESETS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "quick": (
        "A first look in two to three minutes on two cores: three arms, one seed, small pictures, a quarter of the "
        "width. One seed decides no question; more can be added when it has finished.",
        {"width": 0.25, "image_size": 96},
        {"seeds": 1, "steps": 1000},
    ),
    "thorough": (
        "Five seeds and many steps, so that the numbers have bands and questions can be decided, each arm at the best "
        "rate of a short sweep; an hour on two cores, at a quarter of the width.",
        {"width": 0.25, "image_size": 96},
        {"seeds": 5, "steps": 2000, "own_rates": True, "sweep_seeds": 3, "sweep_steps": 120},
    ),
}

# Settings that would make the arms unequal, or that the experiment has no use for: only this value is possible.
ONLY: dict[str, tuple[Any, str]] = {
    "precision": ("fp32", "Rounding would hide the small differences that the probes look for."),
    "start_from": ("", "The arms have to begin with the same random weights."),
    "freeze_features": (False, "The arms have to begin with the same random weights."),
    "ema_decay": (0.0, "An average would hide what a step does."),
    "compile": (False, "Probes look into layers that a compiled network has no more."),
    "time_budget_s": (0.0, "Every arm makes the same number of steps, given by `steps`."),
    "early_stopping": (0, "Every arm makes the same number of steps, given by `steps`."),
    "processes": (1, "All arms take their turns in one process, on the same batches."),
    "sync_batchnorm": (False, "There is one process, so there is nothing to take the statistics over but the batch."),
    "start_size": (0, "Pictures that grow with the epochs would change what the probes measure during the run."),
}


def make_experiment(preset: str = "quick", /, **values: Any) -> tuple[TrainConfig, BnConfig]:
    """Build the two descriptions of an experiment from one of BN_PRESETS and the fields of either that differ from it.

    `max_steps` of the run becomes `steps`, so that every reader of a run knows its length.

    Raises:
        ConfigError: the preset is unknown, a value is out of range, or the arms would not be comparable.
    """
    if preset not in BN_PRESETS:
        raise ConfigError(f"There is no preset {preset!r}.", f"Choose one of {', '.join(BN_PRESETS)}.")
    _, train, experiment = BN_PRESETS[preset]
    own = {name: value for name, value in values.items() if name in BN_FIELDS}
    rest = {name: value for name, value in values.items() if name not in BN_FIELDS}
    bn = make_bn_config(**{**experiment, **own})
    config = make_config(**{**BASE, **train, **rest, "max_steps": bn.steps})
    require_comparable(config, bn)
    return config, bn


def require_comparable(config: TrainConfig, bn: BnConfig) -> None:
    """Refuse settings with which the arms would differ in more than their norm.

    Raises:
        ConfigError: there are some; the message names each of them.
    """
    wrong = [
        f"{name} = {getattr(config, name)!r} is not possible in this experiment: {why} It must be {value!r}."
        for name, (value, why) in ONLY.items()
        if getattr(config, name) != value
    ]
    if config.norm != "batch":
        wrong.append(f"norm = {config.norm!r} is not possible in this experiment: `arms` says which norms it compares.")
    if config.scheduler == "plateau":
        wrong.append("scheduler = 'plateau' is not possible in this experiment: each arm would get rates of its own.")
    if config.max_steps != bn.steps:
        wrong.append(f"max_steps = {config.max_steps} contradicts steps = {bn.steps}: give only `steps`.")
    if config.batch_size * config.accumulation_steps < 2:
        wrong.append(
            "batch_size = 1 is not possible in this experiment: BatchNorm cannot take a mean over one picture."
        )
    if wrong:
        raise ConfigError(" ".join(wrong), "Correct the value and start again.")


def experiment_command(config: TrainConfig, bn: BnConfig) -> str:
    """`python -m alexcore compare-bn ...` with every setting that is not the preset's."""
    preset = next(iter(BN_PRESETS))
    values, base = (
        {**one.model_dump(mode="json"), **two.model_dump(mode="json")}
        for one, two in ((config, bn), make_experiment(preset))
    )
    # The number of steps is given by `steps`, the norm by `arms`.
    values = {name: value for name, value in values.items() if name not in ("max_steps", "norm")}
    return shlex.join([*PROGRAM, "compare-bn", f"--preset={preset}", *changed_flags(values, base)])
