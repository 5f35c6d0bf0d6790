"""Five sentences on constructed results: wins, losses, ties, overlaps, too few seeds, missing probes, diverged arms."""

from __future__ import annotations

import dataclasses
import json

import pytest

from alexcore.batchnorm.read.summary import MEASURES, ExperimentSummary, summarise
from alexcore.batchnorm.read.verdict import compare, verdict
from alexcore.words.verdict import UNDECIDED
from tests.support.bn_summaries import HIGH, LOW, QUESTIONS, by_seed, summary


def test_values_are_compared_by_their_ranks():
    low, high = by_seed(1, 2, 3, 4, 5), by_seed(6, 7, 8, 9, 10)
    assert compare(low, high).state == "higher"
    assert compare(high, low).state == "lower"
    # One pair the wrong way round: p = 0.016 is too much for the first of five questions, and enough for the third.
    mixed = by_seed(5.5, 7, 8, 9, 10)
    assert compare(by_seed(1, 2, 3, 4, 6), mixed).state == "overlap"
    assert compare(by_seed(1, 2, 3, 4, 6), mixed, 0.05 / 3).state == "higher"
    assert compare(by_seed(1, 2, 3, 4, 6), mixed).lean == "higher"
    # Values that touch share a rank.
    assert compare(low, by_seed(5, 6, 7, 8, 9)).state == "overlap"
    assert compare(by_seed(0, 0, 0, 0, 0), by_seed(0, 0, 0, 0, 0)).state == "tie"
    assert compare(by_seed(2, 2, 2, 2, 2), by_seed(2, 2, 2, 2, 2 + 1e-9)).state == "tie"
    assert compare(by_seed(1, 2, 3, 4), by_seed(5, 6, 7, 8)).state == "few"
    assert compare(by_seed(1, 2, 3, 4), by_seed(*range(5, 13))).state == "higher", "4 against 8 can decide"
    assert compare(by_seed(1), by_seed(1)).lean == "equal"
    assert compare({}, low).state == "missing"
    assert not compare(by_seed(1), by_seed(2)).decided


@pytest.mark.parametrize("swap", [False, True])
def test_a_clear_result_is_decided_whichever_way_it_fell(swap):
    arms = (HIGH, LOW) if swap else (LOW, HIGH)
    answers = verdict(summary(*arms))
    assert [each.decided for each in answers] == [True, True, True, False, True]
    assert not any(UNDECIDED in each.words.short for each in answers)
    first, second, third, fourth, fifth = (each.words.short for each in answers)
    assert "shrinks on its way to conv5" in first
    assert ("shrinks, too, but less" if not swap else "shrinks, too, and more") in first
    assert second.startswith(f"With BN what the convolutions compute moves {'less' if swap else 'more'}")
    assert ("its gains change more" if not swap else "its gains change less") in third
    who = "with BN" if swap else "without BN"
    assert fourth.startswith(
        f"Learning {who} is behind after 400 steps at this rate; whether only slower is not decided: "
    )
    assert fifth.startswith("No, with BN more are dead" if not swap else "Yes, with BN fewer are dead")
    # Both numbers with their spread.
    low, high = "21.0% (20.0% to 22.0%)", "75.0% (70.0% to 80.0%)"
    assert fourth.endswith(f"without BN {high if swap else low}, with BN {low if swap else high} (5 seeds).")
    sign, ends = ("-", "-60 to -48") if swap else ("+", "+48 to +60")
    assert answers[3].words.effect == f"Difference, with BN minus without: {sign}54 points (99% interval {ends})."
    assert all("99% interval" in each.words.effect for each in answers)


def test_swapping_the_arms_swaps_the_sentences():
    """Nothing is known beforehand: no sentence may survive the exchange of the numbers."""
    there, back = verdict(summary(LOW, HIGH)), verdict(summary(HIGH, LOW))
    for one, other in zip(there, back, strict=True):
        assert one.words.short.split(":")[0] != other.words.short.split(":")[0]


def test_overlapping_seeds_decide_nothing():
    for answer in verdict(summary((0.2, 0.3, 0.4, 0.5, 0.6), (0.55, 0.56, 0.7, 0.75, 0.8))):
        assert not answer.decided
        assert answer.words.short.startswith(
            f"{UNDECIDED}: chance alone parts seeds as far as these in 3% of experiments. "
        )
        assert "%" in answer.words.short or "factor" in answer.words.short


