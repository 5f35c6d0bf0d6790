"""The experiment as a whole: fair arms, probes that change nothing, a resume that ends as if nothing had happened."""

from __future__ import annotations

import csv
import itertools
import math
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from alexcore.batchnorm.measure import own_rates
from alexcore.batchnorm.measure import prober as probing
from alexcore.batchnorm.measure.arms import Arm, build_arm, build_arms
from alexcore.batchnorm.measure.experiment import run_experiment
from alexcore.batchnorm.measure.prober import Prober
from alexcore.batchnorm.read.record import Experiment
from alexcore.batchnorm.settings import create_experiment, load_bn_config
from alexcore.config import make_config
from alexcore.errors import CheckpointError, RunError
from alexcore.files import read_json
from alexcore.runs.digest import Digest
from alexcore.runs.kinds import BATCHNORM
from alexcore.runs.launcher import prepare_resume
from alexcore.runs.store import read_run
from alexcore.runs.worker import execute
from alexcore.training import session
from alexcore.training.checkpoint import build_model, load_checkpoint
from alexcore.training.objective import Objective
from alexcore.training.seeding import seed_everything
from tests.support.bn_experiments import QUANTITIES
from tests.support.bn_trainings import STEPS, Killed, Watcher, at_step, described, run
from tests.support.command_line import done

CPU = torch.device("cpu")


def saved(folder: Path) -> dict[str, Any]:
    return load_checkpoint(folder / "checkpoints" / BATCHNORM.checkpoint, required=("arms", "position"))


def assert_same(ours: Any, theirs: Any, where: str = "") -> None:
    if isinstance(ours, torch.Tensor):
        assert torch.equal(ours, theirs), where
    elif isinstance(ours, dict):
        assert ours.keys() == theirs.keys(), where
        for key in ours:
            if key != "step_s":  # the clock's
                assert_same(ours[key], theirs[key], f"{where}.{key}")
    elif isinstance(ours, list):
        assert len(ours) == len(theirs), where
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            assert_same(one, other, f"{where}[{number}]")
    else:
        assert ours == theirs or (ours != ours and theirs != theirs), where


@pytest.fixture(scope="module")
def whole(stripes: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Watcher]:
    """An experiment that ran straight through."""
    folder = create_experiment(*described(stripes), tmp_path_factory.mktemp("whole") / "run")
    watcher = Watcher()
    assert run_experiment(*described(stripes), folder, watcher) == "finished"
    return folder, watcher


# Fairness -----------------------------------------------------------------------------------------------------


def weights(model: torch.nn.Module) -> list[torch.Tensor]:
    return [each for each in model.parameters() if each.ndim > 1]


def test_all_arms_of_a_seed_begin_with_the_same_weights(stripes):
    arms = build_arms(*described(stripes), 3, CPU)
    assert [arm.key for arm in arms] == ["none-s5", "batch-s5", "group-s5", "none-s6", "batch-s6", "group-s6"]
    for seed in (5, 6):
        first, *others = [arm.model for arm in arms if arm.seed == seed]
        for other in others:
            assert all(torch.equal(a, b) for a, b in zip(weights(first), weights(other), strict=True))
    assert not torch.equal(weights(arms[0].model)[0], weights(arms[3].model)[0])


@pytest.mark.parametrize("norm", ["none", "batch", "group"])
def test_an_arm_begins_as_the_run_of_its_norm_and_seed(stripes, norm):
    config, _ = described(stripes)
    seed_everything(9)
    expected = build_model(make_config(**{**config.model_dump(), "norm": norm}), 3)
    generator = torch.get_rng_state()
    ours = build_arm(config, norm, 9, 3, CPU)
    assert_same(dict(ours.model.state_dict()), dict(expected.state_dict()))
    assert torch.equal(torch.get_rng_state(), generator)


