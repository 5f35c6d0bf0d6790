"""`prove-accumulation`, `preflight`, `repeat-check` and `lr-find`: what to know before a run starts."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from alexcore.cli.flags import add_config_flags, config_of
from alexcore.cli.output import Arguments, add_command, answer, reported
from alexcore.cli.processes import again_in_group
from alexcore.config import TrainConfig
from alexcore.runs import group as groups
from alexcore.training.checks import remember_check
from alexcore.words.numbers import size_text

Check = Callable[[TrainConfig, Callable[[int, int], None]], dict[str, Any]]


def _rehearsed(kind: str, arguments: Arguments, check: Callable[..., dict[str, Any]]) -> dict[str, Any] | None:
    """Run a check that makes real steps in as many processes as the run would have.

    Returns:
        What it found; None if that has been said already, by other processes or by the first of these.
    """
    if groups.in_group():
        from alexcore.training.distributed import joined

        with joined() as group:
            if group.first:
                return _run(kind, arguments, lambda config, tell: check(config, tell, group), "steps")
            check(config_of(arguments), None, group)
            return None
    if (arguments.processes or 1) == 1:
        return _run(kind, arguments, check, "steps")
    with reported(kind, "steps"):
        again_in_group(config_of(arguments), sys.argv[1:])
    return None


def _run(kind: str, arguments: Arguments, check: Check, unit: str) -> dict[str, Any]:
    with reported(kind, unit) as on_progress:
        config = config_of(arguments)
        result = check(config, on_progress)
        # Remembered before the job says that it has finished: a page looks for the result as soon as it does.
        remember_check(kind, config, result)
    return result


def prove_accumulation(arguments: Arguments) -> int:
    """Compare the gradient of one big batch with the accumulated one, for each norm, on this data set."""
    from alexcore.analysis.accumulation import prove

    result = _run("prove-accumulation", arguments, prove, "norms")
    rows = [
        f"{row['norm']:6} {row['micro_batch']:11}  {row['exact_error']:11.1e}  {row['exact_cosine']:.6f}  "
        f"{row['naive_error']:11.1e}  {row['naive_cosine']:.6f}"
        for row in result["rows"]
    ]
    head = "norm   micro-batch  exact error  cosine    naive error  cosine"
    return answer(arguments.json, result, head, *rows, result["sentence"])


def preflight(arguments: Arguments) -> int:
    """Measure time and memory of a run in 3 real steps, after 1 to warm up."""
    from alexcore.analysis.rehearsal import measure_steps

    result = _rehearsed("preflight", arguments, measure_steps)
    if result is None:
        return 0
    gpu = f", {size_text(result['gpu_bytes'])} on the GPU" if result["gpu_bytes"] else ""
    speed = f"{result['step_s']:.2f} s a step, {result['images_per_s']:.0f} images/s"
    memory = f"{size_text(result['memory_bytes'])} of memory{gpu} on {result['device']}"
    return answer(arguments.json, result, f"{speed}, {memory}")


def repeat_check(arguments: Arguments) -> int:
    """Run the first steps twice and compare the weights, bit by bit."""
    from alexcore.analysis.rehearsal import repeat

    result = _rehearsed("repeat-check", arguments, repeat)
    return 0 if result is None else answer(arguments.json, result, result["sentence"])


def lr_find(arguments: Arguments) -> int:
    """Look for a learning rate: train some steps with a growing one, and see where the loss falls. Leaves no run."""
    from alexcore.training.lr_find import lr_find

    result = _run("lr-find", arguments, lr_find, "steps")
    points = result["points"][:: max(1, len(result["points"]) // 25)]
    lines = [*(f"{lr:9.2g}  {loss:.4f}" for lr, loss in points), result["reason"]]
    if result["suggestion"] is not None:
        lines.append(f"Suggestion: --lr {result['suggestion']:.2g}. {result['method']}")
    return answer(arguments.json, result, *lines)


def register(commands: Any) -> None:
    """Add the commands of this module."""
    for name, command in (
        ("prove-accumulation", prove_accumulation),
        ("preflight", preflight),
        ("repeat-check", repeat_check),
        ("lr-find", lr_find),
    ):
        add_config_flags(add_command(commands, name, command))
