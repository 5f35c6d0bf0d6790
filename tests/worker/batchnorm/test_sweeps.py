"""The sweeps: what they train, that they go on where they were, and the sentences that their numbers give."""

from __future__ import annotations

import json

import torch

from alexcore.batchnorm.measure import sweep_training as sweeps
from alexcore.batchnorm.measure.sweep_training import groups, split, sweep, sweep_batches, sweep_rates, whole_windows
from alexcore.batchnorm.read.conclusion import conclude, sweep_sentences
from alexcore.batchnorm.read.record import Experiment, sweep_file
from alexcore.batchnorm.settings import create_experiment
from tests.support.bn_experiments import tiny_experiment, write_experiment
from tests.support.command_line import done, refused
from tests.support.run_folders import write_run


def quiet(_done: int, _total: int) -> None: ...


def test_q14_is_every_rate_for_every_arm_and_seed():
    config, bn = tiny_experiment(sweep_rates="0.001,0.1", sweep_seeds=2, seed=4)
    found = sweep_rates(config, bn)
    assert len({each.key for each in found}) == 3 * 2 * 2
    assert {each.seed for each in found} == {4, 5}
    assert {each.lr for each in found} == {each.x for each in found} == {0.001, 0.1}
    assert {each.steps for each in found} == {3}


def test_q15_scales_the_rate_with_the_batch_in_both_tables():
    config, bn = tiny_experiment(sweep_batches="2,8,32,64", lr=0.04, batch_size=16, sweep_epochs=2)
    found = sweep_batches(config, bn, 36)
    # rate_32 is 0.08, because 0.04 was for 16 pictures; 64 are more than the split has.
    assert {(each.batch_size, each.lr) for each in found} == {(2, 0.005), (8, 0.02), (32, 0.08)}
    assert {(e.mode, e.batch_size, e.steps) for e in found} == {
        ("epochs", 2, 36),
        ("epochs", 8, 10),
        ("epochs", 32, 4),
        ("steps", 2, 3),
        ("steps", 8, 3),
        ("steps", 32, 3),
    }


def test_a_last_batch_of_one_picture_makes_no_step():
    config, bn = tiny_experiment(sweep_batches="2,8")
    steps = {(e.batch_size, e.steps) for e in sweep_batches(config, bn, 9) if e.mode == "epochs"}
    assert steps == {(2, 4), (8, 1)}
    one, two = (torch.zeros(1, 3, 8, 8), torch.zeros(1)), (torch.zeros(2, 3, 8, 8), torch.zeros(2))
    assert [len(window[0][1]) for window in whole_windows(iter([[two], [one], [two]]))] == [2, 2]


def test_groups_share_their_batches():
    config, bn = tiny_experiment(sweep_rates="0.001,0.01,0.1", sweep_seeds=2)
    found = list(groups(sweep_rates(config, bn), 6))
    assert [len(group) for group in found] == [6, 3, 6, 3]
    assert all(len({(each.seed, each.batch_size, each.steps) for each in group}) == 1 for group in found)
    assert len({each.key for group in found for each in group}) == 18


def test_a_batch_is_split_into_equal_parts():
    batch = (torch.arange(10.0).view(10, 1), torch.arange(10))
    assert [labels.tolist() for _, labels in split(batch, 4)] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert [len(labels) for _, labels in split(batch, 64)] == [10]


def test_both_sweeps_run_go_on_and_renew_the_verdict(stripes):
    config, bn = tiny_experiment(stripes, sweep_batches="4,16", arms="none,batch")
    folder = create_experiment(config, bn)
    progress: list[tuple[int, int]] = []
    found = sweep(folder, config, bn, "q14", lambda done, total: progress.append((done, total)))
    assert (found["runs"], found["new"]) == (4, 4)
    assert progress[-1] == (12, 12)
    assert [done for done, _ in progress] == sorted(done for done, _ in progress)
    assert len(found["sentences"]) == 2
    # Half of it lost, and half a line left over.
    path = sweep_file(folder, "q14")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2]) + lines[2][:20])
    again = sweep(folder, config, bn, "q14", quiet)
    assert (again["runs"], again["new"]) == (4, 2)
    record = Experiment(folder)
    record.refresh()
    before = {(e["arm"], e["x"]): e["result"] for e in map(json.loads, lines)}
    assert {(each["arm"], each["x"]): each["result"] for each in record.sweeps["q14"]} == before
    batches = sweep(folder, config, bn, "q15", quiet)
    assert batches["runs"] == 8
    assert len(batches["sentences"]) == 4


def test_a_rate_that_is_too_high_has_diverged_and_does_not_stop_the_sweep(stripes):
    config, bn = tiny_experiment(
        stripes, sweep_rates="0.01,10", sweep_steps=12, arms="none,batch", dropout=0.0, momentum=0.99
    )
    folder = create_experiment(config, bn)
    sweep(folder, config, bn, "q14", quiet)
    record = Experiment(folder)
    record.refresh()
    outcomes = {(each["arm"], each["x"]): each["result"]["outcome"] for each in record.sweeps["q14"]}
    assert outcomes["none", 10.0] == "diverged"
    assert outcomes["none", 0.01] != "diverged"


def test_networks_that_do_not_fit_together_train_one_rate_after_the_other(stripes, monkeypatch):
    config, bn = tiny_experiment(stripes, arms="none,batch")
    one, other = create_experiment(config, bn), create_experiment(config, bn)
    sweep(one, config, bn, "q14", quiet)
    monkeypatch.setattr(sweeps, "NETWORKS_BYTES", 1)
    sweep(other, config, bn, "q14", quiet)
    results = []
    for folder in (one, other):
        record = Experiment(folder)
        record.refresh()
        results.append({(each["arm"], each["x"]): each["result"] for each in record.sweeps["q14"]})
    assert results[0] == results[1]


def test_the_command_line_sweeps_an_experiment_and_refuses_a_run(stripes):
    config, bn = tiny_experiment(stripes, arms="none,batch", sweep_rates="0.01,0.02", sweep_steps=2)
    folder = create_experiment(config, bn)
    found = done("compare-bn-sweep", folder, "--kind", "q14", "--json").json
    assert (found["kind"], found["runs"]) == ("q14", 4)
    assert "is no BatchNorm experiment" in refused("compare-bn-sweep", write_run("finished", "plain"))


def test_the_sentences_of_a_sweep_come_from_its_numbers():
    folder = write_experiment("finished", "one", sweeps=True)
    record = Experiment(folder)
    record.refresh()
    rates = sweep_sentences(record, "q14")
    assert len(rates) == 3
    assert rates[0].startswith("none: best at 0.1 with a validation accuracy of 48.5%")
    batches = sweep_sentences(record, "q15")
    assert len(batches) == 6
    assert batches[1] == "Equal epochs, batch: validation error 59.0% with batches of 2, 39.0% with 32 (3 seeds)."


def test_a_verdict_is_computed_without_any_network():
    answers = conclude(write_experiment("finished", "one", sweeps=True))
    assert len(answers) == 5
    assert all(answer["short"] for answer in answers)
