"""A checkpoint is believed only if it is what was written; what is none is refused in our own words."""

from __future__ import annotations

import argparse
import io
import pickle
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from alexcore.analysis.prediction import Classifier
from alexcore.errors import CheckpointError, DamagedCheckpointError
from alexcore.training.checkpoint import build_model, load_checkpoint
from alexcore.training.foreign import plain_names
from alexcore.training.start_from import start_from
from tests.support.run_folders import CLASSES, tiny_config, write_checkpoint

CONFIG = tiny_config(width=0.05)


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("good") / "best.pt"
    write_checkpoint(path, CONFIG)
    return path.read_bytes()


def header_of_largest(content: bytes) -> int:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return max(archive.infolist(), key=lambda part: part.file_size).header_offset


PLACES: dict[str, Callable[[bytes], int]] = {
    "the first byte": lambda content: 0,
    "the pickle": lambda content: 200,
    "a weight": lambda content: header_of_largest(content) + 5000,
    "the length of a part's name": lambda content: header_of_largest(content) + 26,
    "a part's name": lambda content: header_of_largest(content) + 34,
    "a CRC": lambda content: content.rindex(b"PK\1\2") + 16,
    "where a part lies": lambda content: content.rindex(b"PK\1\2") + 44,
    "whether a part is encrypted": lambda content: content.rindex(b"PK\1\2") + 8,
    "where the directory lies": lambda content: content.rindex(b"PK\6\6") + 48,
}


@pytest.mark.parametrize("where", PLACES)
def test_one_flipped_bit_is_a_sentence_that_names_the_file(good, tmp_path, where):
    content = bytearray(good)
    content[PLACES[where](good)] ^= 1
    (tmp_path / "best.pt").write_bytes(content)
    with pytest.raises(DamagedCheckpointError, match=r"best\.pt is no checkpoint, or a damaged one: it") as caught:
        load_checkpoint(tmp_path / "best.pt")
    assert caught.value.hint


@pytest.mark.nightly
def test_no_flipped_bit_and_no_cut_is_believed(good, tmp_path):
    path, chance = tmp_path / "best.pt", random.Random(6)
    path.write_bytes(good)
    expected, refused = load_checkpoint(path)["model"], 0
    for trial in range(400):
        content = bytearray(good)
        if trial % 4:
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        else:
            del content[chance.randrange(len(content)) :]
        path.write_bytes(content)
        try:
            found = load_checkpoint(path)["model"]
        except DamagedCheckpointError:
            refused += 1
        else:  # between the parts nothing is kept
            assert all(torch.equal(found[name], value) for name, value in expected.items()), trial
    assert refused > 300


# Files of other kinds -----------------------------------------------------------------------------------------


