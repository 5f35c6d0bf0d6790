"""The end of an experiment, after its last step or at a stop: recalibrated networks, each arm's folder, the verdict."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable, Iterable, Iterator

from alexcore.batchnorm.measure.arm_validation import Figures, all_figures
from alexcore.batchnorm.measure.arms import Arm
from alexcore.batchnorm.measure.batches import recalibration_batches
from alexcore.batchnorm.measure.experiment_parts import ExperimentParts, require_readable, save
from alexcore.batchnorm.measure.measurements import obey, obey_on_batch, tell_evaluation
from alexcore.batchnorm.measure.recalibration import batch_norms, recalibrate
from alexcore.batchnorm.read.conclusion import conclude
from alexcore.data.content_hashes import SEEN
from alexcore.files import write_json
from alexcore.integrity import write_checked
from alexcore.nn import Network
from alexcore.runs.events import EventWriter
from alexcore.training.checkpoint import save_checkpoint
from alexcore.training.loader import Batch
from alexcore.training.state import Position, TrainingState

Networks = dict[str, Network]


def finish(experiment: ExperimentParts) -> None:
    """Recalibrate, validate once more, and write everything down.

    Raises:
        StopAskedError: a stop was asked for meanwhile.
    """
    arms, data = experiment.arms, experiment.data
    experiment.pace.report("recalibrating", 0, len(arms))
    images = experiment.bn.recalibrate_images

    def batches_of(arm: Arm) -> Iterator[Batch]:
        for batch in recalibration_batches(data[arm.seed], arm.config, images):
            obey(experiment)
            yield batch

    networks = _recalibrated(arms, batches_of)
    figures = all_figures(arms, networks, experiment.val, experiment.device, obey_on_batch(experiment))
    require_readable(experiment)
    experiment.unreadable.tell()
    for arm in arms:
        tell_evaluation(experiment, arm, figures[arm.key])
    told = f"{images:,} pictures" if images else "one epoch"
    told = f"recalibrated: measured anew after the last step, on {told} of the training split as training augments it"
    _write(experiment, "finished", networks, figures, told)


def stop(experiment: ExperimentParts) -> None:
    """Keep what there is. Recalibration looks at the probe pictures only: whoever stops does not want to wait."""
    prober, pace, arms = experiment.prober, experiment.pace, experiment.arms
    if pace.measured < pace.step:
        for arm in arms:
            prober.keep_gradients(arm, pace.lr_of(arm), pace.step)
    save(experiment)
    probe_batch = [(prober.images, prober.labels)]
    networks = _recalibrated(arms, lambda _arm: probe_batch)
    told = f"recalibrated: measured anew at the stop, on the {len(prober.labels):,} probe pictures"
    _write(experiment, "stopped", networks, {}, f"{told}, pictures of this batch among them")


def _recalibrated(arms: list[Arm], batches_of: Callable[[Arm], Iterable[Batch]]) -> Networks:
    """Copies of the networks whose running statistics were measured anew on `batches_of` the arm, by the arms' keys.

    Arms without batch norm, and those that have diverged, are left out.
    """
    found: Networks = {}
    for arm in arms:
        if batch_norms(arm.model) and arm.diverged_at is None:
            found[arm.key] = copy.deepcopy(arm.model)
            recalibrate(found[arm.key], batches_of(arm))
    return found


def _write(
    experiment: ExperimentParts, state: str, networks: Networks, figures: dict[str, Figures], statistics: str
) -> None:
    """Write what has to stay; `statistics` says what the recalibrated networks' were measured on."""
    session = experiment.session
    experiment.pace.tell_cost()
    for arm in experiment.arms:
        network, told = (networks[arm.key], statistics) if arm.key in networks else (arm.model, "")
        _write_arm(experiment, arm, network, state, figures.get(arm.key), told)
    session.reporter.event("verdict", answers=conclude(session.run_dir, session.tell))


def _write_arm(
    experiment: ExperimentParts, arm: Arm, network: Network, state: str, figures: Figures | None, statistics: str
) -> None:
    """Write a run folder of the arm's own, which every command that takes a run can read, with `network` as its own."""
    run_dir, step, data = experiment.session.run_dir, experiment.pace.step, experiment.data[arm.seed]
    folder = run_dir / "arms" / arm.key
    (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    config = arm.config.model_dump()
    write_checked(folder / "config.json", config)
    write_checked(folder / "class_indices.json", data.index.class_indices)
    for name in ("env.json", SEEN):
        if (run_dir / name).is_file():
            shutil.copy(run_dir / name, folder / name)
    epoch, passed = divmod(step, data.plan.steps_per_epoch)
    saved = TrainingState(network, arm.optimizer)
    saved.position = Position(epoch=epoch, batch=passed * arm.config.accumulation_steps, step=step)
    about = {
        "config": config,
        "class_to_idx": data.index.class_to_idx,
        "evaluation_operations": data.evaluation_operations,
        "fingerprint": data.index.fingerprint(),
        "rendering": data.index.rendering.as_dict(),
        "statistics": statistics,
    }
    save_checkpoint(folder / "checkpoints" / "last.pt", {**saved.as_dict(), **about})
    # The one event that lists and summaries of runs look for: the last validation.
    path = folder / "events.jsonl"
    path.unlink(missing_ok=True)
    writer = EventWriter(path)
    if figures:
        ending = "_recalibrated" if "val_acc1_recalibrated" in figures else ""
        shown = {name: round(figures[name + ending], 6) for name in ("val_loss", "val_acc1")}
        writer.write("epoch", epoch=epoch, step=step, **shown)
    writer.write("end", state=state)
    writer.close()
    status = {"state": state, "epoch": epoch, "step": step, "total_steps": arm.config.max_steps}
    write_json(folder / "status.json", status)
