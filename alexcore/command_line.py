"""What a person types to repeat what a configuration describes: the one place that says it.

Only what differs from the defaults is named.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alexcore.augment.operations import Operation
from alexcore.augment.pipeline_files import pipeline_json
from alexcore.config import FIELDS, TrainConfig
from alexcore.files import replacing
from alexcore.home import cache_dir

PROGRAM = ("python", "-m", "alexcore")


def train_command(config: TrainConfig, pipeline: str = "") -> str:
    """The command that starts the run of a configuration; `pipeline` as in `changed_flags`."""
    if config.processes == 1:
        return shlex.join([*PROGRAM, "train", *flags(config, pipeline)])
    # torchrun says how many processes there are, also to the command that it starts.
    own = flags(config.model_copy(update={"processes": 1}), pipeline)
    start = ["torchrun", "--standalone", f"--nproc-per-node={config.processes}", "-m", "alexcore", "train"]
    return shlex.join([*start, *own])


def flags(config: TrainConfig, pipeline: str = "") -> list[str]:
    """The flags that repeat a configuration in any command that takes one; `pipeline` as in `changed_flags`."""
    dumped = config.model_dump(mode="json")
    values = {name: dumped[name] for name in FIELDS}  # in the order of the forms, the data set first
    return changed_flags(values, {name: spec.default for name, spec in FIELDS.items()}, pipeline)


def changed_flags(values: Mapping[str, Any], base: Mapping[str, Any], pipeline: str = "") -> list[str]:
    """The flags of all values, by the name of a field and as JSON has them, that are not those of `base`.

    `pipeline` is what to call the file of a pipeline of one's own, which no flag holds; without it, it lies in the
    cache.
    """
    found = []
    for name, value in values.items():
        if value == base[name]:
            continue
        flag = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            found.append(flag if value else "--no-" + flag[2:])
        else:
            shown = (pipeline or _pipeline_file(value)) if isinstance(value, list) else value
            # With "=", a value that begins with a minus is no flag.
            found.append(f"{flag}={shown}")
    return found


def _pipeline_file(operations: list[Operation]) -> Path:
    text = pipeline_json(operations)
    file = cache_dir() / "checks" / f"pipeline-{hashlib.sha256(text.encode()).hexdigest()[:20]}.json"
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return file
