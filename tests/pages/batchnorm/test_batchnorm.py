"""The page BatchNorm on every kind of experiment, through the router, without a browser."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from alexcore.batchnorm.read.record import Experiment
from alexcore.batchnorm.settings import load_bn_config
from alexcore.batchnorm.views.sections import SECTIONS
from alexcore.cli import build_parser
from alexcore.config import load_config
from alexcore.home import runs_dir
from alexcore.runs import launcher
from alexcore.runs.resumption import asked_to_resume
from alexcore.runs.store import create_run, read_run
from tests.support.bn_experiments import write_experiment
from tests.support.opened_pages import errors_of, open_page, text_of
from tests.support.run_folders import STATES, write_run
from ui.batchnorm.section_choice import TITLES
from ui.batchnorm.sweep_buttons import sweep_job

PAGE = "pages/batchnorm.py"
PARTS = [(name, part) for name, section in SECTIONS.items() for part in section.parts]


def charts(at) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in at.get("plotly_chart")]


def test_without_an_experiment_the_questions_are_asked(flowers: Path) -> None:
    at = open_page(PAGE)
    assert not errors_of(at)
    assert "Should a network not learn by itself what to amplify" in text_of(at)
    assert not at.button(key="bn_start").disabled
    assert not runs_dir().exists()


@pytest.mark.parametrize("state", STATES)
def test_every_state_shows_its_word_and_its_buttons(state: str, flowers: Path) -> None:
    folder = write_experiment(state, "exp", data=flowers, until=20 if state == "finished" else 10)
    (folder / "checkpoints" / "experiment.pt").touch()
    at = open_page(PAGE, run="exp")
    assert not at.exception, at.exception[0].stack_trace
    word = "running" if state == "torn" else state
    assert word in str(at.get_by_key("bn_status").markdown[0].value)
    buttons = {button.label for button in at.button}
    assert ("Stop" in buttons) == (state in ("queued", "running", "paused", "torn"))
    assert ("Pause" in buttons) == (state in ("running", "torn"))
    assert ("Continue" in buttons) == (state == "paused")
    assert ("Resume" in buttons) == (state in ("stopped", "failed", "lost"))
    if state == "running":
        assert "step 90 of 180 of all arms together" in at.get("progress")[0].proto.text
        assert "batch-s0" in text_of(at)
    if state == "failed":
        assert "Not enough memory." in errors_of(at)
        assert "Use a smaller width." in errors_of(at)
    if state == "lost":
        assert "The worker ended without a word" in errors_of(at)


@pytest.mark.parametrize(("section", "part"), PARTS)
@pytest.mark.parametrize("state", ["finished", "running"])
def test_every_section_has_titled_charts_sentences_and_tables(
    section: str,
    part: str,
    state: str,
    flowers: Path,
) -> None:
    write_experiment(state, "exp", data=flowers, sweeps=True, until=20 if state == "finished" else 10)
    at = open_page(PAGE, run="exp", section=section, part=part)
    assert not errors_of(at)
    drawn = charts(at)
    if not (section == "accumulation" and state == "running"):  # measured at the end
        assert drawn
        assert at.dataframe
    for chart in drawn:
        layout = chart["layout"]
        assert layout["title"]["text"]
        assert layout["xaxis"]["title"]["text"]
        assert layout["yaxis"]["title"]["text"]
        assert all(len(trace.get("x") or []) <= 1001 for trace in chart["data"])
    sentences = [str(each.value) for each in at.markdown if ":material/insights:" in str(each.value)]
    assert len(sentences) == len(SECTIONS[section].parts[part].makers)
    if state == "finished":
        assert all(any(character.isdigit() for character in sentence) for sentence in sentences)


def test_an_experiment_that_has_just_begun_says_what_comes(flowers: Path) -> None:
    write_experiment("queued", "exp", data=flowers)
    at = open_page(PAGE, run="exp")
    assert "Curves appear with the first steps" in text_of(at)
    assert not charts(at)


@pytest.mark.parametrize("section", [*TITLES, "nonsense", "../x"])
def test_the_open_section_is_in_the_url_and_whatever_is_none_is_dropped(section: str, flowers: Path) -> None:
    write_experiment("finished", "exp", data=flowers, until=0)
    at = open_page(PAGE, run="exp", section=section)
    assert not errors_of(at)
    assert at.session_state["bn_section"] == (section if section in TITLES else "verdict")


def test_a_click_on_a_section_goes_into_the_url(flowers: Path) -> None:
    write_experiment("finished", "exp", data=flowers)
    at = open_page(PAGE, run="exp")
    at.segmented_control(key="bn_section").set_value("inside").run()
    at.segmented_control(key="bn_part").set_value("units").run()
    assert at.query_params["section"] in ("inside", ["inside"])
    assert at.query_params["part"] in ("units", ["units"])
    assert "Dead and saturated units" in text_of(at)
    at.segmented_control(key="bn_section").set_value("surface").run()
    assert "On steps of equal relative length" in text_of(at), "the scale-free ones come first"


def test_the_verdict_answers_five_questions_and_links_to_their_charts(flowers: Path) -> None:
    write_experiment("finished", "exp", data=flowers, seeds=3)
    at = open_page(PAGE, run="exp")
    said = text_of(at)
    assert "5 of 5 questions are decided by this experiment, over 3 seeds" in said
    for number in range(1, 6):
        assert f"Answer {number}: 0.2 against 0.3 (3 seeds)." in said
    ways = [button for button in at.button if "See the charts" in button.label]
    assert len(ways) == 6, "the second question draws on two sections"
    ways[0].click().run()
    assert at.query_params["section"] in ("inside", ["inside"])
    assert at.query_params["part"] in ("changes", ["changes"])
    assert "Does a small change of the input grow?" in text_of(at)


def test_one_seed_decides_nothing(flowers: Path) -> None:
    write_experiment("finished", "exp", data=flowers, seeds=1)
    at = open_page(PAGE, run="exp")
    assert "0 of 5 questions are decided by this experiment, over 1 seed." in text_of(at)
    assert text_of(at).count("not decided by this experiment") == 5
    at = open_page(PAGE, run="exp", section="curves")
    assert "One seed cannot decide an order" in text_of(at)


def test_while_it_runs_the_verdict_says_when_it_comes(flowers: Path) -> None:
    write_experiment("running", "exp", data=flowers, until=10)
    assert "The verdict is written when the experiment ends." in text_of(open_page(PAGE, run="exp"))


def test_batch_norm_is_validated_three_ways_with_the_recalibrated_as_a_mark(flowers: Path) -> None:
    write_experiment("finished", "exp", data=flowers, seeds=3)
    at = open_page(PAGE, run="exp", section="curves")
    (chart,) = [each for each in charts(at) if "three ways" in each["layout"]["title"]["text"]]
    names = {trace["name"] for trace in chart["data"]}
    ways = {"running statistics", "batch statistics", "recalibrated"}
    assert {f"BatchNorm, {way}" for way in ways} <= names
    assert "Recalibration gains" in text_of(at)


def test_layer_channel_and_side_of_the_norm_are_picked(flowers: Path) -> None:
    write_experiment("finished", "exp", data=flowers, seeds=3)
    at = open_page(PAGE, run="exp", section="inside", part="distributions")
    assert at.selectbox(key="bn_layer").value == "conv5"
    at.selectbox(key="bn_layer").set_value("conv2").run()
    at.selectbox(key="bn_channel_conv2").set_value(6)
    at.toggle(key="bn_normed").set_value(True)
    at.selectbox(key="bn_seed_shown").set_value(2).run()
    fans = [each for each in charts(at) if "conv2, channel 6" in each["layout"]["title"]["text"]]
    assert len(fans) == 3
    assert len({tuple(each["layout"]["yaxis"]["range"]) for each in fans}) == 1, "all arms have the same y range"


def test_saturation_takes_the_place_of_dead_units_with_tanh(flowers: Path) -> None:
    write_experiment("finished", "exp", data=flowers, activation="tanh")
    at = open_page(PAGE, run="exp", section="inside", part="units")
    assert "Saturated outputs" in text_of(at)


def test_without_a_sweep_there_is_a_button_that_starts_one(flowers: Path, spawned: list) -> None:
    folder = write_experiment("finished", "exp", data=flowers)
    at = open_page(PAGE, run="exp", section="sweeps", part="rates")
    assert "This sweep has not been run yet" in text_of(at)
    assert "6 runs of 3 steps" in text_of(at)
    at.button(key="bn_sweep_start_q14").click().run()
    assert not errors_of(at)
    (command,) = [each for each in spawned if "compare-bn-sweep" in each]
    parsed = build_parser().parse_args(command[1:])
    assert (parsed.run_dir, parsed.kind) == (str(folder), "q14")
    assert at.get("progress")
    with pytest.raises(KeyError):  # while it runs it cannot be started again
        at.button(key="bn_sweep_start_q14")
    assert sweep_job("exp", "q14") != sweep_job("exp", "q15")


def test_a_sweep_waits_for_its_experiment(flowers: Path) -> None:
    write_experiment("running", "exp", data=flowers, until=10)
    at = open_page(PAGE, run="exp", section="sweeps", part="batches")
    assert at.button(key="bn_sweep_start_q15").disabled


def test_start_writes_what_the_form_says(flowers: Path, spawned: list) -> None:
    at = open_page(PAGE)
    at.segmented_control(key="bn_preset").set_value("thorough").run()
    assert at.number_input(key="bn_seeds").value == 5
    at.selectbox(key="bn_arms").set_value("none,batch")
    at.selectbox(key="bn_activation").set_value("tanh")
    at.number_input(key="bn_batch_size").set_value(8)
    at.number_input(key="bn_probe_images").set_value(16)
    at.number_input(key="bn_steps").set_value(40).run()
    assert not errors_of(at)
    assert "2 arms x 5 seeds x 40 steps = **400 optimizer steps**" in text_of(at)
    at.button(key="bn_start").click().run()
    assert not errors_of(at)
    (folder,) = runs_dir().iterdir()
    config, bn = load_config(folder / "config.json"), load_bn_config(folder)
    assert (config.activation, config.batch_size, config.init, config.max_steps) == ("tanh", 8, "seed", 40)
    assert (bn.arms, bn.seeds, bn.steps, bn.probe_images) == ("none,batch", 5, 40, 16)
    assert config.data == str(flowers)
    assert ["alexcore.runs.worker", str(folder)] in spawned
    assert at.query_params["run"] in (folder.name, [folder.name])


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("bn_steps", 0, "steps = 0 is not allowed"),
        ("bn_seeds", 99, "seeds = 99 is not allowed"),
        ("bn_lr", 0.0, "lr = 0.0 is not allowed"),
        ("bn_batch_size", 1, "BatchNorm cannot take a mean over one picture"),
        ("bn_batch_size", 5, "leaves a last batch of 1 picture out of 36"),
        ("bn_batch_size", 100, "larger than the training split"),
    ],
)
def test_a_bad_setting_is_a_sentence_and_nothing_starts(key: str, value: float, sentence: str, flowers: Path) -> None:
    at = open_page(PAGE)
    at.number_input(key=key).set_value(value).run()
    assert sentence in errors_of(at)
    assert at.button(key="bn_start").disabled
    assert at.number_input(key=key).value == value, "what was typed is kept"


def test_stop_pause_and_resume_reach_the_worker(flowers: Path, spawned: list) -> None:
    folder = write_experiment("running", "exp", data=flowers, until=10)
    at = open_page(PAGE, run="exp")
    at.button(key="bn_pause").click().run()
    assert (folder / "request").read_text() == "pause"
    at.button(key="bn_stop").click().run()
    assert (folder / "request").read_text() == "stop"


def test_a_finished_experiment_gets_more_seeds_by_a_button(flowers: Path, spawned: list) -> None:
    folder = write_experiment("finished", "exp", data=flowers, seeds=3)
    (folder / "checkpoints").mkdir(exist_ok=True)
    (folder / "checkpoints" / "experiment.pt").touch()
    at = open_page(PAGE, run="exp")
    assert at.number_input(key="bn_seeds_in_all_3").value == 5, "as many as can decide"
    at.button(key="bn_more_seeds").click().run()
    assert asked_to_resume(folder) == {"seeds": 5}
    assert read_run(folder).status.state == "queued"
    assert len(spawned) == 1
    assert not at.button or "bn_more_seeds" not in {button.key for button in at.button}


def test_the_active_experiment_is_found_without_its_name_in_the_url(flowers: Path) -> None:
    write_experiment("running", "busy", data=flowers, until=10)
    at = open_page(PAGE)
    assert "busy" in text_of(at)
    links = at.sidebar.get("page_link")
    assert any("busy" in link.proto.label and "batchnorm" in link.proto.page for link in links)


def test_train_leads_to_the_experiment_and_the_page_to_a_run(flowers: Path) -> None:
    write_experiment("running", "exp", data=flowers, until=10)
    write_run("finished", "plain", data=flowers)
    at = open_page("pages/train.py", run="exp")
    assert "is a BatchNorm experiment" in text_of(at)
    assert "is a BatchNorm experiment" not in text_of(open_page("pages/train.py")), "it is not taken for a run"
    assert "is no experiment" in text_of(open_page(PAGE, run="plain"))


@pytest.mark.parametrize("name", ["../../etc", "/etc", "nothing-here", "a\0b", "<b>x</b>"])
def test_a_name_from_the_url_is_not_trusted(name: str, flowers: Path) -> None:
    at = open_page(PAGE, run=name)
    assert "run" in errors_of(at)
    at.button(key="bn_close").click().run()
    assert not errors_of(at)


def test_an_experiment_that_is_deleted_while_somebody_looks_is_a_sentence(flowers: Path) -> None:
    folder = write_experiment("running", "gone", data=flowers, until=10)
    at = open_page(PAGE, run="gone")
    shutil.rmtree(folder)
    at.run()
    assert "There is no run gone." in errors_of(at)


def test_an_experiment_whose_settings_are_torn_is_a_sentence(flowers: Path) -> None:
    folder = write_experiment("finished", "exp", data=flowers)
    (folder / "experiment.json").write_text('{"arms": "none,ba')
    for section in ("sweeps", "take"):
        at = open_page(PAGE, run="exp", section=section)
        assert "cannot be read as an experiment" in errors_of(at) + text_of(at)


# One line of each kind; they concern different quantities, so none hides another.
DAMAGE = [
    {"type": "probe", "arm": "none", "step": 21, "quantity": "Q3", "data": {}},
    {"type": "probe", "arm": "new", "step": 1, "quantity": "Q1", "data": {"conv1": {}}},
    {"type": "probe", "arm": "none", "step": 22, "quantity": "Q8", "data": {"rates": None}},
    {"type": "probe", "arm": "none", "step": 22, "quantity": "gain", "data": {"layers": ["x"], "random": None}},
    {"type": "arm_step", "arm": "none", "step": 23, "loss": None},
]


@pytest.mark.parametrize(("section", "part"), PARTS)
def test_numbers_that_are_missing_leave_the_page_standing(section: str, part: str, flowers: Path) -> None:
    folder = write_experiment("finished", "exp", data=flowers)
    with (folder / "events.jsonl").open("a") as file:
        file.writelines(json.dumps({"seed": 0, **damage}) + "\n" for damage in DAMAGE)
    errors_of(open_page(PAGE, run="exp", section=section, part=part))


def test_an_experiment_without_group_norm_and_without_probes(flowers: Path) -> None:
    folder = write_experiment("finished", "exp", data=flowers, arms="none,batch")
    lines = [line for line in (folder / "events.jsonl").read_text().splitlines() if '"type": "probe"' not in line]
    (folder / "events.jsonl").write_text("\n".join(lines) + "\n")
    for section, part in PARTS:
        at = open_page(PAGE, run="exp", section=section, part=part)
        assert not errors_of(at)
        if section not in ("curves", "sweeps"):
            assert "Nothing of this has been measured yet." in text_of(at)


def test_take_along_has_a_report_tables_networks_and_a_command(flowers: Path) -> None:
    folder = write_experiment("finished", "exp", data=flowers)
    (folder / "summary.csv").write_text("arm,seed\nnone,0\n")
    network = folder / "arms" / "batch-s0" / "checkpoints" / "last.pt"
    network.parent.mkdir(parents=True)
    network.touch()
    at = open_page(PAGE, run="exp", section="take")
    assert not errors_of(at)
    names = [button.proto.label for button in at.get("download_button")]
    assert "Download the report" in names
    assert "summary.csv" in names
    code = "\n".join(each.value for each in at.code)
    assert "/runs/exp/arms/batch-s0 picture.jpg" in code
    assert "compare-bn --preset=quick" in code
    assert "--steps=20" in code


def test_the_formula_is_explained_and_needs_no_torch_until_it_is_asked_for(flowers: Path) -> None:
    write_experiment("finished", "exp", data=flowers)
    at = open_page(PAGE, run="exp", section="formula")
    assert not errors_of(at)
    assert "depends on the pictures beside it" in text_of(at)
    assert "Switch on for the layer and channel above" in text_of(at)
    assert "Recorded with seed 0 after step 20." in text_of(at)
    assert any("mean = 0.5" in each.value for each in at.code)


def test_the_formula_is_worked_out_on_real_pictures(flowers: Path) -> None:
    write_experiment("finished", "exp", data=flowers)
    at = open_page(PAGE, run="exp", section="formula")
    at.number_input(key="bn_formula_channel").set_value(3)
    at.toggle(key="bn_formula_show").set_value(True).run()
    assert not errors_of(at)
    code = "\n".join(each.value for each in at.code)
    assert "running mean = 0, as it begins, before the first step" in code
    assert "output = gamma" in code
    at.number_input(key="bn_formula_channel").set_value(999).run()
    assert "channel = 999 is not allowed" in errors_of(at)


def test_a_start_from_a_second_tab_does_not_take_the_first_one_over(flowers: Path) -> None:
    write_experiment("finished", "old", data=flowers)
    at = open_page(PAGE, run="old")
    assert Experiment(runs_dir() / "old").refresh()
    create_run(load_config(runs_dir() / "old" / "config.json"), runs_dir() / "other")
    at.run()
    assert "old" in text_of(at)
    assert launcher.read_request(runs_dir() / "old") == ""
