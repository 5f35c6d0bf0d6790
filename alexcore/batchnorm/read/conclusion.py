"""What an experiment comes to: its verdict and its tables, made from its events alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from alexcore.batchnorm.read.record import BATCH_SWEEP, RATE_SWEEP, VERDICT, Experiment
from alexcore.batchnorm.read.summary import ExperimentSummary, summarise
from alexcore.batchnorm.read.tables import write_tables
from alexcore.batchnorm.read.tolerance import batch_table, best_rates, rows_of
from alexcore.batchnorm.read.verdict import verdict
from alexcore.batchnorm.settings import arm_key
from alexcore.files import write_json
from alexcore.findings.experiment import ArmStuck
from alexcore.findings.finding import Finding


def conclude(run_dir: Path, tell: Callable[[Finding], None] | None = None) -> list[dict[str, Any]]:
    """Read what an experiment and its sweeps have written so far, and replace verdict.json and the CSV files.

    `tell` is called with what a reader has to know beside the answers.

    Returns:
        The five answers.
    """
    record = Experiment(run_dir)
    record.refresh()
    answers = answers_of(record)
    if tell and record.start is not None:
        for arm, causes in summary_of(record).stuck.items():
            for seed, why in causes.items():
                facts = why.share or 0.0, why.layer or "any layer", why.dead or 0.0, why.gradient or 0.0
                tell(ArmStuck(arm_key(arm, seed), *facts))
    write_json(run_dir / VERDICT, {"answers": answers})
    write_tables(record)
    return answers


def summary_of(record: Experiment) -> ExperimentSummary:
    """The experiment in numbers, as far as it and its sweep of rates have come."""
    rates = rows_of(record.sweeps[RATE_SWEEP], "rate")
    return summarise(record.start or {}, record.steps, record.evals, record.probes, rates)


def answers_of(record: Experiment) -> list[dict[str, Any]]:
    """The five answers that the numbers give now; empty before the experiment has started."""
    return [] if record.start is None else [answer.as_dict() for answer in verdict(summary_of(record))]


def sweep_sentences(record: Experiment, kind: str) -> list[str]:
    """What a sweep says, a sentence an arm, from its numbers."""
    if kind == RATE_SWEEP:
        return _rate_sentences(rows_of(record.sweeps[RATE_SWEEP], "rate"))
    table = batch_table(rows_of(record.sweeps[BATCH_SWEEP], "batch"))
    sentences = []
    for mode in dict.fromkeys(row["mode"] for row in table):
        for arm in dict.fromkeys(row["arm"] for row in table):
            some = [row for row in table if (row["mode"], row["arm"]) == (mode, arm) and row["error"] is not None]
            if some:
                low, high = some[0], some[-1]
                sentences.append(
                    f"Equal {mode}, {arm}: validation error {low['error']:.1%} with batches of {low['batch']:g}, "
                    f"{high['error']:.1%} with {high['batch']:g} ({low['seeds']} seeds)."
                )
    return sentences


def _rate_sentences(rows: list[dict[str, Any]]) -> list[str]:
    sentences = []
    best = {row["arm"]: row for row in best_rates(rows)}
    for arm in dict.fromkeys(row["arm"] for row in rows):
        if arm not in best:
            sentences.append(f"{arm} learned at none of the rates.")
            continue
        row = best[arm]
        sentences.append(
            f"{arm}: best at {row['rate']:g} with a validation accuracy of {row['val_acc1']:.1%}; rates over "
            f"{row['width']:.2f} decades come within 5 points of the best ({row['seeds']} seeds)."
        )
    return sentences