@pytest.mark.parametrize("value", [0.0, 0.4])
def test_equal_numbers_are_a_tie(value):
    for answer in verdict(summary((value,) * 5, (value,) * 5)):
        assert not answer.decided
        assert answer.words.short.startswith(f"{UNDECIDED}, because both arms have the same numbers")
        assert "(" not in answer.words.short.split(": ")[1]


@pytest.mark.parametrize(("seeds", "counted"), [(1, "1 seed"), (2, "2 seeds"), (3, "3 seeds"), (4, "4 seeds")])
def test_few_seeds_decide_nothing_and_give_a_hint(seeds, counted):
    answers = verdict(summary(seeds=seeds))
    for answer in answers:
        assert not answer.decided
        assert answer.words.short.startswith(f"{UNDECIDED}: {counted} cannot decide; 5 can. ")
    middle = {1: ("70.0%", "20.0%"), 2: ("72.0%", "20.2%"), 3: ("74.0%", "20.5%"), 4: ("74.5%", "20.8%")}[seeds]
    assert f"BatchNorm looks better ({middle[0]} against {middle[1]}), {counted}: after 400" in answers[3].words.short
    assert "BatchNorm seems to have more dead units" in answers[4].words.short
    assert ("one seed has no interval" in answers[3].words.effect) == (seeds == 1)
    leaning = verdict(summary(HIGH, LOW, seeds=seeds))
    assert "BatchNorm looks worse" in leaning[3].words.short
    assert "Both look alike" in verdict(summary(LOW, LOW, seeds=1))[3].words.short


def test_an_experiment_that_was_stopped_decides_nothing_and_says_what_is_missing():
    """Whoever may stop when the numbers please would decide more often than chance allows."""
    for answer in verdict(summary(planned=1000)):
        assert not answer.decided
        start = f"{UNDECIDED}: it was stopped after 400 of 1,000 steps, and 600 are missing. So far: "
        assert answer.words.short.startswith(start)
    assert (
        "So far: BatchNorm looks better (75.0% against 21.0%), 5 seeds" in verdict(summary(planned=1000))[3].words.short
    )
    unprobed = summary(planned=1000, values={})
    said = verdict(unprobed)[0].words.short
    assert "stopped after 400 of 1,000 steps, before a second probe" in said


def test_what_was_not_measured_is_named():
    for measure, number in zip(QUESTIONS, range(5), strict=True):
        full = summary()
        values = {name: arms for name, arms in full.values.items() if name != measure}
        answer = verdict(dataclasses.replace(full, values=values))[number]
        assert not answer.decided
        assert answer.words.short.startswith(
            f"{UNDECIDED}: of the {MEASURES[measure].title}, the arm without BN has no"
        )
        half = {**full.values, measure: {"none": by_seed(*LOW)}}
        answer = verdict(dataclasses.replace(full, values=half))[number]
        assert "the arm with BN has no number yet" in answer.words.short
        assert "without BN has" not in answer.words.short


def test_an_experiment_without_an_arm_says_so():
    full = summary()
    values = {name: {"none": arms["none"]} for name, arms in full.values.items()}
    lonely = dataclasses.replace(full, arms=("none", "group"), values=values)
    assert all("the arm with BN was not run" in each.words.short for each in verdict(lonely))
    nothing = summary(values={}, outcomes={}, arms=(), seeds=0)
    assert all(not each.decided and each.words.short.endswith(".") for each in verdict(nothing))


def diverged(arm: str, seeds: int, of: int = 5) -> ExperimentSummary:
    full = summary(seeds=of)
    outcomes = {name: dict(words) for name, words in full.outcomes.items()}
    outcomes[arm].update(dict.fromkeys(range(seeds), "diverged"))
    values = {
        measure: {
            name: {seed: value for seed, value in numbers.items() if name != arm or seed >= seeds}
            for name, numbers in arms.items()
        }
        for measure, arms in full.values.items()
    }
    return dataclasses.replace(full, outcomes=outcomes, values=values)