def test_every_arm_gets_the_same_batches_and_each_seed_its_own(stripes, monkeypatch):
    config, bn = described(stripes, probe_every=100, eval_every=100)
    seen: dict[str, list[torch.Tensor]] = {}
    step = Arm.step

    def watched(arm: Arm, window: Any, *rest: Any) -> Any:
        seen.setdefault(arm.key, []).append(window[0][0].clone())
        return step(arm, window, *rest)

    monkeypatch.setattr(Arm, "step", watched)
    run((config, bn))
    assert {key: len(batches) for key, batches in seen.items()} == dict.fromkeys(seen, STEPS)
    for seed in (5, 6):
        for norm in ("batch", "group"):
            assert_same(seen[f"{norm}-s{seed}"], seen[f"none-s{seed}"])
    assert not torch.equal(seen["none-s5"][0], seen["none-s6"][0])
    # Other pictures, or the same in other draws: no two steps are alike.
    assert not any(torch.equal(a, b) for a, b in itertools.combinations(seen["none-s5"][:4], 2))


def test_a_seeds_batches_are_those_of_a_run_with_that_seed(stripes, monkeypatch):
    """A comparison of this arm with `train` compares what it says."""
    from alexcore.training.run_data import open_run_data

    config, bn = described(stripes, seeds=1, probe_every=100, eval_every=100)
    seen: list[torch.Tensor] = []
    monkeypatch.setattr(Arm, "step", lambda _arm, window, *_rest: seen.append(window[0][0].clone()) or 1.0)
    run((config, bn))
    data = open_run_data(config, Watcher(), pin_memory=False)
    # 36 pictures: five batches an epoch, the sixth step begins the second one.
    expected = [images for epoch in (0, 1) for images, _ in data.train.epoch(epoch)][:STEPS]
    for number, images in enumerate(expected):
        assert torch.equal(images, seen[3 * number]), number


def test_dropout_depends_on_seed_and_step_alone(stripes):
    config, _ = described(stripes)
    generator = torch.Generator().manual_seed(0)
    window = [(torch.randn(8, 3, 64, 64, generator=generator), torch.arange(8) % 3)]
    objective = Objective()
    one, other, late = (build_arm(config, "none", 5, 3, CPU) for _ in range(3))
    first = one.step(window, objective, 0.01, 0, CPU)
    torch.manual_seed(99)
    torch.rand(17)
    assert other.step(window, objective, 0.01, 0, CPU) == first
    assert_same(dict(one.model.state_dict()), dict(other.model.state_dict()))
    assert late.step(window, objective, 0.01, 1, CPU) != first


# Measuring ----------------------------------------------------------------------------------------------------


def test_with_and_without_probes_the_arms_are_the_same_to_the_bit(stripes, whole, monkeypatch):
    monkeypatch.setattr(Prober, "probe", lambda *_: iter(()))
    described_ = described(stripes, eval_every=100)
    folder, watcher = run(described_)
    assert not watcher.of("probe")
    for key, arm in saved(folder)["arms"].items():
        for part in ("model", "optimizer"):
            assert_same(arm[part], saved(whole[0])["arms"][key][part], key)


def test_every_quantity_is_measured_for_every_arm(whole):
    _, watcher = whole
    for norm, seed in itertools.product(("none", "batch", "group"), (5, 6)):
        mine = [event for event in watcher.of("probe") if (event["arm"], event["seed"]) == (norm, seed)]
        expected = set(QUANTITIES) - (set() if norm == "batch" else {"Q17", "formula"})
        assert {event["quantity"] for event in mine} == expected
        assert [event["step"] for event in mine if event["quantity"] == "Q1"] == [0, 3, 6]
        assert [event["step"] for event in mine if event["quantity"] == "Q8"] == [0, 6]
        assert [event["data"]["steps"] for event in mine if event["quantity"] == "Q3"] == [3, 3]


def test_all_arms_are_validated_alike_and_batch_norm_in_three_ways(whole):
    _, watcher = whole
    for norm, seed in itertools.product(("none", "batch", "group"), (5, 6)):
        mine = [event for event in watcher.of("arm_eval") if (event["arm"], event["seed"]) == (norm, seed)]
        assert [event["step"] for event in mine] == [0, 4, 6]
        assert math.isnan(mine[0]["train_loss"])
        assert mine[1]["train_loss"] > 0
        assert ["val_acc1_batch" in event for event in mine] == [norm == "batch"] * 3
        assert ["val_acc1_recalibrated" in event for event in mine] == [False, False, norm == "batch"]
        if norm == "batch":
            assert len({mine[-1][f"val_loss{way}"] for way in ("", "_batch", "_recalibrated")}) == 3


