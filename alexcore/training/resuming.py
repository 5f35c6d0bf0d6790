"""What a resumed run may change, and what it then is."""

from __future__ import annotations

from typing import Any

from alexcore.config import FIELDS, TrainConfig, make_config
from alexcore.errors import RunError
from alexcore.findings.before import FewerEpochs, OtherExperiment, ResumePlanned, UnequalShares
from alexcore.findings.finding import Finding
from alexcore.findings.resumed import EarlyStoppingChanged
from alexcore.findings.run import (
    EpochsChanged,
    ProcessesChanged,
    SizesPlannedAnew,
    TimeBudgetChanged,
    WorkersChanged,
)
from alexcore.nn.norms import one_norm
from alexcore.training.schedule import image_side

# How long a run goes on, and how it is carried out; everything else decides what is learned.
RESUMABLE = (
    *("data", "val", "test", "root", "epochs", "num_workers", "decoded_cache_mib", "processes"),
    *("checkpoint_every_epochs", "checkpoint_every_minutes", "time_budget_s", "early_stopping", "unreadable_limit"),
)
# Schedules that stretch over the whole run.
_STRETCHED = ("exponential", "cosine", "onecycle")


def changed_config(config: TrainConfig, changes: dict[str, Any]) -> TrainConfig:
    """The configuration with which a run is resumed.

    Raises:
        RunError: a change would make it another experiment.
        ConfigError: it is out of range.
    """
    if changes.get("processes", config.processes) != config.processes:
        changes = {"batch_size": _shared_batch(config, changes["processes"]), **changes}
    new = make_config(**{**config.model_dump(), **changes})
    for name in changes:
        follows = name == "batch_size" and new.batch_size * new.processes == config.batch_size * config.processes
        if name not in RESUMABLE and not follows and getattr(new, name) != getattr(config, name):
            raise OtherExperiment(name, changes[name], getattr(config, name), RESUMABLE).refusal(RunError)
    if new.epochs < config.epochs:
        raise FewerEpochs(new.epochs, config.epochs).refusal(RunError)
    return new


def begins_anew(before: TrainConfig | dict[str, Any], config: TrainConfig) -> bool:
    """Whether the patience of early stopping counts from the resume on: with more epochs, or with another patience."""
    old = before if isinstance(before, dict) else before.model_dump()
    return any(old.get(name, FIELDS[name].default) != getattr(config, name) for name in ("epochs", "early_stopping"))


def resume_planned(before: TrainConfig, config: TrainConfig, epochs: int, *, early: bool) -> ResumePlanned:
    """What a resume after so many epochs is going to do; `early` is whether early stopping had ended the run."""
    patience, seconds = config.early_stopping, config.time_budget_s
    return ResumePlanned(
        early=early,
        patience_before=before.early_stopping,
        epochs_before=before.epochs,
        done=epochs,
        epochs=config.epochs,
        stops=patience > 0,
        patience=patience,
        anew=begins_anew(before, config),
        timed=seconds > 0,
        time_budget_s=seconds,
    )


def _shared_batch(config: TrainConfig, processes: int) -> int:
    """The batch size with which another number of processes sees the same pictures in each step."""
    whole = config.batch_size * config.processes
    if processes < 1 or whole % processes:
        *fitting, last = [count for count in range(1, min(whole, 64) + 1) if whole % count == 0]
        raise UnequalShares(processes, whole, tuple(map(str, fitting)), last, bool(fitting)).refusal(RunError)
    return whole // processes


def what_changed(
    before: dict[str, Any], config: TrainConfig, sharded: bool, epoch: int = 0, steps_per_epoch: int = 0
) -> list[Finding]:
    """What the run's history is told about changes that make it another run than one that went straight through.

    What `before`, the configuration in the checkpoint, lacks had its default. The epoch counts from 0; 0 steps an epoch
    are not known.
    """
    old = {name: before.get(name, spec.default) for name, spec in FIELDS.items()}
    found: list[Finding] = []
    if old["epochs"] != config.epochs and config.scheduler in _STRETCHED:
        found.append(EpochsChanged(old["epochs"], config.epochs, config.scheduler))
    if old["early_stopping"] != config.early_stopping:
        found.append(EarlyStoppingChanged(old["early_stopping"], config.early_stopping, not config.early_stopping))
    if old["time_budget_s"] != config.time_budget_s:
        found.append(TimeBudgetChanged(old["time_budget_s"], config.time_budget_s))
    found += _resized(old, config, epoch, steps_per_epoch)
    if old["processes"] != config.processes:
        norm = one_norm(config.norm)
        sizes = old["batch_size"], config.batch_size
        found.append(ProcessesChanged(old["processes"], config.processes, *sizes, norm.kind, norm.over_batch, sharded))
    if old["num_workers"] != config.num_workers and sharded:
        found.append(WorkersChanged(old["num_workers"], config.num_workers))
    return found


def _resized(old: dict[str, Any], config: TrainConfig, epoch: int, steps_per_epoch: int) -> list[Finding]:
    """What another length does to pictures that grow, from this epoch on."""
    former = config.model_copy(update={name: old[name] for name in ("epochs", "time_budget_s")})
    for each in range(epoch, max(config.epochs, epoch + 1)):
        was, side = (image_side(which, each, steps_per_epoch) for which in (former, config))
        if was != side:
            return [SizesPlannedAnew(config.start_size, each + 1, side, was)]
    return []
