"""Pipelines as files: read, kept, and handed to a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alexcore.augment.pipeline_files import (
    MAX_BYTES,
    load_pipeline,
    parse_pipeline,
    pipeline_json,
    save_pipeline,
    saved_pipelines,
)
from alexcore.augment.presets import PRESETS, training_operations
from alexcore.config import FIELDS, load_config, make_config
from alexcore.errors import ConfigError
from alexcore.home import data_dir

PIPELINE = [
    {"op": "RandomResizedCrop", "size": [48, 48], "scale": [0.5, 1.0]},
    {"op": "RandomHorizontalFlip", "p": 0.25},
    {"op": "ToTensor"},
    {"op": "Normalize", "mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6]},
    {"op": "MixUp", "alpha": 1},
]


def refused(**values) -> str:
    with pytest.raises(ConfigError) as caught:
        make_config(**values)
    assert caught.value.hint
    return caught.value.message


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "own.json"
    path.write_text(pipeline_json(PIPELINE), encoding="utf-8")
    return path


# Text ---------------------------------------------------------------------------------------------------------


def test_one_operation_a_line():
    lines = pipeline_json(PIPELINE).splitlines()
    assert lines[0] == "["
    assert lines[3] == ' {"op": "ToTensor"},'
    assert lines[-1] == "]"
    assert json.loads(pipeline_json(PIPELINE)) == PIPELINE


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "This is no JSON: Expecting value"),
        ("[", "This is no JSON: Expecting value"),
        ('[{"op": "ToTensor"}] more', "This is no JSON: Extra data"),
        ('[{"op": "MixUp", "alpha": NaN}]', "This is no JSON: NaN is not a number in JSON."),
        ('[{"op": "MixUp", "alpha": -Infinity}]', "This is no JSON: -Infinity is not a number in JSON."),
        ('[{"op": "MixUp", "alpha": 1e999}]', "Operation 1: MixUp: alpha = inf is not allowed."),
        ('[{"op": "RandAugment", "num_ops": ' + "9" * 5000 + "}]", "This is no JSON: "),
        ("[" * 20_000 + "]" * 20_000, "This is no JSON: "),
        ("null", "A pipeline must be a list of operations."),
        ('{"op": "ToTensor"}', "A pipeline must be a list of operations."),
        ("[" + " " * MAX_BYTES + "]", "The text is longer than a pipeline can be (100,000 characters)."),
    ],
)
def test_text_that_is_no_pipeline_is_a_sentence(text, message):
    with pytest.raises(ConfigError) as caught:
        parse_pipeline(text)
    assert caught.value.message.startswith(message)
    assert caught.value.hint


# Files --------------------------------------------------------------------------------------------------------


def test_a_file_and_what_is_wrong_with_one(file, tmp_path):
    assert load_pipeline(file) == PIPELINE
    for content, reason in (
        (b"\xff\xfe[]", " cannot be read as an augmentation: it is no text."),
        (b" " * (MAX_BYTES + 1), ": The text is longer than a pipeline can be"),
        (b'[{"op": "Blur"}]', ": Operation 1: There is no operation 'Blur'."),
    ):
        file.write_bytes(content)
        with pytest.raises(ConfigError) as caught:
            load_pipeline(file)
        assert caught.value.message.startswith(f"{file}{reason}")
    for missing, reason in ((tmp_path / "none.json", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(ConfigError, match=reason):
            load_pipeline(missing)


def test_kept_pipelines_come_back_by_name():
    assert saved_pipelines() == {}
    written = save_pipeline("my own 2", PIPELINE)
    assert saved_pipelines() == {"my own 2": written}
    assert written.parent == data_dir() / ".augment"
    assert load_pipeline(written) == PIPELINE
    save_pipeline("a", training_operations("strong", 48))
    assert list(saved_pipelines()) == ["a", "my own 2"]
    save_pipeline("a", PIPELINE)
    assert load_pipeline(saved_pipelines()["a"]) == PIPELINE
    assert sorted(each.name for each in written.parent.iterdir()) == ["a.json", "my own 2.json"]


@pytest.mark.parametrize("name", ["", ".hidden", "../up", "a/b", "a\\b", " a", "x" * 61, "ä", "a\n", "a\0", *PRESETS])
def test_a_name_that_cannot_be_a_file_or_hides_a_preset(name):
    with pytest.raises(ConfigError) as caught:
        save_pipeline(name, PIPELINE)
    assert caught.value.message == f"{name!r} cannot be the name of a pipeline."
    assert saved_pipelines() == {}


def test_only_a_pipeline_that_works_is_kept_and_the_older_one_stays():
    save_pipeline("mine", PIPELINE)
    with pytest.raises(ConfigError, match="never become tensors"):
        save_pipeline("mine", PIPELINE[:2])
    assert load_pipeline(saved_pipelines()["mine"]) == PIPELINE


# Configurations -----------------------------------------------------------------------------------------------


def test_a_file_becomes_the_pipeline_itself_and_brings_its_size(file, monkeypatch):
    config = make_config(augment=str(file))
    assert (config.augment, config.image_size) == (PIPELINE, 48)
    assert make_config("quick", augment=str(file)).image_size == 48
    assert make_config(augment=str(file), image_size=48) == config
    monkeypatch.setenv("HOME", str(file.parent))
    assert make_config(augment="~/own.json") == config
    file.unlink()
    assert load_config_of(config, file.parent) == config, "the run needs the file no longer"


def load_config_of(config, folder: Path):
    path = folder / "config.json"
    path.write_text(config.model_dump_json(), encoding="utf-8")
    return load_config(path)


def test_a_list_has_to_fit_the_image_size():
    assert make_config(augment=PIPELINE, image_size=48).augment == PIPELINE
    assert refused(augment=PIPELINE) == (
        "The augmentation ends with pictures of 48 x 48 px, but image_size is 224. "
        "Set image_size to 48, or the sizes in the augmentation to 224."
    )


def test_a_file_with_another_size_asked_for_is_refused(file):
    assert "ends with pictures of 48 x 48 px, but image_size is 64." in refused(augment=str(file), image_size=64)
    file.write_text(pipeline_json([{"op": "Resize", "size": [16, 16]}, {"op": "ToTensor"}]))
    assert refused(augment=str(file)) == "image_size = 16 is not allowed: it must be a whole number from 32 to 1024."


@pytest.mark.parametrize("value", [None, 3, True, {}, {"op": "ToTensor"}, {"seed"}, "Seed", "", "own.yaml", b"seed"])
def test_what_is_neither_preset_nor_pipeline_is_refused(value):
    """Symptom: a config.json with an object for its augment ended in a traceback."""
    assert refused(augment=value) == f"augment = {value!r} is not allowed: it must be {FIELDS['augment'].legal}."


@pytest.mark.parametrize("path", ["/nowhere/x.json", "~nobody-of-this-name/x.json", "a\0.json", "x" * 5000 + ".json"])
def test_a_path_that_cannot_be_read_is_a_sentence(path):
    """Symptom: the home of an unknown user was a RuntimeError."""
    assert refused(augment=path).startswith(f"{path} cannot be read as an augmentation: ")


def test_all_that_is_wrong_in_a_pipeline_is_one_message():
    message = refused(augment=[{"op": "Resize", "size": 0}, {"op": "Blur"}], epochs=0)
    for part in ("Operation 1: Resize: size = 0 is", "Operation 2: There is no operation 'Blur'.", "epochs = 0 is"):
        assert part in message


def test_what_is_switched_off_is_not_part_of_a_run():
    more = [{"op": "RandomGrayscale", "on": False}, *({**each, "on": True} for each in PIPELINE)]
    assert make_config(augment=more, image_size=48).augment == PIPELINE


def test_the_datas_own_colours_need_a_normalize_to_go_into():
    """Symptom: the setting was silently left out."""
    bare = [{"op": "Resize", "size": [48, 48]}, {"op": "ToTensor"}]
    assert refused(augment=bare, image_size=48, normalize="data").startswith("normalize = 'data' needs a Normalize")
    assert make_config(augment=[*bare, {"op": "Normalize"}], image_size=48, normalize="data").normalize == "data"
