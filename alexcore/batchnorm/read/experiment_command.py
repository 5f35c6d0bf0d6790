"""The command line that repeats an experiment."""

from __future__ import annotations

import shlex

from alexcore.batchnorm.comparable import BN_PRESETS, make_experiment
from alexcore.batchnorm.settings import BnConfig
from alexcore.command_line import PROGRAM, changed_flags
from alexcore.config import TrainConfig


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
