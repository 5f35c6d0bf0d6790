"""`/runs` on every kind of store: the table, one run, a comparison, the trash; and `/train?clone=`."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from alexcore.augment.pipeline_files import save_pipeline, saved_pipelines
from alexcore.augment.presets import training_operations
from alexcore.command_line import flags
from alexcore.config import FIELDS, load_config, make_config
from alexcore.data.content_hashes import remember_seen
from alexcore.data.reading import OF_LISTS
from alexcore.data.sources import open_checked
from alexcore.errors import ConfigError
from alexcore.files import write_json
from alexcore.home import runs_dir
from alexcore.runs import launcher
from alexcore.runs.about import change_about, read_about
from alexcore.runs.events import EventWriter
from alexcore.runs.resumption import asked_to_resume
from alexcore.runs.trash import list_trash, trash_dir
from tests.support.opened_pages import errors_of, open_page, text_of
from tests.support.run_folders import CLASSES, STATES, tiny_config, write_checkpoint, write_run
from tests.support.striped_pictures import write_pictures

RUNS, TRAIN = "pages/runs.py", "pages/train.py"


def choose(at: AppTest, *ids: str) -> AppTest:
    return at.multiselect(key="runs_chosen").set_value(list(ids)).run()


def specs(at: AppTest) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in at.get("plotly_chart")]


def titles(at: AppTest) -> list[str]:
    return [spec["layout"]["title"]["text"] for spec in specs(at)]


# The table -------------------------------------------------------------------------------------------------------


def test_an_empty_store_leads_to_train() -> None:
    at = open_page(RUNS)
    assert "There are no runs yet." in text_of(at)
    assert not at.dataframe


def test_the_table_has_all_runs_with_their_figures() -> None:
    for state in STATES:
        write_run(state, f"{state}-run", data="/pictures/flowers")
    change_about(runs_dir() / "failed-run", name="my *first* try", tags=("a",), note="never again")
    at = open_page(RUNS)
    assert not at.exception
    table = at.dataframe[0].value.set_index("id")
    assert set(table.index) == {f"{state}-run" for state in STATES}
    assert table.loc["lost-run", "state"] == "lost"
    failed = table.loc["failed-run"]
    assert (failed["run"], list(failed["tags"]), failed["note"]) == ("my *first* try", ["a"], "never again")
    assert (failed["data set"], failed["variant"], failed["norm"], failed["epochs"]) == ("flowers", "seed", "batch", 2)
    assert (failed["best val"], failed["last val"], failed["images/s"], failed["time (s)"]) == (0.75, 0.75, 100, 12)
    assert failed["disk"] == sum(p.stat().st_size for p in (runs_dir() / "failed-run").rglob("*") if p.is_file())
    assert "width=0.25" in failed["other settings"]
    assert "9 of 9 runs, 5 of them active" in text_of(at)


def test_a_broken_folder_is_listed_with_what_is_wrong() -> None:
    (write_run("finished", "bad_one") / "config.json").write_text('{"epochs": 0}')
    (runs_dir() / "no run").mkdir()
    at = open_page(RUNS)
    assert "bad_one cannot be read as a run: epochs = 0 is not allowed" in text_of(at)
    assert set(at.dataframe[0].value["id"]) == {"bad_one", "no run"}


def test_a_folder_copied_in_appears_and_rows_follow_their_runs() -> None:
    folder = write_run("running", "it")
    at = open_page(RUNS)
    shutil.copytree(folder, runs_dir() / "copied in")
    writer = EventWriter(folder / "events.jsonl")
    writer.write("epoch", epoch=1, step=10, val_acc1=0.9)
    writer.close()
    table = at.run().dataframe[0].value.set_index("id")
    assert set(table.index) == {"it", "copied in"}
    assert table.loc["it", "best val"] == 0.9


def test_filters_and_search_narrow_the_table_down_and_stand_in_the_url() -> None:
    write_run("finished", "one", data="/a/roses")
    write_run("failed", "two", data="/a/tulips")
    change_about(runs_dir() / "two", tags=("wide", "late"))
    at = open_page(RUNS)
    at.multiselect(key="runs_state").set_value(["failed"]).run()
    assert list(at.dataframe[0].value["id"]) == ["two"]
    at.multiselect(key="runs_state").set_value([]).run()
    at.multiselect(key="runs_data").set_value(["roses"]).run()
    assert list(at.dataframe[0].value["id"]) == ["one"]
    at.multiselect(key="runs_tags").set_value(["wide"]).run()
    assert not at.dataframe
    assert "No run matches." in text_of(at)
    at = open_page(RUNS, runs_search="tulips failed")
    assert list(at.dataframe[0].value["id"]) == ["two"]
    assert "1 of 2 runs" in text_of(at)


def test_one_thousand_runs_open_and_can_all_be_compared() -> None:
    template = write_run("finished", "run-0000")
    for number in range(1, 1000):
        folder = runs_dir() / f"run-{number:04d}"
        (folder / "checkpoints").mkdir(parents=True)
        for name in ("status.json", "events.jsonl"):
            os.link(template / name, folder / name)
        config = json.loads((template / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, "seed": number}))
    at = open_page(RUNS)
    assert len(at.dataframe[0].value) == 1000
    at.toggle(key="runs_show_parallel").set_value(True).run()
    assert not at.exception
    (spec,) = specs(at)
    assert len(spec["data"]) <= 8
    assert "500 runs are not drawn: without accuracy or settings, or beyond the newest 500." in text_of(at)


def test_what_can_be_done_depends_on_how_many_are_chosen() -> None:
    write_run("finished", "one")
    write_run("finished", "two")
    at = open_page(RUNS)
    assert at.button(key="runs_compare").disabled
    assert at.button(key="runs_delete").disabled
    choose(at, "one")
    assert at.button(key="runs_compare").disabled
    at.button(key="runs_open").click().run()
    assert at.query_params["run"] in ("one", ["one"])
    at.button(key="runs_back").click().run()
    assert at.multiselect(key="runs_chosen").value == ["one"]
    choose(at, "one", "two")
    at.button(key="runs_compare").click().run()
    assert at.query_params["compare"] in ("one,two", ["one,two"])
    assert "Validation accuracy" in titles(at)
    assert [at.button(key=f"runs_open_{number}").label for number in (0, 1)] == ["one", "two"]
    at.button(key="runs_back").click().run()
    assert at.multiselect(key="runs_chosen").value == ["one", "two"]
    assert at.button(key="runs_open").disabled


@pytest.mark.parametrize("button", ["runs_back", "runs_delete"])
def test_the_table_comes_back_from_any_tab_of_a_run(button: str) -> None:
    write_run("finished", "one")
    write_run("finished", "two")
    at = open_page(RUNS, run="one", runs_section="Take it along")
    at.button(key=button).click().run()
    assert not at.exception
    assert not set(at.query_params) & {"run", "runs_section"}
    assert set(at.dataframe[0].value["id"]) == ({"one", "two"} if button == "runs_back" else {"two"})


def test_a_chosen_run_that_somebody_else_deletes_is_no_longer_chosen() -> None:
    write_run("finished", "one")
    write_run("finished", "two")
    at = choose(open_page(RUNS), "one", "two")
    shutil.rmtree(runs_dir() / "two")
    at.run()
    assert not at.exception
    assert at.multiselect(key="runs_chosen").value == ["one"]


# Deleting --------------------------------------------------------------------------------------------------------


def test_delete_says_what_it_frees_and_undo_brings_it_back() -> None:
    write_run("finished", "one")
    write_run("failed", "two")
    at = choose(open_page(RUNS), "one", "two")
    at.button(key="runs_delete").click().run()
    assert not at.exception
    assert [each.id for each in list_trash()] != []
    assert "Moved 2 runs to the trash; emptying it frees" in text_of(at)
    assert not list(runs_dir().glob("[!.]*"))
    at.button(key="runs_undo").click().run()
    assert {path.name for path in runs_dir().glob("[!.]*")} == {"one", "two"}
    assert "one is back" in text_of(at)
    assert set(at.dataframe[0].value["id"]) == {"one", "two"}


def test_an_active_run_is_refused_and_the_others_go() -> None:
    write_run("running", "busy")
    write_run("finished", "done")
    at = choose(open_page(RUNS), "busy", "done")
    at.button(key="runs_delete").click().run()
    assert "The run busy is running." in errors_of(at)
    assert "Moved done to the trash" in text_of(at)
    assert [path.name for path in runs_dir().glob("[!.]*")] == ["busy"]


def test_the_trash_lists_restores_and_is_emptied() -> None:
    for name in ("one", "two"):
        write_run("finished", name)
    at = choose(open_page(RUNS), "one", "two")
    at.button(key="runs_delete").click().run()
    place = next(each.place for each in list_trash() if each.id == "one")
    write_run("finished", "one")  # its name is taken meanwhile
    at.button(key=f"runs_restore_{place}").click().run()
    assert "one is back, as one-2: its id was taken meanwhile" in text_of(at)
    at.button(key="runs_empty_trash").click().run()
    assert list_trash() == []
    assert "The trash is empty." in text_of(at)
    assert {path.name for path in runs_dir().glob("[!.]*")} == {"one", "one-2"}


def test_undo_after_the_trash_was_emptied_is_a_sentence() -> None:
    write_run("finished", "one")
    write_run("finished", "stays")
    at = choose(open_page(RUNS), "one")
    at.button(key="runs_delete").click().run()
    shutil.rmtree(trash_dir())
    at.button(key="runs_undo").click().run()
    assert "The run one is no longer in the trash." in errors_of(at)


def test_old_runs_are_offered_to_keep_only_their_best_checkpoint() -> None:
    for name, state in (("old", "finished"), ("new", "finished"), ("resumable", "stopped"), ("only-last", "finished")):
        folder = write_run(state, name)
        for file in ("last.pt",) if name == "only-last" else ("best.pt", "last.pt"):
            (folder / "checkpoints" / file).write_bytes(b"x" * 1000)
        if name != "new":
            for file in ("config.json", "status.json", "events.jsonl"):
                os.utime(folder / file, (time.time() - 40 * 86400,) * 2)
    at = open_page(RUNS)
    at.button(key="runs_prune").click().run()
    left = {path.parent.parent.name for path in runs_dir().glob("*/checkpoints/last.pt")}
    assert left == {"new", "only-last"}
    assert len(list(runs_dir().glob("*/checkpoints/best.pt"))) == 3
    at.number_input(key="runs_old_days").set_value(0).run()
    at.button(key="runs_prune").click().run()
    assert {path.parent.parent.name for path in runs_dir().glob("*/checkpoints/last.pt")} == {"only-last"}


# One run ---------------------------------------------------------------------------------------------------------

SECTIONS = ("Settings", "Again", "Files and disk", "Environment", "Log", "Name and note")


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("state", [*STATES, "broken", "empty"])
def test_every_section_of_every_run_opens(state: str, section: str, flowers: Path) -> None:
    if state == "empty":
        (runs_dir() / "it").mkdir(parents=True)
    else:
        folder = write_run("finished" if state == "broken" else state, "it", data=flowers)
        if state == "broken":
            (folder / "config.json").write_text("{")
    at = open_page(RUNS, run="it", runs_section=section)
    assert not at.exception, at.exception[0].stack_trace
    word = {"torn": "running", "broken": "finished", "empty": "unknown"}.get(state, state)
    assert word in str(at.get_by_key("train_status").markdown[0].value)
    if state in ("broken", "empty") and section in ("Settings", "Again"):
        assert "config.json cannot be read" in text_of(at)


def test_a_run_shows_its_settings_files_environment_and_log(flowers: Path) -> None:
    folder = write_run("failed", "it", data=flowers)
    write_json(folder / "env.json", {"packages": {"torch": "1.0"}, "git_commit": "abc", "command": ["a", "b"]})
    (folder / "checkpoints" / "best.pt").write_bytes(b"x" * 5000)
    at = open_page(RUNS, run="it")
    table = next(each.value for each in at.dataframe if "setting" in each.value)
    assert len(table) == len(FIELDS)
    assert dict(zip(table["name"], table["value"], strict=True))["width"] == "0.25"
    at.toggle(key="runs_only_changed").set_value(True).run()
    values = load_config(folder / "config.json").model_dump()
    shown = next(each.value for each in at.dataframe if "setting" in each.value)
    assert set(shown["name"]) == {name for name, value in values.items() if value != FIELDS[name].default}
    at = open_page(RUNS, run="it", runs_section="Files and disk")
    files = next(each.value for each in at.dataframe if "file" in each.value).set_index("file")
    assert files.loc["checkpoints/best.pt", "size"] == 5000
    at = open_page(RUNS, run="it", runs_section="Environment")
    values = next(each.value for each in at.dataframe if "what" in each.value)
    assert ["packages torch", "1.0"] in values.to_numpy().tolist()
    at = open_page(RUNS, run="it", runs_section="Log")
    assert any("the end of the log" in code.value for code in at.code)


def test_name_tags_and_note_are_saved() -> None:
    folder = write_run("finished", "it")
    at = open_page(RUNS, run="it", runs_section="Name and note")
    at.text_input[0].set_value("better <b>name</b>")
    at.text_input[1].set_value("one, two,, one")
    at.text_area[0].set_value("a *note*")
    next(button for button in at.button if button.label == "Save").click().run()
    about = read_about(folder)
    assert (about.name, about.tags, about.note) == ("better <b>name</b>", ("one", "two"), "a *note*")
    assert "better <b>name</b>" in at.subheader[0].value.replace("\\", "")
    assert "<b>" not in at.subheader[0].value, "escaped"
    at.text_input[1].set_value("x" * 40)
    next(button for button in at.button if button.label == "Save").click().run()
    assert "has 40 characters" in errors_of(at)


@pytest.mark.parametrize("name", ["../../etc", "..", ".trash", "nothing-here", "a\0b", "<b>x</b>"])
def test_a_run_name_from_the_url_is_not_trusted(name: str) -> None:
    at = open_page(RUNS, run=name)
    assert "run" in errors_of(at)
    assert at.button(key="runs_back")


def test_one_run_is_deleted_and_brought_back() -> None:
    write_run("finished", "it")
    at = open_page(RUNS, run="it")
    at.button(key="runs_delete").click().run()
    assert "run" not in at.query_params
    assert "Moved it to the trash" in text_of(at)
    at.button(key="runs_undo").click().run()
    assert (runs_dir() / "it" / "config.json").is_file()
    write_run("running", "busy")
    assert open_page(RUNS, run="busy").button(key="runs_delete").disabled


def test_the_only_checkpoint_that_a_run_can_do_without_is_its_last() -> None:
    folder = write_run("finished", "it")
    for name in ("best.pt", "last.pt"):
        (folder / "checkpoints" / name).write_bytes(b"x")
    at = open_page(RUNS, run="it", runs_section="Files and disk")
    at.button(key="runs_prune").click().run()
    assert [path.name for path in (folder / "checkpoints").iterdir()] == ["best.pt"]


def test_an_experiment_leads_to_its_own_page() -> None:
    write_json(write_run("finished", "bn") / "experiment.json", {})
    assert "/batchnorm?run=bn" in "\n".join(str(each.value) for each in open_page(RUNS, run="bn").markdown)
    assert list(open_page(RUNS).dataframe[0].value["kind"]) == ["BatchNorm experiment"]


@pytest.mark.parametrize(
    "phase",
    [{"phase": "waiting-for-run", "phase_values": {"run": "other"}}, {"phase": "waiting for other"}],
    ids=["", "as version 0.1 wrote it"],
)
def test_a_queued_run_says_its_place(phase: dict[str, object]) -> None:
    folder = write_run("queued", "it")
    status = json.loads((folder / "status.json").read_text())
    write_json(folder / "status.json", {**status, **phase, "done": 2, "total": 2, "total_steps": 0})
    progress = open_page(RUNS, run="it").get("progress")[0].proto.text
    assert progress == "waiting for other; place 3 in the queue of this device"


# Again -----------------------------------------------------------------------------------------------------------


def again(name: str) -> AppTest:
    return open_page(RUNS, run=name, runs_section="Again")


def test_the_command_line_that_does_the_same(flowers: Path) -> None:
    write_run("finished", "it", data=flowers)
    code = again("it").code[-1].value
    assert code.startswith("python -m alexcore train ")
    assert f"--data={flowers}" in code
    assert "--width=0.25" in code
    assert code.split()[4:] == flags(load_config(runs_dir() / "it" / "config.json"))


def test_a_run_is_repeated_exactly(flowers: Path, spawned: list[list[str]]) -> None:
    write_run("finished", "it", data=flowers)
    at = again("it")
    at.button(key="runs_repeat").click().run()
    (new,) = [path for path in runs_dir().glob("[!.]*") if path.name != "it"]
    assert load_config(new / "config.json") == load_config(runs_dir() / "it" / "config.json")
    assert ["alexcore.runs.worker", str(new)] in spawned
    assert at.query_params["run"] in (new.name, [new.name])


@pytest.mark.parametrize("data", ["/etc", "/nowhere", ""])
def test_a_run_on_data_that_the_browser_may_not_open_is_not_repeated(data: str, spawned: list[list[str]]) -> None:
    write_run("finished", "it", data=data)
    at = again("it")
    spawned.clear()
    at.button(key="runs_repeat").click().run()
    assert errors_of(at)
    assert spawned == []
    assert [path.name for path in runs_dir().glob("[!.]*")] == ["it"]


def test_a_finished_run_goes_on_with_more_epochs(flowers: Path, spawned: list[list[str]]) -> None:
    folder = write_run("finished", "it", data=flowers)
    assert "There is no last checkpoint" in text_of(again("it"))
    (folder / "checkpoints" / "last.pt").touch()
    at = again("it")
    assert at.number_input(key="runs_more_epochs").value == 7
    at.number_input(key="runs_more_epochs").set_value(2).run()
    at.button(key="runs_continue").click().run()
    assert "is finished. " in errors_of(at).replace("\n\n", " ") or "is finished." in errors_of(at)
    at.number_input(key="runs_more_epochs").set_value(4).run()
    at.button(key="runs_continue").click().run()
    assert asked_to_resume(folder) == {"epochs": 4}
    assert ["alexcore.runs.worker", str(folder)] in spawned


def test_other_versions_than_those_of_then_are_named(flowers: Path) -> None:
    folder = write_run("finished", "it", data=flowers)
    write_json(folder / "env.json", {"packages": {"torch": "0.1", "nothing-like-it": "2"}})
    said = text_of(again("it"))
    assert "torch 0.1 is " in said
    assert "nothing-like-it 2 is missing now" in said


# Clone -----------------------------------------------------------------------------------------------------------


def other_value(name: str, default: object) -> object:
    spec = FIELDS[name]
    if spec.choices:
        return next(each for each in spec.choices if each != default)
    if isinstance(default, bool):
        return not default
    if isinstance(default, int):
        return default + 1
    if isinstance(default, float):
        return 0.25
    return None


def test_every_field_of_a_cloned_run_is_in_the_form(flowers: Path) -> None:
    # Small enough for two processes on these few pictures; SyncBatchNorm is refused on a CPU.
    changed: dict[str, object] = {"lr_milestones": "3,5", "device": "cpu", "batch_size": 4, "sync_batchnorm": False}
    for name, spec in FIELDS.items():
        value = other_value(name, spec.default)
        if name in ("data", "val", "classes_from", *OF_LISTS, "augment", "ignore_index", *changed) or value is None:
            continue
        try:
            make_config(data=str(flowers), **{**changed, name: value})
        except ConfigError:  # two fields that contradict each other: the default stays
            continue
        changed[name] = value
    assert len(changed) > len(FIELDS) * 0.6
    pipeline = training_operations("imagenet", changed.get("image_size", 224))  # type: ignore[arg-type]
    config = make_config(data=str(flowers), **{**changed, "augment": pipeline})
    launcher.create_run(config, runs_dir() / "it")
    write_json(runs_dir() / "it" / "status.json", {"state": "finished"})

    at = open_page(TRAIN, clone="it")
    assert errors_of(at) == ""
    assert "All settings below are those of the run it." in text_of(at)
    at.button(key="train_start").click().run()
    (new,) = [path for path in runs_dir().glob("[!.]*") if path.name != "it"]
    assert load_config(new / "config.json") == config
    assert list(saved_pipelines()) == ["from it"]
    assert "clone" not in at.query_params


def test_a_kept_pipeline_is_found_again_instead_of_kept_twice(flowers: Path) -> None:
    pipeline = training_operations("strong", 64)
    save_pipeline("mine", pipeline)
    launcher.create_run(tiny_config(flowers, augment=pipeline), runs_dir() / "it")
    at = open_page(TRAIN, clone="it")
    assert at.selectbox(key="train_augment").value == "mine"
    assert list(saved_pipelines()) == ["mine"]


def test_what_is_changed_after_cloning_stays_changed(flowers: Path) -> None:
    write_run("finished", "it", data=flowers, epochs=9)
    at = open_page(TRAIN, clone="it")
    assert at.number_input(key="train_epochs").value == 9
    at.number_input(key="train_epochs").set_value(3).run()
    at.run()
    assert at.number_input(key="train_epochs").value == 3


def test_a_separate_validation_folder_is_cloned_too(flowers: Path, tmp_path: Path) -> None:
    other = write_pictures(tmp_path / "other", CLASSES, {"val": 2}) / "val"
    launcher.create_run(tiny_config(flowers, val=str(other)), runs_dir() / "it")
    write_json(runs_dir() / "it" / "status.json", {"state": "finished"})
    at = open_page(TRAIN, clone="it")
    assert errors_of(at) == ""
    assert "36 training and 6 validation pictures" in text_of(at)
    at.button(key="train_start").click().run()
    (new,) = [path for path in runs_dir().glob("[!.]*") if path.name != "it"]
    assert load_config(new / "config.json").val == str(other)
    at = open_page(TRAIN, clone="it")
    at.toggle(key="train_use_val").set_value(False).run()
    assert "12 validation pictures" in text_of(at)


@pytest.mark.parametrize("name", ["../x", "nothing", "broken", "a\0"])
def test_a_run_that_cannot_be_cloned_is_a_sentence_and_the_form_works(name: str, flowers: Path) -> None:
    (write_run("finished", "broken") / "config.json").write_text("{")
    at = open_page(TRAIN, clone=name)
    assert errors_of(at)
    assert not at.button(key="train_start").disabled


# Comparing -------------------------------------------------------------------------------------------------------


def test_a_comparison_is_a_url(flowers: Path) -> None:
    write_run("finished", "one", data=flowers)
    write_run("finished", "two", data=flowers, epochs=5)
    at = open_page(RUNS, compare="one,two", x="time", curves="training", smooth="0.8")
    assert errors_of(at) == ""
    assert titles(at)[:2] == ["Training accuracy, by step", "Training loss, by step"]
    loss = specs(at)[1]
    assert loss["layout"]["xaxis"]["title"]["text"] == "working time (s)"
    assert [trace["name"] for trace in loss["data"]] == [
        "one, not smoothed",
        "one",
        "two, not smoothed",
        "two",
    ]
    assert loss["data"][0]["opacity"] < 0.5
    settings = next(each.value for each in at.dataframe if "setting" in each.value)
    assert settings.to_numpy().tolist() == [["Epochs", "2", "5"]]
    at.segmented_control(key="runs_x").set_value("epoch").run()
    assert at.query_params["x"] in ("epoch", ["epoch"])
    at.segmented_control(key="runs_smooth").set_value("0").run()
    assert [trace["name"] for trace in specs(at)[1]["data"]] == ["one", "two"]


def test_bad_ids_and_bad_values_in_the_url_are_named_or_ignored(flowers: Path) -> None:
    write_run("finished", "one", data=flowers)
    write_run("finished", "two,three", data=flowers)
    (write_run("finished", "broken") / "config.json").write_text("{")
    at = open_page(RUNS, compare="one,two%2Cthree,gone,..,<b>,broken,one", x="sideways", smooth="1e9", curves="'")
    said = errors_of(at)
    assert said.startswith("There is no run gone, .., <b>.")
    assert "<b>" not in "\n".join(str(each.value) for each in at.error)
    assert "broken: " in text_of(at)
    assert at.query_params["x"] in ("step", ["step"])
    assert list(next(each.value for each in at.dataframe if "best val" in each.value)["id"]) == [
        "one",
        "two,three",
        "broken",
    ]


def test_a_comparison_of_nothing_leads_back() -> None:
    write_run("finished", "one")
    at = open_page(RUNS, compare="gone,too")
    assert "A comparison needs at least two runs." in text_of(at)
    assert at.button(key="runs_back")
    at = open_page(RUNS, compare="one")
    assert not at.exception
    assert "A comparison needs at least two runs." in text_of(at)


@pytest.mark.parametrize("group", ["validation", "training", "epochs", "rate"])
def test_runs_in_every_state_are_compared(group: str) -> None:
    ids = []
    for state in STATES[:8]:
        write_run(state, f"{state}-run")
        ids.append(f"{state}-run")
    at = open_page(RUNS, compare=",".join(ids), curves=group)
    assert not at.exception, at.exception[0].stack_trace
    assert errors_of(at) == ""


def test_more_than_eight_become_parallel_coordinates_as_well() -> None:
    for number in range(10):
        write_run("finished", f"run-{number}", epochs=number + 1)
    at = open_page(RUNS, compare=",".join(f"run-{number}" for number in range(10)))
    assert "10 runs are too many for one chart" in text_of(at)
    assert len(specs(at)[0]["data"]) == 8
    assert "Settings and what became of them" in titles(at)


def test_matrices_of_runs_with_other_classes_are_not_confused() -> None:
    for name, classes in (("one", ["a", "b"]), ("two", ["b", "a"])):
        folder = write_run("queued", name)
        writer = EventWriter(folder / "events.jsonl")
        writer.write("start", classes=classes)
        writer.write("epoch", epoch=0, step=5, val_acc1=0.5, confusion=[[3, 1], [0, 2]])
        writer.close()
    at = open_page(RUNS, compare="one,two")
    assert "do not have the same classes" in text_of(at)
    matrices = [spec for spec in specs(at) if "Confusion" in spec["layout"]["title"]["text"]]
    assert [spec["data"][0]["x"] for spec in matrices] == [["a", "b"], ["b", "a"]]


def test_what_differs_beside_the_settings_is_said() -> None:
    for name, torch in (("one", "2.11"), ("two", "2.15")):
        write_json(write_run("finished", name) / "env.json", {"packages": {"torch": torch}, "device": "CPU"})
    at = open_page(RUNS, compare="one,two")
    assert "Nothing: these runs have the same settings." in text_of(at)
    assert "Beside the settings these differ: torch (2.11, 2.15)." in text_of(at)


def test_the_same_pictures_are_classified_by_each_run(flowers: Path) -> None:
    for name in ("one", "two", "three"):
        folder = write_run("finished", name, data=flowers)
        if name != "three":
            write_checkpoint(folder / "checkpoints" / "best.pt", tiny_config(flowers))
    index = open_checked(flowers)
    # One of the 12 validation pictures was trained on by another run.
    remember_seen(runs_dir() / "two", [index.select("val")["path"].iloc[0]], index.hashes)
    at = open_page(RUNS, compare="one,two,three")
    assert at.button(key="runs_other_pictures").disabled
    at.button(key="runs_pictures").click().run()
    assert not at.exception, at.exception[0].stack_trace
    assert "three: The run three (finished) has no checkpoint." in text_of(at)
    assert "1 of 12 images were in the training set of two: left out." in text_of(at)
    table = next(each.value for each in at.dataframe if "picture" in each.value)
    assert len(table) == 12
    assert set(table["run"]) == {"one", "two"}
    assert table.groupby("picture")["run"].nunique().eq(2).all(), "each picture by each run"
    assert set(table["truth"]) == set(CLASSES)
    at.button(key="runs_other_pictures").click().run()
    other = next(each.value for each in at.dataframe if "picture" in each.value)
    assert set(other["picture"]) != set(table["picture"])


# Elsewhere -------------------------------------------------------------------------------------------------------


def test_the_overview_names_the_latest_runs(flowers: Path) -> None:
    for number in range(10):
        folder = write_run("finished", f"run-{number}")
        (folder / "events.jsonl").unlink()
        os.utime(folder / "config.json", (1e9 + number, 1e9 + number))
    change_about(runs_dir() / "run-9", name="the last one")
    at = open_page()
    labels = [link.proto.label.replace("\\", "") for link in at.get("page_link")]
    assert [label for label in labels if label.startswith(("run", "the"))] == [
        "the last one",
        *(f"run-{number}" for number in range(8, 1, -1)),
    ]
