"""BnConfig: what the BatchNorm experiment compares and how often it measures."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Le
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from alexcore.config import TrainConfig, refused
from alexcore.errors import ConfigError
from alexcore.fields import OneOf, field, numbers_in, specs_of
from alexcore.files import read_json
from alexcore.nn.norms import NORMS
from alexcore.runs.kinds import BATCHNORM
from alexcore.runs.store import create_run

# The groups of a form, in its order, and the field that each begins with.
GROUPS = {"Arms": "arms", "Measuring": "probe_every", "Sweeps": "own_rates"}


def arm_choices() -> tuple[str, ...]:
    """What `arms` may be: no norm against BatchNorm, alone or with any of the other norms."""
    more = [name for name in NORMS if name not in ("none", "batch")]
    return tuple(
        ",".join(["none", "batch", *some]) for count in range(len(more) + 1) for some in combinations(more, count)
    )


class BnConfig(BaseModel):
    """What an experiment compares, beside the settings of its runs. `experiment.json` holds one of these."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    arms: Annotated[str, OneOf(arm_choices)] = field(
        "none,batch,group",
        "Arms",
        "The networks that are compared. They differ in their norm and in nothing else: none has no norm, batch is "
        "BatchNorm, group is GroupNorm, which normalises but does not look at the batch. Expect the third arm to cost "
        "half as much time again.",
        code="alexcore.batchnorm.measure.arms:build_arms",
        essential=True,
    )
    seeds: Annotated[int, Ge(1), Le(20)] = field(
        1,
        "Seeds",
        "How often the comparison is repeated, each time with other initial weights and another order of the pictures; "
        "the first seed is the run's. Chance alone moves a curve: 3 seeds cannot decide a question, 5 can.",
        code="alexcore.batchnorm.measure.arms:build_arms",
        essential=True,
    )
    steps: Annotated[int, Ge(1), Le(1_000_000)] = field(
        300,
        "Steps per arm (optimizer steps)",
        "Every arm makes exactly so many steps on the same batches, so that none has seen more pictures.",
        code="alexcore.batchnorm.measure.experiment:run_experiment",
        essential=True,
    )

    probe_every: Annotated[int, Ge(0), Le(1_000_000)] = field(
        0,
        "Probe every (steps)",
        "How often the layers and the loss surface are measured. Probes change no run, they only cost time. 0 is the "
        "rule: dense at the start, where most happens, and then as often as keeps all probes under 30 % of the run. "
        "Runs of under 100 steps take more, near 40 %: the first probes are dense whatever they cost.",
        code="alexcore.batchnorm.measure.probe_schedule:Schedule",
    )
    probe_images: Annotated[int, Ge(8), Le(4096)] = field(
        256,
        "Probe pictures",
        "Training pictures, the same for every arm, on which activations are measured. Fewer are faster and noisier.",
        code="alexcore.batchnorm.measure.batches:probe_set",
    )
    eval_every: Annotated[int, Ge(0), Le(1_000_000)] = field(
        0,
        "Validate every (steps)",
        "How often all arms are validated. 0 is the rule: 12 times in a run, and at its start.",
        code="alexcore.batchnorm.measure.probe_schedule:evaluation_steps",
    )
    recalibrate_images: Annotated[int, Ge(0), Le(1_000_000)] = field(
        1024,
        "Recalibration pictures",
        "At the end BatchNorm's running statistics are measured anew on so many training pictures, because those of a "
        "short run lag behind its weights. Both accuracies are shown. 0 takes the whole training split.",
        code="alexcore.batchnorm.measure.recalibration:recalibrate",
    )

    own_rates: bool = field(
        False,
        "Each arm at its own best rate",
        "Before the start the learning rates below are swept, and each arm gets the best of its own. Without it all "
        "arms have the same rate, and one that is behind may only have the wrong one.",
        code="alexcore.batchnorm.measure.own_rates:choose_rates",
    )
    sweep_rates: str = field(
        "0.001,0.003,0.01,0.03,0.1,0.3,1",
        "Learning rates of the sweep",
        "Each arm is trained anew with each of these rates; how many of them work is its tolerance.",
        code="alexcore.batchnorm.measure.sweep_training:sweep_rates",
        legal="two or more rising rates above 0 and at most 10, such as 0.001,0.01,0.1",
    )
    sweep_steps: Annotated[int, Ge(2), Le(1_000_000)] = field(
        60,
        "Steps of a sweep's run",
        "Optimizer steps of each run in the learning-rate sweep, and of the batch sweep's second table.",
        code="alexcore.batchnorm.measure.sweep_training:sweep_rates",
    )
    sweep_seeds: Annotated[int, Ge(1), Le(20)] = field(
        1,
        "Seeds of a sweep",
        "How often each run of a sweep is repeated with another seed.",
        code="alexcore.batchnorm.measure.sweep_training:sweep_rates",
    )
    sweep_batches: str = field(
        "2,4,8,16,32,64",
        "Batch sizes of the sweep",
        "Each arm is trained anew with each of these batch sizes; the rate grows with the batch: rate x N / 32.",
        code="alexcore.batchnorm.measure.sweep_training:sweep_batches",
        legal="two or more rising whole numbers from 2 to 4096, such as 2,8,32",
    )
    sweep_epochs: Annotated[int, Ge(1), Le(1000)] = field(
        1,
        "Epochs of the batch sweep",
        "Length of each run in the batch sweep's first table. Small batches make more steps in an epoch, so they cost "
        "more.",
        code="alexcore.batchnorm.measure.sweep_training:sweep_batches",
    )

    @field_validator("sweep_rates")
    @classmethod
    def _rising_rates(cls, text: str) -> str:
        return _rising(text, float, 0.0, 10.0)

    @field_validator("sweep_batches")
    @classmethod
    def _rising_batches(cls, text: str) -> str:
        return _rising(text, int, 1, 4096)

    @property
    def norms(self) -> tuple[str, ...]:
        """The arms in their order."""
        return tuple(self.arms.split(","))


