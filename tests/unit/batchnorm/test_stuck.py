"""An arm that never leaves the share of the largest class: named with its cause, and in no comparison."""

from __future__ import annotations

import pytest

from alexcore.batchnorm.read.conclusion import conclude
from alexcore.batchnorm.read.learning import Cause
from alexcore.batchnorm.read.summary import ExperimentSummary, summarise
from alexcore.batchnorm.read.verdict import verdict
from alexcore.findings.finding import Finding
from alexcore.runs.events import EventWriter
from tests.support.bn_experiments import write_experiment

SHARE = 0.248
Accuracies = tuple[float, ...]
FLAT, RISING = (0.2, SHARE, SHARE, SHARE), (0.2, 0.3, 0.5, 0.6)


def found(
    accuracies: dict[str, Accuracies], loss: float = 1.6, share: float | None = SHARE, activation: str = "relu"
) -> ExperimentSummary:
    """Five seeds of each arm with these accuracies, all alike."""
    evals, steps, probes = {}, {}, {}
    layers = ["conv1", "linear1", "linear3"]
    shares = {"relu": ("Q12", "dead"), "tanh": ("Q13", "saturated_channels")}
    quantity, column = shares[activation]
    for arm, values in accuracies.items():
        for seed in range(5):
            evals[arm, seed] = [
                {"step": 10 * at, "train_loss": loss if at else None, "val_acc1": value + (at and 1e-4 * seed)}
                | ({} if share is None else {"largest_share": share})
                for at, value in enumerate(values)
            ]
            steps[arm, seed] = [{"step": 30, "loss": loss, "grad_norm": 0.02, "lr": 0.1}]
            probes[arm, seed] = [
                {"step": at, "data": {"layers": layers, column: [0.05, dead, None]}}
                for at, dead in ((0, 0.2), (30, 0.99))
            ]
    start = {"classes": 5, "steps": 30, "lr": 0.1, "activation": activation, "arms": [f"{a}-s{s}" for a, s in evals]}
    return summarise(start, steps, evals, {quantity: probes})


@pytest.mark.parametrize(("activation", "column"), [("relu", "dead"), ("tanh", "saturated")])
def test_a_stuck_arm_has_its_cause_and_no_numbers(activation, column):
    summary = found({"none": RISING, "batch": FLAT}, activation=activation)
    assert summary.outcomes["batch"] == dict.fromkeys(range(5), "stuck")
    assert summary.stuck["batch"][0] == Cause(SHARE, "linear1", 0.99, 0.02)
    assert all(not summary.of(measure, "batch") for measure in summary.values)
    assert summary.of("val_acc1", "none")
    answers = verdict(summary)
    assert not any(each.decided for each in answers)
    why = "at 24.8%, the share of the largest class (99.0% of the units of linear1 do nothing for any image and the"
    assert f"the arm with BN is stuck in all seeds {why} gradient's norm is 0.02)" in answers[3].words.short


def test_a_stuck_arm_beside_the_comparison_is_named_in_it():
    summary = found({"none": RISING, "batch": (0.2, 0.5, 0.7, 0.9), "group": FLAT})
    said = verdict(summary)[3].words.short
    assert "stuck, and compared with nothing: 5 of 5 with GroupNorm at 24.8%" in said
    assert "with GroupNorm 24.8%" not in said


def test_what_learned_is_not_called_stuck_for_a_loss_that_dropout_keeps_high():
    assert found({"none": RISING}, loss=1.7).outcomes["none"][0] == "learned"
    assert found({"none": FLAT}, loss=1.2).outcomes["none"][0] == "stuck"


def test_many_classes_leave_a_small_share_soon():
    rare = found({"none": (0.001, 0.002, 0.004, 0.01)}, share=0.005)
    assert rare.outcomes["none"][0] == "learned"


def test_what_earlier_versions_wrote_is_told_by_its_loss():
    old = found({"none": FLAT, "batch": RISING}, loss=1.6, share=None)
    assert set(old.outcomes["none"].values()) == {"stuck"}
    assert old.stuck["none"][0].share is None
    assert "stuck in all seeds (99.0% of the units of linear1" in verdict(old)[3].words.short


def test_an_arm_without_a_step_is_neither_stuck_nor_diverged():
    start = {"classes": 5, "steps": 30, "lr": 0.1, "arms": ["none-s0"]}
    untrained = summarise(start, {}, {("none", 0): [{"step": 0, "train_loss": None, "val_acc1": 0.2}]}, {})
    assert untrained.outcomes == {}


def test_a_reader_is_told_of_an_arm_that_is_stuck():
    folder = write_experiment("finished", "one", seeds=1)
    writer = EventWriter(folder / "events.jsonl")
    for step in (10, 20):
        writer.write("arm_eval", arm="group", seed=0, step=step, train_loss=1.1, val_acc1=0.25, largest_share=0.25)
    writer.close()
    told: list[Finding] = []
    conclude(folder, told.append)
    (finding,) = told
    assert finding.values["arm"] == "group-s0"
    said = finding.message
    assert said.startswith("The arm group-s0 is stuck at 25.0%, the share of the largest class: ")
    assert said.endswith("It enters no comparison.")
