"""The training loop, from top to bottom: `fit` runs epochs, an epoch is made of steps, a step of micro-batches.

```
prepare: open and check the data, plan, seed, build the network             event start, or resume
until all epochs are done:
    for each window of micro-batches:
        obey a request (stop and pause act here, between two steps; here the ranks of a run agree, too)
        set the learning rate; train_step                                   event step
        save last.pt, if some minutes have passed                           event checkpoint
    evaluate on the validation split                                        event epoch
    save last.pt, and best.pt if this is the best epoch so far              event checkpoint
```
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
from torch import nn

from alexcore.config import TrainConfig
from alexcore.data.class_index import require_same_mapping
from alexcore.data.shards import is_sharded
from alexcore.errors import TrainingError
from alexcore.files import write_json
from alexcore.training.average import averaged
from alexcore.training.budget import TimeBudget
from alexcore.training.checkpoint import build_model, load_checkpoint, save_checkpoint
from alexcore.training.compiling import compiled
from alexcore.training.device import choose_precision, describe_device
from alexcore.training.distributed import ALONE, Group, StoppedBeforeStartError, require_group
from alexcore.training.environment import describe_environment
from alexcore.training.evaluation import Evaluation, combined, evaluate, most_wrong
from alexcore.training.health import Health
from alexcore.training.objective import Objective, weights_for
from alexcore.training.optim import build_optimizer, set_lr
from alexcore.training.resuming import what_changed
from alexcore.training.run_data import Reporter, open_together
from alexcore.training.schedule import lr_factor, plateau, work_ahead
from alexcore.training.seeding import seed_everything
from alexcore.training.sharing import place
from alexcore.training.start_from import freeze, start_from, train_mode
from alexcore.training.state import Position, TrainingState
from alexcore.training.step import train_step, windows

# More points than this no chart shows, and a run of a million steps would fill the disk with lines.
LOGGED_STEPS = 2000
PAUSE_POLL_S = 0.2

Clock = Callable[[], float]


def fit(
    config: TrainConfig,
    run_dir: Path,
    reporter: Reporter,
    *,
    resume: bool = False,
    clock: Clock = time.perf_counter,
    group: Group = ALONE,
) -> str:
    """Train as `config` says, writing into `run_dir`.

    Args:
        config: The whole description of the run.
        run_dir: An existing run folder; only the first rank touches it.
        reporter: Is told of everything.
        resume: Go on from `checkpoints/last.pt`.
        clock: Seconds since some moment.
        group: The ranks that train together, `config.processes` of them; each of them calls this.

    Returns:
        "finished", or "stopped" after a request; either way `last.pt` holds the end.

    Raises:
        AlexError: data, settings or checkpoint cannot be used, or the loss is not finite.
    """
    try:
        return _Fit(config, run_dir, reporter, resume, clock, group).run()
    except StoppedBeforeStartError:
        return "stopped"


class _Fit:
    """The parts of one run. A class only so that the methods below need not hand fifteen values around."""

    def __init__(
        self, config: TrainConfig, run_dir: Path, reporter: Reporter, resume: bool, clock: Clock, group: Group = ALONE
    ) -> None:
        self.config, self.run_dir, self.reporter, self.clock, self.group = config, run_dir, reporter, clock, group
        self.in_time = True
        self.began = self.saved = clock()
        self.save_s = 0.0
        self.device = group.device(config.device)
        require_group(config, group, self.device)
        self.precision = choose_precision(config.precision, self.device)
        self.data = open_together(config, reporter, self.device.type == "cuda", group)
        self.index, self.plan = self.data.index, self.data.plan
        reporter.progress("building the network", 0, 0)
        seed_everything(config.seed, config.deterministic, config.cudnn_benchmark)
        self.model: nn.Module = build_model(config, len(self.index.classes))
        if config.start_from and not resume and group.first:
            reporter.progress("loading weights", 0, 0)
            reporter.event("note", message=start_from(self.model, config, self.index.classes))
        if config.freeze_features:
            freeze(self.model)
        if config.sync_batchnorm and group.ranks > 1:
            self.model = nn.SyncBatchNorm.convert_sync_batchnorm(self.model)
        order = torch.channels_last if config.channels_last else torch.contiguous_format
        self.model.to(self.device, memory_format=order)  # type: ignore[call-overload]
        group.same_weights(self.model)
        self.state = TrainingState(
            self.model,
            build_optimizer(self.model, config),
            torch.amp.GradScaler(self.device.type) if self.precision == torch.float16 else None,
            averaged(self.model, config.ema_decay) if config.ema_decay else None,
        )
        weights = weights_for(config, self.data.counts)
        self.objective = Objective(weights, config.label_smoothing, config.ignore_index)
        self._speed, self._ahead = (0.0, 0), (1.0, 1.0)
        self.budget = TimeBudget(config.time_budget_s, self.plan)
        self.health = Health(config, self.data.counts, self.plan.steps_per_epoch, self._warn)
        if resume:
            self._restore()
            self.began -= self.position.seconds
        self.trained: nn.Module = self.model
        if config.compile:
            reporter.progress("compiling", 0, 0)
            self.trained = compiled(self.model, config, self.device, self._on_uncompiled)
        self.trained = group.wrap(self.trained, self.device, config.image_size)
        if group.first:
            self._announce(resume)

    def _on_uncompiled(self, message: str) -> None:
        self._warn(message, "The run goes on without: slower, with the same result.")

    def _warn(self, message: str, hint: str = "") -> None:
        self.reporter.event("warning", message=message, hint=hint)

    def _announce(self, resumed: bool) -> None:
        write_json(self.run_dir / "class_indices.json", self.index.class_indices)
        write_json(self.run_dir / "env.json", describe_environment(self.index, self.device))
        if resumed:
            self.reporter.event("resume", epoch=self.position.epoch, step=self.position.step)
        self.reporter.event(
            "start",
            **asdict(self.plan),
            classes=list(self.index.classes),
            device=describe_device(self.device),
            processes=self.group.ranks,
            precision=str(self.precision).removeprefix("torch."),
            parameters=sum(parameter.numel() for parameter in self.model.parameters()),
        )
        for problem in self.index.problems:
            self._warn(problem.message, problem.hint)

    @property
    def total_steps(self) -> int:
        """Optimizer steps of the whole run, as far as they are known."""
        return self.position.total_steps or self.plan.total_steps

    def _steps_left(self) -> bool:
        if self.config.time_budget_s and not self.position.total_steps:  # too few steps yet to plan with
            return self.in_time
        return self.position.step < self.total_steps

    def _work_left(self) -> bool:
        return self._steps_left() and bool(self.config.time_budget_s or self.position.epoch < self.config.epochs)

    def _agree(self) -> str:
        """What all ranks go by from here on: the request that is returned, and how long the run is."""
        in_time = self.clock() - self.began < self.config.time_budget_s
        word, self.position.total_steps, self.in_time = self.group.agree(
            self.reporter.request(), self.position.total_steps, in_time
        )
        return word

    def _replan(self) -> None:
        position, told = self.position, bool(self.position.total_steps)
        total = self.budget.total_steps(position.step, self.clock() - self.began, position.ending_s)
        position.total_steps = min(total, self.config.max_steps or total)
        if not told:
            self.reporter.event("note", message=self.budget.in_words(position.total_steps))

    @property
    def position(self) -> Position:
        return self.state.position

    def run(self) -> str:
        config, position = self.config, self.position
        # A stop may have come after the last step, before its validation: that epoch has yet to end.
        while self._work_left() or position.batch:
            epoch_began, seen_before = self.clock(), position.seen
            if not self._train_one_epoch():
                return self._stop()
            train_seconds = self.clock() - epoch_began
            evaluation = self._validate()
            if evaluation is None:
                return self._stop()
            position.seconds = self.clock() - self.began
            # An epoch ends with a validation and a checkpoint, which is still to come and took a while the last time.
            position.ending_s = self.clock() - epoch_began - train_seconds + self.save_s
            if config.time_budget_s:
                if self.budget.ready and self._steps_left():
                    self._replan()
                self._agree()
            self._end_epoch(evaluation, (position.seen - seen_before) / max(train_seconds, 1e-9))
            patience = config.early_stopping
            if patience and position.epoch - 1 - position.best_epoch >= patience:
                message = f"Stopped early: no better validation accuracy for {patience} epochs."
                self._warn(message, "best.pt holds the best epoch.")
                self._save("last.pt")
                break
        return "finished"

    def _train_one_epoch(self) -> bool:
        """Train to the end of the epoch; False if a stop was asked for on the way."""
        config, plan, position = self.config, self.plan, self.position
        log_every = math.ceil(plan.total_steps / LOGGED_STEPS)
        train_mode(self.model, config.freeze_features)
        self._speed = (self.clock(), position.seen)
        self._ahead = work_ahead(config, position.epoch, plan.steps_per_epoch)
        loss_sum, correct, seen, wait_s = 0.0, 0, 0, 0.0
        each_window = windows(self.data.train.epoch(position.epoch, position.batch), config.accumulation_steps)
        while True:
            if not self._obey():
                return False
            step_began = waited = self.clock()
            window = next(each_window, None)
            wait_s += self.clock() - waited
            if window is None or not self._steps_left():
                return True
            lr = config.lr * position.lr_scale
            lr *= lr_factor(config, min(position.step, self.total_steps - 1), self.total_steps, plan.steps_per_epoch)
            set_lr(self.state.optimizer, lr)
            self.group.seed_dropout(config.seed, position.step)
            loss, right, images, grad_norm = train_step(
                self.trained,
                self.state.optimizer,
                self.objective,
                window,
                self.device,
                self.precision,
                config.grad_clip,
                scaler=self.state.scaler,
                channels_last=config.channels_last,
                group=self.group,
            )
            if not math.isfinite(loss) or not (math.isfinite(grad_norm) or self.state.scaler):
                what = f"loss is {loss}" if not math.isfinite(loss) else f"gradient is {grad_norm}"
                raise self._blown_up(f"The {what} in", 1)
            if self.state.average:
                self.state.average.update_parameters(self.model)
            position.step += 1
            position.batch += len(window)
            position.loss_sum += loss * images
            position.correct += right
            position.seen += images
            position.seconds = self.clock() - self.began
            loss_sum, correct, seen = loss_sum + loss * images, correct + right, seen + images
            if position.step % log_every == 0 or position.step == 1:
                self.reporter.event(
                    "step",
                    epoch=position.epoch,
                    step=position.step,
                    loss=round(loss_sum / max(seen, 1), 6),
                    acc1=round(correct / max(seen, 1), 6),
                    lr=lr,
                    grad_norm=round(grad_norm, 6),
                    wait_s=round(wait_s, 4),
                )
                loss_sum, correct, seen, wait_s = 0.0, 0, 0, 0.0
            if self.group.first:
                self.health.after_step(position, loss, self.model, window[0][0])
            if config.time_budget_s and self.budget.step_took(self.clock() - step_began):
                self._replan()
            self._report_step()
            every_s = 60 * config.checkpoint_every_minutes
            if every_s and self.clock() - self.saved >= every_s:
                self._save("last.pt")

    def _blown_up(self, what: str, ahead: int = 0) -> TrainingError:
        good = (self.run_dir / "checkpoints" / "last.pt").is_file()
        return TrainingError(
            f"{what} step {self.position.step + ahead}: the weights have blown up.",
            f"Lower the learning rate ({self.config.lr:g}), clip the gradient, or choose a norm."
            + " The last checkpoint is still good." * good,
        )

    def _report_step(self) -> None:
        position, plan = self.position, self.plan
        since, seen = self._speed
        rate = (position.seen - seen) / max(self.clock() - since, 1e-9)
        # Validation runs forward only: about a third of a training step's work for each picture.
        left = (self.total_steps - position.step) / plan.steps_per_epoch
        training, validation = self._ahead
        eta_s = left * (training * plan.train_images + validation * plan.val_images / 3) / max(rate, 1e-9)
        self.reporter.progress(
            "training",
            position.batch,
            plan.micro_batches,
            epoch=position.epoch,
            step=position.step,
            total_steps=self.total_steps,
            images_per_s=round(rate, 1),
            eta_s=round(eta_s, 1),
        )

    def _on_validation(self, done: int) -> bool:
        done = min(done * self.group.ranks, self.plan.val_images)
        self.reporter.progress("validating", done, self.plan.val_images)
        return self._obey()

    def _validate(self) -> Evaluation | None:
        """Each rank validates its part, with the first one's statistics; None if a stop was asked for meanwhile."""
        group, size = self.group, self.data.val_batch
        group.same_buffers(self.state.predictor)
        own = evaluate(
            self.state.predictor,
            self.data.val.epoch(),
            len(self.index.classes),
            self.device,
            self._on_validation,
            self.config.ignore_index,
        )
        if own is None or group.ranks == 1:
            return own
        return combined(
            group.gather(own),
            lambda rank, position: place(position, self.plan.val_images, size, rank, group.ranks),
        )

    def _obey(self) -> bool:
        """Wait out a pause; False if the run shall stop."""
        word = self._agree()
        if word == "pause":
            self.reporter.paused(True)
            while self._agree() == "pause":
                time.sleep(PAUSE_POLL_S)
            self.reporter.paused(False)
            word = self._agree()
        return word != "stop"

    def _end_epoch(self, evaluation: Evaluation, images_per_s: float) -> None:
        position, seen = self.position, max(self.position.seen, 1)
        self.reporter.event(
            "epoch",
            epoch=position.epoch,
            step=position.step,
            train_loss=round(position.loss_sum / seen, 6),
            train_acc1=round(position.correct / seen, 6),
            val_loss=round(evaluation.loss, 6),
            val_acc1=evaluation.acc1,
            recall=evaluation.recall,
            confusion=evaluation.confusion,
            images_per_s=round(images_per_s, 1),
            seconds=round(position.seconds, 2),
            worst=most_wrong(evaluation, self.index),
        )
        self.health.after_epoch(position, position.loss_sum / seen, evaluation.loss)
        best = evaluation.acc1 > position.best_acc1
        if best:
            position.best_acc1, position.best_epoch = evaluation.acc1, position.epoch
        if self.config.scheduler == "plateau":
            position.lr_scale, position.plateau_best, position.plateau_bad = plateau(
                position.lr_scale, position.plateau_best, position.plateau_bad, evaluation.loss, self.config
            )
        position.begin_epoch()
        last = not self._work_left()
        if best:
            self._save("best.pt")
        if last or position.epoch % self.config.checkpoint_every_epochs == 0:
            self._save("last.pt")
        self.reporter.progress(
            "training",
            0,
            self.plan.micro_batches,
            epoch=position.epoch,
            step=position.step,
            total_steps=self.total_steps,
        )

    def _stop(self) -> str:
        self.position.seconds = self.clock() - self.began
        self._save("last.pt")
        return "stopped"

    def _save(self, name: str) -> None:
        if not self.group.first:
            return
        if not all(bool(parameter.isfinite().all()) for parameter in self.model.parameters()):
            raise self._blown_up("The weights are not finite after")
        save_began = self.clock()
        about = {
            "config": self.config.model_dump(),
            "class_to_idx": self.index.class_to_idx,
            "evaluation_operations": self.data.evaluation_operations,
            "fingerprint": self.index.fingerprint(),
        }
        save_checkpoint(self.run_dir / "checkpoints" / name, {**self.state.as_dict(), **about})
        self.saved = self.clock()
        self.save_s = self.saved - save_began
        self.reporter.event("checkpoint", name=name, epoch=self.position.epoch, step=self.position.step)

    def _restore(self) -> None:
        path, alone = self.run_dir / "checkpoints" / "last.pt", self.group.ranks == 1
        # On the way to the other ranks it is in main memory, because their devices have other names.
        saved = load_checkpoint(path, self.device if alone else "cpu") if self.group.first else {}
        saved = self.group.share(saved)
        numbers = saved["class_to_idx"]
        require_same_mapping(sorted(numbers, key=lambda name: int(numbers[name])), self.index.classes)
        if saved["fingerprint"] != self.index.fingerprint():
            message = "The data set has changed since the checkpoint; the run goes on, but is not the same one."
            self._warn(message)
        epoch, steps = int(saved["position"]["epoch"]), self.plan.steps_per_epoch
        for message in what_changed(saved["config"], self.config, is_sharded(self.index), epoch, steps):
            self._warn(message)
        self.state.restore(saved)
        if saved["config"].get("time_budget_s", 0) != self.config.time_budget_s:
            self.position.total_steps = 0
