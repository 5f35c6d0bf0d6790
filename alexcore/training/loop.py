"""The training loop, from top to bottom: a run goes round it once a step, and evaluates where an epoch has ended.

```
prepare: open and check the data, plan, seed, build the network             event start, or resume and start
until all epochs are done:
    evaluate on the validation split, where an epoch has ended              event epoch
    save last.pt, and best.pt if that was the best epoch so far; or after some minutes      event checkpoint
    stop or pause, if that is asked for (here the ranks of a run agree, too)
    read the next window of micro-batches; save and fail, if too many pictures can no longer be read
    set the learning rate; one step
    log it                                                                  event step
```
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from alexcore.config import TrainConfig
from alexcore.findings.run import StoppedEarly
from alexcore.training import run_parts
from alexcore.training.distributed import ALONE, Group, StoppedBeforeStartError
from alexcore.training.evaluation import Evaluation, combined, evaluate
from alexcore.training.health import Health
from alexcore.training.history import StepLog, tell_epoch, tell_start
from alexcore.training.loader import Batch
from alexcore.training.pace import Pace
from alexcore.training.run_data import Reporter
from alexcore.training.run_parts import RunParts
from alexcore.training.session import Clock, Session
from alexcore.training.sharing import place
from alexcore.training.start_from import train_mode
from alexcore.training.step import windows
from alexcore.training.unreadable import Unreadable


def fit(
    config: TrainConfig,
    run_dir: Path,
    reporter: Reporter,
    *,
    resume: bool = False,
    clock: Clock = time.perf_counter,
    group: Group = ALONE,
) -> str:
    """Train as `config` says, writing into `run_dir`, which exists; with `resume` go on from its `checkpoints/last.pt`.

    `clock` gives seconds since some moment. Each of the `config.processes` ranks of `group` calls this; only the first
    touches the folder.

    Returns:
        "finished", or "stopped" after a request; either way `last.pt` holds the end.

    Raises:
        AlexError: data, settings or checkpoint cannot be used, the loss is not finite, or too many pictures are lost.
    """
    session = Session(run_dir, reporter, clock, group)
    try:
        run = run_parts.prepare(config, session, resume=resume, skipping=True)
    except StoppedBeforeStartError:
        return "stopped"
    plan, state, position = run.data.plan, run.state, run.state.position
    pace, log, unreadable = Pace(config, plan, position, session), StepLog(run), Unreadable(config, run.data, session)
    health = Health(config, run.data.counts, plan.steps_per_epoch, session.tell)
    tell_start(run, resumed=resume)

    epoch: Iterator[list[Batch]] | None = None  # the windows that are left of it
    ended = False
    while True:
        # Evaluate, and save: after an epoch, or some minutes within one.
        if ended:
            images_per_s, began = pace.images_per_s(), session.clock()
            evaluation = validate(run, pace)
            if evaluation is None:
                break
            pace.epoch_took(session.clock() - began)
            require_readable(run, unreadable)
            unreadable.tell()
            tell_epoch(run, evaluation, images_per_s)
            health.after_epoch(position, position.train_loss, evaluation.loss)
            best = position.judge(evaluation, config)
            position.begin_epoch()
            if best:
                run_parts.save("best.pt", run)
            if not pace.work_left() or position.epoch % config.checkpoint_every_epochs == 0:
                run_parts.save("last.pt", run)
            reporter.progress("training", 0, plan.micro_batches, **pace.where())
            if pace.work_left() and position.out_of_patience(config):
                session.tell(early := StoppedEarly(config.early_stopping))
                session.tell_outcome(early)
                run_parts.save("last.pt", run)
                return "finished"
            epoch, ended = None, False
        elif epoch is not None and session.save_is_due(config.checkpoint_every_minutes):
            run_parts.save("last.pt", run)

        # Stop? After the last step there may be a validation to come, if a stop came in between.
        if not (pace.work_left() or position.batch):
            session.tell_outcome(pace.outcome())
            return "finished"
        if epoch is None:
            pace.begin_epoch()
            log.forget()
            train_mode(state.model, config.freeze_features)
            batches = run.data.train.epoch(position.epoch, position.batch)
            epoch = windows(batches, config.accumulation_steps, reporter.moved)
        if not session.obey(pace.agree):
            break

        # One step.
        began = session.clock()
        window = next(epoch, None)
        log.wait_s += session.clock() - began
        require_readable(run, unreadable)  # before the step, so that a resume can make it with all of its pictures
        if window is None or not pace.steps_left():
            ended = True
            continue
        lr = pace.lr
        group.seed_dropout(config.seed, position.step)
        result = run.step(window, lr)
        run_parts.require_finite(result, run)
        if state.average:
            state.average.update_parameters(state.model)
        position.count_step(len(window), result.loss, result.correct, result.images)

        # Log.
        log.add(result, lr)
        if group.first and len(window[0][1]):
            health.after_step(position, result.loss, state.model, window[0][0])
        pace.step_took(session.clock() - began)
        pace.report()

    run_parts.save("last.pt", run)
    return "stopped"


def require_readable(run: RunParts, unreadable: Unreadable) -> None:
    """Save and end the run, in all ranks, if more pictures than its limit allows can no longer be read.

    Raises:
        DataError: it is so.
    """
    unreadable.look()
    if unreadable.too_many:
        run_parts.save("last.pt", run)
        raise unreadable.refusal(run.state.position.step)


def validate(run: RunParts, pace: Pace) -> Evaluation | None:
    """Validate in all ranks, each its part, with the first one's statistics; None if a stop was asked for meanwhile."""
    session, plan, predictor = run.session, run.data.plan, run.state.predictor
    group = session.group

    def on_batch(done: int) -> bool:
        done = min(done * group.ranks, plan.val_images)
        session.reporter.progress("validating", done, plan.val_images)
        return session.obey(pace.agree)

    group.same_buffers(predictor)
    classes = len(run.data.index.classes)
    own = evaluate(predictor, run.data.val.epoch(), classes, run.device, on_batch, run.config.ignore_index)
    if own is None or group.ranks == 1:
        return own
    return combined(
        group.gather(own),
        lambda rank, position: place(position, plan.val_images, run.data.val_batch, rank, group.ranks),
    )
