"""TrainConfig: every bad value is one sentence with field, value and legal range; every field explains itself."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest

from alexcore.config import FIELDS, GROUPS, PRESETS, TrainConfig, load_config, make_config
from alexcore.errors import ConfigError

CONTRACT = [
    "data",
    "val",
    "epochs",
    "max_steps",
    "batch_size",
    "accumulation_steps",
    "image_size",
    "variant",
    "norm",
    "width",
    "init",
    "activation",
    "dropout",
    "optimizer",
    "lr",
    "momentum",
    "weight_decay",
    "scheduler",
    "warmup_steps",
    "grad_clip",
    "class_weights",
    "label_smoothing",
    "augment",
    "precision",
    "num_workers",
    "seed",
    "deterministic",
    "device",
    "checkpoint_every_epochs",
    "early_stopping",
    "time_budget_s",
    "start_from",
]


def refused(*arguments, **values) -> str:
    with pytest.raises(ConfigError) as caught:
        make_config(*arguments, **values)
    return caught.value.message


def outside(name: str) -> list:
    """Values just beyond each end of a field's range."""
    spec = FIELDS[name]
    step = 1 if spec.kind is int else 1e-6
    low = [] if spec.minimum is None else [spec.minimum if spec.open_minimum else spec.minimum - step]
    high = [] if spec.maximum is None else [spec.maximum if spec.open_maximum else spec.maximum * 1.001 + step]
    return [spec.kind(value) for value in low + high]


# Values -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"epochs": 0}, "epochs = 0 is not allowed: it must be a whole number from 1 to 10000."),
        ({"epochs": 1.5}, "epochs = 1.5 is not allowed: it must be a whole number from 1 to 10000."),
        ({"epochs": None}, "epochs = None is not allowed: it must be a whole number from 1 to 10000."),
        ({"lr": -1}, "lr = -1 is not allowed: it must be a number above 0 and at most 10."),
        ({"lr": 0}, "lr = 0 is not allowed: it must be a number above 0 and at most 10."),
        ({"lr": float("nan")}, "lr = nan is not allowed: it must be a number above 0 and at most 10."),
        ({"lr": float("inf")}, "lr = inf is not allowed: it must be a number above 0 and at most 10."),
        ({"batch_size": "x"}, "batch_size = 'x' is not allowed: it must be a whole number from 1 to 65536."),
        ({"dropout": 1}, "dropout = 1 is not allowed: it must be a number from 0 and below 1."),
        ({"seed": 2**31}, "seed = 2147483648 is not allowed: it must be a whole number from 0 to 2147483647."),
        ({"norm": "layer"}, "norm = 'layer' is not allowed: it must be one of none, batch, group."),
        ({"deterministic": "perhaps"}, "deterministic = 'perhaps' is not allowed: it must be true or false."),
        ({"data": 3}, "data = 3 is not allowed: it must be a text."),
        ({"epochen": 3}, "epochen is not a setting of a run."),
        ({"preset": "quick"}, "preset is not a setting of a run."),
    ],
)
def test_a_bad_value_gives_one_sentence(values, sentence):
    assert refused(**values) == sentence


def test_all_bad_values_are_told_at_once():
    message = refused(epochs=0, lr=-1, momentum=2, colour="red")
    for part in ("epochs = 0 ", "lr = -1 ", "momentum = 2 ", "colour is not a setting"):
        assert part in message


@pytest.mark.parametrize("name", [name for name in TrainConfig.model_fields if outside(name)])
def test_the_ends_of_a_range_are_legal_and_nothing_beyond(name):
    spec = FIELDS[name]
    for value in outside(name):
        assert f"{name} = {value!r} is not allowed: it must be {spec.legal}." in refused(**{name: value})
    for value, is_open in ((spec.minimum, spec.open_minimum), (spec.maximum, spec.open_maximum)):
        if value is not None and not is_open:
            assert getattr(make_config(**{name: spec.kind(value)}), name) == value


def test_an_unknown_preset_names_the_known_ones():
    with pytest.raises(ConfigError, match=r"There is no preset 'turbo'\. Choose one of default, quick"):
        make_config("turbo")


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_valid_and_says_what_it_is_for(preset):
    text, changes = PRESETS[preset]
    config = make_config(preset)
    assert text.endswith(".")
    assert {name: getattr(config, name) for name in changes} == changes
    assert make_config(preset, seed=7).seed == 7


def test_a_config_cannot_be_changed_afterwards():
    with pytest.raises(Exception, match="frozen"):
        make_config().epochs = 3


# Files --------------------------------------------------------------------------------------------------------


def test_config_json_alone_repeats_the_run(tmp_path: Path):
    config = make_config("seed", data="/some where/ä", lr=3e-4, width=0.1, deterministic=True, seed=2**31 - 1)
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config.model_dump()), encoding="utf-8")
    assert set(json.loads(file.read_text())) == set(FIELDS)
    assert load_config(file) == config


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        (b"", "cannot be read"),
        (b'{"epochs": 3', "cannot be read"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"[" * 20_000, "cannot be read"),
        (b"[1, 2]", "does not hold a JSON object"),
        (b'{"epochs": 0}', "epochs = 0 is not allowed"),
        (b'{"lr": NaN}', "lr = nan is not allowed"),
        (b'{"preset": ["quick"]}', "preset is not a setting of a run"),
    ],
)
def test_a_bad_config_json_is_one_sentence(tmp_path: Path, content, message):
    file = tmp_path / "config.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        load_config(file)


def test_a_folder_in_place_of_config_json(tmp_path: Path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path)


# Fields -------------------------------------------------------------------------------------------------------


def test_the_names_of_the_contract_are_there():
    assert set(CONTRACT) <= set(FIELDS)
    assert set(FIELDS) == set(TrainConfig.model_fields)
    assert set(FIELDS["precision"].choices) == {"auto", "fp32", "bf16", "fp16"}


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_explains_itself(name):
    spec = FIELDS[name]
    assert spec.title
    assert spec.title != name
    assert len(spec.text) > 20
    assert spec.text.endswith(".")
    assert spec.group in GROUPS
    assert spec.legal.startswith(("a ", "one of ", "true or false"))
    if spec.kind in (int, float):
        assert spec.minimum is not None, "a number without a lower end"
        assert spec.maximum is not None, "a number without an upper end"
    assert spec.default == getattr(make_config(), name)


@pytest.mark.parametrize("name", [name for name, spec in FIELDS.items() if spec.code])
def test_the_code_of_a_field_exists(name):
    """Symptom: the form shows "what does this do?" and points to a function that was renamed."""
    module, _, thing = FIELDS[name].code.partition(":")
    assert hasattr(importlib.import_module(module), thing), FIELDS[name].code


def test_every_field_but_the_paths_points_to_its_code():
    assert [name for name, spec in FIELDS.items() if not spec.code] in (["data", "val", "test"], [])


def test_every_group_has_a_field_and_the_form_has_few_essentials():
    assert {spec.group for spec in FIELDS.values()} == set(GROUPS)
    assert {"epochs", "batch_size", "lr", "norm", "seed"} <= {n for n, spec in FIELDS.items() if spec.essential}


def test_a_run_from_before_pictures_grew_keeps_its_one_size(tmp_path):
    values = make_config(data="x").model_dump()
    del values["start_size"]
    (tmp_path / "config.json").write_text(json.dumps(values))
    assert load_config(tmp_path / "config.json").start_size == 0
