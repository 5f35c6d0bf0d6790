"""The parts of a run: made from its configuration, restored from a checkpoint, and saved into one."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import nn

from alexcore.config import TrainConfig
from alexcore.data.content_hashes import seen_by
from alexcore.data.decoding.levels import Rendering
from alexcore.data.shards import is_sharded
from alexcore.errors import TrainingError
from alexcore.findings.finding import few
from alexcore.findings.run import GradientNotFinite, LossNotFinite, NotCompiled, StatisticsNotFinite, WeightsNotFinite
from alexcore.nn import Network
from alexcore.nn.norms import one_norm
from alexcore.training.changed_data import data_changed, data_moved
from alexcore.training.checkpoint import build_model
from alexcore.training.device import choose_precision
from alexcore.training.distributed import require_group
from alexcore.training.loader import Batch
from alexcore.training.objective import Objective, weights_for
from alexcore.training.optim import averaged, build_optimizer, set_lr
from alexcore.training.plan import replanned
from alexcore.training.resuming import begins_anew, what_changed
from alexcore.training.run_data import RunData, open_together
from alexcore.training.seeding import seed_everything
from alexcore.training.session import Session
from alexcore.training.start_from import freeze, learned_before, start_from
from alexcore.training.state import TrainingState
from alexcore.training.step import StepResult, train_step, without_lone


@dataclass(frozen=True)
class RunParts:
    """What a run is made of.

    `precision` is the format of the heavy layers. The steps go through `trained`, a view of the network in `state`:
    compiled, its gradients shared by the ranks.
    """

    config: TrainConfig
    session: Session
    device: torch.device
    precision: torch.dtype
    data: RunData
    state: TrainingState
    objective: Objective
    trained: nn.Module

    def step(self, window: Sequence[Batch], lr: float) -> StepResult:
        """One optimizer step over a window of micro-batches, at the rate `lr`."""
        set_lr(self.state.optimizer, lr)
        if one_norm(self.config.norm).over_batch and not self.config.sync_batchnorm:
            window = without_lone(window)
        return train_step(
            self.trained,
            self.state.optimizer,
            self.objective,
            window,
            self.device,
            self.precision,
            self.config.grad_clip,
            scaler=self.state.scaler,
            channels_last=self.config.channels_last,
            group=self.session.group,
            moved=self.session.reporter.moved,
        )


def prepare(config: TrainConfig, session: Session, *, resume: bool, skipping: bool = False) -> RunParts:
    """Open the data and build everything else, as it is at the beginning or in last.pt.

    With `skipping` the loaders go on where a picture can no longer be read, and `Unreadable` counts it.

    Raises:
        AlexError: data, settings or checkpoint cannot be used.
        StoppedBeforeStartError: a stop was asked for meanwhile.
    """
    group = session.group
    device = group.device(config.device)
    require_group(config, group, device)
    precision = choose_precision(config.precision, device)
    # Before the data are opened, because it says how their pictures are rendered.
    saved = session.read("last.pt", device) if resume else None
    kept = Rendering.of(saved.get("rendering")) if saved else None
    learned = seen_by(session.run_dir) | learned_before(config.start_from)
    data = open_together(
        config,
        session.reporter,
        device.type == "cuda",
        group,
        skipping=skipping,
        rendering=kept,
        learned=learned,
    )
    session.reporter.progress("building-network", 0, 0)
    seed_everything(config.seed, config.deterministic, config.cudnn_benchmark)
    model = _network(config, data, session, device, resume)
    state = TrainingState(
        model,
        build_optimizer(model, config),
        torch.amp.GradScaler(device.type) if precision == torch.float16 else None,
        averaged(model, config.ema_decay) if config.ema_decay else None,
    )
    if saved:
        _restore(saved, config, data, state, session)
        data = replace(data, plan=replanned(config, data.plan, state.position))
    trained: nn.Module = model
    if config.compile:
        session.reporter.progress("compiling", 0, 0)
        trained = compiled(model, config, device, session.tell)
    trained = group.wrap(trained, device, config.image_size)
    objective = Objective(weights_for(config, data.counts), config.label_smoothing, config.ignore_index)
    return RunParts(config, session, device, precision, data, state, objective, trained)


def compiled(
    model: nn.Module, config: TrainConfig, device: torch.device, on_failure: Callable[[NotCompiled], None]
) -> nn.Module:
    """Return a compiled view of `model`, which shares its weights, or `model` itself, and tell `on_failure` why.

    Whether compiling works shows only when the first batch goes forward and backward, so a copy tries it on an empty
    picture: neither the weights, nor the statistics of batch norm, nor any random number of the run are touched.
    """
    shape = (config.batch_size, 3, config.image_size, config.image_size)
    try:
        with torch.random.fork_rng():
            torch.compile(copy.deepcopy(model))(torch.zeros(shape, device=device)).sum().backward()
        view = cast(nn.Module, torch.compile(model))
    # A missing compiler, an unknown GPU or a bug of the compiler: each raises an error of its own.
    except Exception as error:  # noqa: BLE001
        lines = str(error).strip().splitlines()
        on_failure(NotCompiled(type(error).__name__, lines[0][:150] if lines else ""))
        return model
    return view


def _network(config: TrainConfig, data: RunData, session: Session, device: torch.device, resume: bool) -> Network:
    """The network on its device, with the weights that it begins with, in every rank those of the first."""
    group, classes = session.group, data.index.classes
    model = build_model(config, len(classes))
    if config.start_from and not resume and group.first:
        session.reporter.progress("loading-weights", 0, 0)
        for finding in start_from(model, config, classes):
            session.tell(finding)
    if config.freeze_features:
        freeze(model)
    if config.sync_batchnorm and group.ranks > 1:
        model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    order = torch.channels_last if config.channels_last else torch.contiguous_format
    model.to(device, memory_format=order)  # type: ignore[call-overload]
    group.same_weights(model)
    return model


def _restore(saved: dict[str, Any], config: TrainConfig, data: RunData, state: TrainingState, session: Session) -> None:
    """Go on from a checkpoint, and say what makes this another run than the one that was interrupted."""
    session.go_on(saved, data.index)
    changed = data_changed(saved, data.index)
    moved = data_moved(str(saved["config"].get("data", "")), config.data, data.index, seen_by(session.run_dir))
    for each in (changed, moved):
        if each:
            session.tell(each)
    epoch, steps = int(saved["position"]["epoch"]), data.plan.steps_per_epoch
    for finding in what_changed(saved["config"], config, is_sharded(data.index), epoch, steps):
        session.tell(finding)
    state.restore(saved)
    if saved["config"].get("time_budget_s", 0) != config.time_budget_s:
        state.position.total_steps = 0
    if changed:
        state.position.begin_anew(training=changed.train_changed, validation=changed.val_changed)
    if begins_anew(saved["config"], config):
        state.position.patience_from = state.position.epoch - 1


def save(name: str, run: RunParts) -> None:
    """Write a checkpoint, in the first rank.

    Raises:
        TrainingError: a weight or a running statistic is not finite, so an older checkpoint is worth more.
        CheckpointError: the disk is full or cannot be written.
    """
    if not run.session.group.first:
        return
    position = run.state.position
    position.seconds = run.session.clock()
    _require_good(run)
    about = {"config": run.config.model_dump(), "evaluation_operations": run.data.evaluation_operations}
    run.session.save(name, {**run.state.as_dict(), **about}, run.data.index, position.epoch, position.step)


def _require_good(run: RunParts) -> None:
    state, about = run.state, (run.state.position.step, run.config.lr, _has_last(run))
    if not all(bool(each.isfinite().all()) for each in state.model.parameters()):
        raise WeightsNotFinite(*about).refusal(TrainingError)
    # The average is of weights and statistics, and a statistic may be lost while every weight is still a number.
    networks = {id(each): each for each in (state.model, state.predictor)}.values()
    lost = [name for each in networks for name, value in each.state_dict().items() if not bool(value.isfinite().all())]
    if lost:
        raise StatisticsNotFinite(*about, few(lost), len(lost)).refusal(TrainingError)


def require_finite(result: StepResult, run: RunParts) -> None:
    """Refuse to go on after a step without a loss or a gradient; a scaler has left such a step out by itself.

    Raises:
        TrainingError: it is so.
    """
    step = run.state.position.step + 1
    if not math.isfinite(result.loss):
        raise LossNotFinite(step, run.config.lr, _has_last(run), str(result.loss)).refusal(TrainingError)
    if not (math.isfinite(result.grad_norm) or run.state.scaler):
        raise GradientNotFinite(step, run.config.lr, _has_last(run), str(result.grad_norm)).refusal(TrainingError)


def _has_last(run: RunParts) -> bool:
    return (run.session.run_dir / "checkpoints" / "last.pt").is_file()
