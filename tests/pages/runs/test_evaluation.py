"""The evaluation of a run on a page: offered, under way, failed, and its figures with the pictures behind them."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
import torch
from streamlit.testing.v1 import AppTest

from alexcore.analysis.evaluation_store import evaluation_name, known_evaluation
from alexcore.data.content_hashes import remember_seen
from alexcore.data.inspection.quality import scan
from alexcore.data.pack import pack
from alexcore.data.sources import open_checked, open_source
from alexcore.home import cache_dir, data_dir
from alexcore.jobs import read_job
from tests.support.command_line import done
from tests.support.opened_pages import errors_of, open_page, text_of
from tests.support.run_folders import CLASSES, write_run
from ui.parts.evaluation_charts import (
    calibration_view,
    classes_view,
    confusion_view,
    first_cell,
    headline,
)


@pytest.fixture
def run(flowers: Path) -> Path:
    torch.manual_seed(3)
    return write_run("finished", "a-run", data=flowers.resolve(), checkpoint=True)


@pytest.fixture
def evaluated(run: Path) -> pd.DataFrame:
    done("evaluate", run)
    known = known_evaluation(name_of(run))
    assert known is not None
    return known.answers


def name_of(run: Path, split: str = "val") -> str:
    config = json.loads((run / "config.json").read_text())
    return evaluation_name(run / "checkpoints" / "best.pt", config["data"], "", split)


def shown(**query: str) -> AppTest:
    return open_page("pages/train.py", run="a-run", **query)


def test_it_is_offered_and_is_a_job(run: Path, spawned: list) -> None:
    at = shown()
    assert "in the background: accuracy with an interval" in text_of(at)
    at.button(key="evaluation_start").click().run()
    assert not errors_of(at)
    (command,) = [each for each in spawned if "evaluate" in each]
    assert command == ["alexcore", "evaluate", str(run)]
    assert read_job(name_of(run)).state == "running"
    assert at.get("progress")
    with pytest.raises(KeyError):  # while it runs it cannot be started again
        at.button(key="evaluation_start")


def test_another_data_set_and_split_are_what_the_command_gets(run: Path, spawned: list) -> None:
    shutil.copytree(data_dir() / "synthetic-flowers", data_dir() / "others")
    at = shown()
    at.selectbox(key="evaluation_data").set_value("others")
    at.session_state["evaluation_split"] = "train"
    at.run()
    at.button(key="evaluation_start").click().run()
    (command,) = [each for each in spawned if "evaluate" in each]
    assert command[2:] == [str(run), "--data", str((data_dir() / "others").resolve()), "--split", "train"]


def test_pictures_of_its_training_count_on_other_data_only_if_somebody_wants_that(run: Path, spawned: list) -> None:
    shutil.copytree(data_dir() / "synthetic-flowers", data_dir() / "others")
    others = str((data_dir() / "others").resolve())
    (data_dir() / "others" / "val").rename(data_dir() / "others" / "test")
    index = open_checked(others)
    remember_seen(run, [index.files["path"].iloc[-1]], index.hashes)
    with pytest.raises(KeyError):
        shown().checkbox(key="evaluation_seen")
    done("evaluate", run, "--data", others, "--split", "test")
    query = {"evaluation_data": "others", "evaluation_split": "test"}
    at = shown(**query)
    assert "1 of 12 images were in this run's training set: left out." in text_of(at)
    at.checkbox(key="evaluation_seen").check().run()
    at.button(key="evaluation_start").click().run()
    assert not errors_of(at)
    (command,) = [each for each in spawned if "evaluate" in each]
    assert command[2:] == [str(run), "--data", others, "--include-seen", "--split", "test"]


def test_a_failed_job_says_why(run: Path) -> None:
    file = cache_dir() / "jobs" / f"{name_of(run)}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text('{"state": "failed", "error": "The data set numbers its classes differently."}')
    at = shown()
    assert "numbers its classes differently" in errors_of(at)
    assert at.button(key="evaluation_start")


@pytest.mark.parametrize("state", ["running", "failed"])
def test_it_waits_for_an_end_and_a_checkpoint(state: str, flowers: Path) -> None:
    write_run(state, "a-run", data=flowers, checkpoint=state == "running")
    at = shown()
    assert not at.exception
    with pytest.raises(KeyError):
        at.button(key="evaluation_start")


def test_the_figures_and_the_sentence(run: Path, evaluated: pd.DataFrame) -> None:
    at = shown()
    assert not errors_of(at)
    right = int((evaluated["label"] == evaluated["predicted"]).sum())
    assert f"{right} of 12 pictures are recognised, {right / 12:.1%}" in text_of(at)
    assert {each.label for each in at.metric} >= {"Accuracy", "95 % interval", "Balanced accuracy", "Macro F1"}


def captions_of(at: AppTest) -> list[str]:
    """The captions below the pictures."""
    words = [str(each.value).replace("\\", "") for each in at.get_by_key("evaluation_pictures").caption]
    return [each for each in words if ".jpg" in each]


@pytest.mark.parametrize("truth", CLASSES)
@pytest.mark.parametrize("answer", CLASSES)
def test_a_cell_opens_its_own_pictures(run: Path, evaluated: pd.DataFrame, truth: str, answer: str) -> None:
    at = shown()
    at.selectbox(key="evaluation_truth").set_value(truth)
    at.selectbox(key="evaluation_answer").set_value(answer).run()
    assert not errors_of(at)
    inside = evaluated[
        (evaluated["label"] == CLASSES.index(truth)) & (evaluated["predicted"] == CLASSES.index(answer))
    ].sort_values("loss", ascending=False)
    assert f"{len(inside)} of {truth}, answered {answer}" in text_of(at).replace("*", "")
    if inside.empty:
        assert "No picture is here." in text_of(at)
        return
    words = captions_of(at)
    assert [each.rsplit(" ", 1)[-1] for each in words] == [Path(path).name for path in inside["path"]]
    assert all(each.startswith(f"{truth}, ") for each in words)
    links = [link.proto for link in at.get("page_link") if link.proto.label == "Explain"]
    assert len(links) == len(inside)
    assert "a-run" in links[0].query_string
    assert "picture=" in links[0].query_string


def test_the_cell_of_the_url_is_open_and_nonsense_is_not(run: Path, evaluated: pd.DataFrame) -> None:
    at = shown(evaluation_truth="wide", evaluation_answer="wide")
    assert (at.selectbox(key="evaluation_truth").value, at.selectbox(key="evaluation_answer").value) == ("wide", "wide")
    at = shown(evaluation_truth="<b>", evaluation_answer="tulips", evaluation_view="nothing", evaluation_split="half")
    assert not errors_of(at)
    assert at.selectbox(key="evaluation_truth").value in CLASSES


@pytest.mark.parametrize("view", ["Confusion", "Classes", "Calibration", "Top losses"])
def test_every_view_opens_with_its_numbers(run: Path, evaluated: pd.DataFrame, view: str) -> None:
    at = shown(evaluation_view=view)
    assert not errors_of(at)
    assert any("as numbers" in str(each.proto.alt) for each in at.dataframe)
    if view == "Top losses":
        wrong = evaluated[evaluated["label"] != evaluated["predicted"]].sort_values("loss", ascending=False)
        assert [each.rsplit(" ", 1)[-1] for each in captions_of(at)] == [Path(path).name for path in wrong["path"]][:12]


def menus_of(at: AppTest) -> list[str]:
    """The keys of the menus of the pictures."""
    found = [str(each.proto.popover.id) for each in at.get("popover")]
    return [key for each in found for key in re.findall(r"evaluation_correct_\d+_menu", each)]


def test_a_wrong_answer_is_relabelled_left_out_and_put_back(run: Path, evaluated: pd.DataFrame) -> None:
    at = shown(evaluation_view="Top losses")
    wrong = evaluated[evaluated["label"] != evaluated["predicted"]].sort_values("loss", ascending=False)
    (row, path), second = next(wrong["path"].items()), str(wrong["path"].iloc[1])
    right = next(name for name in CLASSES if f"/{name}/" not in path)
    manifest = data_dir() / "synthetic-flowers-without-some.csv"
    at.session_state[f"evaluation_correct_{row}_menu"] = True
    at.run()
    at.selectbox(key=f"evaluation_correct_{row}_class").set_value(right).run()
    assert not errors_of(at)
    assert "1 label corrected in data/synthetic-flowers-without-some.csv" in text_of(at)
    assert not at.session_state[f"evaluation_correct_{row}_menu"], "one word was enough"
    changed = open_source(manifest)
    assert len(changed.files) == 48
    moved = changed.files[changed.files["path"].str.endswith(path)].iloc[0]
    assert (changed.classes[moved["label"]], moved["split"]) == (right, "val")

    other = wrong.index[1]
    at.session_state[f"evaluation_correct_{other}_menu"] = True
    at.run()
    at.button(key=f"evaluation_correct_{other}_out").click().run()
    assert "1 label corrected and 1 picture left out" in text_of(at)
    kept = open_source(manifest)
    assert not kept.files["path"].str.endswith(second).any()
    assert (data_dir() / "synthetic-flowers" / second).is_file(), "nothing is deleted"
    links = [each.proto.query_string for each in at.get("page_link") if each.proto.label == "Train on it"]
    assert "synthetic-flowers-without-some.csv" in links[0]

    at.session_state[f"evaluation_correct_{row}_menu"] = True
    at.run()
    at.button(key=f"evaluation_correct_{row}_undo").click().run()
    assert not errors_of(at)
    assert "1 picture left out in" in text_of(at)
    at.button(key="evaluation_corrected_undo_all").click().run()
    assert not errors_of(at)
    whole = open_source(data_dir() / "synthetic-flowers")
    assert open_source(manifest).files[["split", "label"]].equals(whole.files[["split", "label"]])


def test_near_duplicates_need_a_scan_first(run: Path, evaluated: pd.DataFrame, spawned: list) -> None:
    at = shown(evaluation_view="Top losses")
    next(each for each in at.button if each.label == "Near duplicates").click().run()
    assert "has not looked at this data set yet" in text_of(at)
    at.button(key="evaluation_scan").click().run()
    assert any(each[1:3] == ["data", "scan"] for each in spawned)


def test_near_duplicates_are_listed(run: Path, evaluated: pd.DataFrame, flowers: Path) -> None:
    wrong = evaluated[evaluated["label"] != evaluated["predicted"]].sort_values("loss", ascending=False)
    path = str(wrong["path"].iloc[0])
    # The copy changes the data set, and with it the evaluation that belongs to it.
    shutil.copy(flowers / path, flowers / "train" / "level" / "copy.jpg")
    done("evaluate", run)
    scan(open_source(flowers))
    at = shown(evaluation_view="Top losses")
    next(each for each in at.button if each.label == "Near duplicates").click().run()
    assert not errors_of(at)
    assert "look the same. Under another class" in text_of(at)
    assert "level" in text_of(at)
    at.button(key="evaluation_near_close").click().run()
    assert "look the same" not in text_of(at)


def test_shards_show_their_pictures_and_say_that_none_can_be_corrected(run: Path, tmp_path: Path) -> None:
    pack(open_source(data_dir() / "synthetic-flowers"), data_dir() / "shards")
    done("evaluate", run, "--data", str((data_dir() / "shards").resolve()))
    at = shown(evaluation_data="shards", evaluation_view="Top losses")
    assert not errors_of(at)
    assert captions_of(at)
    assert not [link for link in at.get("page_link") if link.proto.label == "Explain"], "only of the run's own data"
    assert not menus_of(at)
    assert "inside shards cannot be corrected" in text_of(at)


def test_a_data_set_outside_the_roots_shows_its_figures_without_its_pictures(
    run: Path, evaluated: pd.DataFrame, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ALEXCORE_DATA_ROOTS", str(tmp_path / "nowhere"))
    at = shown()
    assert "The pictures cannot be shown" in errors_of(at)
    assert "pictures are recognised" in text_of(at)


def test_pictures_of_a_separate_validation_folder_are_shown(flowers: Path, tmp_path: Path) -> None:
    shutil.copytree(flowers / "val", tmp_path / "apart")
    folder = write_run("finished", "a-run", data=flowers.resolve(), checkpoint=True)
    for path in (folder / "config.json",):
        config = json.loads(path.read_text())
        path.write_text(json.dumps({**config, "val": str(tmp_path / "apart")}))
    done("evaluate", folder)
    at = shown(evaluation_view="Top losses")
    assert not errors_of(at)
    assert captions_of(at)
    assert not any("lies outside" in str(each.value) for each in at.caption)
    assert not menus_of(at), "the list is of another folder"


def test_a_second_run_does_not_inherit_what_was_opened_for_the_first(run: Path, evaluated: pd.DataFrame) -> None:
    shutil.copytree(run, run.with_name("b-run"))
    done("evaluate", run.with_name("b-run"))
    at = shown(evaluation_view="Top losses")
    next(each for each in at.button if each.label == "Near duplicates").click().run()
    assert "Near duplicates of" in text_of(at)
    at.session_state["evaluation_page"] = 7
    at.query_params["run"] = "b-run"
    at.run()
    assert not errors_of(at)
    assert "Near duplicates of" not in text_of(at)


REPORT = {
    "images": 10,
    "labelled": 10,
    "acc1": 0.7,
    "acc1_low": 0.4,
    "acc1_high": 0.9,
    "ece": 0.2,
    "ignored": 0,
    "classes": ["a", "b"],
    "confusion": [[4, 1], [2, 3]],
    "per_class": [
        {
            "class": "a",
            "images": 5,
            "answers": 6,
            "precision": 0.67,
            "recall": 0.8,
            "f1": 0.73,
            "recall_low": 0.4,
            "recall_high": 0.95,
        },
        {
            "class": "b",
            "images": 5,
            "answers": 4,
            "precision": 0.75,
            "recall": 0.6,
            "f1": 0.67,
            "recall_low": 0.2,
            "recall_high": 0.9,
        },
    ],
    "calibration": [
        {"low": 0.0, "high": 0.5, "images": 0, "confidence": None, "acc1": None, "acc1_low": None, "acc1_high": None},
        {"low": 0.5, "high": 1.0, "images": 10, "confidence": 0.9, "acc1": 0.7, "acc1_low": 0.4, "acc1_high": 0.9},
    ],
}


def test_the_sentences_follow_the_numbers() -> None:
    assert headline(REPORT).startswith("7 of 10 pictures are recognised, 70.0%")
    assert "not clearly better than guessing, 50%" in headline(REPORT)
    assert "not clearly" not in headline({**REPORT, "acc1_low": 0.6})
    assert "b is recognised least: 60% of its 5 pictures" in classes_view(REPORT).sentence
    assert "2 of 5 pictures of b (40%) are taken for a" in confusion_view(REPORT, "a", "b").sentence
    assert first_cell(REPORT) == ("b", "a")
    assert first_cell({**REPORT, "confusion": [[5, 0], [0, 5]]}) == ("a", "a")
    assert "20.0 points too sure" in calibration_view(REPORT).sentence
    under = {**REPORT, "acc1": 0.95}
    assert "5.0 points not sure enough" in calibration_view(under).sentence


def test_of_many_classes_those_with_mistakes_are_drawn_and_the_chosen_one() -> None:
    names = [f"c{number}" for number in range(60)]
    matrix = [
        [10 if row == column else int(row < 30 and column == row + 1) for column in range(60)] for row in range(60)
    ]
    view = confusion_view({"classes": names, "confusion": matrix}, "c59", "c0")
    drawn = list(view.figures["confusion"].data[0].x)
    assert len(drawn) == 41
    assert "c59" in drawn
    assert len(view.table) == 60
    assert len(view.figures["confusion"].data[1].x) == 41 * 41


def test_images_without_classes_are_counted_and_no_figure_is_drawn(run: Path) -> None:
    loose = data_dir() / "loose"
    loose.mkdir()
    for number, file in enumerate(sorted((data_dir() / "synthetic-flowers" / "val").rglob("*.jpg"))[:5]):
        shutil.copy(file, loose / f"{number}.jpg")
    done("evaluate", run, "--data", str(loose.resolve()))
    at = shown(evaluation_data="loose")
    assert not errors_of(at)
    text = text_of(at)
    assert "No accuracy is known" in text
    assert "This is the network after 0 of" in text
    assert not [each for each in at.metric if each.label == "Accuracy"]
    assert [each for each in captions_of(at) if each.startswith("taken for ")]
    assert not menus_of(at), "nothing here can be corrected and trained on"
