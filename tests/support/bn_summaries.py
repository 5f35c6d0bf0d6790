"""Summaries of experiments with results that somebody made up."""

from __future__ import annotations

from alexcore.batchnorm.read.summary import ExperimentSummary

QUESTIONS = ("growth", "drift_output", "gain_change", "val_acc1", "dead")
"""The measure that decides each of the five questions."""


LOW, HIGH = (0.2, 0.205, 0.21, 0.215, 0.22), (0.7, 0.74, 0.75, 0.76, 0.8)


def by_seed(*values: float) -> dict[int, float]:
    return dict(enumerate(values))


def summary(none=LOW, batch=HIGH, seeds: int = 5, **changes) -> ExperimentSummary:
    """All five deciding measures have these values in both arms."""
    arms = {"none": by_seed(*none[:seeds]), "batch": by_seed(*batch[:seeds])}
    values = {measure: arms for measure in QUESTIONS}
    return ExperimentSummary(
        **{
            "steps": 400,
            "lr": 0.02,
            "activation": "relu",
            "arms": ("none", "batch"),
            "values": values,
            "last_conv": "conv5",
            "outcomes": {arm: dict.fromkeys(range(seeds), "learned") for arm in ("none", "batch")},
            **changes,
        }
    )
