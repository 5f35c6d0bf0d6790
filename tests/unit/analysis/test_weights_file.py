"""A stranger's weights file: a good one answers, every other is refused with its reason and never run."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from alexcore.analysis import weights_file
from alexcore.analysis.prediction import Classifier
from alexcore.analysis.weights_file import open_weights
from alexcore.errors import CheckpointError
from alexcore.training.checkpoint import build_model
from tests.support.run_folders import CLASSES, tiny_config, write_checkpoint


class Evil:
    """What runs as soon as an ordinary unpickler sees it."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return (Path("pwned").write_text, ("",))


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("run") / "best.pt"
    write_checkpoint(path, tiny_config(width=0.125))
    return path.read_bytes()


def saved(value: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, **options)
    return buffer.getvalue()


def changed(good: bytes, **parts: Any) -> bytes:
    return saved({**torch.load(io.BytesIO(good), weights_only=True), **parts})


def with_weights(good: bytes, **parts: Any) -> bytes:
    """`parts`: a tensor to put in, or None to take it out; `__` stands for a dot."""
    model = dict(torch.load(io.BytesIO(good), weights_only=True)["model"])
    for name, value in parts.items():
        model[name.replace("__", ".")] = value
    return changed(good, model={name: value for name, value in model.items() if value is not None})


def repeated(config: Any) -> dict[str, torch.Tensor]:
    """Weights of the right shapes that repeat one stored number."""
    with torch.device("meta"):
        shapes = {name: each for name, each in build_model(config, len(CLASSES)).state_dict().items()}
    return {name: torch.zeros((), dtype=each.dtype).expand(each.shape) for name, each in shapes.items()}


def compressed(good: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(good)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            new.writestr(info.filename, old.read(info))
    return buffer.getvalue()


def test_a_good_file_answers_as_the_run_does(good, tmp_path: Path):
    network = open_weights(good, "best.pt")
    (tmp_path / "best.pt").write_bytes(good)
    image = Image.effect_noise((80, 60), 90).convert("RGB")
    expected = Classifier(tmp_path / "best.pt").probabilities([image])
    torch.testing.assert_close(network.probabilities([image]), expected, rtol=0, atol=0)
    assert network.classes == CLASSES


REFUSED: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda good: b"", "no file that torch.save wrote"),
    "a picture": (lambda good: b"\x89PNG" + bytes(90), "no file that torch.save wrote"),
    "a bare pickle": (lambda good: pickle.dumps({"model": {}}), "no file that torch.save wrote"),
    "the old format": (
        lambda good: saved({"model": {}}, _use_new_zipfile_serialization=False),
        "no file that torch.save wrote",
    ),
    "code": (lambda good: changed(good, model=Evil()), "is no checkpoint, but a pickle of objects ("),
    "cut": (lambda good: good[:-200], "no file that torch.save wrote"),
    "compressed": (compressed, "its parts are compressed"),
    "bare weights": (
        lambda good: saved(torch.load(io.BytesIO(good), weights_only=True)["model"]),
        "holds no run, but bare weights: ",
    ),
    "a list": (lambda good: saved([1, 2]), "holds no run"),
    "newer": (lambda good: changed(good, version=99), "has version 99"),
    "no mapping": (lambda good: changed(good, class_to_idx=["a"]), "no mapping from class names"),
    "gap": (lambda good: changed(good, class_to_idx={"a": 0, "b": 2, "c": 3}), "not numbered from 0 to 2"),
    "twice": (lambda good: changed(good, class_to_idx={"a": 0, "b": 1, "c": 1}), "not numbered from 0 to 2"),
    "bool": (lambda good: changed(good, class_to_idx={"a": False, "b": True, "c": 2}), "not numbered from 0 to 2"),
    "blank": (lambda good: changed(good, class_to_idx={" ": 0, "b": 1, "c": 2}), "is no class name"),
    "other classes": (
        lambda good: changed(good, class_to_idx={"a": 0, "b": 1}),
        "classifier.6.weight is (3, ",
    ),
    "no settings": (lambda good: changed(good, config=7), "its config holds no settings"),
    "bad settings": (lambda good: changed(good, config={"width": -1}), "its settings are not legal"),
    "unknown setting": (lambda good: changed(good, config={"colour": "red"}), "its settings are not legal"),
    "other variant": (
        lambda good: changed(good, config={**tiny_config(width=0.125).model_dump(), "variant": "2012"}),
        "the variant 2012",
    ),
    "other norm": (
        lambda good: changed(good, config={**tiny_config(width=0.125).model_dump(), "norm": "none"}),
        "with norm none",
    ),
    "huge": (
        lambda good: changed(good, config=tiny_config().model_dump(), model=repeated(tiny_config())),
        "more than the file has",
    ),
    "bad transform": (
        lambda good: changed(good, evaluation_operations=[{"op": "Melt"}]),
        "its settings are not legal",
    ),
    "huge transform": (
        lambda good: changed(good, evaluation_operations=[{"op": "Resize", "size": [9999, 9999]}, {"op": "ToTensor"}]),
        "its settings are not legal",
    ),
    "no tensors": (lambda good: changed(good, model={"a": 1}), "its model is no table of tensors"),
    "missing": (lambda good: with_weights(good, features__0__weight=None), "it lacks features.0.weight"),
    "more": (lambda good: with_weights(good, backdoor=torch.zeros(1)), "it has backdoor, which"),
    "shape": (lambda good: with_weights(good, features__0__weight=torch.zeros(2, 3)), "features.0.weight is (2, 3)"),
    "type": (
        lambda good: with_weights(good, classifier__6__bias=torch.zeros(3, dtype=torch.float64)),
        "torch.float64, but",
    ),
    "nan": (lambda good: with_weights(good, classifier__6__bias=torch.full((3,), float("nan"))), "no numbers"),
    "sparse": (
        lambda good: with_weights(good, classifier__6__bias=torch.zeros(3).to_sparse()),
        "not an ordinary tensor",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.filterwarnings("ignore:Validating sparse:UserWarning")
def test_every_other_file_is_refused_with_its_reason(good, name, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make, reason = REFUSED[name]
    with pytest.raises(CheckpointError) as caught:
        open_weights(make(good), "theirs.pt")
    assert reason in caught.value.message
    assert "theirs.pt" in caught.value.message
    assert caught.value.hint
    assert list(tmp_path.iterdir()) == [tmp_path / "home"], "no code ran, nothing was written"


def test_too_large_a_file_is_refused_before_it_is_opened(good, monkeypatch):
    monkeypatch.setattr(weights_file, "MAX_BYTES", len(good) - 1)
    with pytest.raises(CheckpointError, match="the limit is"):
        open_weights(good, "theirs.pt")


def test_a_file_that_says_it_is_larger_than_it_is(good, monkeypatch):
    """Stored entries cannot grow, but their sizes are claims, and memory is set aside by them."""
    monkeypatch.setattr(weights_file, "MAX_BYTES", len(good))
    content = bytearray(good)
    at = content.rindex(b"PK\1\2")
    content[at + 24 : at + 28] = (2**31 - 1).to_bytes(4, "little")
    with pytest.raises(CheckpointError, match="are said to have more"):
        open_weights(bytes(content), "theirs.pt")
