"""Every page on every kind of run store, through the router, without a browser."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from alexcore.config import load_config
from alexcore.data.sources import open_checked
from alexcore.data.statistics import measure
from alexcore.files import write_json
from alexcore.home import SYNTHETIC, cache_dir, data_dir, runs_dir
from alexcore.runs import launcher
from tests.support.opened_pages import PAGES, errors_of, open_page, picture, text_of
from tests.support.run_folders import STATES, write_run


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("state", ["empty", *STATES])
def test_every_page_opens_on_every_store(page: str, state: str, flowers: Path) -> None:
    if state != "empty":
        write_run(state, "a-run", data=flowers, checkpoint=state in ("finished", "stopped"))
    at = open_page(page, **({} if state == "empty" else {"run": "a-run"}))
    assert not at.exception, at.exception[0].stack_trace
    assert at.title[0].value


@pytest.mark.parametrize("state", STATES)
def test_train_shows_the_states_word(state: str, flowers: Path) -> None:
    write_run(state, "a-run", data=flowers, checkpoint=True)
    at = open_page("pages/train.py", run="a-run")
    word = "running" if state == "torn" else state
    badge = at.get_by_key("train_status")
    assert word in str(badge.markdown[0].value)
    titles = [chart.proto.spec for chart in at.get("plotly_chart")]
    assert any('"Accuracy"' in title for title in titles) == (state != "queued")
    buttons = {button.label for button in at.button}
    assert ("Stop" in buttons) == (state in ("queued", "running", "paused", "torn"))
    assert ("Resume" in buttons) == (state in ("stopped", "failed", "lost"))


def test_a_failed_run_shows_sentence_hint_and_log(flowers: Path) -> None:
    write_run("failed", "a-run", data=flowers)
    at = open_page("pages/train.py", run="a-run")
    assert "The loss is nan." in errors_of(at)
    assert "Lower the rate." in errors_of(at)
    assert "the end of the log" in at.code[0].value


def test_the_active_run_is_found_without_its_name_in_the_url(flowers: Path) -> None:
    write_run("running", "busy", data=flowers)
    at = open_page("pages/train.py")
    assert "busy" in text_of(at)
    assert any("busy" in str(link.proto.label) for link in at.sidebar.get("page_link"))


def test_stop_writes_a_request_that_the_worker_reads(flowers: Path) -> None:
    folder = write_run("running", "busy", data=flowers)
    at = open_page("pages/train.py", run="busy")
    at.button(key="train_stop").click().run()
    assert (folder / "request").read_text() == "stop"


def test_a_deleted_run_is_a_sentence(flowers: Path) -> None:
    folder = write_run("running", "gone", data=flowers)
    at = open_page("pages/train.py", run="gone")
    shutil.rmtree(folder)
    at.run()
    assert "There is no run gone." in errors_of(at)


@pytest.mark.parametrize("name", ["../../etc", "/etc", "..", "nothing-here", "a\0b", "<b>x</b>"])
def test_a_run_name_from_the_url_is_not_trusted(name: str, flowers: Path) -> None:
    at = open_page("pages/train.py", run=name)
    assert "run" in errors_of(at)
    assert at.button(key="train_start")


def test_the_first_visit_draws_the_built_in_data_set(spawned: list[list[str]]) -> None:
    at = open_page()
    assert ["alexcore", "data", "sample", str(data_dir() / SYNTHETIC)] in spawned
    assert "Drawing the built-in data set" in at.get("progress")[0].proto.text
    at.run()
    assert sum(arguments[1:3] == ["data", "sample"] for arguments in spawned) == 1, (
        "a second visit starts no second job"
    )


def test_overview_names_the_device(flowers: Path) -> None:
    open_page()
    found = {"device": "cpu", "description": "CPU, 2 threads", "torch": "2.15.0", "precision": "bfloat16"}
    write_json(cache_dir() / "devices.json", found)
    for job in (cache_dir() / "jobs").glob("device-*.json"):
        write_json(job, {"state": "finished"})
    assert "CPU, 2 threads" in text_of(open_page())


def test_dataset_shows_table_balance_and_pictures(flowers: Path) -> None:
    at = open_page("pages/dataset.py")
    (table,) = [each.value for each in at.dataframe if "class" in each.value]
    assert list(table["class"]) == ["fine", "level", "wide"]
    assert list(table["index"]) == [0, 1, 2]
    assert list(table["train"]) == [12, 12, 12]
    assert list(table["val"]) == [4, 4, 4]
    assert "Pictures 1 to 24 of 48" in text_of(at)
    at.pagination(key="dataset_page").set_value(2).run()
    assert "Pictures 25 to 48 of 48" in text_of(at)
    assert at.query_params["page"] in ("2", ["2"])
    at.segmented_control(key="dataset_split").set_value("val").run()
    assert "Pictures 1 to 12 of 12" in text_of(at)
    at.multiselect(key="dataset_classes").set_value(["wide"]).run()
    assert "Pictures 1 to 4 of 4" in text_of(at)


def shown_names(at: AppTest) -> list[str]:
    return [
        str(button.label).replace("\\", "") for button in at.button if str(button.key).startswith("dataset_picture_")
    ]


def test_the_gallery_filters_by_name_sorts_and_changes_its_page(flowers: Path) -> None:
    small = flowers / "val" / "wide" / "Ein *kleines* Bild.png"
    Image.new("RGB", (40, 30), (10, 20, 30)).save(small)
    at = open_page("pages/dataset.py")
    assert shown_names(at)[0] == "fine_000.jpg"
    at.selectbox(key="dataset_sort").set_value("size").run()
    assert shown_names(at)[0] == small.name[:9] + "…" + small.name[-10:]
    at.toggle(key="dataset_descending").set_value(True).run()
    assert small.name not in shown_names(at)
    at.segmented_control(key="dataset_page_size").set_value(96).run()
    assert "Pictures 1 to 49 of 49" in text_of(at)
    assert len(shown_names(at)) == 49
    at.text_input(key="dataset_file").set_value("LEVEL_00").run()
    assert "Pictures 1 to 14 of 14" in text_of(at)
    at.selectbox(key="dataset_sort").set_value("name").run()
    assert shown_names(at)[0] == "level_009.jpg"
    at.text_input(key="dataset_file").set_value("*kleines*").run()
    assert len(shown_names(at)) == 1
    at.text_input(key="dataset_file").set_value("no such name").run()
    assert "No picture matches." in text_of(at)


def test_the_controls_of_the_gallery_stand_in_the_url(flowers: Path) -> None:
    at = open_page("pages/dataset.py", dataset_page_size="48", dataset_sort="size", dataset_file="wide")
    assert "Pictures 1 to 16 of 16" in text_of(at)
    assert at.selectbox(key="dataset_sort").value == "size"
    at = open_page("pages/dataset.py", dataset_page_size="7", dataset_sort="__import__", dataset_split="nowhere")
    assert "Pictures 1 to 24 of 48" in text_of(at)
    assert not errors_of(at)


def test_a_click_shows_the_picture_large_with_its_facts(flowers: Path) -> None:
    path = flowers / "train" / "level" / "level_002.jpg"
    exif = Image.Exif()
    exif[0x010F] = "Maker_of *cameras*"
    Image.new("RGB", (300, 200), "white").save(path, exif=exif)
    at = open_page("pages/dataset.py")
    row = open_checked(flowers).files["path"].tolist().index("train/level/level_002.jpg")
    at.button(key=f"dataset_picture_{row}").click().run()
    text = text_of(at)
    for part in (
        "level, index 1",
        "train, picture 14 of 36",
        "300 × 200 px",
        "JPEG, RGB",
        "Make**: Maker_of *cameras*",
    ):
        assert part in text
    assert str(path) in [code.value for code in at.code]
    at.run()
    assert "300 × 200 px" not in text_of(at), "the next run closes it"


def test_a_picture_that_vanished_is_a_sentence_in_its_dialog(flowers: Path) -> None:
    at = open_page("pages/dataset.py")
    (flowers / "train" / "fine" / "fine_001.jpg").write_bytes(b"no picture any more")
    at.button(key="dataset_picture_1").click().run()
    assert "fine_001.jpg is no picture" in errors_of(at)
    assert "when the folder was read" in text_of(at)


def test_class_indices_can_be_downloaded(flowers: Path) -> None:
    at = open_page("pages/dataset.py")
    (button,) = [each for each in at.get("download_button") if "class_indices.json" in each.proto.label]
    assert button.proto.id
    assert "class_to_idx = {'fine': 0, 'level': 1, 'wide': 2}" in [code.value for code in at.code]


def statistics_job(**values: object) -> None:
    (job,) = [each for each in (cache_dir() / "jobs").glob("stats-*.json")]
    write_json(job, values)


def test_statistics_are_measured_by_a_job_and_shown(flowers: Path, spawned: list[list[str]]) -> None:
    at = open_page("pages/dataset.py")
    assert "Not measured yet" in text_of(at)
    assert "brightness" not in at.selectbox(key="dataset_sort").options
    at.button(key="dataset_measure").click().run()
    assert ["alexcore", "data", "stats", str(flowers)] in spawned
    assert any("Measuring every picture" in bar.proto.text for bar in at.get("progress"))
    statistics_job(state="failed", error="The disk is full.")
    at.run()
    assert "The disk is full." in errors_of(at)
    found = measure(open_checked(flowers))
    statistics_job(state="finished")
    at = open_page("pages/dataset.py")
    assert "Average training picture of each class" in text_of(at)
    assert found.normalize_code() in [code.value for code in at.code]
    assert len(at.get("plotly_chart")) == 3
    assert "Every picture is 72 × 72 px." in text_of(at)
    channels = at.get_by_key("dataset_channels").dataframe[0].value
    assert channels["mean"].tolist() == pytest.approx(found.mean, abs=1e-4)
    at.selectbox(key="dataset_sort").set_value("brightness").run()
    darkest = open_checked(flowers).names[int(found.table["brightness"].argmin())]
    assert shown_names(at)[0] == darkest
    at.button(key=f"dataset_picture_{int(found.table['brightness'].argmin())}").click().run()
    assert f"Brightness**: {found.table['brightness'].min():.2f}" in text_of(at)


def test_a_file_overwritten_in_place_is_seen_after_reading_again(flowers: Path) -> None:
    open_checked(flowers)
    at = open_page("pages/dataset.py")
    assert "all 48 pictures can be decoded" in text_of(at)
    victim = flowers / "train" / "fine" / "fine_003.jpg"
    victim.write_bytes(victim.read_bytes()[:300])
    at.button(key="dataset_reload").click().run()
    assert "Not checked yet." in text_of(at)


@pytest.mark.parametrize("page", ["0", "-1", "99", "x", "9" * 30])
def test_a_page_number_from_the_url_is_not_trusted(page: str, flowers: Path) -> None:
    at = open_page("pages/dataset.py", page=page)
    assert not errors_of(at)
    assert "Pictures" in text_of(at)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda root: None, "There is no folder"),
        (lambda root: root.mkdir(), "holds no pictures in class folders"),
        (lambda root: root.write_text("x"), "is a file"),
        (
            lambda root: shutil.copytree(data_dir() / SYNTHETIC / "train" / "fine", root / "train" / "fine"),
            "only one class",
        ),
    ],
)
def test_a_bad_folder_is_a_sentence(make: object, sentence: str, flowers: Path, tmp_path: Path) -> None:
    make(tmp_path / "mine")  # type: ignore[operator]
    at = open_page("pages/dataset.py")
    at.selectbox(key="dataset_source").set_value("a folder ...").run()
    at.text_input(key="dataset_path").set_value(str(tmp_path / "mine"))
    at.button(key="dataset_open").click().run()
    assert sentence in errors_of(at)


def test_a_folder_outside_the_roots_is_refused(flowers: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ALEXCORE_DATA_ROOTS", str(data_dir()))
    assert "lies outside the folders" in errors_of(open_page("pages/dataset.py", dataset=str(tmp_path)))


def test_a_corrupt_picture_is_named_before_the_start(flowers: Path) -> None:
    victim = flowers / "train" / "fine" / "fine_003.jpg"
    victim.write_bytes(victim.read_bytes()[:300])
    open_checked(flowers)  # what the button "Check every picture" does in the background
    for page in ("pages/dataset.py", "pages/train.py"):
        at = open_page(page)
        assert "1 of 48 pictures cannot be decoded" in text_of(at)
        assert "fine_003.jpg" in text_of(at)
    assert "35 training" in text_of(at)


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("train_epochs", 0, "epochs = 0 is not allowed: it must be a whole number from 1 to 10000"),
        ("train_lr", -0.1, "lr = -0.1 is not allowed: it must be a number above 0"),
        ("train_batch_size", 64, "batch_size = 64 is larger than the training split (36 pictures)"),
        ("train_batch_size", 35, "leaves a last batch of 1 picture"),
        ("train_image_size", 40, "image_size = 40 is too small"),
    ],
)
def test_a_bad_setting_is_a_sentence_and_nothing_starts(
    key: str, value: float, sentence: str, flowers: Path, spawned: list[list[str]]
) -> None:
    at = open_page("pages/train.py")
    at.number_input(key=key).set_value(value).run()
    assert sentence in errors_of(at)
    assert at.button(key="train_start").disabled
    at.number_input(key="train_epochs").set_value(3).run()
    assert at.number_input(key=key).value == (3 if key == "train_epochs" else value), "what was typed is kept"
    assert not runs_dir().exists()


def test_start_writes_the_configuration_of_the_form(flowers: Path, spawned: list[list[str]]) -> None:
    at = open_page("pages/train.py")
    at.segmented_control(key="train_preset").set_value("quick").run()
    assert at.number_input(key="train_epochs").value == 4
    at.number_input(key="train_epochs").set_value(3)
    at.selectbox(key="train_norm").set_value("group")
    at.number_input(key="train_batch_size").set_value(8).run()
    at.button(key="train_start").click().run()
    (folder,) = runs_dir().iterdir()
    config = load_config(folder / "config.json")
    assert (config.epochs, config.norm, config.batch_size, config.image_size) == (3, "group", 8, 128)
    assert config.data == str(flowers)
    assert ["alexcore.runs.worker", str(folder)] in spawned
    assert at.query_params["run"] in (folder.name, [folder.name])
    assert "queued" in str(at.get_by_key("train_status").markdown[0].value)


def test_every_setting_is_explained_with_the_lines_that_run(flowers: Path) -> None:
    at = open_page("pages/train.py")
    at.selectbox(key="train_explain").set_value("accumulation_steps").run()
    assert "optimizer.zero_grad()" in at.code[0].value
    assert ".backward()" in at.code[0].value


def test_classify_answers_each_upload_and_names_the_bad_one(flowers: Path) -> None:
    write_run("finished", "good", data=flowers, checkpoint=True)
    at = open_page("pages/classify.py")
    files = [
        ("a.jpg", picture(), "image/jpeg"),
        ("b.png", b"only text", "image/png"),
        ("c.jpg", picture("CMYK"), "image/jpeg"),
    ]
    at.file_uploader(key="classify_upload").set_value(files).run()
    assert errors_of(at).startswith("b.png is no picture in a format that is known here.")
    bars = at.get("progress")
    assert len(bars) == 6, "three classes for each of the two pictures"
    assert sum(bar.proto.value for bar in bars[:3]) == pytest.approx(100, abs=2)


def test_classify_takes_the_newest_finished_run_and_explains_a_broken_one(flowers: Path) -> None:
    write_run("finished", "older", data=flowers, checkpoint=True)
    broken = write_run("stopped", "stopped-later", data=flowers, checkpoint=True)
    at = open_page("pages/classify.py")
    assert at.selectbox(key="classify_run").value == "older"
    (broken / "checkpoints" / "best.pt").write_bytes(b"no checkpoint at all")
    at.selectbox(key="classify_run").set_value("stopped-later").run()
    at.file_uploader(key="classify_upload").set_value([("a.jpg", picture(), "image/jpeg")]).run()
    assert "is no checkpoint, or a damaged one" in errors_of(at)


def test_classify_without_any_run_leads_to_training(flowers: Path) -> None:
    assert "There is no trained network yet" in text_of(open_page("pages/classify.py"))


def test_a_run_that_is_gone_can_be_closed(flowers: Path) -> None:
    at = open_page("pages/train.py", run="gone")
    assert "There is no run gone." in errors_of(at)
    at.button(key="train_close").click().run()
    assert not errors_of(at)
    assert "run" not in at.query_params


def test_a_stop_is_final_also_from_another_tab(flowers: Path) -> None:
    folder = write_run("running", "busy", data=flowers)
    stale = open_page("pages/train.py", run="busy")
    launcher.request(folder, "stop")
    stale.button(key="train_pause").click().run()
    assert (folder / "request").read_text() == "stop"
