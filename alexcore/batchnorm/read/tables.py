"""The raw numbers of an experiment as CSV files, for a spreadsheet or a notebook.

summary.csv   a row an arm: final figures
curves.csv    a row a logged step or validation
probes.csv    a row a number: arm, seed, step, quantity, measure, layer, channel, x, value
sweeps.csv    a row a run of a sweep
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from alexcore.batchnorm.read.record import SWEEPS, Arm, Experiment, is_number
from alexcore.batchnorm.settings import arm_key
from alexcore.files import replacing
from alexcore.names import in_cell

Row = dict[str, Any]
_ARM = ("arm", "norm", "seed")
# Validated with other statistics than the running ones.
_OTHERWISE = ("loss_batch", "acc1_batch", "loss_recalibrated", "acc1_recalibrated")
_LAST = ("train_loss", "train_acc1", "val_loss", "val_acc1", "best_val_acc1", *(f"val_{name}" for name in _OTHERWISE))
SUMMARY = (*_ARM, "steps", "diverged_at", *_LAST, "parameters", "step_s")
CURVES = (*_ARM, "step", "split", "loss", "acc1", *_OTHERWISE, "grad_norm", "lr", "step_s")
PROBES = (*_ARM, "step", "quantity", "measure", "layer", "channel", "x", "value")
SWEPT = ("sweep", "mode", *_ARM, "x", "lr", "steps", "train_loss", "val_acc1", "outcome")
# What the numbers of a list stand against, where they do not stand for layers.
_AXES = ("steps", "rhos", "rates", "curve_updates")


def write_tables(record: Experiment) -> list[Path]:
    """Write all tables of an experiment into its folder, each replaced as a whole; returns their paths."""
    tables = {
        "summary.csv": (SUMMARY, summary_rows(record)),
        "curves.csv": (CURVES, curve_rows(record)),
        "probes.csv": (PROBES, probe_rows(record)),
    }
    if any(record.sweeps.values()):
        tables["sweeps.csv"] = (SWEPT, sweep_rows(record))
    for name, (columns, rows) in tables.items():
        write_csv(record.path / name, columns, rows)
    return [record.path / name for name in tables]


def write_csv(path: Path, columns: Sequence[str], rows: Iterator[Row]) -> None:
    """Replace a CSV file; a value that a row lacks is an empty cell."""
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="", extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: in_cell(value) for name, value in row.items()} for row in rows)


def _about(arm: Arm) -> Row:
    return {"arm": arm_key(*arm), "norm": arm[0], "seed": arm[1]}


def summary_rows(record: Experiment) -> Iterator[Row]:
    """A row an arm: its last figures; `best_val_acc1` is the best of its validations with running statistics."""
    parameters = (record.start or {}).get("parameters") or {}
    for arm in record.arms:
        evals, steps = record.evals.get(arm, []), record.steps.get(arm, [])
        last = evals[-1] if evals else {}
        accuracies = [each["val_acc1"] for each in evals if is_number(each.get("val_acc1"))]
        times = [each["step_s"] for each in steps if is_number(each.get("step_s"))]
        yield {
            **{name: last.get(name) for name in SUMMARY},
            **_about(arm),
            "parameters": parameters.get(arm[0]),
            "steps": max((each["step"] for each in [*evals, *steps]), default=0),
            "diverged_at": next((each["step"] for each in steps if each.get("loss") is None), None),
            "best_val_acc1": max(accuracies, default=None),
            "step_s": round(sum(times) / len(times), 5) if times else None,
        }


def curve_rows(record: Experiment) -> Iterator[Row]:
    """A row a logged step (split train) and a row a validation (split val)."""
    for arm in record.arms:
        for each in record.steps.get(arm, []):
            yield {**each, **_about(arm), "split": "train"}
        for each in record.evals.get(arm, []):
            renamed = {name.removeprefix("val_"): value for name, value in each.items() if name.startswith("val_")}
            yield {**renamed, **_about(arm), "step": each["step"], "split": "val"}


def probe_rows(record: Experiment) -> Iterator[Row]:
    """A row for every number that a probe has found; numbers that were not finite are empty."""
    for quantity, by_arm in record.probes.items():
        for arm, events in by_arm.items():
            for event in events:
                about = {**_about(arm), "step": event["step"], "quantity": quantity}
                for row in flattened(event["data"]):
                    yield {**about, **row}


def flattened(data: Mapping[str, Any]) -> Iterator[Row]:
    """The numbers of one probe's data, each with what it stands for: measure, layer, channel, x."""
    if data and all(isinstance(each, Mapping) and "percentiles" in each for each in data.values()):
        yield from _fans(data)
        return
    layers = data.get("layers") if isinstance(data.get("layers"), list) else None
    axis = next((data[name] for name in _AXES if isinstance(data.get(name), list)), None)
    for name, value in data.items():
        if name in ("layers", "channels", *_AXES) and not is_number(value):
            continue
        yield from _values(name, value, layers, axis, data.get("channels"))


def _values(name: str, value: Any, layers: Any, axis: Any, channels: Any) -> Iterator[Row]:
    if isinstance(value, Mapping):
        by_layer = isinstance(channels, Mapping) and set(value) <= set(channels)
        for key, each in value.items():
            if by_layer and isinstance(each, list):
                for channel, number in zip(channels[key], each, strict=False):
                    yield {"measure": name, "layer": key, "channel": channel, "value": number}
            else:
                yield from _values(f"{name}.{key}", each, layers, axis, None)
    elif isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
        for number, row in enumerate(value):  # a table, such as that of the accumulation
            x = row.get("micro_batch", number)
            yield from ({"measure": key, "x": x, "value": each} for key, each in row.items() if is_number(each))
    elif isinstance(value, list):
        if layers is not None and len(value) == len(layers):
            yield from (
                {"measure": name, "layer": layer, "value": each} for layer, each in zip(layers, value, strict=True)
            )
        elif axis is not None and len(value) == len(axis):
            yield from ({"measure": name, "x": x, "value": each} for x, each in zip(axis, value, strict=True))
    elif value is None or is_number(value):
        yield {"measure": name, "value": value}


def _fans(data: Mapping[str, Any]) -> Iterator[Row]:
    for layer, fan in data.items():
        for measure in ("output", "normed"):
            for channel, values in zip(fan.get("channels") or [], fan.get(measure) or [], strict=False):
                for percentile, value in zip(fan["percentiles"], values, strict=False):
                    yield {"measure": measure, "layer": layer, "channel": channel, "x": percentile, "value": value}


def sweep_rows(record: Experiment) -> Iterator[Row]:
    """A row for each run of the sweeps."""
    for kind in SWEEPS:
        for each in record.sweeps[kind]:
            result = each["result"] if isinstance(each.get("result"), dict) else {}
            about = {"sweep": kind, "mode": each.get("mode"), "x": each.get("x")}
            yield {**result, **about, **_about((str(each.get("arm")), each.get("seed", 0)))}
