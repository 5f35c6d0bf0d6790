"""Every setting explains itself: what it does, and what to expect of it."""

from __future__ import annotations

import re
import shlex

import pytest

from alexcore.command_line import train_command
from alexcore.config import FIELDS, load_config, make_config
from alexcore.export.card import repeat_command
from alexcore.export.source import Source
from alexcore.home import runs_dir
from alexcore.runs.series import Series
from alexcore.training.plan import batch_in_words
from tests.support.run_folders import write_run


@pytest.mark.parametrize("name", FIELDS)
def test_two_sentences_at_least(name):
    sentences = re.findall(r"[^.]{12,}?\.(?:\s|$)", FIELDS[name].text)
    assert len(sentences) >= 2, FIELDS[name].text


@pytest.mark.parametrize("name", FIELDS)
def test_no_setting_needs_a_page_of_words(name):
    assert len(FIELDS[name].text) < 420


def test_the_command_of_a_run_names_what_differs_from_the_defaults():
    config = make_config(data="/my flowers", epochs=3, nesterov=True, optimizer="sgd", channels_last=False)
    words = shlex.split(train_command(config))
    assert words[:4] == ["python", "-m", "alexcore", "train"]
    expected = {"--data=/my flowers", "--optimizer=sgd", "--nesterov", "--no-channels-last", "--epochs=3"}
    assert set(words[4:]) == expected


def test_the_command_of_several_processes_is_torchruns():
    command = train_command(make_config(data="flowers", processes=4))
    assert command == "torchrun --standalone --nproc-per-node=4 -m alexcore train --data=flowers"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            {"batch_size": 8, "processes": 2, "norm": "none"},
            "Effective batch 16 for the gradient (2 processes): without",
        ),
        ({"batch_size": 8, "processes": 2, "norm": "none"}, "one batch of 16, on the memory of 8 in each."),
        ({"batch_size": 8, "processes": 2, "norm": "batch"}, "(2 processes), 8 for BatchNorm's statistics"),
        (
            {"batch_size": 8, "processes": 2, "norm": "batch", "accumulation_steps": 3},
            "Effective batch 48 for the gradient (2 processes, 3 micro-batches), 8 for BatchNorm's statistics",
        ),
        (
            {"batch_size": 8, "processes": 2, "norm": "batch", "sync_batchnorm": True},
            "and for BatchNorm's statistics, which the processes exchange",
        ),
    ],
)
def test_the_batch_of_several_processes_in_words(values, words):
    assert words in batch_in_words(make_config(**values))


def test_the_configuration_of_a_run_before_there_were_processes_is_that_of_one(home):
    run = write_run("finished", "old")
    values = load_config(run / "config.json").model_dump()
    del values["processes"], values["sync_batchnorm"]
    config = make_config(**values)
    assert (config.processes, config.sync_batchnorm, config.effective_batch) == (1, False, 8)
    assert runs_dir() in run.parents


def test_every_place_that_prints_a_runs_command_prints_the_same():
    config = make_config(data="/my flowers", lr=0.05, processes=2)
    source = Source(runs_dir() / "it", "finished", config, runs_dir() / "it" / "last.pt", Series(runs_dir() / "it"))
    assert repeat_command(source) == train_command(config)
    own = config.model_copy(update={"augment": [{"op": "ToTensor"}]})
    assert "--augment=pipeline.json" in shlex.split(train_command(own, "pipeline.json"))