def script(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:  # as torch.jit.save lays it out
        for name in ("net/data.pkl", "net/code/__torch__.py", "net/constants.pkl", "net/version"):
            archive.writestr(name, b"\x80\x02N.")


def program(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:  # as torch.export.save does
        archive.writestr("net/models/model.json", b"{}")


def arrays(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, a=1)


NETWORK = nn.Sequential(nn.Linear(2, 2))
OTHERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a network": (lambda path: torch.save(NETWORK, path), r"a pickled network \(torch\.nn\.modules\.container\.Seq"),
    "one in a dict": (lambda path: torch.save({"model": NETWORK}, path), "a pickled network"),
    "one in the old format": (
        lambda path: torch.save(NETWORK, path, _use_new_zipfile_serialization=False),
        "a pickled network",
    ),
    "settings": (
        lambda path: torch.save({"model": NETWORK.state_dict(), "args": argparse.Namespace()}, path),
        r"a pickle of objects \(argparse\.Namespace\), which would run code of its own when opened",
    ),
    "a number of NumPy": (lambda path: torch.save({"lr": np.float64(1)}, path), "a pickle of objects .numpy"),
    "a bare pickle": (lambda path: path.write_bytes(pickle.dumps({"call": print})), r"a pickle of objects \(.*print\)"),
    "plain data": (lambda path: path.write_bytes(pickle.dumps([1])), "a pickle, or a file of torch.save in its form"),
    "TorchScript": (script, "a TorchScript archive: a network together with its code"),
    "a program": (program, "an exported program of torch.export"),
    "safetensors": (lambda path: save_file({"layer.weight": torch.ones(2)}, path), "a safetensors file: weights with"),
    "NumPy": (arrays, "an archive of NumPy"),
    "Keras": (lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n"), "an HDF5 file, as Keras writes it"),
    "PNG": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n"), "a picture"),
    "gzip": (lambda path: path.write_bytes(b"\x1f\x8b\x08"), "a compressed file"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_a_file_of_another_kind_is_called_what_it_is(tmp_path, kind):
    path = tmp_path / "theirs.pt"
    make, what = OTHERS[kind]
    make(path)
    with pytest.raises(CheckpointError, match=f"theirs.pt is no checkpoint, but {what}") as caught:
        load_checkpoint(path)
    assert "weights_only" not in str(caught.value)
    assert caught.value.hint


def test_the_weights_of_another_network_are_no_run(tmp_path):
    torch.save(NETWORK.state_dict(), tmp_path / "theirs.pt")
    with pytest.raises(CheckpointError, match=r"holds no run, but bare weights: 2 tensors such as 0\.weight"):
        load_checkpoint(tmp_path / "theirs.pt")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda weights: weights | {"features.0.weight": torch.ones(2, 3)}, r"features\.0\.weight is \(2, 3\), and"),
        (lambda weights: weights | {"fc.weight": torch.ones(2)}, r"fc\.weight is none of the network's"),
        (lambda weights: dict(list(weights.items())[1:]), r"features\.0\.weight is missing"),
        (lambda weights: [1], "they are no table of tensors"),
    ],
)
def test_weights_of_another_architecture_are_refused_in_our_words(good, tmp_path, change, said):
    state = torch.load(io.BytesIO(good), weights_only=True)
    torch.save({**state, "model": change(dict(state["model"]))}, tmp_path / "other.pt")
    with pytest.raises(CheckpointError, match=said) as caught:
        Classifier(tmp_path / "other.pt")
    assert "state_dict" not in str(caught.value)
    with pytest.raises(CheckpointError, match=said):
        start_from(
            build_model(CONFIG, 3), CONFIG.model_copy(update={"start_from": str(tmp_path / "other.pt")}), CLASSES
        )


# Names that another program has changed -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("theirs", "taken"),
    [
        ("module.{}", ["module."]),
        ("_orig_mod.{}", ["_orig_mod."]),
        ("module._orig_mod.{}", ["module.", "_orig_mod."]),
        ("model.net.{}", ["model.", "net."]),
        ("_fsdp_wrapped_module.{}", ["_fsdp_wrapped_module."]),
    ],
)
def test_what_stands_before_the_names_is_taken_off(theirs, taken):
    own = build_model(CONFIG, 3).state_dict()
    found, said = plain_names({theirs.format(name): value for name, value in own.items()})
    assert (list(found), said) == (list(own), taken)
    inside = {name.replace("features.", "features._orig_mod.module."): value for name, value in own.items()}
    assert list(plain_names(inside)[0]) == list(own)
    assert list(plain_names({"n_averaged": 3, **{f"module.{name}": 0 for name in own}})[0]) == list(own)
    assert plain_names(own) == (own, [])
    assert plain_names({"module.a": 1, "a": 2}) == ({"module.a": 1, "a": 2}, []), "neither is lost"


def test_such_a_checkpoint_answers_and_begins_a_run_and_says_so(good, tmp_path):
    state = torch.load(io.BytesIO(good), weights_only=True)
    expected = state["model"]
    torch.save({**state, "model": {f"module.{name}": each for name, each in expected.items()}}, tmp_path / "ddp.pt")
    network = Classifier(tmp_path / "ddp.pt")
    assert [note.code for note in network.notes] == ["run.names-stripped"]
    assert "have module. in them" in network.notes[0].sentence
    fresh = build_model(CONFIG, 3)
    config = CONFIG.model_copy(update={"start_from": str(tmp_path / "ddp.pt")})
    assert [note.code for note in start_from(fresh, config, CLASSES)] == [
        "run.started-from-run",
        "run.names-stripped",
    ]
    for name, value in expected.items():
        assert torch.equal(fresh.state_dict()[name], value)
        assert torch.equal(network.model.state_dict()[name], value)