def test_the_loss_of_a_validation_is_the_mean_over_the_steps_since_the_last(whole):
    _, watcher = whole

    def losses(steps: range) -> list[float]:
        return [
            e["loss"] for e in watcher.of("arm_step") if (e["arm"], e["seed"]) == ("none", 5) and e["step"] in steps
        ]

    ends = [each["train_loss"] for each in watcher.of("arm_eval") if (each["arm"], each["seed"]) == ("none", 5)]
    # Five batches an epoch: four of 8 pictures, the fifth of 4.
    assert ends[1] == pytest.approx(sum(losses(range(1, 5))) / 4, abs=1e-5)
    fifth, sixth = losses(range(5, 7))
    assert ends[2] == pytest.approx((4 * fifth + 8 * sixth) / 12, abs=1e-5)


def test_progress_counts_the_steps_of_all_arms_and_ends_with_no_time_left(whole):
    _, watcher = whole
    assert watcher.step == 6 * STEPS
    assert watcher.eta_s is not None
    assert watcher.eta_s < 60


def test_the_schedule_follows_from_measured_costs(stripes):
    _, watcher = run(described(stripes, probe_every=0, steps=8, seeds=1))
    (planned,) = [event for event in watcher.of("note") if event["code"] == "experiment.probes-planned"]
    assert planned["values"]["counts"][0][0] == "layers"
    (cost,) = watcher.of("probe_cost")
    assert 0 < cost["share"] < 1
    assert set(cost["step_s"]) == {"none", "batch", "group"}
    assert cost["probe_s"] == pytest.approx(cost["share"] * cost["total_s"], rel=0.05)


# Interruptions ------------------------------------------------------------------------------------------------


def assert_same_experiment(ours: Path, theirs: Path) -> None:
    one, other = saved(ours), saved(theirs)
    assert_same(one["arms"], other["arms"])
    assert (one["position"]["step"], one["position"]["measured"]) == (STEPS, STEPS)
    for key in one["arms"]:
        last = [load_checkpoint(folder / "arms" / key / "checkpoints" / "last.pt") for folder in (ours, theirs)]
        assert_same(last[0]["model"], last[1]["model"], key)


# Two arms are enough to be taken for each other.
ONE_SEED = {"seeds": 1, "arms": "none,batch"}


@pytest.fixture(scope="module")
def whole_of_one_seed(stripes: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Watcher]:
    described_ = described(stripes, **ONE_SEED)
    folder = create_experiment(*described_, tmp_path_factory.mktemp("whole-one") / "run")
    watcher = Watcher()
    assert run_experiment(*described_, folder, watcher) == "finished"
    return folder, watcher


@pytest.mark.parametrize(
    ("seeds", "rounds", "phase"),
    [(1, 1, "training"), (2, 3, "measuring"), (1, 4, "validating"), (1, 6, "recalibrating"), (1, 6, "validating")],
)
def test_a_stopped_one_goes_on_as_if_nothing_had_happened(stripes, whole, whole_of_one_seed, seeds, rounds, phase):
    straight, asked, arms = (whole, {}, 6) if seeds == 2 else (whole_of_one_seed, ONE_SEED, 2)
    folder, first = run(described(stripes, **asked), at_step(arms * rounds, phase=phase))
    assert first.of("probe_cost")
    assert saved(folder)["position"]["step"] == rounds
    assert read_json(folder / "arms" / "batch-s5" / "status.json")["state"] == "stopped"  # type: ignore[index]
    _, second = run(described(stripes, **asked), folder=folder)
    assert second.of("resume")[0]["round"] == rounds
    assert_same_experiment(folder, straight[0])
    ends, theirs = (
        [{name: e[name] for name in ("arm", "seed", "val_loss", "train_loss")} for e in watcher.of("arm_eval")]
        for watcher in (second, straight[1])
    )
    assert ends[-arms:] == theirs[-arms:]


def test_a_killed_one_goes_on_from_its_last_checkpoint(stripes, whole_of_one_seed):
    described_ = described(stripes, **ONE_SEED, checkpoint_every_minutes=2.0)
    folder, first = create_experiment(*described_), Watcher(at_step(10, "kill"))
    with pytest.raises(Killed):  # a minute a round: a checkpoint every two rounds
        run_experiment(*described_, folder, first, clock=lambda: 30.0 * first.step)
    assert saved(folder)["position"]["step"] == 4
    run(described_, folder=folder)
    assert_same_experiment(folder, whole_of_one_seed[0])


