"""`train`, `resume` and `devices`: the commands that start something."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from shlex import quote
from typing import Any

from alexcore.batchnorm.settings import with_seeds
from alexcore.cli.comparing import carry_out
from alexcore.cli.flags import add_config_flags, add_field, config_of
from alexcore.cli.output import RUN_HELP, Arguments, Bar, add_command, answer, reported, say
from alexcore.cli.processes import attend, with_world_size
from alexcore.config import FIELDS, TrainConfig, absolute
from alexcore.runs import group as groups
from alexcore.runs.kinds import BATCHNORM
from alexcore.training.resuming import RESUMABLE


def devices(arguments: Arguments) -> int:
    """Show on which device runs will compute."""
    from alexcore.files import write_json
    from alexcore.home import devices_file
    from alexcore.pair import require_torch

    with reported("devices"):
        require_torch()
        import torch

        from alexcore.training.device import choose_device, choose_precision, describe_device

        device = choose_device()
        found = {
            "device": str(device),
            "description": describe_device(device),
            "torch": torch.__version__,
            "precision": str(choose_precision("auto", device)).removeprefix("torch."),
        }
        devices_file().parent.mkdir(parents=True, exist_ok=True)
        write_json(devices_file(), found)
    return answer(arguments.json, found, f"{found['description']}, {found['precision']}, torch {found['torch']}")


def train(arguments: Arguments) -> int:
    """Train in the foreground; Ctrl-C saves and stops."""
    from alexcore.home import runs_dir
    from alexcore.runs.store import create_run
    from alexcore.training.idle_settings import before_start
    from alexcore.training.plan import plan_before_start

    if groups.rank():
        return _follow()
    run_dir = groups.run_of_group()  # torchrun has started its processes again
    if run_dir is None:
        config = config_of(arguments)
        if arguments.run and groups.restarted() and _is_unfinished(arguments.run, config):
            # Rank 0 was on another machine before, which has the note that names the run.
            groups.remember_run(arguments.run)
            return _execute(arguments.run, arguments.json)
        for finding in before_start(config, *plan_before_start(config, arguments.run or runs_dir())):
            say(f"{finding.event}: {finding.sentence}", aside=True)
        run_dir = create_run(config, arguments.run)
        groups.remember_run(run_dir)
    return _execute(run_dir, arguments.json)


def _is_unfinished(run_dir: Path, config: TrainConfig) -> bool:
    """Whether a folder holds the run of this very command, and no worker has said how it ended."""
    from alexcore.runs.status import ENDED
    from alexcore.runs.store import read_run

    if not (run_dir / "config.json").is_file():
        return False
    run = read_run(run_dir)
    # What a restart with another number of processes changes.
    same = {"processes": config.processes, "batch_size": config.batch_size}
    return run.config is not None and run.config.model_copy(update=same) == config and run.status.state not in ENDED


def resume(arguments: Arguments) -> int:
    """Continue a run in the foreground."""
    from alexcore.runs.launcher import planned, prepare_resume
    from alexcore.runs.store import find_run

    if groups.rank():
        return _follow()
    run_dir = groups.run_of_group()
    if run_dir is None:
        run = find_run(arguments.run_dir)
        changes = absolute(with_world_size({name: getattr(arguments, name) for name in FIELDS}))
        if arguments.seeds is not None and run.kind is BATCHNORM:
            with_seeds(run.path, arguments.seeds)  # refuses what is out of range
        config = prepare_resume(run, seeds=arguments.seeds, **changes)
        if run.kind is BATCHNORM:
            return carry_out(run.path, arguments.json)
        say(planned(run, config).message, aside=True)
        run_dir = run.path
        groups.remember_run(run_dir)
    return _execute(run_dir, arguments.json)


def _follow() -> int:
    from alexcore.runs.training_worker import follow

    follow()
    return 0


def _execute(run_dir: Path, as_json: bool) -> int:
    from alexcore.runs.run_list import summarised
    from alexcore.runs.store import read_run
    from alexcore.runs.worker import execute
    from alexcore.words.findings import told

    say(f"Run {run_dir}", aside=True)
    config = read_run(run_dir).config
    with closing(Bar()) as bar:
        if config and config.processes > 1 and not groups.in_group():
            attend(run_dir, config.processes, bar)
        else:
            execute(run_dir, bar)
    result = summarised(read_run(run_dir)).figures(run_dir)
    accuracy = result["best_val_acc1"]
    measured = f"best validation accuracy {'-' if accuracy is None else f'{accuracy:.3f}'}"
    measured = measured if result["epochs"] else "not validated"
    skipped = result.get("skipped_images", 0)
    lost = f"; {skipped:,} pictures could no longer be read and were skipped" if skipped else ""
    went_back = [told(result["went_back"])[0]] if "went_back" in result else []
    because = f"{told(result['outcome'])[0]} " if result.get("outcome") else ""
    return answer(
        as_json,
        result,
        f"{result['status']}: {because}{result['epochs']} epochs, {result['steps']} steps, {measured}{lost}",
        *went_back,
        f"Classify a picture with: python -m alexcore predict {quote(str(run_dir.resolve()))} PICTURE",
    )


def register(commands: Any) -> None:
    """Add the commands of this module."""
    add_command(commands, "devices", devices)
    training = add_command(commands, "train", train)
    # torchrun takes --run for an abbreviation of a flag of its own, wherever it stands.
    text = "the run's folder (default: a new one in runs/); --run-dir is the same, for torchrun"
    training.add_argument("--run", "--run-dir", type=Path, help=text)
    add_config_flags(training)
    resuming = add_command(commands, "resume", resume)
    resuming.add_argument("run_dir", help=RUN_HELP)
    text = "of a BatchNorm experiment that has finished: train more seeds, up to so many in all"
    resuming.add_argument("--seeds", type=int, metavar="N", help=text)
    for spec in FIELDS.values():
        add_field(resuming, spec, hidden=spec.name not in RESUMABLE)
