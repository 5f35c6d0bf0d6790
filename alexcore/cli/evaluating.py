"""`evaluate`: how good a run is, on its own or another data set."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from alexcore.cli.output import Arguments, Bar, add_command, answer, reported


def evaluate(arguments: Arguments) -> int:
    """Measure a run on the validation split of its own or another data set, class by class and picture by picture."""
    from alexcore.analysis.evaluation_store import evaluation_name, remember_evaluation
    from alexcore.analysis.run_evaluation import answer_pictures, report_of
    from alexcore.runs.store import find_run, require_checkpoint

    with closing(Bar()) as bar, reported("evaluating") as evaluated:

        def on_progress(phase: str, done: int, total: int) -> None:
            if phase == "evaluating":
                bar.close()
                evaluated(done, total)
            else:  # the pictures are checked first, which would fill the job's bar twice
                bar(phase, done, total)

        run = find_run(arguments.run_dir)
        checkpoint = require_checkpoint(run)
        data, val = arguments.data, ""
        if not data and run.config:
            data, val = run.config.data, run.config.val
        name = evaluation_name(checkpoint, data, val, arguments.split) if data else ""
        answers = answer_pictures(checkpoint, data, val, arguments.split, on_progress)
        report = report_of(answers)
        if name:
            # Before the job says that it has finished: a page looks for the result as soon as it does.
            remember_evaluation(name, report, answers.table)
    split = {"val": "validation", "train": "training"}.get(report["split"], report["split"])
    lines = [
        f"{split} accuracy {report['acc1']:.4f}, loss {report['loss']:.4f} over {report['images']:,} pictures "
        f"(95 % interval {report['acc1_low'] or 0:.4f} to {report['acc1_high'] or 0:.4f})",
        f"balanced accuracy {_number(report['balanced_acc1'])}, macro F1 {_number(report['macro_f1'])}, "
        f"calibration error {_number(report['ece'])}",
    ]
    for row in report["per_class"]:
        recall, precision, f1 = _number(row["recall"], "no pictures"), _number(row["precision"]), _number(row["f1"])
        lines.append(f"  {row['class']}: recall {recall}, precision {precision}, F1 {f1}")
    return answer(arguments.json, {"run": arguments.run_dir, **report}, *lines)


def _number(value: float | None, missing: str = "-") -> str:
    return missing if value is None else f"{value:.3f}"


def register(commands: Any) -> None:
    """Add the command of this module."""
    evaluating = add_command(commands, "evaluate", evaluate)
    evaluating.add_argument("run_dir")
    evaluating.add_argument("--data", default="", help="another data set with the same classes")
    evaluating.add_argument(
        "--split", choices=["train", "val", "test"], default="val", help="which part of it (default: val)"
    )
