"""The parts of the data set page that make or change a data set: adding, scanning, excluding, deriving."""

from __future__ import annotations

import shutil
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from alexcore.data.correcting import corrections_of
from alexcore.data.inspection.quality import scan
from alexcore.data.sources import open_checked, open_source
from alexcore.data.statistics import measure
from alexcore.files import write_json
from alexcore.home import cache_dir, data_dir
from tests.support.opened_pages import errors_of, open_page, text_of


def chosen(at: AppTest) -> str:
    value = at.query_params["dataset"]
    return value if isinstance(value, str) else value[0]


@pytest.fixture
def twice(flowers: Path) -> Path:
    """The small data set with one training picture also in val."""
    shutil.copy(flowers / "train" / "fine" / "fine_000.jpg", flowers / "val" / "fine" / "again.jpg")
    return flowers


def test_an_uploaded_archive_is_kept_on_disk_and_unpacked_by_a_job(flowers: Path, spawned: list[list[str]]) -> None:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("cats/a.jpg", b"x")
    at = open_page("pages/dataset.py")
    at.file_uploader(key="dataset_archive").set_value([("../my pets.zip", buffer.getvalue(), "application/zip")]).run()
    at.button(key="dataset_unpack").click().run()
    assert not errors_of(at)
    (command,) = [each for each in spawned if each[1:3] == ["data", "unpack"]]
    copy, target = Path(command[3]), Path(command[4])
    assert copy.parent == cache_dir() / "uploads"
    assert copy.read_bytes() == buffer.getvalue()
    assert target == data_dir() / "my-pets"
    assert command[5:] == ["--remove", "--uploaded-as=../my pets.zip"]
    assert "Unpacking: starting" in at.get("progress")[0].proto.text


def test_a_finished_job_opens_its_data_set_and_a_failed_one_says_why(flowers: Path, spawned: list[list[str]]) -> None:
    at = open_page("pages/dataset.py")
    at.number_input(key="dataset_new_count").set_value(3)
    at.number_input(key="dataset_new_size").set_value(64)
    at.button(key="dataset_draw").click().run()
    (command,) = [each for each in spawned if each[1:3] == ["data", "sample"]]
    name = Path(command[3]).name
    assert command[4:] == ["--images-per-class", "3", "--size", "64", "--difficulty", "0.5", "--seed", "1"]
    status = cache_dir() / "jobs" / f"sample-{name}.json"
    write_json(status, {"state": "failed", "error": "The disk is full."})
    at.run()
    assert "The disk is full." in errors_of(at)


def test_a_data_set_is_not_overwritten(flowers: Path) -> None:
    (data_dir() / "flower_photos").mkdir()
    at = open_page("pages/dataset.py")
    assert at.button(key="dataset_download").disabled
    at.number_input(key="dataset_new_count").set_value(3).run()
    (data_dir() / "synthetic-3x256px-d50-s1").mkdir()
    at.button(key="dataset_draw").click().run()
    assert "There is a data set synthetic-3x256px-d50-s1 already." in errors_of(at)


def test_scan_is_offered_runs_as_a_job_and_lists_its_findings(twice: Path, spawned: list[list[str]]) -> None:
    at = open_page("pages/dataset.py")
    at.button(key="dataset_scan").click().run()
    assert ["alexcore", "data", "scan", str(twice)] in spawned
    scan(open_source(twice))  # what the job does
    at = open_page("pages/dataset.py")
    at.pills(key="dataset_finding").set_value("leak").run()
    assert not errors_of(at)
    assert "again.jpg" in " ".join(button.label for button in at.button).replace("\\", "")
    at.button(key="dataset_exclude").click().run()
    assert not errors_of(at)
    assert chosen(at) == "synthetic-flowers-without-leak.csv"
    assert "48 pictures, listed in" in text_of(at)
    assert (twice / "val" / "fine" / "again.jpg").is_file(), "nothing is deleted"


def test_a_label_is_corrected_in_the_dialog_of_a_picture(flowers: Path) -> None:
    at = open_page("pages/dataset.py")
    assert "go into a list of their own" in text_of(at)
    name = next(each for each in at.button if each.key and each.key.startswith("dataset_picture_"))
    name.click().run()
    at.selectbox(key="dataset_correct_class").set_value("wide").run()
    assert not errors_of(at)
    at = open_page("pages/dataset.py")  # the dialog is closed
    assert "1 label corrected in data/synthetic-flowers-without-some.csv" in text_of(at)
    shutil.copy(flowers / "train" / "fine" / "fine_000.jpg", flowers / "train" / "wide" / "late.jpg")
    at.run()
    assert "1 picture of this data set is new and not in data/synthetic-flowers-without-some.csv yet" in text_of(at)
    at.button(key="dataset_corrected_new").click().run()
    assert "is new and not in" not in text_of(at)
    derived = open_page("pages/dataset.py", dataset="synthetic-flowers-without-some.csv")
    assert "1 label corrected in data/synthetic-flowers-without-some.csv" in text_of(derived), "the same list"
    path = str(open_source(flowers).files["path"].iloc[0])
    assert corrections_of(open_source(flowers)).known == {path: "wide"}
    assert any("wide) · train" in str(each.proto.imgs[0].caption).replace("\\", "") for each in at.get("image"))
    train = open_page("pages/train.py", dataset="synthetic-flowers-without-some.csv")
    assert "37 training and 12 validation pictures in 3 classes" in text_of(train)
    at.selectbox(key="dataset_corrected_one").set_value(path)
    at.button(key="dataset_corrected_undo_one").click().run()
    assert not errors_of(at)
    assert corrections_of(open_source(flowers)).known == {}


