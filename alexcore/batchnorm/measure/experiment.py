"""The BatchNorm experiment, from top to bottom: several networks that differ in their norm, trained side by side.

```
prepare: open and check the data, plan, build the arms                      event start, or resume and start
before the first round, and after each of them:
    evaluate: probe the arms, where that is due                             event probe, for each arm and quantity
        validate all of them, where that is due                             event arm_eval, for each arm
    save experiment.pt, if some minutes have passed                         event checkpoint
    stop or pause, if that is asked for; end after the last step
    one round: for each seed read a batch, and make a step of each of its arms with it; save and fail, if too many
        pictures can no longer be read
    log it                                                                  event arm_step, for each arm
finish: recalibrate, validate once more, write the arms' own folders, tables, verdict     event probe_cost, verdict
```

The arms take turns step by step, so that all curves grow together, and whatever slows the machine down slows all alike.
"""

from __future__ import annotations

import math
import time
from pathlib import Path

from alexcore.batchnorm.comparable import require_comparable
from alexcore.batchnorm.measure.arms import Arm, Sums
from alexcore.batchnorm.measure.batches import windows_from
from alexcore.batchnorm.measure.experiment_end import finish, stop
from alexcore.batchnorm.measure.experiment_parts import prepare, require_readable, save
from alexcore.batchnorm.measure.measurements import StopAskedError, measure, obey
from alexcore.batchnorm.settings import BnConfig, load_bn_config, with_seeds
from alexcore.config import TrainConfig
from alexcore.findings.experiment import ArmDiverged
from alexcore.runs.kinds import BATCHNORM
from alexcore.runs.queue import turn
from alexcore.runs.reporter import RunReporter
from alexcore.runs.resumption import asked_to_resume
from alexcore.training.device import choose_device
from alexcore.training.distributed import StoppedBeforeStartError
from alexcore.training.run_data import Reporter
from alexcore.training.session import LOGGED_STEPS, Clock, Session
from alexcore.training.step import without_lone


def compare(config: TrainConfig, run_dir: Path, reporter: RunReporter) -> str:
    """What a worker does: wait for the device and run the experiment; returns "finished" or "stopped".

    Raises:
        AlexError: the experiment failed.
    """
    with turn(str(choose_device(config.device)), run_dir.name, reporter.wait) as our_turn:
        if not our_turn:
            return "stopped"
        reporter.paused(False)
        resume = BATCHNORM.resumable(run_dir)
        seeds = (asked_to_resume(run_dir) or {}).get("seeds")
        bn = with_seeds(run_dir, seeds) if seeds else load_bn_config(run_dir)
        return run_experiment(config, bn, run_dir, reporter, resume=resume)


def run_experiment(
    config: TrainConfig,
    bn: BnConfig,
    run_dir: Path,
    reporter: Reporter,
    *,
    resume: bool = False,
    clock: Clock = time.perf_counter,
) -> str:
    """Train and measure all arms, writing into `run_dir`.

    Args:
        config: What all arms share.
        bn: What is compared and how it is measured.
        run_dir: An existing run folder.
        reporter: Is told of everything.
        resume: Go on from `checkpoints/experiment.pt`. If that has finished with fewer seeds than `bn`, those that are
            missing are trained from the start, as they would have been beside the others.
        clock: Seconds since some moment.

    Returns:
        "finished", or "stopped" after a request; either way experiment.pt and the arms' folders hold the end.

    Raises:
        AlexError: data, settings or checkpoint cannot be used.
    """
    require_comparable(config, bn)
    session = Session(run_dir, reporter, clock)
    try:
        experiment = prepare(config, bn, session, resume=resume)
    except StoppedBeforeStartError:
        return "stopped"
    arms, pace = experiment.arms, experiment.pace
    if pace.step == 0:
        # So that a kill costs at most some minutes from the first measurements on.
        session.want_save()
    plan = experiment.first.plan
    batches = {seed: windows_from(data.train, config, plan, pace.step) for seed, data in experiment.data.items()}
    log_every = math.ceil(bn.steps / LOGGED_STEPS)
    try:
        while True:
            # Evaluate what is due after this step and has not been measured yet.
            if pace.measured < pace.step:
                measure(experiment)
                require_readable(experiment)

            # Save.
            last = pace.step == bn.steps
            if last or session.save_is_due(config.checkpoint_every_minutes):
                save(experiment)

            # Stop?
            if last:
                finish(experiment)
                return "finished"
            obey(experiment)

            # One round: a batch is read once for all arms of its seed.
            began = session.clock()
            rates = {arm.key: pace.lr_of(arm) for arm in arms}
            read = {seed: next(windows) for seed, windows in batches.items()}
            require_readable(experiment)  # before the steps, so that a resume can make them with all pictures
            for seed, pictures in read.items():
                # The same for every arm, also for those that could do with one picture.
                window = [each for each in without_lone(pictures) if len(each[1])]
                for arm in arms if window else ():
                    if arm.seed == seed and arm.diverged_at is None:
                        arm.paced = pace.probes_follow
                        loss = arm.step(window, experiment.objective, rates[arm.key], pace.step, experiment.device)
                        if loss is None:
                            _tell_divergence(session, arm, arm.config.lr)
            pace.step += 1

            # Log.
            if pace.step % log_every == 0 or pace.step == 1:
                for arm in arms:
                    tell_step(session, arm, pace.step, rates[arm.key])
            pace.round_s.append(session.clock() - began)
            pace.report()
    except StopAskedError:
        stop(experiment)
        return "stopped"


def tell_step(session: Session, arm: Arm, step: int, lr: float) -> None:
    """Write the event `arm_step` with the means since the last one, and begin new ones."""
    sums, arm.logged = arm.logged, Sums()
    # After its null event an arm is silent: a mean of the steps before would read as if it had gone on.
    if not sums.steps or arm.diverged_at is not None:
        return
    session.reporter.event(
        "arm_step",
        arm=arm.norm,
        seed=arm.seed,
        step=step,
        round=step,
        lr=lr,
        loss=round(sums.mean_loss, 6),
        acc1=round(sums.acc1, 6),
        grad_norm=round(arm.grad_norm, 6),
        step_s=round(sums.step_s / sums.steps, 5),
    )


def _tell_divergence(session: Session, arm: Arm, lr: float) -> None:
    at = arm.diverged_at
    session.reporter.event("arm_step", arm=arm.norm, seed=arm.seed, step=at, round=at, loss=None, grad_norm=None)
    session.tell(ArmDiverged(arm.key, at or 0, lr))
