"""A run as an export reads it: settings, checkpoint, classes and history."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alexcore.augment.operations import Operation, arguments
from alexcore.config import TrainConfig
from alexcore.data.decoding.levels import PLAIN, Rendering
from alexcore.data.index import DataIndex
from alexcore.data.sources import choice_of, open_source
from alexcore.errors import CheckpointError, DataError, RunError
from alexcore.files import read_json
from alexcore.findings.saved import FileEdited
from alexcore.integrity import changed_since
from alexcore.runs.events import Event
from alexcore.runs.series import Series
from alexcore.runs.store import Run, checkpoints, require_checkpoint

if TYPE_CHECKING:
    from alexcore.nn import Network


def unfinished_words(state: str, epochs: int, config: TrainConfig, checkpoint: Path) -> str:
    """One sentence about a run that has not finished, else an empty text; `epochs` are those that have ended."""
    if state == "finished":
        return ""
    return (
        f"The run is {state}, not finished: after {epochs} of {config.epochs} epochs this is its {checkpoint.name}. "
        "Export again when it has ended."
    )


@dataclass(frozen=True)
class Source:
    """One run, to be exported; `checkpoint` is the file whose weights are taken.

    Its data set must lie in `roots` to be read, for somebody who may not read the whole disk: a browser user. None is
    anywhere.
    """

    path: Path
    state: str
    config: TrainConfig
    checkpoint: Path
    history: Series
    roots: tuple[Path, ...] | None = None

    @property
    def edited(self) -> list[str]:
        """A sentence for each file that somebody, or a disk, has changed since the run wrote it."""
        return [FileEdited(name).sentence for name in changed_since(self.path)]

    @property
    def name(self) -> str:
        """The run's id with nothing in it that could be markup, code or a path: it gets into files of many kinds."""
        return re.sub(r"[^\w.-]+", "_", self.path.name)[:80] or "run"

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of their numbers.

        Raises:
            CheckpointError: class_indices.json is missing or damaged.
        """
        found = read_json(self.path / "class_indices.json") or {}
        names = tuple(str(found.get(str(number), "")) for number in range(len(found)))
        if not names or not all(names):
            raise CheckpointError(
                f"The run {self.path.name} has no usable class_indices.json.",
                f"`runs repair {self.path.name}` writes it again from the run's checkpoint.",
            )
        return names

    @property
    def start(self) -> Event:
        """The latest `start` event; empty where there is none."""
        return self.history.start or {}

    @property
    def environment(self) -> dict[str, Any]:
        """What env.json says; empty where it is missing."""
        return read_json(self.path / "env.json") or {}

    @property
    def unfinished(self) -> str:
        """One sentence if the run has not finished, else an empty text."""
        epochs = self.history.epochs[-1]["epoch"] + 1 if self.history.epochs else 0
        return unfinished_words(self.state, epochs, self.config, self.checkpoint)


def exported_run(run: Run, which: str | None = None, roots: Sequence[Path] | None = None) -> Source:
    """Everything of a run that an export may need, with its "best" or "last" checkpoint, or the best there is.

    `roots` are where its data set must lie to be read; None is anywhere.

    Raises:
        RunError: the run is broken.
        CheckpointError: it has no such checkpoint.
    """
    if run.config is None:
        raise RunError(f"The run {run.id} cannot be exported: {run.problem}")
    checkpoint = require_checkpoint(run)
    if which:
        best, last = checkpoints(run.path)
        checkpoint = best if which == "best" else last
        if not checkpoint.is_file():
            raise CheckpointError(f"The run {run.id} has no checkpoint {checkpoint.name}.", "Choose the other one.")
    history = Series(run.path / "events.jsonl")
    history.refresh()
    return Source(run.path, run.status.state, run.config, checkpoint, history, None if roots is None else tuple(roots))


def open_data(source: Source) -> DataIndex:
    """Index the run's data set, without opening its pictures.

    Raises:
        DataError: it is gone, cannot be used, or lies outside the roots.
    """
    config, roots = source.config, source.roots
    for place in filter(None, (config.data, config.val, config.test, config.root)):
        # Of a pattern of shards the part before the pattern, which is a folder, says where they are.
        path = Path(re.split(r"[*?\[{]", place)[0]).expanduser().resolve()
        if roots is not None and not any(path.is_relative_to(root) for root in roots):
            raise DataError(f"{place} lies outside the folders that the dashboard may open.", "Export by command.")
    return open_source(config.data, config.val, roots=roots, choice=choice_of(config))


@dataclass(frozen=True)
class Trained:
    """The network of a run, in eval mode on the CPU, with what is needed to use it.

    `operations` are what is done to a picture before the network sees it.
    """

    model: Network
    classes: tuple[str, ...]
    operations: list[Operation]
    rendering: Rendering = PLAIN

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The mapping from name to number."""
        return {name: number for number, name in enumerate(self.classes)}

    @property
    def mean_std(self) -> tuple[list[float], list[float]]:
        """What is subtracted from each colour, and what it is then divided by; several Normalize become one."""
        mean, std = [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]
        for each in self.operations:
            if each["op"] == "Normalize":
                values = arguments(each)
                mean = [m + s * float(new) for m, s, new in zip(mean, std, values["mean"], strict=True)]
                std = [s * float(new) for s, new in zip(std, values["std"], strict=True)]
        return mean, std

    def about(self, source: Source) -> dict[str, Any]:
        """What a stranger must know to use the weights, as plain data."""
        config, (mean, std) = source.config, self.mean_std
        network = ("variant", "norm", "width", "activation", "dropout")
        return {
            "class_to_idx": self.class_to_idx,
            "input_size": [3, config.image_size, config.image_size],
            "mean": mean,
            "std": std,
            "network": {name: getattr(config, name) for name in network},
            "run": source.name,
        }


def load_trained(source: Source) -> Trained:
    """Load the weights of a run; needs torch.

    Raises:
        CheckpointError: the checkpoint is missing, damaged or does not fit together.
    """
    from alexcore.training.checkpoint import load_checkpoint, restore_model

    saved = load_checkpoint(source.checkpoint)
    model, _, classes = restore_model(saved, source.checkpoint)
    return Trained(model, classes, saved["evaluation_operations"], Rendering.of(saved.get("rendering")))
