"""The BatchNorm experiment, from top to bottom: several networks that differ in their norm, trained side by side.

```
prepare: open and check the data, plan, build the arms                      event start, or resume and start
after every step (and before the first):
    probe the arms, where that is due                                       event probe, for each arm and quantity
    validate all arms, where that is due                                    event arm_eval, for each arm
    save experiment.pt, if some minutes have passed                         event checkpoint
    obey a request; end after the last step
    a round: for each seed read a batch, and make a step of each of its arms with it      event arm_step
close: recalibrate, validate once more, write the arms' own folders, tables, verdict      event verdict, probe_cost
```

The arms take turns step by step, so that all curves grow together, and whatever slows the machine down slows all alike.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from alexcore.batchnorm.measure.arm_runs import Networks, all_figures, recalibrated, write_arms
from alexcore.batchnorm.measure.arm_validation import Figures, ValBatches
from alexcore.batchnorm.measure.arms import Arm, Sums, build_arms, step_seconds, worth_saying
from alexcore.batchnorm.measure.batches import open_seeds, probe_set, recalibration_batches, windows_from
from alexcore.batchnorm.measure.probe_schedule import PLAN_AT, WARM_UP, Schedule, evaluation_steps
from alexcore.batchnorm.measure.prober import Prober
from alexcore.batchnorm.measure.weighted_layers import fan_channels, layers_of
from alexcore.batchnorm.read.conclusion import conclude
from alexcore.batchnorm.settings import BnConfig, require_comparable, seeds_of
from alexcore.config import TrainConfig
from alexcore.data.class_index import require_same_mapping
from alexcore.errors import CheckpointError
from alexcore.files import write_json
from alexcore.training.checkpoint import load_checkpoint, save_checkpoint
from alexcore.training.device import choose_device, describe_device
from alexcore.training.distributed import StoppedBeforeStartError
from alexcore.training.environment import describe_environment
from alexcore.training.loader import Batch
from alexcore.training.objective import Objective, weights_for
from alexcore.training.run_data import Reporter
from alexcore.training.schedule import lr_factor
from alexcore.training.seeding import seed_everything

# More points than this no chart shows.
LOGGED_STEPS = 2000
PAUSE_POLL_S = 0.2
CHECKPOINT = "experiment.pt"
_REQUIRED = ("version", "arms", "position", "config", "bn", "class_to_idx", "fingerprint")

Clock = Callable[[], float]


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
        resume: Go on from `checkpoints/experiment.pt`.
        clock: Seconds since some moment.

    Returns:
        "finished", or "stopped" after a request; either way experiment.pt and the arms' folders hold the end.

    Raises:
        AlexError: data, settings or checkpoint cannot be used.
    """
    require_comparable(config, bn)
    try:
        return _Experiment(config, bn, run_dir, reporter, resume, clock).run()
    except StoppedBeforeStartError:
        return "stopped"


class _Stopped(Exception):  # noqa: N818
    """A stop was asked for in the midst of a measurement."""


