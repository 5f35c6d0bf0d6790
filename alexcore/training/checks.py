"""Results of the checks before a run, remembered per configuration and data set.

A check is a command of the command line (`prove-accumulation`, `preflight`, `repeat-check`) that the dashboard starts
as a background job; what it found is a JSON file in the cache, which anybody may delete.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from alexcore.config import TrainConfig
from alexcore.data.sources import source_signature
from alexcore.files import read_json, write_json
from alexcore.home import cache_dir
from alexcore.training.lr_curve import sweep_config

# How long a run is changes neither a step's time nor its gradient, so another number of epochs keeps what was measured.
_LENGTH = (
    *("epochs", "max_steps", "early_stopping", "time_budget_s"),
    *("checkpoint_every_epochs", "checkpoint_every_minutes"),
)
# What else changes nothing in the answer of one check; a suggested rate, taken over, shall not make its curve vanish.
_SAME = {
    "preflight": ("lr", "scheduler", "warmup_steps", "seed"),
    "prove-accumulation": ("lr", "scheduler", "warmup_steps", "norm", "dropout"),
}


def check_name(kind: str, config: TrainConfig) -> str:
    """A name for the check of this configuration on this state of its data set; also that of its background job.

    Whoever stores a result and whoever looks it up hands over the configuration of the run to come, as it is: what of
    it does not matter to a check is known here alone.

    Raises:
        DataError: the data set cannot be read.
    """
    if kind == "lr-find":
        config = sweep_config(config)
    unimportant = (*_LENGTH, *_SAME.get(kind, ()))
    values = {name: value for name, value in config.model_dump(mode="json").items() if name not in unimportant}
    signatures = [source_signature(Path(path)) for path in (config.data, config.val, config.test) if path]
    text = json.dumps([values, signatures], sort_keys=True)
    return f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:20]}"


def _file(kind: str, config: TrainConfig) -> Path:
    return cache_dir() / "checks" / f"{check_name(kind, config)}.json"


def known_check(kind: str, config: TrainConfig) -> dict[str, Any] | None:
    """What the check found earlier for this configuration and data set, or None."""
    return read_json(_file(kind, config))


def remember_check(kind: str, config: TrainConfig, result: dict[str, Any]) -> None:
    """Keep what a check found."""
    file = _file(kind, config)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_json(file, result)
