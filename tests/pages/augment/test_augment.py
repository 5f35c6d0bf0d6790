"""The page Augment, through the router, without a browser: builder, errors, draws, and the way into a run."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from alexcore.augment.operations import OPERATIONS
from alexcore.augment.pipeline_files import save_pipeline, saved_pipelines
from alexcore.augment.presets import PRESETS
from alexcore.config import load_config
from alexcore.data.sources import open_checked
from alexcore.data.statistics import measure
from alexcore.home import SYNTHETIC, data_dir, runs_dir
from tests.support.opened_pages import errors_of, open_page, text_of

pytestmark = pytest.mark.usefixtures("flowers")
PAGE = "pages/augment.py"
BAD = [{"op": "RandomErasing"}, {"op": "Resize", "size": [64, 64]}, {"op": "ToTensor"}]


def operations(at: AppTest) -> list[str]:
    """The names of the operations in the builder, in their order."""
    return [each["op"] for _, each in at.session_state["augment_slots"]]


def number_of(at: AppTest, name: str) -> int:
    return next(number for number, each in at.session_state["augment_slots"] if each["op"] == name)


def grid(at: AppTest) -> str:
    """The HTML of the grid of draws, pixels and words."""
    return next(each.proto.body for each in at.get("html") if "epoch 1<" in each.proto.body)


def pressed(at: AppTest, key: str) -> AppTest:
    at.button(key=key).click().run()
    return at


def test_the_page_shows_the_draws_of_a_run_and_the_same_seed_shows_them_again() -> None:
    at = open_page(PAGE, seed="3")
    assert errors_of(at) == ""
    assert at.number_input(key="augment_seed").value == 3
    first = grid(at)
    assert "part " in first
    assert "mirrored" in first
    assert grid(pressed(at, "augment_redraw")) != first
    assert at.query_params["seed"] == "4"
    at.number_input(key="augment_seed").set_value(3).run()
    assert grid(at) == first


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_drawn_and_can_be_taken_along(preset: str) -> None:
    at = open_page(PAGE, preset=preset)
    assert errors_of(at) == ""
    assert at.selectbox(key="augment_preset").value == preset
    assert "epoch 4" in grid(at)
    (code,) = [each.value for each in at.code if "train_transform" in each.value]
    compile(code, "pipeline", "exec")
    assert "pipeline" not in at.query_params


def test_operations_are_added_moved_switched_off_and_removed() -> None:
    at = open_page(PAGE)
    before = grid(at)
    at.selectbox(key="augment_add").set_value("RandomGrayscale").run()
    pressed(at, "augment_add_button")
    assert operations(at) == ["RandomResizedCrop", "RandomHorizontalFlip", "RandomGrayscale", "ToTensor", "Normalize"]
    grey = number_of(at, "RandomGrayscale")
    at.number_input(key=f"augment_{grey}_p").set_value(1.0).run()
    assert errors_of(at) == ""
    assert "grey" in grid(at)
    pressed(at, f"augment_{grey}_up")
    assert operations(at)[1] == "RandomGrayscale"
    assert at.number_input(key=f"augment_{grey}_p").value == 1.0, "a moved operation keeps its parameters"
    assert json.loads(at.query_params["pipeline"])[1] == {"op": "RandomGrayscale", "p": 1.0}
    at.toggle(key=f"augment_{grey}_on").set_value(False).run()
    assert grid(at) == before
    pressed(at, f"augment_{grey}_remove")
    assert "RandomGrayscale" not in operations(at)
    assert "pipeline" not in at.query_params, "the pipeline is the preset's again"


def test_undo_changes_brings_the_preset_back() -> None:
    at = open_page(PAGE)
    pressed(at, f"augment_{number_of(at, 'RandomHorizontalFlip')}_remove")
    assert "RandomHorizontalFlip" not in operations(at)
    pressed(at, "augment_reset")
    assert operations(at) == ["RandomResizedCrop", "RandomHorizontalFlip", "ToTensor", "Normalize"]


def test_a_pipeline_in_the_url_comes_back_after_a_refresh() -> None:
    pipeline = [{"op": "Resize", "size": [64, 64]}, {"op": "RandomSolarize", "p": 1.0}, {"op": "ToTensor"}]
    at = open_page(PAGE, pipeline=json.dumps(pipeline))
    assert errors_of(at) == ""
    assert operations(at) == ["Resize", "RandomSolarize", "ToTensor"]
    assert "solarized" in grid(at)


@pytest.mark.parametrize(
    "text", ["[", "{}", "[3]", '[{"op": "Sharpen"}]', '[{"op": "Resize", "size": 1e9}]', "[" * 9999]
)
def test_a_bad_pipeline_in_the_url_is_a_sentence_and_the_preset(text: str) -> None:
    at = open_page(PAGE, pipeline=text)
    assert errors_of(at) == ""
    assert "The pipeline in the URL is left out." in text_of(at)
    assert operations(at) == ["RandomResizedCrop", "RandomHorizontalFlip", "ToTensor", "Normalize"]


def test_a_wrong_order_is_a_sentence_beside_the_operation_and_nothing_can_be_trained() -> None:
    at = open_page(PAGE, pipeline=json.dumps(BAD))
    assert errors_of(at) == "RandomErasing needs a tensor. Move it below ToTensor."
    assert at.button(key="augment_use").disabled
    assert not [each for each in at.get("html") if "epoch 1<" in each.proto.body]
    erasing = number_of(at, "RandomErasing")
    for _ in range(2):
        pressed(at, f"augment_{erasing}_down")
    assert errors_of(at) == ""
    assert not at.button(key="augment_use").disabled


@pytest.mark.parametrize(
    ("name", "key", "value", "sentence"),
    [
        ("Normalize", "std_red", 0.0, "Normalize: std = [0.0, 0.5, 0.5] is not allowed."),
        ("RandomHorizontalFlip", "p", 1.5, "p = 1.5 is not allowed. It must be a number from 0 to 1."),
        ("RandomResizedCrop", "size_height", 100, "The pictures leave with 100 x 224 px; the network takes squares."),
        ("RandomResizedCrop", "scale_from", 2.0, "scale = [2.0, 1.0] is not allowed."),
    ],
)
def test_a_bad_parameter_is_a_sentence(name: str, key: str, value: float, sentence: str) -> None:
    at = open_page(PAGE)
    at.number_input(key=f"augment_{number_of(at, name)}_{key}").set_value(value).run()
    assert sentence in errors_of(at)
    assert at.button(key="augment_use").disabled


@pytest.mark.parametrize(
    ("key", "value"), [("augment_pictures", 0), ("augment_draws", 99), ("augment_first", -1), ("augment_seed", -1)]
)
def test_a_bad_number_beside_the_draws_is_a_sentence(key: str, value: int) -> None:
    at = open_page(PAGE)
    at.number_input(key=key).set_value(value).run()
    assert f"= {value} is not allowed: it must be a whole number" in errors_of(at)


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_can_be_added(name: str) -> None:
    at = open_page(PAGE)
    at.selectbox(key="augment_add").set_value(name).run()
    pressed(at, "augment_add_button")
    assert operations(at).count(name) == 1 + (
        name in ("RandomResizedCrop", "RandomHorizontalFlip", "ToTensor", "Normalize")
    )
    assert ("second time" in errors_of(at)) == (name in ("ToTensor", "Normalize"))


def test_a_batch_is_shown_with_its_mixed_labels() -> None:
    pipeline = [{"op": "Resize", "size": [64, 64]}, {"op": "ToTensor"}, {"op": "MixUp", "alpha": 1.0}]
    at = open_page(PAGE, pipeline=json.dumps(pipeline))
    at.session_state["augment_view"] = "A whole batch"
    at.run()
    assert errors_of(at) == ""
    assert "MixUp has mixed each picture" in text_of(at)


def test_use_for_training_hands_the_pipeline_to_the_form_and_the_run_stores_it() -> None:
    pipeline = [
        {"op": "Resize", "size": [64, 64]},
        {"op": "RandomSolarize", "threshold": 99, "p": 1.0},
        {"op": "ToTensor"},
    ]
    at = open_page(PAGE, pipeline=json.dumps(pipeline))
    at.text_input(key="augment_name").set_value("sunny").run()
    pressed(at, "augment_use")
    assert list(saved_pipelines()) == ["sunny"]
    assert errors_of(at) == ""
    assert at.selectbox(key="train_augment").value == "sunny"
    assert at.number_input(key="train_image_size").value == 64
    at.switch_page("../pages/train.py")  # AppTest forgets at the next run where the script has gone
    pressed(at, "train_start")
    (run,) = runs_dir().iterdir()
    assert load_config(run / "config.json").augment == pipeline


def test_a_preset_stays_a_preset() -> None:
    at = open_page(PAGE, preset="strong")
    pressed(at, "augment_use")
    assert saved_pipelines() == {}
    assert at.selectbox(key="train_augment").value == "strong"


@pytest.mark.parametrize("name", ["", "seed", "../seed", "a/b", "x" * 61])
def test_a_name_that_no_file_can_have_is_a_sentence(name: str, home: Path) -> None:
    at = open_page(PAGE)
    pressed(at, f"augment_{number_of(at, 'RandomHorizontalFlip')}_remove")
    at.text_input(key="augment_name").set_value(name).run()
    pressed(at, "augment_use")
    assert "cannot be the name of a pipeline" in errors_of(at)
    assert saved_pipelines() == {}


def test_a_kept_pipeline_can_be_chosen_and_one_that_is_broken_says_so() -> None:
    save_pipeline("mine", [{"op": "Resize", "size": [64, 64]}, {"op": "ToTensor"}]).with_name("bad.json").write_text(
        "["
    )
    at = open_page(PAGE)
    at.selectbox(key="augment_preset").set_value("mine").run()
    assert operations(at) == ["Resize", "ToTensor"]
    at.selectbox(key="augment_preset").set_value("bad").run()
    assert not at.exception
    assert "bad.json" in at.toast[0].value.replace("\\", "")


def test_json_is_loaded_and_bad_json_is_a_sentence() -> None:
    at = open_page(PAGE)
    at.text_area(key="augment_json_text").set_value("[3]").run()
    pressed(at, "augment_json_load")
    assert "Operation 1: 3 is no operation." in errors_of(at)
    at.text_area(key="augment_json_text").set_value('[{"op": "Resize", "size": [64, 64]}, {"op": "ToTensor"}]').run()
    pressed(at, "augment_json_load")
    assert operations(at) == ["Resize", "ToTensor"]
    assert errors_of(at) == ""


@pytest.mark.parametrize("preset", ["seed", "own"])
def test_the_measured_statistics_go_into_normalize_with_one_click(preset: str) -> None:
    """Also into a pipeline that had no Normalize."""
    bare = json.dumps([{"op": "Resize", "size": [64, 64]}, {"op": "ToTensor"}])
    found = measure(open_checked(str(data_dir() / SYNTHETIC)))
    at = open_page(PAGE, **({"pipeline": bare} if preset == "own" else {"preset": preset}))
    pressed(at, "augment_normalize")
    assert errors_of(at) == ""
    (normalise,) = [each for _, each in at.session_state["augment_slots"] if each["op"] == "Normalize"]
    assert normalise["mean"] == [round(value, 4) for value in found.mean]
    assert normalise["std"] == [round(value, 4) for value in found.std]


def test_a_picture_of_ones_own_takes_the_place_of_the_data_sets() -> None:
    at = open_page(PAGE)
    buffer = BytesIO()
    Image.new("CMYK", (90, 60)).save(buffer, "TIFF")
    at.file_uploader(key="augment_upload").upload("<b>mine</b>.tif", buffer.getvalue(), "image/tiff").run()
    assert errors_of(at) == ""
    assert "&lt;b&gt;mine&lt;/b&gt;.tif" in grid(at)
    assert "90 × 60 px" in grid(at)
    at.file_uploader(key="augment_upload").upload("text.png", b"no picture", "image/png").run()
    assert "text.png is no picture" in errors_of(at)