@pytest.mark.parametrize(("arm", "words"), [("none", "without BN"), ("batch", "with BN")])
def test_an_arm_that_diverged_with_every_seed_has_failed(arm, words):
    answers = verdict(diverged(arm, 5))
    assert answers[3].decided
    assert answers[3].words.short.startswith(f"At the rate 0.02 learning {words} is not slower, it fails")
    assert f"diverged: 5 of 5 {words}" in answers[3].words.short
    assert not answers[0].decided
    assert f"the arm {words} diverged in 5 of 5 seeds" in answers[0].words.short
    few = verdict(diverged(arm, 3, of=3))[3]
    assert not few.decided
    assert f"the arm {words} diverged in 3 of 3 seeds" in few.words.short


def test_an_arm_that_diverged_once_leaves_too_few_seeds():
    answers = verdict(diverged("none", 1))
    assert not answers[3].decided
    assert "4 seeds cannot decide; 5 can" in answers[3].words.short
    assert "diverged: 1 of 5 without BN" in answers[3].words.short


def test_one_seed_that_diverged_is_no_verdict():
    answer = verdict(diverged("none", 1, of=1))[3]
    assert not answer.decided
    assert "diverged in 1 of 1 seeds" in answer.words.short


def test_the_same_rate_and_the_best_rates_may_disagree():
    full = summary()
    best = {"none": by_seed(0.9, 0.91, 0.91, 0.91, 0.92), "batch": by_seed(0.8, 0.81, 0.81, 0.81, 0.82)}
    wide = {"none": by_seed(1, 1, 1, 1, 1), "batch": by_seed(2, 2, 2, 2, 2)}
    answer = verdict(
        dataclasses.replace(
            full, values={**full.values, "best_acc1": best, "width": wide}, best_rates={"none": 0.003, "batch": 0.1}
        )
    )[3]
    assert not answer.decided
    assert "say opposite things" in answer.words.short
    at = "each at its own rate (without BN 0.003, with BN 0.1), is without BN 91.0% (90.0% to 92.0%), with BN 81.0% ("
    assert at in answer.words.detail
    assert "good rates span, in decades, without BN 1, with BN 2" in answer.words.detail
    assert answer.anchor == "sweeps"
    agreed = dataclasses.replace(
        full, values={**full.values, "best_acc1": {"none": by_seed(*LOW), "batch": by_seed(*HIGH)}}
    )
    said = verdict(agreed)[3].words.short
    assert said.startswith("Learning without BN is behind"), "and a short sweep does not say that it is not only slower"


def test_how_fast_each_arm_was():
    values = {"steps_to_target": {"batch": by_seed(120, 100, 140)}}
    full = summary(target_acc1=0.45)
    answer = verdict(dataclasses.replace(full, values={**full.values, **values}))[3]
    assert (
        "45.0% are reached without BN never, with BN after 120 (100 to 140) steps (3 of 5 seeds)" in answer.words.detail
    )


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_saturation_asks_the_measure_of_the_activation(activation):
    full = summary(activation=activation)
    assert "has no number yet" in verdict(full)[4].words.short
    values = {**full.values, "saturated": {"none": by_seed(*HIGH), "batch": by_seed(*LOW)}}
    answer = verdict(dataclasses.replace(full, values=values))[4]
    assert answer.words.short.startswith(
        "Yes, with BN fewer are saturated: of the outputs of the convolutions are saturated"
    )
    assert "without BN 75.0% (70.0% to 80.0%), with BN 21.0%" in answer.words.short
    assert {each["quantity"] for each in answer.evidence} == {"Q13"}


def test_movement_is_decided_before_the_norm_and_the_rest_is_described():
    """Behind the norm it is true by construction; the covariate shift would be a sixth question of the page."""
    full = summary()
    more = {"ics": {"none": by_seed(*HIGH), "batch": by_seed(*LOW)}, "drift_seen": full.values["drift_output"]}
    answer = verdict(dataclasses.replace(full, values={**full.values, **more}))[1]
    assert answer.evidence[0]["measure"] == "drift_output"
    assert "of a convolution's own output, before any norm, moves" in answer.words.short
    assert "behind the norm, which takes the mean out by its construction" in answer.words.detail.lower()
    assert "change a layer's gradient without BN by 75.0%" in answer.words.detail
    assert answer.anchor == "ics"