def test_each_arm_gets_its_own_best_rate_by_a_sweep_before_the_start(stripes, monkeypatch):
    swept = {"arms": "none,batch", "own_rates": True, "sweep_rates": "0.001,0.02", "sweep_steps": 2}
    best = {"none": 0.001, "batch": 0.02}
    monkeypatch.setattr(own_rates, "best_rates", lambda _: [{"arm": arm, "rate": rate} for arm, rate in best.items()])
    folder, first = run(described(stripes, **swept, seeds=1), at_step(2 * 2))
    assert len((folder / "sweep-q14.jsonl").read_text().splitlines()) == 4
    (start,) = first.of("start")
    assert start["rates"] == best
    (note,) = [event for event in first.of("note") if event["code"] == "experiment.rates-chosen"]
    assert "sweep of 2 steps and 1 seed: none 0.001, batch 0.02." in note["message"]
    # What a sweep that is made again would say does not matter any more.
    monkeypatch.setattr(own_rates, "best_rates", lambda _: pytest.fail("no second sweep"))
    _, second = run(described(stripes, **swept, seeds=1), folder=folder)
    told = {(event["arm"], event["lr"]) for watcher in (first, second) for event in watcher.of("arm_step")}
    assert told == set(best.items())
    alone, _ = run(described(stripes, arms="none,batch", seeds=1, lr=best["batch"], probe_every=100, eval_every=100))
    assert_same(saved(folder)["arms"]["batch-s5"]["model"], saved(alone)["arms"]["batch-s5"]["model"])
    assert {event["data"]["lr"] for event in second.of("probe") if event["quantity"] == "Q5"} == set(best.values())


def test_a_stop_during_the_sweep_of_rates_ends_before_the_start(stripes):
    swept = {"arms": "none,batch", "own_rates": True, "sweep_rates": "0.001,0.02", "sweep_steps": 2}
    folder, watcher = run(described(stripes, **swept, seeds=1), lambda w: "stop" if w.phase == "sweeping-rates" else "")
    assert not watcher.of("start")
    assert not (folder / "checkpoints" / "experiment.pt").exists()


def test_seeds_that_are_added_later_are_those_of_an_experiment_that_had_them_from_the_start(stripes, whole):
    """Stopped on its way, too, and the arms that had finished are not touched."""
    fewer = {"arms": "none,batch"}
    folder, _ = run(described(stripes, **fewer, seeds=1))
    before = (folder / "arms" / "none-s5" / "events.jsonl").read_bytes()
    _, first = run(described(stripes, **fewer), at_step(2 * 3), folder=folder)
    assert first.of("resume")[0] == {"type": "resume", "epoch": 0, "step": 0, "round": 0, "seeds": [6]}
    assert {event["seed"] for event in first.of("arm_step")} == {6}
    assert load_bn_config(folder).seeds == 2
    _, second = run(described(stripes, **fewer), folder=folder)
    assert second.of("resume")[0]["round"] == 3
    ours, theirs = (saved(each)["arms"] for each in (folder, whole[0]))
    assert sorted(ours) == ["batch-s5", "batch-s6", "none-s5", "none-s6"]
    for key in ours:
        assert_same(ours[key], theirs[key], key)
        last = [load_checkpoint(each / "arms" / key / "checkpoints" / "last.pt") for each in (folder, whole[0])]
        assert_same(last[0]["model"], last[1]["model"], key)
    assert [event["step"] for event in second.of("probe") if event["quantity"] == "Q8"] == [6, 6]
    assert (folder / "arms" / "none-s5" / "events.jsonl").read_bytes() == before


