"""What the ranks of a test do: `torchrun ... -m tests.support.ranks FILE OUT` trains each run of FILE in one group.

FILE holds a list of {"config": fields, "stop_at": [steps], "asked": rank, "gone": [files]}; a run is stopped at each of
those steps, and resumed; the files are deleted after the first step. OUT gets a folder a run, with what a reporter
hears, from the first rank.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch

from alexcore.config import make_config
from alexcore.errors import AlexError
from alexcore.runs.store import create_run
from alexcore.training.distributed import Group, joined
from alexcore.training.loop import fit
from tests.support.interrupted_runs import Watcher, at_step


def main(file: Path, out: Path) -> None:
    torch.set_num_threads(1)
    with joined() as group:
        for number, scenario in enumerate(json.loads(file.read_text())):
            run(scenario, out / str(number), group)


def run(scenario: dict[str, Any], folder: Path, group: Group) -> None:
    config = make_config(**scenario["config"])
    if group.first:
        create_run(config, folder)
    events: list[dict[str, Any]] = []
    for number, stop_at in enumerate([*scenario.get("stop_at", []), None]):
        # The request of the first rank is everybody's; the others are asked for nothing.
        asked = stop_at is not None and group.rank == scenario.get("asked", 0)
        watcher = Watcher(at_step(stop_at)) if asked else Watcher(lambda heard: delete(heard, scenario.get("gone", ())))
        try:
            state = fit(config, folder, watcher, resume=number > 0, group=group)
        except AlexError as error:
            state = str(error)
        events += [*watcher.events, {"type": "state", "state": state}]
    if group.first:
        (folder / "heard.json").write_text(json.dumps(events))


def delete(watcher: Watcher, files: list[str]) -> bool:
    """Take files away in the middle of a run, which is not asked to stop for it."""
    for file in files if watcher.step >= 1 else ():
        Path(file).unlink(missing_ok=True)
    return False


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