def test_group_norm_is_named_and_is_evidence():
    full = summary(arms=("none", "batch", "group"))
    values = {name: {**arms, "group": by_seed(0.5, 0.5, 0.5, 0.5, 0.5)} for name, arms in full.values.items()}
    answers = verdict(dataclasses.replace(full, values=values))
    assert all("with GroupNorm" in each.words.short for each in answers)
    assert {each["arm"] for each in answers[3].evidence} == {"none", "batch", "group"}
    json.dumps([each.as_dict() for each in answers], allow_nan=False)
    first = answers[0].as_dict()
    assert set(first) == {"code", "values", "question", "short", "effect", "detail", "decided", "evidence", "anchor"}
    assert first["evidence"][0] == {
        "quantity": "gain",
        "measure": "growth",
        "title": MEASURES["growth"].title,
        "arm": "none",
        "values": [{"seed": seed, "value": value} for seed, value in enumerate(LOW)],
    }


def events(*rows: dict) -> list[dict]:
    return [dict(row) for row in rows]


SHIFTS = (0, 0.9), (20, 0.25)


def recorded() -> tuple:
    """What a record holds of two arms and one seed, written by hand."""
    start = {"classes": ["a", "b"], "arms": ["none-s7", "batch-s7"], "steps": 20, "lr": 0.1, "activation": "relu"}
    layers = ["conv1", "conv2", "linear1"]

    def probe(step: int, **data: object) -> dict:
        return {"step": step, "data": {"layers": layers, **data}}

    def gain(step: int, factors: list[float], spread: list[float]) -> dict:
        both = {"factor": factors, "relative": [1, 1, 1], "spread": spread}
        return probe(step, random=both, neighbour={**both, "spread": [9, 8, 7]})

    none, batch = ("none", 7), ("batch", 7)
    probes = {
        "gain": {
            none: [gain(0, [1, 2, 5], [1, 3, 9]), gain(20, [2, 1, 5], [1, 2.5, 9])],
            batch: [gain(0, [1, 1, 1], [1, 9, 9]), gain(20, [1, 1, 1], [1, 1.5, 9])],
        },
        "Q2": {none: [probe(0, deviation=[2, 0.5, 7])]},
        "Q3": {
            none: [probe(10, mean=[0.1, 0.3, 9], normed_mean=[None] * 3, steps=10)],
            batch: [
                probe(10, mean=[0.2, 0.4, 9], normed_mean=[0.1, 0.1, None], steps=10),
                probe(20, mean=[0.2, 0.4, 9], normed_mean=[0.3, 0.3, None], steps=10),
            ],
        },
        "Q4": {
            none: [
                {"step": at, "data": {"layers": ["conv2", "linear1"], "relative": [value, 9]}} for at, value in SHIFTS
            ],
            batch: [{"step": 0, "data": {"layers": ["conv2", "linear1"], "relative": [0.5, 9]}}],
        },
        "Q8": {
            none: [probe(0, largest_safe=0.1), probe(20, largest_safe=0.01)],
            batch: [probe(0, largest_safe=0.1), probe(20, largest_safe=None)],
        },
        "Q12": {
            none: [
                probe(0, zero=[0.5, 0.5, None], dead=[0, 0, None]),
                probe(20, zero=[0.5, 0.7, None], dead=[0.1, 0.3, None]),
            ]
        },
        "scales": {
            batch: [
                probe(0, gamma_moved=[0, 0]),
                probe(20, gamma_moved=[0.1, 0.3], gamma_low=[0.8, 0.6], gamma_high=[1.2, 1.4]),
            ]
        },
    }
    evals = {
        none: events(
            {"step": 0, "train_loss": None, "val_acc1": 0.5}, {"step": 20, "train_loss": 0.6, "val_acc1": 0.6}
        ),
        batch: events(
            {"step": 10, "train_loss": 0.5, "val_acc1": 0.5, "val_acc1_batch": 0.8},
            {"step": 20, "train_loss": 0.4, "val_acc1": 0.55, "val_acc1_batch": 0.9, "val_acc1_recalibrated": 0.85},
        ),
    }
    steps = {
        arm: events({"step": 1, "loss": 0.7, "grad_norm": 1.0}, {"step": 20, "loss": 0.5}) for arm in (none, batch)
    }
    return start, steps, evals, probes


