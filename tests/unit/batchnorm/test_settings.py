"""The settings of the BatchNorm experiment: two descriptions from one set of values, and what is refused."""

from __future__ import annotations

import pytest

from alexcore.batchnorm.comparable import BN_PRESETS, make_experiment
from alexcore.batchnorm.settings import BN_FIELDS, load_bn_config, make_bn_config, seeds_of
from alexcore.config import FIELDS
from alexcore.errors import ConfigError
from alexcore.files import write_json
from alexcore.runs.kinds import BATCHNORM


@pytest.mark.parametrize("preset", BN_PRESETS)
def test_a_preset_is_a_pair_that_fits(preset):
    config, bn = make_experiment(preset, data="/x")
    assert (config.norm, config.max_steps, config.precision) == ("batch", bn.steps, "fp32")
    assert config.init == "seed"


def test_quick_has_three_arms_and_one_seed_and_thorough_five():
    quick, thorough = (make_experiment(name)[1] for name in ("quick", "thorough"))
    assert (quick.norms, quick.seeds) == (("none", "batch", "group"), 1)
    assert thorough.seeds == 5


def test_a_value_goes_to_the_description_that_has_it():
    config, bn = make_experiment("quick", steps=7, lr=0.5, seeds=2, seed=11)
    assert (config.lr, config.max_steps, bn.steps) == (0.5, 7, 7)
    assert seeds_of(config, bn) == [11, 12]


def test_no_name_belongs_to_both():
    assert not set(BN_FIELDS) & set(FIELDS)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"steps": 0}, "steps = 0 is not allowed: it must be a whole number from 1"),
        ({"arms": "batch"}, "arms = 'batch' is not allowed: it must be one of none,batch, none,batch,group"),
        ({"sweep_rates": "0.1"}, "sweep_rates = '0.1' is not allowed: it must be two or more rising rates"),
        ({"sweep_rates": "0.1,nan"}, "sweep_rates = '0.1,nan' is not allowed"),
        ({"sweep_rates": "0,1"}, "sweep_rates"),
        ({"sweep_batches": "1,2"}, "sweep_batches = '1,2' is not allowed"),
        ({"precision": "bf16"}, "precision = 'bf16' is not possible in this experiment"),
        ({"norm": "group"}, "`arms` says which norms"),
        ({"scheduler": "plateau"}, "rates of its own"),
        ({"ema_decay": 0.9}, "ema_decay = 0.9 is not possible"),
        (
            {"processes": 2},
            "processes = 2 is not possible in this experiment: All arms take their turns in one process",
        ),
        ({"sync_batchnorm": True}, "sync_batchnorm = True is not possible in this experiment"),
        ({"start_size": 64}, "start_size = 64 is not possible in this experiment: Pictures that grow"),
        ({"batch_size": 1}, "mean over one picture"),
        ({"lr": -1.0}, "lr = -1.0 is not allowed"),
        ({"colour": 1}, "colour is not a setting of a run"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_a_sentence(values, words):
    with pytest.raises(ConfigError, match=words.replace("(", r"\(")):
        make_experiment("quick", **values)


def test_what_has_only_one_value_is_not_drawn():
    from ui.batchnorm.form import ELSEWHERE

    assert {"processes", "sync_batchnorm", "start_size"} <= set(ELSEWHERE)


def test_an_unknown_preset_is_refused():
    with pytest.raises(ConfigError, match=r"no preset 'slow'.*quick, thorough"):
        make_experiment("slow")


def test_two_wrong_values_are_named_together():
    with pytest.raises(ConfigError, match=r"seeds = 0 .*steps = -1 "):
        make_bn_config(seeds=0, steps=-1)


def test_it_is_read_back_from_its_folder(tmp_path):
    _, bn = make_experiment("thorough", steps=9)
    write_json(tmp_path / BATCHNORM.file, bn.model_dump())
    assert load_bn_config(tmp_path) == bn


@pytest.mark.parametrize("text", ["", "[]", "{", '{"steps": "many"}', '{"other": 1}'])
def test_a_damaged_description_is_a_sentence(tmp_path, text):
    (tmp_path / BATCHNORM.file).write_text(text)
    with pytest.raises(ConfigError):
        load_bn_config(tmp_path)


def test_every_field_explains_itself():
    for spec in BN_FIELDS.values():
        assert spec.title, spec.name
        assert len(spec.text) > 50, spec.name
        assert spec.code.startswith("alexcore.batchnorm."), spec.name
