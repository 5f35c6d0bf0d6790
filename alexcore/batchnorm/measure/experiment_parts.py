"""The parts of an experiment: made from its description, restored from its checkpoint, and saved into it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

import torch

from alexcore.batchnorm.measure.arm_validation import ValBatches
from alexcore.batchnorm.measure.arms import Arm, build_arms, worth_saying
from alexcore.batchnorm.measure.batches import open_seeds, probe_set
from alexcore.batchnorm.measure.experiment_pace import ExperimentPace
from alexcore.batchnorm.measure.own_rates import choose_rates
from alexcore.batchnorm.measure.prober import Prober
from alexcore.batchnorm.measure.weighted_layers import fan_channels, layers_of
from alexcore.batchnorm.settings import BnConfig, arm_key, make_bn_config, seeds_of
from alexcore.config import TrainConfig
from alexcore.data.content_hashes import seen_by
from alexcore.data.decoding.levels import Rendering
from alexcore.errors import CheckpointError, ConfigError
from alexcore.files import write_json
from alexcore.runs.kinds import BATCHNORM
from alexcore.training.device import choose_device, describe_device
from alexcore.training.objective import Objective, weights_for
from alexcore.training.plan import validation_counts
from alexcore.training.run_data import RunData
from alexcore.training.seeding import seed_everything
from alexcore.training.session import Session
from alexcore.training.unreadable import Unreadable

_REQUIRED = ("version", "arms", "position", "config", "bn", "class_to_idx", "fingerprint")


@dataclass(frozen=True)
class _ProbePictures:
    """Which of the pictures of the probes could not be read."""

    lost: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ExperimentParts:
    """What an experiment is made of."""

    config: TrainConfig
    bn: BnConfig
    session: Session
    device: torch.device
    data: dict[int, RunData]
    arms: list[Arm]
    objective: Objective
    val: ValBatches
    prober: Prober
    pace: ExperimentPace
    unreadable: Unreadable
    # What a checkpoint holds of arms that had finished before seeds were added; those are not touched any more.
    finished: dict[str, Any] = field(default_factory=dict)

    @property
    def first(self) -> RunData:
        """The data of the first seed; all seeds have the same pictures."""
        return next(iter(self.data.values()))

    @property
    def seeds(self) -> list[int]:
        """The seeds that are in training."""
        return list(self.data)


def prepare(config: TrainConfig, bn: BnConfig, session: Session, *, resume: bool) -> ExperimentParts:
    """Open the data and build everything else, as it is at the beginning or in experiment.pt; then announce it.

    Raises:
        AlexError: data, settings or checkpoint cannot be used.
        StoppedBeforeStartError: a stop was asked for meanwhile.
    """
    device, reporter = choose_device(config.device), session.reporter
    more: dict[str, Any] = {"skipping": True, "learned": seen_by(session.run_dir)}
    # To the CPU: what the probes remember stays there, and weights and momentum go where their networks are.
    saved = session.read(BATCHNORM.checkpoint, "cpu", _REQUIRED) if resume else None
    more["rendering"] = Rendering.of(saved.get("rendering")) if saved else None
    seeds = _growing(saved, config, bn) if saved else seeds_of(config, bn)
    data = open_seeds(config, seeds, reporter, device.type == "cuda", **more)
    first = data[seeds[0]]
    index, operations = first.index, first.evaluation_operations
    for finding in validation_counts(config, index):
        raise finding.refusal(ConfigError)
    reporter.progress("building-networks", 0, 0)
    seed_everything(config.seed, config.deterministic, config.cudnn_benchmark)
    rates = dict((saved or {}).get("rates") or {})
    if bn.own_rates and not saved:
        rates = choose_rates(config, bn, session, index.rendering)
        seed_everything(config.seed, config.deterministic, config.cudnn_benchmark)
    arms = build_arms(config, bn, len(index.classes), device, seeds, rates)
    objective = Objective(weights_for(config, first.counts), config.label_smoothing, config.ignore_index)
    size = max(32, config.batch_size)
    val = ValBatches(index, operations, config.image_size, batch_size=size, seed=config.seed, lost="skipped")
    reporter.progress("reading-probe-pictures", 0, 0)
    probes = _ProbePictures()
    images, labels = probe_set(index, operations, bn.probe_images, config.seed, probes.lost)
    prober = Prober(config, images.to(device), labels.to(device), fan_channels(arms[0].model), objective)
    pace = ExperimentPace(config, bn, first.plan.steps_per_epoch, arms, session)
    unreadable = Unreadable(config, first, session, [*(each.train for each in data.values()), val, probes])
    experiment = ExperimentParts(config, bn, session, device, data, arms, objective, val, prober, pace, unreadable)
    if saved:
        _restore(experiment, saved)
    _announce(experiment, resume)
    return experiment


def _growing(saved: dict[str, Any], config: TrainConfig, bn: BnConfig) -> list[int]:
    """The seeds that a checkpoint's experiment has in training: all, or those that were added when it had finished."""
    seeds, had = seeds_of(config, bn), int(saved["bn"]["seeds"])
    added = seeds[had:] if _has_finished(saved) else []
    return added or list(saved.get("growing") or seeds)