def test_a_record_becomes_numbers():
    rates = [{"arm": "none", "seed": 7, "rate": rate, "val_acc1": 0.6, "outcome": "learned"} for rate in (0.01, 0.1)]
    found = summarise(*recorded(), rates)
    assert (found.steps, found.lr, found.arms) == (20, 0.1, ("none", "batch"))
    assert found.last_conv == "conv2"
    expected = {
        ("growth", "none"): 2.5,
        ("growth_start", "none"): 3,
        ("growth", "batch"): 1.5,
        ("growth_neighbour", "none"): 8,
        # |ln 2| and |ln 1/2|, the linear layer left out.
        ("gain_change", "none"): 2,
        ("depth_ratio", "none"): 0.25,
        ("drift_output", "none"): 0.02,
        ("drift_seen", "none"): 0.02,
        ("drift_output", "batch"): 0.03,
        ("drift_seen", "batch"): 0.02,
        ("ics", "none"): 0.25,
        ("safe_rate", "none"): 0.01,
        ("dead", "none"): 0.2,
        ("zero", "none"): 0.6,
        ("gamma_moved", "batch"): 0.2,
        ("gamma_spread", "batch"): 0.6,
        ("val_acc1", "none"): 0.6,
        ("val_acc1", "batch"): 0.85,
        ("train_loss", "batch"): 0.4,
        ("width", "none"): 1,
        ("best_acc1", "none"): 0.6,
        ("steps_to_target", "batch"): 10,
    }
    for (measure, arm), value in expected.items():
        assert found.of(measure, arm) == {7: pytest.approx(value)}, (measure, arm)
    for measure, arm in (
        ("growth_neighbour", "group"),
        ("ics", "batch"),
        ("safe_rate", "batch"),
        ("steps_to_target", "none"),
    ):
        assert found.of(measure, arm) == {}
    # Half-way between guessing, 1/2, and the best, 0.9.
    assert found.target_acc1 == pytest.approx(0.7)
    assert found.best_rates == {"none": 0.01}
    assert found.outcomes == {"none": {7: "learned"}, "batch": {7: "learned"}}
    assert set(found.values) <= set(MEASURES)
    assert all(not answer.decided for answer in verdict(found))


def test_before_the_end_batch_norm_is_judged_by_batch_statistics():
    """Its running statistics lag, and nothing has been recalibrated yet."""
    start, steps, evals, probes = recorded()
    del evals["batch", 7][-1]
    found = summarise(start, steps, evals, probes)
    assert found.of("val_acc1", "batch") == {7: 0.8}
    assert found.of("val_acc1", "none") == {7: 0.6}


def test_a_seed_that_was_added_and_is_half_way_is_no_seed_yet():
    start, steps, evals, probes = recorded()
    steps["none", 8], evals["none", 8] = (
        steps["none", 7][:1],
        [*evals["none", 7][:1], {**evals["none", 7][1], "step": 10}],
    )
    found = summarise(start, steps, evals, probes)
    assert found.of("val_acc1", "none") == {7: 0.6}
    assert found.outcomes["none"] == {7: "learned"}


@pytest.mark.parametrize("field", ["loss", "grad_norm"])
def test_an_arm_that_exploded_has_no_end(field):
    start, steps, evals, probes = recorded()
    steps["none", 7].append({"step": 15, "loss": 0.6, "grad_norm": 1.0, field: None})
    found = summarise(start, steps, evals, probes)
    assert found.seeds_that("diverged", "none") == [7]
    assert found.of("val_acc1", "none") == {}
    assert found.of("val_acc1", "batch") == {7: 0.85}


def test_a_record_without_anything_has_five_answers():
    found = summarise({}, {}, {}, {})
    assert found.values == {}
    assert len(verdict(found)) == 5
    damaged = {
        "gain": {("none", 0): [{"step": 0, "data": None}, {"step": 1, "data": {"random": None}}]},
        "Q12": {("none", 0): [{"data": {}}]},
    }
    found = summarise({"arms": ["none-s0", 5]}, {}, {("none", 0): [{"step": 0}]}, damaged)
    assert found.of("growth", "none") == {}
    assert len(verdict(found)) == 5