def test_a_finding_is_corrected_picture_by_picture(twice: Path) -> None:
    (twice / "val" / "fine" / "broken.jpg").write_bytes(b"no picture")
    scan(open_source(twice))
    open_checked(twice)
    at = open_page("pages/dataset.py")
    at.pills(key="dataset_finding").set_value("leak").run()
    row = open_source(twice).position_of("val/fine/again.jpg")
    key = f"dataset_finding_picture_correct_{row}"
    at.session_state[f"{key}_menu"] = True
    at.run()
    at.button(key=f"{key}_out").click().run()
    assert not errors_of(at)
    assert "1 picture left out in data/synthetic-flowers-without-some.csv" in text_of(at)
    assert corrections_of(open_checked(twice)).known == {"val/fine/again.jpg": None}
    at.pills(key="dataset_finding").set_value("undecodable").run()
    assert not errors_of(at)
    assert not [each for each in at.get("popover") if "dataset_finding_picture" in str(each.proto)]


def test_a_list_of_corrections_that_cannot_be_read_is_not_written_over(flowers: Path) -> None:
    manifest = data_dir() / "synthetic-flowers-without-some.csv"
    manifest.write_text("nonsense")
    at = open_page("pages/dataset.py")
    assert "synthetic-flowers-without-some.csv" in errors_of(at)
    next(each for each in at.button if each.key and each.key.startswith("dataset_picture_")).click().run()
    at.selectbox(key="dataset_correct_class").set_value("wide").run()
    assert "synthetic-flowers-without-some.csv" in errors_of(at)
    assert manifest.read_text() == "nonsense"


def test_merged_classes_become_a_data_set_that_training_opens(flowers: Path) -> None:
    at = open_page("pages/dataset.py")
    at.multiselect(key="dataset_merge").set_value(["fine", "wide"])
    at.text_input(key="dataset_merge_name").set_value("upright")
    at.text_input(key="dataset_derived_name").set_value("two kinds").run()
    at.button(key="dataset_derive").click().run()
    assert not errors_of(at)
    assert chosen(at) == "two kinds.csv"
    assert open_source(data_dir() / "two kinds.csv").class_to_idx == {"level": 0, "upright": 1}
    train = open_page("pages/train.py", dataset="two kinds.csv")
    assert "36 training and 12 validation pictures in 2 classes" in text_of(train)


@pytest.mark.parametrize(
    ("name", "sentence"), [("", "is no name"), ("../x", "is no name"), ("synthetic", "two classes")]
)
def test_a_bad_derivation_is_a_sentence(name: str, sentence: str, flowers: Path) -> None:
    at = open_page("pages/dataset.py")
    at.multiselect(key="dataset_merge").set_value(["fine"])
    at.text_input(key="dataset_derived_name").set_value(name).run()
    at.button(key="dataset_derive").click().run()
    assert sentence in errors_of(at)


def test_measured_colours_are_used_for_normalize_by_one_click(flowers: Path) -> None:
    measure(open_checked(flowers))  # what the job does
    at = open_page("pages/dataset.py")
    at.button(key="dataset_normalize").click().run()
    assert not errors_of(at)
    at.switch_page("../pages/train.py").run()
    assert at.selectbox(key="train_normalize").value == "data"


def test_a_derived_set_is_shown_although_a_folder_had_been_typed(flowers: Path, stripes: Path) -> None:
    at = open_page("pages/dataset.py")
    at.selectbox(key="dataset_source").set_value("a folder ...").run()
    at.text_input(key="dataset_path").set_value(str(stripes))
    at.button(key="dataset_open").click().run()
    assert "48 pictures" in text_of(at)
    at.multiselect(key="dataset_keep").set_value(["fine", "wide"])
    at.text_input(key="dataset_derived_name").set_value("two").run()
    at.button(key="dataset_derive").click().run()
    assert not errors_of(at)
    assert chosen(at) == "two.csv"
    assert "32 pictures, listed in two.csv" in text_of(at)
