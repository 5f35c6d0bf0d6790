"""When does a setting do nothing? Every field of TrainConfig was asked; the answers are said before a run starts."""

from __future__ import annotations

from typing import Any

from alexcore.config import FIELDS, TrainConfig
from alexcore.data.index import DataIndex
from alexcore.data.shards import is_sharded
from alexcore.fields import numbers_in
from alexcore.files import read_json
from alexcore.findings import idle
from alexcore.findings.finding import Finding
from alexcore.home import devices_file
from alexcore.nn.norms import one_norm
from alexcore.run_intensity import EACH
from alexcore.training.checks import known_check
from alexcore.training.plan import Plan, validation_counts
from alexcore.training.schedule import last_epoch, rates
from alexcore.training.weighting import run_weights

# Fields that only some values of another one read.
_READ_WITH: dict[str, tuple[str, tuple[str, ...]]] = {
    "momentum": ("optimizer", ("sgd",)),
    "nesterov": ("optimizer", ("sgd",)),
    "lr_gamma": ("scheduler", ("step", "multistep", "exponential", "plateau")),
    "lr_step_epochs": ("scheduler", ("step",)),
    "lr_milestones": ("scheduler", ("multistep",)),
    "plateau_patience": ("scheduler", ("plateau",)),
}


def before_start(config: TrainConfig, index: DataIndex, plan: Plan) -> list[Finding]:
    """What is to be said of the settings of a run before it starts; none of it forbids the run."""
    found = [*validation_counts(config, index), *_not_read(config, index)]
    if config.time_budget_s:
        found += _budget(config, plan)
    else:
        found += _too_long(config, plan)
    if config.accumulation_steps > plan.micro_batches:
        found.append(idle.AccumulationTooLong(config.accumulation_steps, plan.micro_batches, plan.train_images))
    return [*found, *_classes(config, index)]


def validation_seconds(config: TrainConfig, plan: Plan, measured: dict[str, Any]) -> float:
    """How long a validation takes by the measured seconds of a step: forward only, a third of the work of an image."""
    effective = min(config.effective_batch, plan.train_images)
    return plan.val_images / effective * float(measured["step_s"]) / 3


def _not_read(config: TrainConfig, index: DataIndex) -> list[Finding]:
    found: list[Finding] = []

    def changed(name: str) -> bool:
        return bool(getattr(config, name) != FIELDS[name].default)

    def says(name: str, by: str, acts: tuple[str, ...] = ()) -> None:
        found.append(idle.SettingNotRead(name, getattr(config, name), by, getattr(config, by), bool(acts), acts))

    for name, (by, values) in _READ_WITH.items():
        if changed(name) and getattr(config, by) not in values:
            says(name, by, values)
    if config.lr_gamma == 1 and config.scheduler in _READ_WITH["lr_gamma"][1]:
        says("scheduler", "lr_gamma")
    if config.decay_all and not config.weight_decay:
        says("decay_all", "weight_decay")
    if config.sync_batchnorm and config.processes == 1:
        says("sync_batchnorm", "processes")
    elif config.sync_batchnorm and not one_norm(config.norm).over_batch:
        says("sync_batchnorm", "norm")
    if changed("decoded_cache_mib") and is_sharded(index):
        says("decoded_cache_mib", "data")
    if changed("start_size") and config.start_size >= config.image_size:
        says("start_size", "image_size")
    if config.intensity not in ("auto", EACH) and not index.rendering.windows:
        found.append(idle.IntensityUnused(config.intensity))
    if config.time_budget_s:
        for name in ("epochs", "start_size"):
            if changed(name):
                says(name, "time_budget_s")
    elif changed("checkpoint_every_epochs") and config.checkpoint_every_epochs >= config.epochs:
        says("checkpoint_every_epochs", "epochs")
    known = str((read_json(devices_file()) or {}).get("device", "")) if config.device == "auto" else config.device
    if known == "cpu" and config.deterministic:
        found.append(idle.SettingNotRead("deterministic", True, "device", known, True, ("cuda",)))
    if known == "cpu" and changed("cudnn_benchmark"):
        found.append(idle.SettingNotRead("cudnn_benchmark", config.cudnn_benchmark, "device", known, True, ("cuda",)))
    return found


def _budget(config: TrainConfig, plan: Plan) -> list[Finding]:
    measured = known_check("preflight", config)
    needed = validation_seconds(config, plan, measured) if measured else 0.0
    return [idle.BudgetTooShort(config.time_budget_s, needed)] if config.time_budget_s < needed else []


def _too_long(config: TrainConfig, plan: Plan) -> list[Finding]:
    """What comes after the end of a run whose length is known."""
    found: list[Finding] = []
    steps, epochs = plan.total_steps, last_epoch(config, plan.steps_per_epoch) + 1
    if config.warmup_steps and config.warmup_steps >= steps:
        reached = max(rate for _, rate in rates(config, steps, plan.steps_per_epoch))
        found.append(idle.WarmupTooLong(config.warmup_steps, steps, reached, config.lr))
    if config.max_steps > config.epochs * plan.steps_per_epoch:
        found.append(idle.StepLimitTooHigh(config.max_steps, steps, config.epochs))
    if config.early_stopping and config.early_stopping >= epochs - 1:
        found.append(idle.EarlyStoppingTooLate(config.early_stopping, epochs))
    never = {
        "step": ("lr_step_epochs", config.lr_step_epochs >= epochs),
        "multistep": ("lr_milestones", numbers_in(config.lr_milestones, int)[0] >= epochs),
        # One epoch is the best, so many may pass without a better one, one more drops the rate for those behind it.
        "plateau": ("plateau_patience", config.plateau_patience + 3 > epochs),
    }
    name, late = never.get(config.scheduler, ("", False))
    if late:
        found.append(idle.RateNeverDrops(config.scheduler, name, getattr(config, name), epochs))
    if config.ema_decay:
        needed, reached = round(10 / (1 - config.ema_decay)), (1 + steps) / (10 + steps)
        if reached < config.ema_decay:
            found.append(idle.AverageTooShort(config.ema_decay, needed, steps, reached))
    return found


def _classes(config: TrainConfig, index: DataIndex) -> list[Finding]:
    found: list[Finding] = []
    counts = index.counts()
    if 0 <= config.ignore_index < len(counts) and not counts.iloc[config.ignore_index].sum():
        found.append(idle.IgnoredClassEmpty(config.ignore_index, index.classes[config.ignore_index]))
    train = counts["train"].tolist()
    weights = run_weights(config, train) or []
    counting = [w for label, w in enumerate(weights) if train[label] and label != config.ignore_index]
    if counting and max(counting) - min(counting) < 1e-9 * max(counting):
        found.append(idle.WeightsAllAlike(config.class_weights, round(counting[0], 6)))
    return found
