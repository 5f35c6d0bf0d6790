"""What is measured between two rounds of an experiment: probes and validations of all arms, and the events of it."""

from __future__ import annotations

from alexcore.batchnorm.measure.arm_validation import Figures, OnBatch, all_figures
from alexcore.batchnorm.measure.arms import Arm, Sums
from alexcore.batchnorm.measure.experiment_parts import ExperimentParts


class StopAskedError(Exception):
    """A stop was asked for, perhaps in the midst of a measurement."""


def obey(experiment: ExperimentParts) -> None:
    """Wait out a pause.

    Raises:
        StopAskedError: the experiment shall stop.
    """
    if not experiment.session.obey():
        raise StopAskedError


def obey_on_batch(experiment: ExperimentParts) -> OnBatch:
    """What a validation calls after each batch."""

    def told(done: int, total: int) -> None:
        experiment.pace.report("validating", done, total)
        obey(experiment)

    return told


def measure(experiment: ExperimentParts) -> None:
    """Do whatever is due after this step.

    Raises:
        StopAskedError: a stop was asked for meanwhile; what is not complete is made again after a resume.
    """
    pace, arms, clock = experiment.pace, experiment.arms, experiment.session.clock
    groups = pace.groups_due()
    for number, group in enumerate(groups):
        for place, arm in enumerate(arms):
            obey(experiment)
            pace.report("measuring", number * len(arms) + place, len(groups) * len(arms))
            if arm.diverged_at is None:
                began = clock()
                _probe(experiment, group, arm)
                pace.probe_took(group, clock() - began)
    if pace.step in pace.eval_steps and pace.step < experiment.bn.steps:
        began = clock()
        # All of them first: a stop in between must not have used up what some arms have counted.
        figures = all_figures(arms, {}, experiment.val, experiment.device, obey_on_batch(experiment))
        for arm in arms:
            tell_evaluation(experiment, arm, figures[arm.key])
        pace.eval_s += clock() - began
        pace.evaluations += 1
    pace.measured = pace.step


def _probe(experiment: ExperimentParts, group: str, arm: Arm) -> None:
    pace, session = experiment.pace, experiment.session
    began = session.clock()
    for quantity, data in experiment.prober.probe(group, arm, pace.lr_of(arm), pace.step):
        session.reporter.event(
            "probe",
            arm=arm.norm,
            seed=arm.seed,
            step=pace.step,
            quantity=quantity,
            seconds=round(session.clock() - began, 4),
            data=data,
        )


def tell_evaluation(experiment: ExperimentParts, arm: Arm, figures: Figures) -> None:
    """Write the event `arm_eval`, with the training figures since the last one."""
    sums, arm.validated = arm.validated, Sums()
    training = {"train_loss": sums.mean_loss, "train_acc1": sums.acc1}
    step = experiment.pace.step
    experiment.session.reporter.event(
        "arm_eval",
        arm=arm.norm,
        seed=arm.seed,
        step=step,
        round=step,
        **{name: round(value, 6) for name, value in {**training, **figures}.items()},
    )
