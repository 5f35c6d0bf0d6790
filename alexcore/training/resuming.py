"""What a resumed run may change, and what it then is."""

from __future__ import annotations

from typing import Any

from alexcore.config import FIELDS, TrainConfig, make_config
from alexcore.errors import RunError
from alexcore.nn.norms import one_norm
from alexcore.training.schedule import image_side

# How long a run goes on, and how it is carried out; everything else decides what is learned.
RESUMABLE = (
    "epochs",
    "num_workers",
    "decoded_cache_mib",
    "processes",
    "checkpoint_every_epochs",
    "checkpoint_every_minutes",
    "time_budget_s",
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
            raise RunError(
                f"{name} = {changes[name]!r} would make it another experiment: the run has {getattr(config, name)!r}.",
                f"Start a new run for that. A resume may change {', '.join(RESUMABLE)}.",
            )
    if new.epochs < config.epochs:
        raise RunError(f"epochs = {new.epochs} is fewer than the run's {config.epochs}.", "Give a larger number.")
    return new


def _shared_batch(config: TrainConfig, processes: int) -> int:
    """The batch size with which another number of processes sees the same pictures in each step."""
    whole = config.batch_size * config.processes
    if processes < 1 or whole % processes:
        fitting = [count for count in range(1, min(whole, 64) + 1) if whole % count == 0]
        raise RunError(
            f"{processes} processes cannot share the {whole} pictures of each step of this run equally.",
            f"Choose {', '.join(map(str, fitting[:-1]))}{' or ' * (len(fitting) > 1)}{fitting[-1]} processes.",
        )
    return whole // processes


def what_changed(
    before: dict[str, Any], config: TrainConfig, sharded: bool, epoch: int = 0, steps_per_epoch: int = 0
) -> list[str]:
    """Sentences for the run's history about changes that make it another run than one that went straight through.

    Args:
        before: The configuration in the checkpoint; what it lacks had its default.
        config: The one to go on with.
        sharded: Whether the pictures lie in shards.
        epoch: The one to go on with, counted from 0.
        steps_per_epoch: Optimizer steps of an epoch; 0 is not known.
    """
    old = {name: before.get(name, spec.default) for name, spec in FIELDS.items()}
    found = []
    if old["epochs"] != config.epochs and config.scheduler in _STRETCHED:
        found.append(
            f"epochs went from {old['epochs']} to {config.epochs}: the schedule {config.scheduler} is planned anew "
            f"over the new length, so this is not the run that {config.epochs} epochs from the start would have been."
        )
    if old["time_budget_s"] != config.time_budget_s:
        found.append(
            f"time_budget_s went from {old['time_budget_s']:g} to {config.time_budget_s:g}: the number of steps and "
            "the rate schedule are planned anew."
        )
    found += _resized(old, config, epoch, steps_per_epoch)
    if old["processes"] != config.processes:
        pictures = " and the order of the pictures" if sharded else ""
        norm = one_norm(config.norm)
        other = f", {norm.kind}'s statistics" if norm.over_batch else ""
        found.append(
            f"processes went from {old['processes']} to {config.processes}, and batch_size from {old['batch_size']} to "
            f"{config.batch_size}, so that a step sees as many pictures as before. What is summed by whom is another "
            f"from here on, and so are the units that dropout drops{other}{pictures}: close to the run that was not "
            "interrupted, but not the same bits."
        )
    if old["num_workers"] != config.num_workers and sharded:
        found.append(
            f"num_workers went from {old['num_workers']} to {config.num_workers}: each loader process shuffles its "
            "part of the shards, so the order of the pictures is another from here on."
        )
    return found


def _resized(old: dict[str, Any], config: TrainConfig, epoch: int, steps_per_epoch: int) -> list[str]:
    """What another length does to pictures that grow, from this epoch on."""
    former = config.model_copy(update={name: old[name] for name in ("epochs", "time_budget_s")})
    for each in range(epoch, max(config.epochs, epoch + 1)):
        was, side = (image_side(which, each, steps_per_epoch) for which in (former, config))
        if was != side:
            return [
                f"start_size = {config.start_size}: how training pictures grow is planned anew over the new length. In "
                f"epoch {each + 1} they have {side} px; before it would have been {was} px."
            ]
    return []
