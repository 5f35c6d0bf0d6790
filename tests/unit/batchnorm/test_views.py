"""What an experiment shows: figures, sentences and tables, on hand-made numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alexcore.batchnorm.read.record import Experiment
from alexcore.batchnorm.views import by_depth as depth
from alexcore.batchnorm.views import curves
from alexcore.batchnorm.views import distributions as fans
from alexcore.batchnorm.views import shift_by_layer as shift
from alexcore.batchnorm.views import single_units as units
from alexcore.batchnorm.views import steps_along_gradient as surface
from alexcore.batchnorm.views import sweep_figures as sweeps
from alexcore.batchnorm.views.arm_lines import add_lines, lines_of, smoothed
from alexcore.batchnorm.views.sections import SECTIONS, Choice
from alexcore.batchnorm.views.view import number, order_in_words, spread
from alexcore.figures import narrow_figure
from alexcore.nn.norms import NORMS
from tests.support.bn_experiments import made_of, probe, read, write_experiment


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("seeds", [1, 3])
def test_names_of_views_and_charts_are_unique_within_a_section(activation: str, seeds: int) -> None:
    experiment = read(write_experiment("finished", "exp", seeds=seeds, sweeps=True, activation=activation))
    for section in SECTIONS.values():
        for part in section.parts.values():
            views = [make(experiment, Choice()) for make in part.makers]
            names = [view.name for view in views]
            assert len(set(names)) == len(names), "the page makes keys and file names of them"
            for view in views:
                assert view.figures, view.name
                assert len(view.table), view.name
                assert "  " not in view.sentence
                assert view.sentence[-1] == "."


def test_an_empty_experiment_says_so_everywhere(tmp_path: Path) -> None:
    experiment = read(tmp_path)
    for section in SECTIONS.values():
        for part in section.parts.values():
            for make in part.makers:
                view = make(experiment, Choice())
                assert view.sentence
                assert not any(figure.data for figure in view.figures.values())


def test_looking_leaves_no_trace_in_the_record(tmp_path: Path) -> None:
    experiment = read(tmp_path)
    for section in SECTIONS.values():
        for part in section.parts.values():
            for make in part.makers:
                make(experiment, Choice())
    assert not experiment.probes
    assert experiment.arms == []


def test_an_arm_has_one_colour_everywhere() -> None:
    experiment = read(write_experiment("finished", "exp", seeds=3, sweeps=True))
    titles = {norm.title: norm.colour for norm in NORMS.values()}
    seen = 0
    for section in SECTIONS.values():
        for part in section.parts.values():
            for make in part.makers:
                for figure in make(experiment, Choice()).figures.values():
                    for trace in figure.data:
                        wanted = titles.get(str(trace.name).split(",")[0])
                        line = trace.line.color if trace.type == "scatter" and trace.line.color else None
                        if wanted and line:
                            assert line == wanted
                            seen += 1
    assert seen > 50


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"none": [1.0, 1.1, 1.2, 1.3, 1.4], "batch": [0.5, 0.6, 0.7, 0.8, 0.9]},
            "BatchNorm is lowest with every seed, and",
        ),
        ({"none": [1.0, 1.1, 1.2, 1.3, 1.4], "batch": [0.5, 1.15, 0.7, 0.8, 0.9]}, "The seeds overlap, so no order is"),
        (
            {"none": [1.0], "batch": [0.5]},
            "One seed cannot decide an order, 5 can; so far BatchNorm is lowest, no norm",
        ),
        ({"none": [1.0, 2.0], "batch": [0.5, 0.6]}, "2 seeds cannot decide an order"),
        ({"none": [1.0, 1.0, 1.0], "batch": [1.0, 1.0, 1.0]}, "All arms agree."),
        ({"none": [1, 1.1, 1.2, 2, 3], "batch": [1, 1.1, 1.2, 2, 3], "group": [4, 5, 6, 7, 8]}, "GroupNorm is highest"),
        ({"batch": [1.0, 2.0, 3.0]}, ""),
        ({}, ""),
    ],
)
def test_an_order_is_said_only_as_far_as_the_seeds_decide_it(values: dict[str, list[float]], sentence: str) -> None:
    said = order_in_words(values)
    assert said.startswith(sentence) if sentence else said == ""


def test_numbers_and_spreads_in_words() -> None:
    assert [number(each) for each in (0.0, 0.01234, 1.5e-7, 1234.5, 2e6, None)] == [
        "0",
        "0.0123",
        "1.5e-07",
        "1,234",
        "2.0e+06",
        "not a number",
    ]
    assert spread([0.5]) == "0.5"
    assert spread([0.7, 0.5, 0.6]) == "0.6 (0.5 to 0.7, 3 seeds)"


def test_three_seeds_make_a_band_and_fewer_make_lines() -> None:
    points = {seed: [(0.0, seed), (1.0, seed + 1.0)] for seed in range(3)}
    three, two = narrow_figure("t", "x", "y"), narrow_figure("t", "x", "y")
    add_lines(three, {"batch": points})
    add_lines(two, {"batch": {0: points[0], 1: points[1]}})
    assert [trace.fill for trace in three.data] == ["toself", None]
    assert list(three.data[0].y) == [2.0, 3.0, 1.0, 0.0]
    assert list(three.data[1].y) == [1.0, 2.0], "the median"
    assert [trace.fill for trace in two.data] == [None, None]
    assert [trace.showlegend for trace in two.data] == [True, False]


def test_smoothing_is_a_trailing_mean_and_one_is_none() -> None:
    points = [(0.0, 2.0), (1.0, 4.0), (2.0, 9.0)]
    assert smoothed(points, 1) == points
    assert smoothed(points, 2) == [(0.0, 2.0), (1.0, 3.0), (2.0, 6.5)]


def test_what_is_not_finite_is_no_point() -> None:
    rows = [{"step": 1, "loss": None}, {"step": 2, "loss": 1.0}, {"step": None, "loss": 1.0}, {"step": 3, "loss": True}]
    assert lines_of({("none", 0): rows}, lambda row: row["loss"])["none"][0][0] == (2.0, 1.0)


def test_recalibration_is_said_in_points(tmp_path: Path) -> None:
    evaluated = {"type": "arm_eval", "arm": "batch", "seed": 0, "step": 10, "val_loss": 1.0}
    experiment = made_of(
        tmp_path / "a", {**evaluated, "val_acc1": 0.312, "val_acc1_batch": 0.55, "val_acc1_recalibrated": 0.576}
    )
    assert "Recalibration gains 26.4 points" in curves.three_ways(experiment).sentence
    same = made_of(
        tmp_path / "b", {**evaluated, "val_acc1": 0.5, "val_acc1_batch": 0.5, "val_acc1_recalibrated": 0.501}
    )
    assert "recalibration changes nothing" in curves.three_ways(same).sentence


@pytest.mark.parametrize(
    ("normed", "sentence"),
    [
        ((0.1, 0.11, 0.12, 0.13, 0.14), "With every seed BatchNorm has less internal covariate shift"),
        ((0.8, 0.9, 0.85, 0.95, 1.0), "With every seed BatchNorm has more"),
        ((0.3, 0.4, 0.55, 0.6, 0.7), "whether BatchNorm reduces internal covariate shift is not decided here"),
        ((0.1,), "it leans to less shift with BatchNorm; one seed cannot decide, 5 can"),
        ((0.1, 0.2, 0.3), "3 seeds cannot decide, 5 can"),
    ],
)
def test_covariate_shift_has_an_honest_finding_either_way(
    tmp_path: Path, normed: tuple[float, ...], sentence: str
) -> None:
    plain = (0.4, 0.5, 0.6, 0.65, 0.7)[: len(normed)]
    events = [
        probe(arm, seed, 5, "Q4", lr=0.1, layers=["conv2"], shift=[1.0], relative=[value], cosine=[0.9])
        for arm, values in (("none", plain), ("batch", normed))
        for seed, value in enumerate(values)
    ]
    assert sentence in shift.covariate_shift(made_of(tmp_path / "a", *events)).sentence


def test_a_smoother_surface_is_said_of_whoever_has_it(tmp_path: Path) -> None:
    def experiment(name: str, none: float, batch: float) -> Experiment:
        events = []
        for arm, beta in (("none", none), ("batch", batch)):
            for seed in range(5):
                value = beta + 0.01 * seed
                events.append(probe(arm, seed, 5, "Q7r", beta=value, weight_norm=1.0, grad_norm=1.0))
                events.append(probe(arm, seed, 5, "Q6r", rhos=[1e-4, 1e-2], rel=value, cosmin=0.5))
        return made_of(tmp_path / name, *events)

    assert "BatchNorm is smoothest with every seed" in surface.scale_free(experiment("a", 2.88, 1.8)).sentence
    assert "No norm is smoothest with every seed" in surface.scale_free(experiment("b", 1.8, 2.88)).sentence


def test_relative_loss_leaves_out_what_has_diverged(tmp_path: Path) -> None:
    data = {"rates": [0.1, 1.0, 10.0], "ratios": [0.5, 2.0, None], "diverged": [False, False, True]}
    experiment = made_of(
        tmp_path / "a", probe("none", 0, 0, "Q8", loss=1.0, first_diverged=10.0, largest_safe=0.1, **data)
    )
    view = surface.relative_loss(experiment)
    (line,) = [trace for trace in view.figures["ratio-0"].data if trace.name == "no norm"]
    assert list(line.x) == [0.1, 1.0]
    assert view.table["diverged"].tolist() == [False, False, True]
    assert "at step 0 no norm 0.1" in view.sentence


def test_gain_is_read_at_the_last_layer(tmp_path: Path) -> None:
    def data(end: float) -> dict[str, Any]:
        return {
            "eps": 0.01,
            "layers": ["conv1", "linear1"],
            "random": {"relative": [1.0, end]},
            "neighbour": {"relative": [1.0, 9.0]},
        }

    events = [
        probe(arm, seed, 5, "gain", **data(end + seed / 10))
        for arm, end in (("none", 4.0), ("batch", 2.0))
        for seed in range(5)
    ]
    said = depth.gain(made_of(tmp_path / "a", *events)).sentence
    assert "By linear1 a change of 1% of the input is now multiplied by: no norm 4.2" in said
    assert "BatchNorm is lowest with every seed" in said


def test_the_fan_shows_the_channel_of_median_variance_first() -> None:
    experiment = read(write_experiment("finished", "exp", seeds=3))
    channels, middle = fans.fan_channels(experiment, "conv2")
    assert channels == [0, 2, 4, 6]
    assert middle == 2, "deviations 1, 2, 3, 4: the lower of the two in the middle"
    view = fans.fans(experiment, "conv5", 2, 0)
    assert {"p1", "p15", "p50", "p85", "p99"} <= set(view.table.columns)


def test_the_sweep_says_width_outcomes_and_best_rate() -> None:
    experiment = read(write_experiment("finished", "exp", seeds=3, sweeps=True))
    said = sweeps.tolerance(experiment).sentence
    assert "in decades" in said
    assert "Each at its best rate" in said
    cells = sweeps.rates(experiment).figures["rates-val_acc1"].data[0]
    assert cells.text[0][-1] == "diverged"
    assert cells.z[0][-1] is None
    assert "No norm: of 12 runs 9 learned, 0 stuck, 3 diverged" in sweeps.rates(experiment).sentence
    assert "Batch 2: error" in sweeps.batches(experiment, "steps").sentence


def test_a_resume_takes_back_what_came_later(tmp_path: Path) -> None:
    events = [{"type": "arm_step", "arm": "none", "seed": 0, "step": step, "loss": 1.0} for step in range(1, 9)]
    experiment = made_of(tmp_path / "a", *events, {"type": "resume", "round": 4})
    assert curves.training(experiment).table["step"].tolist() == [1, 2, 3, 4]


def test_dead_units_and_saturation_take_turns() -> None:
    relu = read(write_experiment("finished", "relu", seeds=1))
    tanh = read(write_experiment("finished", "tanh", seeds=1, activation="tanh"))
    assert set(units.units(relu, "conv3").figures) == {"zero", "dead"}
    assert set(units.units(tanh, "conv3").figures) == {"saturated", "saturated_channels"}
    assert units.by_layer(tanh).title == "Saturated outputs, by layer"