def _has_finished(saved: dict[str, Any]) -> bool:
    at = saved["position"]
    return bool(at["step"] == at["measured"] == saved["bn"]["steps"])


def _restore(experiment: ExperimentParts, saved: dict[str, Any]) -> None:
    session, arms, bn = experiment.session, experiment.arms, experiment.bn
    session.go_on(saved, experiment.first.index, "experiment")
    mine, asked, had = {arm.key for arm in arms}, bn.model_dump(), make_bn_config(**saved["bn"]).model_dump()
    begins = saved["bn"]["seeds"] < bn.seeds and mine.isdisjoint(saved["arms"])
    if begins:
        asked["seeds"] = saved["bn"]["seeds"]
    if had != asked or not (begins or mine <= set(saved["arms"])):
        path = session.run_dir / "checkpoints" / BATCHNORM.checkpoint
        raise CheckpointError(
            f"{path} belongs to another experiment than the one described beside it.",
            f"`runs repair {session.run_dir.name}` writes the description again from the checkpoint.",
        )
    experiment.finished.update({key: arm for key, arm in saved["arms"].items() if key not in mine})
    # Measured after the same steps as the others, whatever that costs now.
    experiment.pace.restore({**saved["position"], **({"step": 0, "measured": -1} if begins else {})})
    for arm in () if begins else arms:
        arm.restore(saved["arms"][arm.key])


def _announce(experiment: ExperimentParts, resumed: bool) -> None:
    config, bn, pace, prober = experiment.config, experiment.bn, experiment.pace, experiment.prober
    index, arms = experiment.first.index, experiment.arms
    layers = [layer.name for layer in layers_of(arms[0].model)]
    start = {
        **asdict(experiment.first.plan),
        "classes": list(index.classes),
        "device": describe_device(experiment.device),
        "precision": "float32",
        "norms": list(bn.norms),
        "seeds": seeds_of(config, bn),
        "steps": bn.steps,
        "arms": [arm_key(norm, seed) for seed in seeds_of(config, bn) for norm in bn.norms],
        "layers": [name for name in layers if name.startswith("conv")],
        "linear": [name for name in layers if not name.startswith("conv")],
        "channels": prober.channels,
        "parameters": {arm.norm: sum(each.numel() for each in arm.model.parameters()) for arm in arms},
        "chance": math.log(len(index.classes)),
        "probe_images": len(prober.labels),
        "probe_batch": len(prober.batch_labels),
        "probe_every": bn.probe_every,
        "eval_steps": pace.eval_steps,
        **{name: getattr(config, name) for name in ("activation", "init", "lr", "batch_size")},
        "rates": {arm.norm: arm.config.lr for arm in arms} if bn.own_rates else {},
    }
    resume: dict[str, Any] = {"epoch": pace.epoch, "step": pace.step, "round": pace.step} if resumed else {}
    if experiment.finished:
        resume["seeds"] = experiment.seeds
    experiment.session.announce(index, experiment.device, start, resume)
    if experiment.finished:
        write_json(experiment.session.run_dir / BATCHNORM.file, bn.model_dump())
    for finding in (*worth_saying(config), *experiment.val.worth_saying()):
        experiment.session.tell(finding)


def save(experiment: ExperimentParts) -> None:
    """Write experiment.pt.

    Raises:
        CheckpointError: the disk is full or cannot be written.
    """
    pace = experiment.pace
    state = {
        "arms": {**experiment.finished, **{arm.key: arm.as_dict() for arm in experiment.arms}},
        "growing": experiment.seeds,
        "rates": {arm.norm: arm.config.lr for arm in experiment.arms},
        "position": pace.as_dict(),
        "config": experiment.config.model_dump(),
        "bn": experiment.bn.model_dump(),
    }
    experiment.session.save(BATCHNORM.checkpoint, state, experiment.first.index, pace.epoch, pace.step)


def require_readable(experiment: ExperimentParts) -> None:
    """Save and end the experiment, if more pictures than its limit allows can no longer be read.

    Raises:
        DataError: it is so.
    """
    unreadable = experiment.unreadable
    unreadable.look()
    if unreadable.too_many:
        save(experiment)
        raise unreadable.refusal(experiment.pace.step)
