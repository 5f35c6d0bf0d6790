"""Folders of BatchNorm experiments in every state, written by hand: pages and readers are tested without training."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

from alexcore.batchnorm.comparable import make_experiment
from alexcore.batchnorm.read.record import Experiment, sweep_file
from alexcore.batchnorm.settings import BnConfig, arm_key, create_experiment, seeds_of
from alexcore.config import TrainConfig
from alexcore.files import write_json
from alexcore.home import runs_dir
from alexcore.process import own_identity
from alexcore.runs.events import EventWriter
from tests.support.run_folders import CLASSES

CONVS = ("conv1", "conv2", "conv3", "conv4", "conv5")
LINEAR = ("linear1", "linear2", "linear3")
LAYERS = (*CONVS, *LINEAR)
CHANNELS = {layer: [0, 2, 4, 6] for layer in CONVS} | {layer: [0, 8] for layer in LINEAR}
# How fast an arm learns in these folders; nothing may be read into it.
PACE = {"none": 0.6, "batch": 1.6, "group": 1.1}
PROBED = (0, 5, 10, 20)
# What the probes of one step give, beside those of a network without a norm or of the last step alone.
QUANTITIES = (
    "Q1",
    "Q2",
    "Q3",
    "Q4",
    "Q5",
    "Q6",
    "Q7",
    "Q5r",
    "Q6r",
    "Q7r",
    "Q8",
    "Q10",
    "Q11",
    "Q12",
    "Q13",
    "Q17",
    "Q18",
    "gain",
    "scales",
    "formula",
)


def tiny_experiment(data: Path | str = "", **values: Any) -> tuple[TrainConfig, BnConfig]:
    """An experiment that takes some seconds."""
    small = {"batch_size": 8, "image_size": 64, "width": 0.1, "num_workers": 0, "device": "cpu", "steps": 20}
    few = {"probe_images": 16, "recalibrate_images": 16, "sweep_steps": 3, "sweep_rates": "0.01,0.1"}
    return make_experiment("quick", data=str(data), **{**small, **few, **values})


def _layer(place: int, pace: float, step: int) -> float:
    """Some smooth number of a layer, so that charts have a shape."""
    return round((1 + 0.3 * place) * (1 + 0.02 * pace * step), 6)


def probe_data(quantity: str, norm: str, seed: int, step: int, activation: str = "relu") -> dict[str, Any] | None:
    """What a probe would have returned; None where there is nothing to return."""
    pace = PACE[norm] * (1 + 0.03 * seed)
    normed = norm != "none"
    values = [_layer(place, pace, step) for place in range(len(LAYERS))]
    of_norm = [1.0 if normed and name in CONVS else None for name in LAYERS]
    loss = round(1.1 * math.exp(-0.02 * pace * step), 6)
    steps, rhos = [0.005, 0.01, 0.02, 0.04], [1e-4, 1e-3, 1e-2]
    if quantity == "Q1":
        return {name: _fan(name, values[place], normed) for place, name in enumerate(LAYERS)}
    if quantity == "Q3":
        if step == 0:
            return None
        drifts = {
            "mean": [round(0.1 * each, 6) for each in values],
            "log_deviation": [round(0.05 * v, 6) for v in values],
        }
        drifts |= {"normed_mean": of_norm, "normed_log_deviation": [each and 0.01 for each in of_norm]}
        return {"steps": 5, "layers": list(LAYERS), **drifts}
    if quantity == "Q17":
        if norm != "batch" or step != PROBED[-1]:
            return None
        curve = [round(0.9**n, 6) for n in range(step + 1)]
        return {
            "momentum": 0.1,
            "updates": step,
            "weight": curve[-1],
            "half_life": 6.57881,
            "effective_momentum": 0.1,
            "compensated_momentum": 0.1,
            "curve": curve,
            "curve_updates": list(range(step + 1)),
        }
    if quantity == "Q18":
        if step != PROBED[-1]:
            return None
        error = 0.4 if norm == "batch" else 1e-7
        row = {"exact_error": error, "exact_cosine": 1 - error / 2, "naive_error": error, "naive_cosine": 1 - error / 2}
        return {"pictures": 8, "rows": [{"micro_batch": 4, "micro_batches": 2, **row}]}
    if quantity == "formula":
        return _formula() if norm == "batch" and step in (0, PROBED[-1]) else None
    if quantity == "scales":
        names = [name for name in CONVS if normed]
        keys = ("gamma_mean", "gamma_low", "gamma_high", "gamma_moved", "sigma", "scale", "scale_low", "scale_high")
        return {"layers": names, **{key: [_layer(p, pace, step) for p in range(len(names))] for key in keys}}
    if quantity == "Q8":
        ratios = [0.9, 0.6 / pace, None if norm == "none" else 1.4]
        bad = [each is None for each in ratios]
        return {
            "loss": loss,
            "rates": [0.001, 0.1, 1.0],
            "ratios": ratios,
            "diverged": bad,
            "first_diverged": 1.0 if bad[-1] else None,
            "largest_safe": 0.1,
        }
    saturating = activation != "relu"
    shares = [min(1.0, round(0.05 * each, 6)) for each in values[:-1]]
    own = {
        "Q2": {
            "layers": list(LAYERS),
            "mean_abs": [round(0.2 * each, 6) for each in values],
            "deviation": values,
            "normed_mean_abs": [each and 0.01 for each in of_norm],
            "normed_deviation": of_norm,
            "channels": CHANNELS,
            "mu": {name: [0.1 * number for number in range(len(CHANNELS[name]))] for name in LAYERS},
            "sigma": {name: [1.0 + number for number in range(len(CHANNELS[name]))] for name in LAYERS},
        },
        "Q4": {
            "lr": 0.01,
            "layers": list(LAYERS[1:]),
            "shift": values[1:],
            "relative": [0.1 * each for each in values[1:]],
            "cosine": [0.9] * 7,
            "grad_norm": values[1:],
        },
        "Q5": {
            "loss": loss,
            "lr": 0.01,
            "steps": steps,
            "losses": [loss * f for f in (0.98, 0.96, 0.93, 1.1)],
            "min": 0.93 * loss,
            "max": 1.1 * loss,
            "range": 0.17 * loss,
        },
        "Q6": {"steps": steps, "distances": [0.1, 0.2, 0.4, 0.9], "min": 0.1, "max": 0.9 * pace},
        "Q7": {"beta": 10 * pace, "grad_norm": 1.5 * pace},
        "Q5r": {"loss": loss, "rhos": rhos, "losses": [loss] * 3, "min": loss, "max": 1.2 * loss, "range": 0.2 * loss},
        "Q6r": {"rhos": rhos, "relative": [0.01, 0.1, 0.7], "cosines": [1, 0.99, 0.8], "rel": 0.7, "cosmin": 0.8},
        "Q7r": {"beta": 70 / pace, "weight_norm": 30.0, "grad_norm": 1.5 * pace},
        "Q10": {
            "layers": list(LAYERS),
            "absolute": values,
            "signed": [each / 5 for each in values],
            "ratio": [5.0] * 8,
            "ratio_median": [6.0] * 8,
            "bias_gradient": [1e-9 if norm == "batch" else 0.1] * 8,
            "bias_relative": [1e-9 if norm == "batch" else 0.1] * 8,
        },
        "Q11": {
            "lr": 0.01,
            "layers": list(LAYERS),
            "norm": values,
            "weight_norm": [10.0] * 8,
            "relative": [0.001 * each for each in values],
        },
        "Q12": {
            "layers": list(LAYERS),
            "zero": [None if saturating else each for each in [*shares, None]],
            "dead": [None if saturating else 0.0] * 7 + [None],
        },
        "Q13": {
            "layers": list(LAYERS),
            "saturated": [each if saturating else None for each in [*shares, None]],
            "saturated_channels": [0.0 if saturating else None] * 7 + [None],
        },
        "gain": {
            "eps": 0.01,
            "layers": list(LAYERS),
            **{
                kind: {"factor": [1.1 * pace] * 8, "relative": values, "spread": values}
                for kind in ("random", "neighbour")
            },
        },
    }
    return own[quantity]


def _fan(name: str, value: float, normed: bool) -> dict[str, Any]:
    percentiles = [1, 15, 20, 50, 80, 85, 99] if name == "conv5" else [15, 50, 85]
    channels = CHANNELS[name]
    rows = [[round(value * (p - 50) / 35 + 0.1 * channel, 6) for p in percentiles] for channel in channels]
    unit = [[(p - 50) / 35 for p in percentiles] for _ in channels]
    own_norm = unit if normed and name in CONVS else None
    return {"channels": channels, "percentiles": percentiles, "output": rows, "normed": own_norm}


def _formula() -> dict[str, Any]:
    one = {"centred": 0.5, "normalised": 0.25, "output": 0.25}
    return {
        "layer": "conv1",
        "channel": 2,
        "count": 2048,
        "mean": 0.5,
        "variance": 4.0,
        "variance_unbiased": 4.001,
        "eps": 1e-5,
        "deviation": 2.0,
        "gamma": 1.0,
        "beta": 0.0,
        "momentum": 0.1,
        "running_mean": 0.4,
        "running_variance": 3.0,
        "running_mean_after": 0.41,
        "running_variance_after": 3.1,
        "shown": [{"picture": 0, "row": 3, "column": 3, "value": 1.0, "train": one, "eval": one}],
        "lines_train": ["mean = 0.5", "deviation = sqrt(4 + 0.00001) = 2"],
        "lines_eval": ["mean = 0.4"],
    }


def answers(decided: bool = True) -> list[dict[str, Any]]:
    """Five answers of a verdict."""
    questions = (
        "Does a small change grow?",
        "How far do distributions move?",
        "What is amplified?",
        "Merely slower?",
        "Saturated?",
    )
    anchors = ("inside", "ics", "inside", "curves", "inside")
    evidence = [{"quantity": "Q3", "measure": "mean", "arm": "batch", "values": [{"seed": 0, "value": 0.2}]}]
    return [
        {
            "question": question,
            "short": f"Answer {n + 1}: 0.2 against 0.3 (3 seeds).",
            "decided": decided,
            "evidence": evidence,
            "anchor": anchor,
        }
        for n, (question, anchor) in enumerate(zip(questions, anchors, strict=True))
    ]


def write_experiment(
    state: str,
    name: str,
    *,
    data: Path | str = "",
    seeds: int = 3,
    until: int = 20,
    sweeps: bool = False,
    **values: Any,
) -> Path:
    """Write an experiment's folder as a worker would have left it, or as it looks half-way.

    Args:
        state: As in `run_folders.STATES`; "lost" has a dead worker, "torn" half a last line.
        name: Of the folder.
        data: The data set that it was run on.
        seeds: How many.
        until: The last step that it has made, of 20.
        sweeps: Whether both sweeps were run, too.
        values: Other settings, e.g. activation="tanh", arms="none,batch".
    """
    config, bn = tiny_experiment(data, seeds=seeds, **values)
    folder = create_experiment(config, bn, runs_dir() / name)
    write_json(folder / "class_indices.json", {str(index): each for index, each in enumerate(CLASSES)})
    writer = EventWriter(folder / "events.jsonl")
    arms = [(norm, seed) for seed in seeds_of(config, bn) for norm in bn.norms]
    if state != "queued":
        _write_start(writer, config, bn, arms)
        for step in range(until + 1):
            for norm, seed in arms:
                _write_step(writer, config, norm, seed, step)
    ended = state in ("stopped", "finished", "failed")
    if ended:
        writer.write("probe_cost", share=0.21, probe_s=21.0, total_s=100.0, step_s=dict.fromkeys(bn.norms, 0.02))
    if state == "finished":
        writer.write("verdict", answers=answers(decided=seeds >= 3))
        write_json(folder / "verdict.json", {"answers": answers(decided=seeds >= 3)})
    if ended:
        writer.write("end", state=state, seconds=100.0)
    writer.close()
    if sweeps:
        write_sweeps(folder, bn)
    if state == "torn":
        with (folder / "events.jsonl").open("ab") as file:
            file.write(b'{"v":1, "seq": 99, "type": "probe", "arm": "no')
    pid, started = own_identity()
    status: dict[str, Any] = {
        "state": {"lost": "running", "torn": "running"}.get(state, state),
        "pid": pid,
        "process_started": started,
        "heartbeat": time.time(),
        "epoch": 1,
        "step": until * len(arms),
        "total_steps": bn.steps * len(arms),
        "phase": "training",
        "done": until,
        "total": bn.steps,
        "images_per_s": 50.0,
        "eta_s": 30.0,
        "error": None,
    }
    if state == "lost":
        status["process_started"] = started - 1000
    if state == "failed":
        status["error"] = {"type": "TrainingError", "message": "Not enough memory.", "hint": "Use a smaller width."}
    write_json(folder / "status.json", status)
    return folder


def _write_start(writer: EventWriter, config: TrainConfig, bn: BnConfig, arms: list[tuple[str, int]]) -> None:
    writer.write(
        "start",
        train_images=36,
        val_images=12,
        micro_batches=5,
        steps_per_epoch=5,
        total_steps=bn.steps,
        last_batch=4,
        classes=list(CLASSES),
        device="CPU, 2 threads",
        precision="float32",
        norms=list(bn.norms),
        seeds=seeds_of(config, bn),
        steps=bn.steps,
        arms=[arm_key(*arm) for arm in arms],
        layers=list(CONVS),
        linear=list(LINEAR),
        channels=CHANNELS,
        parameters=dict.fromkeys(bn.norms, 100_000),
        chance=math.log(3),
        probe_images=16,
        probe_batch=8,
        probe_every=bn.probe_every,
        eval_steps=[0, 10, 20],
        activation=config.activation,
        init=config.init,
        lr=config.lr,
        batch_size=config.batch_size,
    )
    writer.write("note", message="Weight decay of 0.0005 acts on weights only; it is the same in every arm.")
    writer.write("warning", message="One picture is very thin.", hint="Leave it out.")


def _write_step(writer: EventWriter, config: TrainConfig, norm: str, seed: int, step: int) -> None:
    pace = PACE[norm] * (1 + 0.03 * seed)
    loss = 1.1 * math.exp(-0.02 * pace * step)
    arm = {"arm": norm, "seed": seed, "step": step, "round": step}
    if step:
        writer.write(
            "arm_step",
            **arm,
            lr=config.lr,
            loss=round(loss, 6),
            acc1=round(1 - loss / 1.65, 6),
            grad_norm=1.0,
            step_s=0.02,
        )
    if step in PROBED:
        for quantity in QUANTITIES:
            found = probe_data(quantity, norm, seed, step, config.activation)
            if found is not None:
                writer.write("probe", **arm, quantity=quantity, seconds=0.1, data=found)
    if step in (0, 10, 20):
        figures = {"train_loss": loss if step else math.nan, "val_loss": loss * 1.1, "val_acc1": 1 - loss / 1.65}
        if norm == "batch":
            figures |= {"val_loss_batch": loss, "val_acc1_batch": min(1.0, 1.05 - loss / 1.65)}
            if step == 20:
                figures |= {"val_loss_recalibrated": loss, "val_acc1_recalibrated": min(1.0, 1.1 - loss / 1.65)}
        writer.write("arm_eval", **arm, **{key: round(value, 6) for key, value in figures.items()})


def write_sweeps(folder: Path, bn: BnConfig) -> None:
    """Write the results of both sweeps as their jobs would have."""
    for kind in ("q14", "q15"):
        writer = EventWriter(sweep_file(folder, kind))
        for norm in bn.norms:
            for seed in (0, 1, 2):
                for place, x in enumerate((0.001, 0.01, 0.1, 1.0) if kind == "q14" else (2, 8, 32)):
                    accuracy = round(0.4 + 0.1 * place * PACE[norm] / 1.6 + 0.01 * seed, 6)
                    bad = kind == "q14" and x == 1.0 and norm == "none"
                    for mode in ("rates",) if kind == "q14" else ("epochs", "steps"):
                        result = {
                            "train_loss": None if bad else round(1.2 - accuracy, 6),
                            "val_acc1": None if bad else accuracy,
                            "outcome": "diverged" if bad else "learned",
                            "steps": 3,
                            "lr": x if kind == "q14" else 0.01,
                        }
                        writer.write("sweep", arm=norm, seed=seed, x=x, mode=mode, result=result)
        writer.close()


def read(folder: Path) -> Experiment:
    experiment = Experiment(folder)
    experiment.refresh()
    return experiment


def made_of(folder: Path, *events: dict[str, Any]) -> Experiment:
    """An experiment of just these events."""
    folder.mkdir()
    writer = EventWriter(folder / "events.jsonl")
    for event in events:
        writer.write(event.pop("type"), **event)
    writer.close()
    return read(folder)


def probe(arm: str, seed: int, step: int, quantity: str, **data: Any) -> dict[str, Any]:
    return {"type": "probe", "arm": arm, "seed": seed, "step": step, "quantity": quantity, "data": data}
