"""`compare-bn`, `compare-bn-sweep` and `compare-bn-report`: the BatchNorm experiment, its sweeps and its report."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from shlex import quote
from typing import Any

from alexcore.batchnorm.comparable import BN_PRESETS, make_experiment
from alexcore.batchnorm.read.record import RATE_SWEEP, SWEEPS, Experiment
from alexcore.batchnorm.settings import BN_FIELDS, arm_key, create_experiment, load_bn_config
from alexcore.cli.flags import add_field
from alexcore.cli.output import RUN_HELP, Arguments, Bar, add_command, answer, reported, say
from alexcore.config import FIELDS, absolute
from alexcore.errors import DataError, RunError
from alexcore.runs.kinds import BATCHNORM
from alexcore.words.numbers import size_text
from alexcore.words.verdict import answer_in_words


def compare_bn(arguments: Arguments) -> int:
    """Train networks that differ in their norm alone, side by side; Ctrl-C saves and stops, `resume` goes on."""
    from alexcore.home import runs_dir
    from alexcore.training.plan import plan_before_start

    given = {**FIELDS, **BN_FIELDS}
    values = {name: value for name, value in vars(arguments).items() if name in given and value is not None}
    config, bn = make_experiment(arguments.preset, **absolute(values))
    if not config.data:
        raise DataError("No data set is given.", "Add --data PATH, or make one with `data sample DIR`.")
    plan_before_start(config, arguments.run or runs_dir(), len(bn.norms) * bn.seeds)
    return carry_out(create_experiment(config, bn, arguments.run), arguments.json)


def carry_out(run_dir: Path, as_json: bool) -> int:
    """Run an experiment, new or prepared for resuming, in this process, and print what it has come to."""
    from alexcore.runs.worker import execute

    say(f"Experiment {run_dir}", aside=True)
    with closing(Bar()) as bar:
        execute(run_dir, bar)
    return tell(run_dir, as_json)


def tell(run_dir: Path, as_json: bool) -> int:
    """Print what an experiment has come to: as JSON {"run", "arms", "verdict": five sentences}, or as a table."""
    from alexcore.batchnorm.read.tables import summary_rows

    record = Experiment(run_dir)
    record.refresh()
    answers = [answer_in_words(each) for each in record.answers]
    lines = [f"{'arm':12} {'steps':>6} {'train loss':>11} {'val acc':>8} {'recalibrated':>13} {'s/step':>8}"]
    for row in summary_rows(record):
        numbers = (row["train_loss"], row["val_acc1"], row["val_acc1_recalibrated"], row["step_s"])
        loss, accuracy, again, step_s = ("-" if each is None else f"{each:.4f}" for each in numbers)
        lines.append(f"{row['arm']:12} {row['steps']:6} {loss:>11} {accuracy:>8} {again:>13} {step_s:>8}")
    for number, each in enumerate(answers, 1):
        lines += [f"{number}. {each.short}", *(f"   {more}" for more in (each.effect, each.detail) if more)]
    if record.cost:
        lines.append(f"Probes took {record.cost['share']:.0%} of the time.")
    # One arm to try: BatchNorm's of the first seed, if there is one.
    norm, seed = next((arm for arm in record.arms if arm[0] == "batch"), (record.arms or [("batch", 0)])[0])
    arm = quote(str(run_dir.resolve() / "arms" / arm_key(norm, seed)))
    lines.append(f"Classify a picture with: python -m alexcore predict {arm} PICTURE")
    arms = list(load_bn_config(run_dir).norms)
    told = {"run": str(run_dir), "arms": arms, "verdict": [each.short for each in answers]}
    return answer(as_json, told, *lines)


def compare_bn_sweep(arguments: Arguments) -> int:
    """Train an experiment's arms anew at many rates (q14) or batch sizes (q15); what is done is left out."""
    from alexcore.runs.store import find_run

    with reported(f"sweep {arguments.kind}", "steps") as on_progress:
        run = find_run(arguments.run_dir, BATCHNORM)
        if run.config is None:
            raise RunError(f"The settings of the experiment {run.id} cannot be read. {run.problem}")
        from alexcore.batchnorm.measure.sweep_training import sweep

        found = sweep(run.path, run.config, load_bn_config(run.path), arguments.kind, on_progress)
    return answer(arguments.json, {"run": str(run.path), "kind": arguments.kind, **found}, *found["sentences"])


def compare_bn_report(arguments: Arguments) -> int:
    """Write every chart, sentence and table of an experiment into one HTML file that needs no network."""
    from alexcore.export.experiment_report import write_report
    from alexcore.runs.store import find_run

    run = find_run(arguments.run_dir, BATCHNORM)
    write_report(run.path, arguments.to)
    written = arguments.to.stat().st_size
    told = {"run": str(run.path), "file": str(arguments.to), "bytes": written}
    return answer(arguments.json, told, f"{arguments.to}, {size_text(written)}")


def register(commands: Any) -> None:
    """Add the commands of this module."""
    comparing = add_command(commands, "compare-bn", compare_bn)
    comparing.add_argument("--run", type=Path, help="the experiment's folder (default: a new one in runs/)")
    comparing.add_argument("--preset", default="quick", metavar="NAME", help=f"one of {', '.join(BN_PRESETS)}")
    for spec in [*BN_FIELDS.values(), *FIELDS.values()]:
        # Neither is a setting of an experiment: arms and steps take their places.
        add_field(comparing, spec, hidden=spec.name in ("norm", "max_steps", "epochs"))
    sweeping = add_command(commands, "compare-bn-sweep", compare_bn_sweep)
    reporting = add_command(commands, "compare-bn-report", compare_bn_report)
    for command in (sweeping, reporting):
        command.add_argument("run_dir", help=RUN_HELP)
    sweeping.add_argument("--kind", choices=SWEEPS, default=RATE_SWEEP, help="q14: learning rates, q15: batch sizes")
    reporting.add_argument("--to", type=Path, required=True, metavar="FILE", help="the HTML file to write")
