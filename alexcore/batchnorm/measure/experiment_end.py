"""The end of an experiment, after its last step or at a stop: networks to keep, tables, the verdict."""

from __future__ import annotations

from alexcore.batchnorm.measure.arm_runs import Networks, all_figures, recalibrated, write_arms
from alexcore.batchnorm.measure.arm_validation import Figures
from alexcore.batchnorm.measure.batches import recalibration_batches
from alexcore.batchnorm.measure.experiment_parts import ExperimentParts, save
from alexcore.batchnorm.measure.measurements import obey, obey_on_batch, tell_evaluation
from alexcore.batchnorm.read.conclusion import conclude


def finish(experiment: ExperimentParts) -> None:
    """Recalibrate, validate once more, and write everything down.

    Raises:
        StopAskedError: a stop was asked for meanwhile.
    """
    arms, data = experiment.arms, experiment.data
    experiment.pace.report("recalibrating", 0, len(arms))
    images = experiment.bn.recalibrate_images
    networks = recalibrated(
        arms, lambda arm: recalibration_batches(data[arm.seed], arm.config, images), lambda: obey(experiment)
    )
    figures = all_figures(arms, networks, experiment.val, experiment.device, obey_on_batch(experiment))
    for arm in arms:
        tell_evaluation(experiment, arm, figures[arm.key])
    told = f"{images:,} pictures" if images else "one epoch"
    told = f"recalibrated: measured anew after the last step, on {told} of the training split as training augments it"
    _write(experiment, "finished", networks, figures, told)


def stop(experiment: ExperimentParts) -> None:
    """Keep what there is. Recalibration looks at the probe pictures only: whoever stops does not want to wait."""
    prober, pace, arms = experiment.prober, experiment.pace, experiment.arms
    if pace.measured < pace.step:
        prober.keep_gradients(arms, pace.lr, pace.step)
    save(experiment)
    probe_batch = [(prober.images, prober.labels)]
    networks = recalibrated(arms, lambda _arm: probe_batch, lambda: None)
    told = f"recalibrated: measured anew at the stop, on the {len(prober.labels):,} probe pictures"
    _write(experiment, "stopped", networks, {}, f"{told}, pictures of this batch among them")


def _write(
    experiment: ExperimentParts, state: str, networks: Networks, figures: dict[str, Figures], statistics: str
) -> None:
    session, pace = experiment.session, experiment.pace
    pace.tell_cost()
    write_arms(session.run_dir, experiment.arms, networks, experiment.data, state, pace.step, figures, statistics)
    session.reporter.event("verdict", answers=conclude(session.run_dir))
