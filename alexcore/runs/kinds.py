"""What a run folder may hold: a network in training, or a BatchNorm experiment. A new kind is one more entry of KINDS.

A kind is known by a file beside config.json. Its worker's work lies on a floor above this one, so it stands here by
name: `worker` imports it when a run of this kind begins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alexcore.config import TrainConfig
    from alexcore.training.run_data import Reporter

from alexcore.files import previous_of


@dataclass(frozen=True)
class Kind:
    """One kind of run.

    Attributes:
        title: What lists call it.
        noun: What sentences call it.
        file: Lies beside config.json in a folder of this kind, with the settings that it has beside a TrainConfig.
        page: Which page of the dashboard shows it, by its path in a URL.
        entry: "module:function" of what its worker does, called as `work(config, run_dir, reporter)`; it returns
            "finished" or "stopped".
        afterwards: "module:function" of what the worker does once that has finished, still in the run's turn and before
            its end is told; called alike, and empty for nothing. Whatever comes of it, the run has finished.
        checkpoint: The file in `checkpoints/` that a resume goes on from.
        command: The command that starts one.
        changeable: Whether a resume may change settings, such as the number of epochs.
        grows: Settings of its own file that may be raised when it has finished; what they add is trained then.
        arms: Whether it trains several networks: figures of different ones make no "best" and no "last".
    """

    title: str
    noun: str
    file: str
    page: str
    entry: str
    afterwards: str
    checkpoint: str
    command: str
    changeable: bool
    grows: tuple[str, ...]
    arms: bool

    def work(self) -> Callable[..., str]:
        """What a worker does for a run of this kind; loads torch."""
        found: Callable[..., str] = resolve_name(self.entry)
        return found

    def finish(self, config: TrainConfig, run_dir: Path, reporter: Reporter) -> None:
        """Do what comes after the work."""
        if self.afterwards:
            resolve_name(self.afterwards)(config, run_dir, reporter)

    def resumable(self, run_dir: Path) -> bool:
        """Whether a run of this kind has a checkpoint to go on from, the last one or the one before."""
        path = run_dir / "checkpoints" / self.checkpoint
        return path.is_file() or previous_of(path).is_file()


TRAINING = Kind(
    title="training",
    noun="run",
    file="config.json",
    page="train",
    entry="alexcore.runs.training_worker:train",
    afterwards="alexcore.analysis.doubt_measuring:after_training",
    checkpoint="last.pt",
    command="train",
    changeable=True,
    grows=(),
    arms=False,
)
BATCHNORM = Kind(
    title="BatchNorm experiment",
    noun="experiment",
    file="experiment.json",
    page="batchnorm",
    entry="alexcore.batchnorm.measure.experiment:compare",
    afterwards="",
    checkpoint="experiment.pt",
    command="compare-bn",
    changeable=False,
    grows=("seeds",),
    arms=True,
)
# The first whose file is there; every folder has config.json, so what is trained alone comes last.
KINDS = (BATCHNORM, TRAINING)
BY_TITLE = {kind.title: kind for kind in KINDS}


def kind_of(run_dir: Path) -> Kind:
    """The kind of a run folder; a broken one counts as training."""
    return next((kind for kind in KINDS if (run_dir / kind.file).is_file()), TRAINING)