def _rising(text: str, kind: type, above: float, most: float) -> str:
    values = numbers_in(text, kind)
    # Written so that NaN fails, too.
    if len(values) < 2 or sorted(set(values)) != values or not (above < values[0] and values[-1] <= most):
        raise ValueError(text)
    return text


BN_FIELDS = specs_of(BnConfig, GROUPS)


def make_bn_config(**values: Any) -> BnConfig:
    """Build a valid BnConfig.

    Raises:
        ConfigError: one or more values are out of range; the message names each of them.
    """
    try:
        return BnConfig(**values)
    except ValidationError as error:
        raise refused(error, BN_FIELDS, "an experiment") from error


def arm_key(arm: str, seed: int) -> str:
    """The name of one arm of one seed, such as "batch-s0": that of its folder, and what tables call it."""
    return f"{arm}-s{seed}"


def trained_file(run_dir: Path, seed: int) -> Path:
    """Where the weights of an experiment's BatchNorm arm lie once it has ended or stopped."""
    return run_dir / "arms" / arm_key("batch", seed) / "checkpoints" / "last.pt"


def seeds_of(config: TrainConfig, bn: BnConfig) -> list[int]:
    """The seeds of an experiment, the run's first."""
    return [config.seed + number for number in range(bn.seeds)]


def with_seeds(run_dir: Path, seeds: int) -> BnConfig:
    """The experiment of a folder with another number of seeds.

    Raises:
        ConfigError: the number is out of range, or experiment.json cannot be read.
    """
    return make_bn_config(**{**load_bn_config(run_dir).model_dump(), "seeds": seeds})


def create_experiment(config: TrainConfig, bn: BnConfig, run_dir: Path | None = None) -> Path:
    """Make the folder of a new experiment, whose worker runs all its arms. Raises as `create_run`."""
    return create_run(config, run_dir, BATCHNORM, bn.model_dump())


def load_bn_config(run_dir: Path) -> BnConfig:
    """Read a folder's experiment.json.

    Raises:
        ConfigError: it is missing, damaged, or holds a value out of range.
    """
    file = run_dir / BATCHNORM.file
    values = read_json(file)
    if values is None:
        raise ConfigError(f"{file} cannot be read as an experiment.", "Start a new one, or restore the file.")
    return make_bn_config(**{str(name): value for name, value in values.items()})
