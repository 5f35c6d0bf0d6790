"""The proof of exact accumulation: its numbers have the size and the direction that they are known to have."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from alexcore.analysis.accumulation import compare, in_words, micro_sizes
from alexcore.augment.presets import training_operations
from alexcore.command_line import flags
from alexcore.nn import Network
from alexcore.training.checks import check_name, known_check, remember_check
from alexcore.training.objective import Objective
from tests.support.command_line import call, done
from tests.support.run_folders import tiny_config

WEIGHTS = torch.tensor([1.0, 2.0, 4.0, 8.0, 16.0])


@pytest.fixture(scope="module")
def table() -> dict[tuple[str, int], dict]:
    """16 pictures of 5 classes with the weights 1 to 16, in micro-batches of 8, 4 and 2 (and 5, which leaves 1)."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(16, 3, 64, 64, generator=generator)
    # Sorted, so that no micro-batch has the weight of another by chance.
    labels = torch.randint(0, 5, (16,), generator=generator).sort().values
    rows = {}
    for norm in ("none", "group", "batch"):
        model = Network(5, norm=norm, width=0.25, dropout=0, init="kaiming", generator=generator.manual_seed(0)).train()
        micros = (8, 4, 2) if norm == "batch" else (8, 5, 4, 2)
        rows |= {(norm, row["micro_batch"]): row for row in compare(model, Objective(WEIGHTS), images, labels, micros)}
    return rows


@pytest.mark.parametrize("norm", ["none", "group"])
@pytest.mark.parametrize("micro", [8, 5, 4, 2])
def test_exact_accumulation_is_one_big_batch_and_naive_is_not(table, norm, micro):
    row = table[norm, micro]
    assert row["exact_error"] < 1e-6
    assert row["exact_cosine"] == pytest.approx(1, abs=1e-9)
    assert row["naive_error"] > 0.01
    assert row["naive_cosine"] < 1 - 1e-5


@pytest.mark.parametrize("norm", ["none", "group"])
def test_naive_gets_worse_as_micro_batches_get_smaller(table, norm):
    assert table[norm, 8]["naive_error"] < table[norm, 2]["naive_error"]


def test_with_batch_norm_no_division_makes_it_one_batch(table):
    errors = [table["batch", micro]["exact_error"] for micro in (8, 4, 2)]
    assert errors == sorted(errors)
    assert errors[0] > 0.1
    assert all(table["batch", micro]["naive_error"] > 0.1 for micro in (8, 4, 2))


def test_the_sentence_comes_from_the_numbers():
    row = {"naive_error": 0.25, "micro_batch": 2}
    rows = [
        {"norm": norm, **row, "exact_error": error}
        for norm, error in (("none", 2e-7), ("group", 4e-7), ("batch", 0.63))
    ]
    text = in_words(rows, 64)
    assert "one batch of 64 pictures to within 4.0e-07" in text
    assert "off by up to 25.0%" in text
    assert "by up to 63%" in text
    assert "is the same, because" in in_words([{**each, "naive_error": 3e-7} for each in rows], 64)


def test_sizes_of_micro_batches():
    assert micro_sizes(64, 8) == [32, 8, 2]
    assert micro_sizes(24, 5) == [12, 5, 3]
    assert micro_sizes(4, 4) == [2]


def test_the_command_proves_it_on_a_data_set_and_remembers(stripes: Path):
    values = {"batch_size": 4, "accumulation_steps": 3, "class_weights": "inverse", "label_smoothing": 0.1}
    config = tiny_config(stripes, **values, init="kaiming")
    assert known_check("prove-accumulation", config) is None
    said = done("prove-accumulation", "--json", *flags(config)).json
    assert said["pictures"] == 12
    assert {row["norm"] for row in said["rows"]} == {"none", "group", "batch"}
    assert {row["micro_batch"] for row in said["rows"]} == {6, 4}
    assert all(row["exact_error"] < 1e-6 for row in said["rows"] if row["norm"] != "batch")
    assert known_check("prove-accumulation", config) == said
    assert said["sentence"] in done("prove-accumulation", *flags(config)).out


def test_too_small_a_batch_is_a_sentence(stripes: Path):
    said = call("prove-accumulation", *flags(tiny_config(stripes, batch_size=3)))
    assert said.code == 2
    assert "effective batch of 3" in said.err


def test_a_result_belongs_to_settings_and_pictures_but_not_to_the_length(stripes: Path):
    config = tiny_config(stripes)
    remember_check("preflight", config, {"step_s": 1.0})
    assert known_check("preflight", config.model_copy(update={"epochs": 99, "max_steps": 5})) == {"step_s": 1.0}
    assert known_check("preflight", config.model_copy(update={"batch_size": 4})) is None
    assert known_check("repeat-check", config) is None
    # A rate changes nothing in the time of a step, but everything in the weights that two runs end with.
    other = config.model_copy(update={"lr": 0.1})
    assert known_check("preflight", other) == {"step_s": 1.0}
    assert check_name("repeat-check", other) != check_name("repeat-check", config)
    # The proof is made for every norm, whichever the form has.
    grouped = config.model_copy(update={"norm": "group"})
    assert check_name("prove-accumulation", grouped) == check_name("prove-accumulation", config)
    assert check_name("preflight", grouped) != check_name("preflight", config)
    assert check_name("preflight", config).startswith("preflight-")


def test_flags_repeat_a_configuration(stripes: Path):
    from alexcore.cli import build_parser
    from alexcore.cli.flags import config_of

    config = tiny_config(stripes, deterministic=True, num_workers=0, lr=3e-5, norm="none", scheduler="constant")
    assert config_of(build_parser().parse_args(["preflight", *flags(config)])) == config
    own = config.model_copy(update={"augment": training_operations("seed", 64), "class_weights": "1,2,0.5"})
    assert config_of(build_parser().parse_args(["preflight", *flags(own)])) == own