class _Experiment:
    """The parts of one experiment. A class only so that the methods below need not hand fifteen values around."""

    def __init__(
        self, config: TrainConfig, bn: BnConfig, run_dir: Path, reporter: Reporter, resume: bool, clock: Clock
    ) -> None:
        self.config, self.bn, self.run_dir, self.reporter, self.clock = config, bn, run_dir, reporter, clock
        self.began = clock()
        # Not saved yet: the first checkpoint follows the first measurements, so that a kill costs at most some minutes.
        self.saved = clock() if resume else -math.inf
        self.device = choose_device(config.device)
        self.data = open_seeds(config, seeds_of(config, bn), reporter, pin_memory=self.device.type == "cuda")
        first = self.data[config.seed]
        self.index, self.plan = first.index, first.plan
        reporter.progress("building the networks", 0, 0)
        seed_everything(config.seed, config.deterministic, config.cudnn_benchmark)
        self.arms = build_arms(config, bn, len(self.index.classes), self.device)
        self.objective = Objective(weights_for(config, first.counts), config.label_smoothing, config.ignore_index)
        self.val = ValBatches(
            self.index,
            first.evaluation_operations,
            config.image_size,
            batch_size=max(32, config.batch_size),
            seed=config.seed,
        )
        reporter.progress("reading the probe pictures", 0, 0)
        images, labels = probe_set(self.index, first.evaluation_operations, bn.probe_images, config.seed)
        channels = fan_channels(self.arms[0].model)
        self.prober = Prober(config, images.to(self.device), labels.to(self.device), channels, self.objective)
        self.schedule = Schedule(bn.steps, bn.probe_every)
        self.eval_steps = evaluation_steps(bn.steps, bn.eval_every)
        # How far it is, and what it took: steps made by every arm, and the last step whose measurements are complete.
        self.step, self.measured = 0, -1
        self.probe_s = self.eval_s = 0.0
        self.evaluations = 0
        self.round_s: list[float] = []
        if resume:
            self._restore()
        self._announce(resume)

    def _announce(self, resumed: bool) -> None:
        config, model = self.config, self.arms[0].model
        write_json(self.run_dir / "class_indices.json", self.index.class_indices)
        write_json(self.run_dir / "env.json", describe_environment(self.index, self.device))
        if resumed:
            self.reporter.event("resume", epoch=self.epoch, step=self.step, round=self.step)
        layers = [layer.name for layer in layers_of(model)]
        self.reporter.event(
            "start",
            **asdict(self.plan),
            classes=list(self.index.classes),
            device=describe_device(self.device),
            precision="float32",
            norms=list(self.bn.norms),
            seeds=seeds_of(config, self.bn),
            steps=self.bn.steps,
            arms=[arm.key for arm in self.arms],
            layers=[name for name in layers if name.startswith("conv")],
            linear=[name for name in layers if not name.startswith("conv")],
            channels=self.prober.channels,
            parameters={arm.norm: sum(each.numel() for each in arm.model.parameters()) for arm in self.arms},
            chance=math.log(len(self.index.classes)),
            probe_images=len(self.prober.labels),
            probe_batch=len(self.prober.batch_labels),
            probe_every=self.bn.probe_every,
            eval_steps=self.eval_steps,
            activation=config.activation,
            init=config.init,
            lr=config.lr,
            batch_size=config.batch_size,
        )
        for problem in self.index.problems:
            self._warn(problem.message, problem.hint)
        for message in (*worth_saying(self.config), *self.val.worth_saying()):
            self.reporter.event("note", message=message)

    def _warn(self, message: str, hint: str = "") -> None:
        self.reporter.event("warning", message=message, hint=hint)

    @property
    def epoch(self) -> int:
        """The epoch of the next step, counted from 0."""
        return self.step // self.plan.steps_per_epoch

    @property
    def seconds(self) -> float:
        """Since the experiment began, without the time between a stop and its resume."""
        return self.clock() - self.began

    def run(self) -> str:
        """Train and measure to the end, or to a stop."""
        batches = {
            seed: windows_from(data.train, self.config, self.plan, self.step) for seed, data in self.data.items()
        }
        try:
            while True:
                self._measure()
                if self.step == self.bn.steps:
                    break
                every_s = 60 * self.config.checkpoint_every_minutes
                if every_s and self.clock() - self.saved >= every_s:
                    self._save()
                self._obey()
                self._round(batches)
            self._save()
            self._finish()
        except _Stopped:
            self._stop()
            return "stopped"
        return "finished"

    def _finish(self) -> None:
        self._report("recalibrating", 0, len(self.arms))
        images = self.bn.recalibrate_images
        networks = recalibrated(
            self.arms, lambda arm: recalibration_batches(self.data[arm.seed], arm.config, images), self._obey
        )
        figures = all_figures(self.arms, networks, self.val, self.device, self._obey_on_batch)
        for arm in self.arms:
            self._tell_evaluation(arm, figures[arm.key])
        told = f"{images:,} pictures" if images else "one epoch"
        told = (
            f"recalibrated: measured anew after the last step, on {told} of the training split as training augments it"
        )
        self._write("finished", networks, figures, told)

    def _stop(self) -> None:
        """Keep what there is. Recalibration looks at the probe pictures only: whoever stops does not want to wait."""
        if self.measured < self.step:
            self.prober.keep_gradients(self.arms, self._lr(), self.step)
        self._save()
        probe_batch = [(self.prober.images, self.prober.labels)]
        networks = recalibrated(self.arms, lambda _arm: probe_batch, lambda: None)
        told = f"recalibrated: measured anew at the stop, on the {len(self.prober.labels):,} probe pictures"
        self._write("stopped", networks, {}, f"{told}, pictures of this batch among them")

    def _write(self, state: str, networks: Networks, figures: dict[str, Figures], statistics: str) -> None:
        self._tell_cost()
        write_arms(self.run_dir, self.arms, networks, self.data, state, self.step, figures, statistics)
        self.reporter.event("verdict", answers=conclude(self.run_dir))

    def _round(self, batches: dict[int, Iterator[list[Batch]]]) -> None:
        """One optimizer step of every arm; a batch is read once for all arms of its seed."""
        began = self.clock()
        config, step = self.config, self.step
        lr = config.lr * lr_factor(config, step, self.bn.steps, self.plan.steps_per_epoch)
        for seed, windows in batches.items():
            window = next(windows)
            for arm in self.arms:
                if arm.seed == seed and arm.diverged_at is None:
                    loss = arm.step(window, self.objective, lr, step, self.device)
                    if loss is None:
                        self._tell_divergence(arm)
        self.step += 1
        log_every = math.ceil(self.bn.steps / LOGGED_STEPS)
        if self.step % log_every == 0 or self.step == 1:
            for arm in self.arms:
                self._log(arm, lr)
        self.round_s.append(self.clock() - began)
        self._report()

    def _log(self, arm: Arm, lr: float) -> None:
        sums = arm.logged
        # After its null event an arm is silent: a mean of the steps before would read as if it had gone on.
        if sums.steps and arm.diverged_at is None:
            self.reporter.event(
                "arm_step",
                arm=arm.norm,
                seed=arm.seed,
                step=self.step,
                round=self.step,
                lr=lr,
                loss=round(sums.mean_loss, 6),
                acc1=round(sums.acc1, 6),
                grad_norm=round(arm.grad_norm, 6),
                step_s=round(sums.step_s / sums.steps, 5),
            )
        arm.logged = Sums()

    def _tell_divergence(self, arm: Arm) -> None:
        at = arm.diverged_at
        self.reporter.event("arm_step", arm=arm.norm, seed=arm.seed, step=at, round=at, loss=None, grad_norm=None)
        self._warn(
            f"The arm {arm.key} has diverged: its loss or gradient is not finite in step {at}.",
            f"It stands still from there on, the others go on. A lower rate than {self.config.lr:g} may keep it.",
        )

    def _measure(self) -> None:
        """Whatever is due after this step and has not been done yet."""
        if self.measured >= self.step:
            return
        self._plan_probes()
        groups = [group for group in self.schedule.groups_at(self.step) if self._affordable(group)]
        for number, group in enumerate(groups):
            for place, arm in enumerate(self.arms):
                self._obey()
                self._report("measuring", number * len(self.arms) + place, len(groups) * len(self.arms))
                if arm.diverged_at is None:
                    began = self.clock()
                    for quantity, data in self.prober.probe(group, arm, self._lr(), self.step):
                        took = round(self.clock() - began, 4)
                        self.reporter.event(
                            "probe",
                            arm=arm.norm,
                            seed=arm.seed,
                            step=self.step,
                            quantity=quantity,
                            seconds=took,
                            data=data,
                        )
                    self.probe_s += self.clock() - began
                    self.prober.took(group, self.clock() - began)
        if self.step in self.eval_steps and self.step < self.bn.steps:
            began = self.clock()
            # All of them first: a stop in between must not have used up what some arms have counted.
            figures = all_figures(self.arms, {}, self.val, self.device, self._obey_on_batch)
            for arm in self.arms:
                self._tell_evaluation(arm, figures[arm.key])
            self.eval_s += self.clock() - began
            self.evaluations += 1
        self.measured = self.step

    def _lr(self) -> float:
        """The rate of the step to come, or of the last one at the end."""
        at = min(self.step, self.bn.steps - 1)
        return self.config.lr * lr_factor(self.config, at, self.bn.steps, self.plan.steps_per_epoch)

    def _tell_evaluation(self, arm: Arm, figures: Figures) -> None:
        sums, arm.validated = arm.validated, Sums()
        training = {"train_loss": sums.mean_loss, "train_acc1": sums.acc1}
        self.reporter.event(
            "arm_eval",
            arm=arm.norm,
            seed=arm.seed,
            step=self.step,
            round=self.step,
            **{name: round(value, 6) for name, value in {**training, **figures}.items()},
        )

    def _plan_probes(self) -> None:
        if self.schedule.planned or self.step < min(PLAN_AT, self.bn.steps) or len(self.round_s) <= WARM_UP:
            return
        other_s = min(self.round_s[WARM_UP:]) * self.bn.steps + self._eval_s() * len(self.eval_steps)
        self.schedule.plan(self.prober.least_costs(len(self.arms)), other_s)
        counts = ", ".join(f"{group} {len(steps)}" for group, steps in self.schedule.due.items())
        self.reporter.event("note", message=f"Probes of each kind from the measured costs: {counts}.")

    def _affordable(self, group: str) -> bool:
        """Whether a probe fits into the promised share; the plan was made early, and the machine may be quicker now."""
        if self.bn.probe_every or not self.round_s or self.step == self.bn.steps:
            return True
        recent = self.round_s[-20:]
        left_s = (self.bn.steps - self.step) * sum(recent) / len(recent)
        costs = self.prober.costs(len(self.arms))
        return self.schedule.affordable(group, costs, self.probe_s, self.seconds - self.probe_s + left_s)

    def _eval_s(self) -> float:
        return self.eval_s / self.evaluations if self.evaluations else 0.0

    def _report(self, phase: str = "training", done: int | None = None, total: int | None = None) -> None:
        recent = self.round_s[-20:]
        round_s = sum(recent) / len(recent) if recent else 0.0
        costs = self.prober.costs(len(self.arms))
        left_s = (self.bn.steps - self.step) * round_s
        left_s += sum(costs.get(group, 0.0) * self.schedule.left(group, self.step) for group in self.schedule.due)
        left_s += self._eval_s() * (1 + sum(each > self.step for each in self.eval_steps))
        pictures = self.config.batch_size * self.config.accumulation_steps * len(self.arms)
        arms = len(self.arms)
        self.reporter.progress(
            phase,
            self.step if done is None else done,
            self.bn.steps if total is None else total,
            epoch=self.epoch,
            step=self.step * arms,
            total_steps=self.bn.steps * arms,
            images_per_s=round(pictures / round_s, 1) if round_s else 0.0,
            eta_s=round(left_s, 1) if recent else None,
        )

    def _obey_on_batch(self, done: int, total: int) -> None:
        self._report("validating", done, total)
        self._obey()

    def _obey(self) -> None:
        """Wait out a pause; raise _Stopped if the experiment shall stop."""
        if self.reporter.request() == "pause":
            paused = self.clock()
            self.reporter.paused(True)
            while self.reporter.request() == "pause":
                time.sleep(PAUSE_POLL_S)
            self.reporter.paused(False)
            # A pause is no part of the time that the probes have their share of.
            self.began += self.clock() - paused
        if self.reporter.request() == "stop":
            raise _Stopped

    def _tell_cost(self) -> None:
        total_s = max(self.seconds, 1e-9)
        self.reporter.event(
            "probe_cost",
            share=round(self.probe_s / total_s, 4),
            probe_s=round(self.probe_s, 2),
            total_s=round(total_s, 2),
            eval_s=round(self.eval_s, 2),
            step_s=step_seconds(self.arms),
            groups={group: round(cost, 4) for group, cost in self.prober.costs(len(self.arms)).items()},
        )

    def _save(self) -> None:
        position = {
            "step": self.step,
            "measured": self.measured,
            "seconds": self.seconds,
            "probe_s": self.probe_s,
            "eval_s": self.eval_s,
            "evaluations": self.evaluations,
            "round_s": self.round_s[-20:],
            "schedule": self.schedule.as_dict(),
            "costs": self.prober.spent,
        }
        save_checkpoint(
            self.run_dir / "checkpoints" / CHECKPOINT,
            {
                "arms": {arm.key: arm.as_dict() for arm in self.arms},
                "position": position,
                "config": self.config.model_dump(),
                "bn": self.bn.model_dump(),
                "class_to_idx": self.index.class_to_idx,
                "fingerprint": self.index.fingerprint(),
            },
        )
        self.saved = self.clock()
        self.reporter.event("checkpoint", name=CHECKPOINT, epoch=self.epoch, step=self.step)

    def _restore(self) -> None:
        path = self.run_dir / "checkpoints" / CHECKPOINT
        # To the CPU: what the probes remember stays there, and weights and momentum go where their networks are.
        saved = load_checkpoint(path, "cpu", _REQUIRED)
        numbers = saved["class_to_idx"]
        require_same_mapping(sorted(numbers, key=lambda name: int(numbers[name])), self.index.classes)
        if saved["fingerprint"] != self.index.fingerprint():
            self._warn(
                "The data set has changed since the checkpoint; the experiment goes on, but is not the same one."
            )
        if saved["bn"] != self.bn.model_dump() or sorted(saved["arms"]) != sorted(arm.key for arm in self.arms):
            raise CheckpointError(
                f"{path} belongs to another experiment than the one described beside it.", "Start a new one."
            )
        for arm in self.arms:
            arm.restore(saved["arms"][arm.key])
        position = saved["position"]
        self.step, self.measured = position["step"], position["measured"]
        self.probe_s, self.eval_s = position["probe_s"], position["eval_s"]
        self.evaluations = position["evaluations"]
        self.round_s = list(position["round_s"])
        self.schedule.restore(position["schedule"])
        self.prober.spent = {group: list(each) for group, each in position["costs"].items()}
        self.began -= position["seconds"]
