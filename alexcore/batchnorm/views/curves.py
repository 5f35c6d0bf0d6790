"""Curves: loss and accuracy of each arm, batch norm's validation three ways, the cost of a step."""

from __future__ import annotations

import statistics
from typing import Any

import pandas as pd

from alexcore.batchnorm.read.record import Experiment
from alexcore.batchnorm.views.arm_lines import (
    Lines,
    add_lines,
    from_field,
    joined,
    last_of,
    lines_of,
    medians_of,
    table_of,
)
from alexcore.batchnorm.views.view import View, each_arm, ranked, spread
from alexcore.figures import narrow_figure, share_axis
from alexcore.nn.norms import look_of
from alexcore.palette import GUIDE
from alexcore.runs.events import finite_number
from alexcore.words.numbers import percent

# Steps that the trailing mean of a training curve spans at most, as a share of the curve.
SMOOTHING = 25
# From here on a gain is more than the few pictures that any change of the weights moves.
CLEAR_GAIN = 0.02
NOT_YET = "Nothing has been measured yet."


def training(experiment: Experiment) -> View:
    """Loss and accuracy of the training batches, which are the same for all arms."""
    loss, accuracy = (lines_of(experiment.steps, from_field(name)) for name in ("loss", "acc1"))
    longest = max((len(points) for seeds in loss.values() for points in seeds.values()), default=0)
    window = max(1, longest // SMOOTHING)
    figures = {
        "train_loss": narrow_figure("Training loss", "optimizer step", "cross entropy (nats)"),
        "train_acc1": narrow_figure("Training accuracy", "optimizer step", "share of the batch"),
    }
    add_lines(figures["train_loss"], loss, window=window)
    add_lines(figures["train_acc1"], accuracy, window=window)
    share_axis(figures["train_acc1"])
    chance = finite_number((experiment.start or {}).get("chance"))
    if chance:
        figures["train_loss"].add_hline(y=chance, line_dash="dot", line_color=GUIDE, annotation_text="guessing")
    return View(
        "training",
        "Training loss and accuracy",
        f"Every arm sees the same batches in the same order. Each point is the mean of the last {window} measured "
        "steps, because single batches jump."
        if window > 1
        else "Every arm sees the same batches in the same order; each point is one batch.",
        ranked("Training loss at the end of the curve", _smooth_end(loss, window)) if loss else NOT_YET,
        figures,
        joined([table_of(loss, "loss"), table_of(accuracy, "acc1")]),
    )


def _smooth_end(lines: Lines, window: int) -> dict[str, list[float]]:
    return {
        arm: [statistics.fmean(value for _, value in points[-window:]) for _, points in sorted(seeds.items())]
        for arm, seeds in lines.items()
    }


def validation(experiment: Experiment) -> View:
    """Loss and accuracy on the validation pictures as a trained network would answer: with running statistics."""
    loss, accuracy = (lines_of(experiment.evals, from_field(name)) for name in ("val_loss", "val_acc1"))
    train = lines_of(experiment.evals, from_field("train_loss"))
    figures = {
        "val_loss": narrow_figure("Validation loss", "optimizer step", "cross entropy (nats)"),
        "val_acc1": narrow_figure("Validation accuracy", "optimizer step", "share of the pictures"),
    }
    add_lines(figures["val_loss"], loss, symbol="arm")
    add_lines(figures["val_acc1"], accuracy, symbol="arm")
    share_axis(figures["val_acc1"])
    recalibrated = lines_of(experiment.evals, from_field("val_acc1_recalibrated"))
    if recalibrated:
        _marks(figures["val_acc1"], recalibrated, "recalibrated")
    classes = len((experiment.start or {}).get("classes", ()))
    if classes:
        figures["val_acc1"].add_hline(y=1 / classes, line_dash="dot", line_color=GUIDE, annotation_text="guessing")
    tables = [table_of(train, "train_loss"), table_of(loss, "val_loss"), table_of(accuracy, "val_acc1")]
    ends = last_of(_going(experiment, accuracy))
    words = ranked("Validation accuracy at the last point", ends, shape=percent) if ends else NOT_YET
    return View(
        "validation",
        "Validation loss and accuracy",
        "In evaluation a BatchNorm layer no longer looks at the batch: it uses running averages of the batch means and "
        "variances that it kept in training. The star is the same network after these averages were counted anew.",
        words + _lost_in_words(experiment),
        figures,
        joined(tables),
    )


def _going(experiment: Experiment, lines: Lines) -> Lines:
    """The seeds that have not diverged: the others stand still, and their last accuracy is of a network long gone."""
    lost = experiment.diverged
    kept = {
        arm: {seed: points for seed, points in seeds.items() if (arm, seed) not in lost} for arm, seeds in lines.items()
    }
    return {arm: seeds for arm, seeds in kept.items() if seeds}


def _lost_in_words(experiment: Experiment, *norms: str) -> str:
    """Which arms have diverged and do not count; of `norms` alone, where some are given."""
    lost = sorted(arm for arm in experiment.diverged if not norms or arm[0] in norms)
    named = ", ".join(f"{look_of(arm).title} with seed {seed}" for arm, seed in lost)
    return f" Diverged, and not counted: {named}." if named else ""


def _marks(figure: Any, lines: Lines, label: str) -> None:
    for arm, seeds in lines.items():
        points = [points[-1] for points in seeds.values()]
        figure.add_scatter(
            x=[x for x, _ in points],
            y=[y for _, y in points],
            mode="markers",
            name=f"{look_of(arm).title}, {label}",
            marker={"symbol": "star", "size": 13, "color": look_of(arm).colour, "line": {"width": 1, "color": "white"}},
        )


WAYS = (("val_acc1", "running statistics", "solid"), ("val_acc1_batch", "batch statistics", "dot"))


def three_ways(experiment: Experiment) -> View:
    """BatchNorm's validation accuracy with running, batch and recalibrated statistics."""
    batch = {key: rows for key, rows in experiment.evals.items() if key[0] == "batch"}
    lines = {name: lines_of(batch, from_field(name)) for name, _, _ in WAYS}
    recalibrated = lines_of(experiment.evals, from_field("val_acc1_recalibrated"))
    figure = narrow_figure("BatchNorm's validation accuracy, three ways", "optimizer step", "share of the pictures")
    for name, label, dash in WAYS:
        add_lines(figure, lines[name], dash=dash, label=label, symbol="circle" if dash == "dot" else "diamond")
    _marks(figure, recalibrated, "recalibrated")
    share_axis(figure)
    tables = [table_of(each, name) for name, each in lines.items()]
    tables.append(table_of(recalibrated, "val_acc1_recalibrated"))
    return View(
        "three-ways",
        "The same network, evaluated three ways",
        "Running statistics are an average of the last batches, and lag behind weights that still move. Batch "
        "statistics normalise each validation batch by itself, as in training. Recalibrated: the averages are thrown "
        "away and counted anew in one pass over training pictures, with weights that no longer move.",
        _ways_in_words(
            _ends(experiment, lines["val_acc1"]),
            _ends(experiment, recalibrated),
            _ends(experiment, lines["val_acc1_batch"]),
        )
        + _lost_in_words(experiment, "batch"),
        {"three_ways": figure} if any(lines.values()) else {},
        joined(tables),
    )


def _ends(experiment: Experiment, lines: Lines) -> dict[int, float]:
    """BatchNorm's last value by seed, of those that have not diverged."""
    return {seed: points[-1][1] for seed, points in _going(experiment, lines).get("batch", {}).items()}


def _ways_in_words(running: dict[int, float], again: dict[int, float], own: dict[int, float]) -> str:
    if not running:
        return "This experiment has no arm with BatchNorm that still learns, or has not evaluated it yet."
    parts = [f"With running statistics {spread(list(running.values()), percent)}"]
    if own:
        parts.append(f"with batch statistics {spread(list(own.values()), percent)}")
    gains = [again[seed] - before for seed, before in running.items() if seed in again]
    if not gains:
        return f"{', '.join(parts)}. Recalibration is done at the end."
    parts.append(f"recalibrated {spread(list(again.values()), percent)}")
    middle = statistics.median(gains)
    if abs(middle) < 0.005:
        verdict = "The running statistics had caught up: recalibration changes nothing."
    elif middle < 0:
        verdict = f"Recalibration costs {-middle * 100:.1f} points here."
    else:
        clear = ": the running statistics alone would have misjudged the network" if middle >= CLEAR_GAIN else ""
        verdict = f"Recalibration gains {middle * 100:.1f} points{clear}."
    return f"{', '.join(parts)}. {verdict}"


def cost(experiment: Experiment) -> View:
    """What a step of each arm costs, and what the probes cost."""
    medians = medians_of(lines_of(experiment.steps, from_field("step_s")))
    middles = {arm: statistics.median(values) for arm, values in medians.items()}
    figure = narrow_figure("Time of one step", "arm", "seconds (median)", 280)
    for arm in middles:
        title, colour = look_of(arm).title, look_of(arm).colour
        figure.add_bar(x=[title], y=[middles[arm]], name=title, marker_color=colour, showlegend=False, width=0.5)
    parameters = (experiment.start or {}).get("parameters") or {}
    table = [{"arm": arm, "step_s": middle, "parameters": parameters.get(arm)} for arm, middle in middles.items()]
    words = f"Seconds a step: {each_arm(medians)}." if medians else "No step has been measured yet."
    base = middles.pop("none", None)
    if base and middles:
        more = [f"{look_of(arm).title} {middle / base - 1:+.0%}" for arm, middle in middles.items()]
        words += f" Against the arm without a norm: {', '.join(more)}."
    share = finite_number((experiment.cost or {}).get("share"))
    if share is not None:
        words += f" Probes took {share:.0%} of the run's time, which is not counted here."
    return View(
        "cost",
        "What a step costs",
        "Forward, backward and the optimizer's step, without the probes. Equal numbers of steps are not equal times.",
        words,
        {"cost": figure} if medians else {},
        pd.DataFrame(table),
    )
