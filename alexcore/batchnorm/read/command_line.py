"""The command line that repeats an experiment."""

from __future__ import annotations

import shlex

from alexcore.batchnorm.settings import BN_FIELDS, BN_PRESETS, BnConfig, make_experiment
from alexcore.config import TrainConfig
from alexcore.training.checks import pipeline_file


def command_line(config: TrainConfig, bn: BnConfig) -> str:
    """`python -m alexcore compare-bn ...` with every setting that is not the preset's."""
    preset = next(iter(BN_PRESETS))
    base, base_bn = make_experiment(preset)
    parts = ["python", "-m", "alexcore", "compare-bn", f"--preset={preset}"]
    given = [*config.model_dump(mode="json").items(), *bn.model_dump(mode="json").items()]
    for name, value in given:
        # The number of steps is given by `steps`, the norm by `arms`.
        if name in ("max_steps", "norm") or value == getattr(base_bn if name in BN_FIELDS else base, name):
            continue
        flag = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            parts.append(flag if value else "--no-" + flag[2:])
        else:
            parts.append(f"{flag}={pipeline_file(value) if isinstance(value, list) else value}")
    return shlex.join(parts)