@pytest.fixture(scope="module")
def stopped_while_measuring(stripes: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Watcher, Watcher]:
    """What was heard of one before its stop in the midst of a measurement, and after it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALEXCORE_HOME", str(tmp_path_factory.mktemp("stopped")))
        folder, first = run(described(stripes), at_step(18, phase="measuring"))
        return first, run(described(stripes), folder=folder)[1]


def test_a_drift_that_is_measured_again_is_measured_against_the_same(stopped_while_measuring, whole):
    """A stop in the midst of a measurement has moved no reference."""
    _, second = stopped_while_measuring

    def drifts(watcher: Watcher) -> list[Any]:
        chosen = [e for e in watcher.of("probe") if (e["quantity"], e["arm"], e["seed"]) == ("Q3", "none", 5)]
        return [each["data"] for each in chosen if each["step"] == 3]

    assert drifts(second) == drifts(whole[1])


def test_the_gradients_of_arms_not_yet_measured_outlive_a_stop(stopped_while_measuring, whole):
    first, second = stopped_while_measuring

    def norms(*watchers: Watcher) -> dict[Any, Any]:
        told = [e for watcher in watchers for e in watcher.of("probe") if (e["quantity"], e["step"]) == ("Q11", 3)]
        return {(each["arm"], each["seed"]): each["data"] for each in told}

    assert len(norms(whole[1])) == 6
    assert norms(first, second) == norms(whole[1])


def test_the_accumulation_is_compared_with_the_runs_own_loss(whole, monkeypatch, stripes):
    seen = []
    monkeypatch.setattr(probing, "compare", lambda _model, objective, *_: seen.append(objective) or [])
    run(described(stripes, seeds=1, arms="none,batch", steps=1, label_smoothing=0.1, class_weights="inverse"))
    assert {each.label_smoothing for each in seen} == {0.1}
    assert all(each.weight is not None for each in seen)


def test_a_pause_is_waited_out_and_no_part_of_the_time(stripes, monkeypatch):
    monkeypatch.setattr(session, "PAUSE_POLL_S", 0.01)
    words = iter(["pause"] * 3)
    watcher = Watcher(lambda w: next(words, "") if w.step >= 6 and w.phase == "training" else "")
    described_ = described(stripes, seeds=1)
    # A clock on which the pause takes an hour.
    assert (
        run_experiment(
            *described_,
            create_experiment(*described_),
            watcher,
            clock=lambda: time.perf_counter() + 3600 * (watcher.pauses == [True, False]),
        )
        == "finished"
    )
    assert watcher.pauses == [True, False]
    assert watcher.step == 3 * STEPS
    (cost,) = watcher.of("probe_cost")
    assert cost["total_s"] < 1000


def test_another_description_than_the_checkpoints_is_refused(stripes):
    folder, _ = run(described(stripes), at_step(6))
    with pytest.raises(CheckpointError, match="belongs to another experiment"):
        run_experiment(*described(stripes, steps=STEPS + 1), folder, Watcher(), resume=True)


def test_an_arm_that_diverges_stands_still_and_the_others_go_on(stripes):
    folder, watcher = run(described(stripes, lr=10.0, momentum=0.99, steps=12, seeds=1, dropout=0.0))
    last = saved(folder)["arms"]
    lost = [key for key, arm in last.items() if arm["diverged_at"] is not None]
    if not lost:
        pytest.fail("nothing diverged at the rate 10; the test needs another one")
    assert all(arm["total"]["steps"] == (arm["diverged_at"] or 13) - 1 for arm in last.values())
    told = [event for event in watcher.of("warning") if event["code"] == "experiment.arm-diverged"]
    assert len(told) == len(lost)
    norm = lost[0].split("-")[0]
    ends = [event for event in watcher.of("arm_step") if event["arm"] == norm and event["loss"] is None]
    assert [event["step"] for event in ends] == [last[lost[0]]["diverged_at"]]


# As a run -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def executed(stripes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An experiment as the worker carries it out."""
    root = tmp_path_factory.mktemp("executed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALEXCORE_HOME", str(root))
        folder = create_experiment(*described(stripes, seeds=1), root / "runs" / "one")
        assert execute(folder) == "finished"
    return folder


