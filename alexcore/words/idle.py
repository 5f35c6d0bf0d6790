"""What is said of settings that cannot act."""

from __future__ import annotations

from collections.abc import Mapping

from alexcore.words.template import Said

SAID: Mapping[str, Said] = {
    "run.setting-not-read": Said(
        "{name} = {value} does nothing, because {by} = {has}.",
        "{read:?It acts with {by} {acts:listed 0}.|}",
    ),
    "run.warmup-too-long": Said(
        "warmup_steps = {warmup_steps:,} is no shorter than the run of {steps:,} {steps:?step|steps}: the rate rises "
        "to {reached:.2g} and never reaches lr = {lr:.2g}.",
        "Choose a shorter warm-up, or more epochs.",
    ),
    "run.budget-too-short": Said(
        "time_budget_s = {seconds:g} is shorter than one validation, which takes about {validation_s:.2g} s.",
        "Give more seconds, or choose a smaller image_size.",
    ),
    "run.early-stopping-too-late": Said(
        "early_stopping = {early_stopping} cannot end a run of {epochs} {epochs:?epoch|epochs}: its patience is over "
        "when the run is.",
        "Choose a smaller number, or 0 for off.",
    ),
    "run.rate-never-drops": Said(
        "{name} = {value} does nothing: the schedule {scheduler} would drop the rate after the run of {epochs} "
        "{epochs:?epoch|epochs} has ended.",
        "Choose earlier drops, or more epochs.",
    ),
    "run.average-too-short": Said(
        "ema_decay = {ema_decay:g} is reached after about {needed:,} steps; this run has {steps:,} and ends at "
        "{reached:.3g}.",
        "Choose a smaller decay, or more epochs.",
    ),
    "run.step-limit-too-high": Said(
        "max_steps = {max_steps:,} does nothing: {epochs} {epochs:?epoch has|epochs have} {steps:,} steps.",
        "Choose fewer steps, or more epochs.",
    ),
    "run.accumulation-too-long": Said(
        "accumulation_steps = {accumulation_steps}, and an epoch has {micro_batches} {micro_batches:?batch|batches}: a "
        "step ends with its epoch and sees {images:,} images.",
        "Choose {micro_batches} or fewer.",
    ),
    "run.weights-all-alike": Said(
        "class_weights = {class_weights} does nothing: the weight of every class that counts is {weight:g}.",
    ),
    "run.intensity-unused": Said(
        "intensity = {intensity} does nothing: no image that was looked at has more than 8 bits."
    ),
    "run.ignored-class-empty": Said(
        "ignore_index = {ignore_index} ignores nothing: {name} has no images.",
        "Choose the number of the class that is meant, or -100 for none.",
    ),
}