def test_its_folder_has_what_was_promised(executed):
    names = {path.name for path in executed.iterdir()}
    assert names >= {"config.json", "experiment.json", "status.json", "env.json", "class_indices.json", "events.jsonl"}
    assert names >= {"summary.csv", "curves.csv", "probes.csv", "verdict.json", "arms"}
    record = Experiment(executed)
    record.refresh()
    assert len(record.answers) == 5
    assert not any(answer["decided"] for answer in record.answers), "one seed decides nothing"
    assert record.end is not None
    status = read_run(executed).status
    assert (status.state, status.step, status.total_steps) == ("finished", 3 * STEPS, 3 * STEPS)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_its_tables_hold_its_events(executed):
    record = Experiment(executed)
    record.refresh()
    summary = {row["arm"]: row for row in rows(executed / "summary.csv")}
    assert list(summary) == ["none-s5", "batch-s5", "group-s5"]
    last = record.evals["batch", 5][-1]
    assert float(summary["batch-s5"]["val_acc1_recalibrated"]) == last["val_acc1_recalibrated"]
    assert summary["none-s5"]["val_acc1_recalibrated"] == ""
    curves = rows(executed / "curves.csv")
    assert sum(row["split"] == "train" for row in curves) == 3 * STEPS
    assert sum(row["split"] == "val" for row in curves) == 9
    probes = rows(executed / "probes.csv")
    assert {row["quantity"] for row in probes} == set(QUANTITIES)
    data = record.probes["Q2"]["batch", 5][-1]["data"]
    column = [row for row in probes if row["arm"] == "batch-s5" and (row["quantity"], row["step"]) == ("Q2", "6")]
    found = {row["layer"]: float(row["value"]) for row in column if row["measure"] == "deviation"}
    assert found == dict(zip(data["layers"], data["deviation"], strict=True))
    fan = record.probes["Q1"]["none", 5][0]["data"]["conv2"]
    cell = [
        float(row["value"])
        for row in probes
        if (row["arm"], row["step"], row["quantity"], row["layer"]) == ("none-s5", "0", "Q1", "conv2")
        and (row["channel"], row["x"]) == (str(fan["channels"][1]), "50")
    ]
    assert cell == [fan["output"][1][1]]


def test_its_arms_are_runs_that_predict(executed, stripes):
    picture = next(stripes.glob("val/*/*.jpg"))
    for arm in ("none-s5", "batch-s5", "group-s5"):
        found = done("predict", executed / "arms" / arm, picture, "--json").json
        assert len(found["predictions"][0]["top"]) == 3
        assert read_run(executed / "arms" / arm).status.state == "finished"
    config = read_run(executed / "arms" / "group-s5").config
    assert config is not None
    assert (config.norm, config.seed) == ("group", 5)


def test_a_saved_batch_norm_is_the_recalibrated_one(executed):
    kept = load_checkpoint(executed / "arms" / "batch-s5" / "checkpoints" / "last.pt")["model"]
    trained = saved(executed)["arms"]["batch-s5"]["model"]
    assert torch.equal(kept["features.0.weight"], trained["features.0.weight"])
    assert not torch.equal(kept["features.1.running_mean"], trained["features.1.running_mean"])


def test_the_experiment_itself_says_where_its_networks_are(executed, stripes):
    from tests.support.command_line import refused

    line = refused("predict", executed, next(stripes.glob("val/*/*.jpg")))
    assert "is an experiment" in line
    assert "batch-s5" in line


def test_a_finished_one_cannot_be_resumed_and_none_can_be_changed(executed):
    with pytest.raises(RunError, match="is finished"):
        prepare_resume(read_run(executed))
    with pytest.raises(RunError, match="a resume cannot change epochs"):
        prepare_resume(read_run(executed), epochs=7)
    with pytest.raises(RunError, match="has 1 seeds, and 1 is not more"):
        prepare_resume(read_run(executed), seeds=1)


def test_a_finished_one_gets_more_seeds_from_the_command_line(executed):
    from tests.support.command_line import refused

    assert "seeds = 21 is not allowed" in refused("resume", executed, "--seeds", "21")
    assert read_run(executed).status.state == "finished"
    assert len(done("resume", executed, "--seeds", "2", "--json").json["verdict"]) == 5
    record = Experiment(executed)
    record.refresh()
    assert record.seeds == [5, 6]
    assert {len(events) for events in record.evals.values()} == {3}, "what had finished is not forgotten"
    assert read_run(executed).status.state == "finished"
    assert [row["arm"] for row in rows(executed / "summary.csv")][:2] == ["none-s5", "none-s6"]
    digest = Digest(executed / "events.jsonl")
    digest.refresh()
    assert sorted(digest.arms) == sorted(f"{norm}-s{seed}" for norm, seed in record.arms)
    assert all(len(epochs) == 3 for epochs in digest.arms.values())


def test_the_first_checkpoint_follows_the_first_measurements(stripes):
    _, watcher = run(described(stripes, seeds=1, checkpoint_every_minutes=5.0))
    assert [event["step"] for event in watcher.of("checkpoint")] == [0, STEPS]
