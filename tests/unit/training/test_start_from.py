"""A run that begins with weights of another run, or with ImageNet's."""

from __future__ import annotations

import shutil
import urllib.error
from pathlib import Path

import pytest
import torch
from torchvision.models import alexnet

from alexcore.config import make_config
from alexcore.errors import AlexError, CheckpointError, ConfigError
from alexcore.home import runs_dir
from alexcore.runs.events import EventWriter
from alexcore.runs.series import Series
from alexcore.runs.store import create_run
from alexcore.training.checkpoint import build_model, load_checkpoint
from alexcore.training.loop import fit
from alexcore.training.start_from import start_from
from tests.support.interrupted_runs import Watcher, at_step, straight
from tests.support.run_folders import tiny_config

CLASSES = ("fine", "level", "wide")


@pytest.fixture(scope="module")
def source(stripes, tmp_path_factory) -> Path:
    return straight(tiny_config(stripes, epochs=1, ema_decay=0.5), tmp_path_factory.mktemp("source"))[0]


def weights(folder: Path, name: str = "last.pt") -> dict[str, torch.Tensor]:
    return load_checkpoint(folder / "checkpoints" / name)["model"]


def started(source: object, classes: tuple[str, ...] = CLASSES, **values):
    config = tiny_config(start_from=str(source), **values)
    model = build_model(config, len(classes))
    fresh = {name: value.clone() for name, value in model.state_dict().items()}
    (told,) = start_from(model, config, classes)
    return told, model.state_dict(), fresh


@pytest.mark.parametrize("how", ["folder", "name", "file"])
def test_the_weights_of_a_run_by_folder_name_or_file(source, how):
    named = runs_dir() / "earlier"
    shutil.copytree(source, named)
    given = {"folder": source, "name": "earlier", "file": source / "checkpoints" / "last.pt"}[how]
    told, found, _ = started(given)
    expected = weights(source, "last.pt" if how == "file" else "best.pt")
    assert all(torch.equal(found[name], value) for name, value in expected.items())
    assert (told.code, told.values["classes"]) == ("run.started-from-run", 3)


@pytest.mark.parametrize("classes", [("fine", "level"), ("a", "b", "c"), ("level", "fine", "wide")])
def test_other_classes_get_a_new_last_layer(source, classes):
    told, found, fresh = started(source, classes)
    expected = weights(source, "best.pt")
    for name, value in found.items():
        assert torch.equal(value, fresh[name] if name.startswith("classifier.6.") else expected[name]), name
    assert told.code == "run.started-from-other-classes"
    assert (told.values["theirs"], told.values["ours"]) == (("fine", "level", "wide"), classes)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"width": 0.5}, "width is 0.5 here, and .*best.pt's is 0.25"),
        ({"norm": "group"}, "norm is 'group' here, and .*best.pt's is 'batch'"),
        ({"variant": "2012"}, "variant is '2012' here, and .*best.pt's is 'seed'"),
    ],
)
def test_another_network_is_refused_by_name(source, values, sentence):
    with pytest.raises(ConfigError, match=f"start_from = .* does not fit: {sentence}"):
        started(source, **values)


def test_what_is_no_source(source, tmp_path):
    with pytest.raises(ConfigError, match="start_from = 'nowhere' is no run with a checkpoint and no checkpoint file"):
        started("nowhere")
    (tmp_path / "x.pt").write_bytes(b"no checkpoint")
    with pytest.raises(CheckpointError, match="is no checkpoint, or a damaged one"):
        started(tmp_path / "x.pt")
    state = torch.load(source / "checkpoints" / "best.pt", weights_only=True)
    del state["model"]["features.0.weight"]
    torch.save(state, tmp_path / "y.pt")
    with pytest.raises(CheckpointError, match=r"do not fit the network: features\.0\.weight is missing"):
        started(tmp_path / "y.pt")


def test_a_run_begins_there_says_so_and_resumes_without_it(stripes, source, tmp_path):
    shutil.copytree(source, tmp_path / "gone")
    config = tiny_config(stripes, epochs=2, start_from=str(tmp_path / "gone"), lr=1e-4, freeze_features=True)
    folder, watcher = create_run(config), Watcher(at_step(1))
    assert fit(config, folder, watcher) == "stopped"
    (note,) = watcher.of("note")
    assert note["values"]["path"].startswith(str(tmp_path / "gone"))
    shutil.rmtree(tmp_path / "gone")
    again = Watcher()
    assert fit(config, folder, again, resume=True) == "finished"
    assert not again.of("note")
    before, after = weights(source, "best.pt"), weights(folder)
    # Frozen: kernels, the scales of batch norm and its statistics, too.
    assert all(torch.equal(before[name], after[name]) for name in before if name.startswith("features."))
    assert not torch.equal(before["classifier.6.weight"], after["classifier.6.weight"])


def test_frozen_random_numbers_are_refused():
    with pytest.raises(ConfigError, match="freeze_features = True needs start_from"):
        make_config(freeze_features=True)


def test_the_story_of_a_run_keeps_the_note(tmp_path):
    writer = EventWriter(tmp_path / "events.jsonl")
    writer.write("note", message="Started from X.")
    writer.close()
    series = Series(tmp_path / "events.jsonl")
    series.refresh()
    assert [note["message"] for note in series.notes] == ["Started from X."]


# ImageNet -----------------------------------------------------------------------------------------------------


IMAGENET = {"variant": "torchvision", "norm": "none", "width": 1.0}


def test_imagenet_weights_and_a_new_last_layer(monkeypatch):
    with torch.random.fork_rng():
        theirs = alexnet().state_dict()
    asked = []
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", lambda url, **how: asked.append((url, how)) or theirs)
    told, found, fresh = started("imagenet", **IMAGENET)
    assert (told.code, told.values) == ("run.started-from-imagenet", {"classes": 3})
    assert found["classifier.6.weight"].shape == (3, 4096)
    for name, value in found.items():
        assert torch.equal(value, fresh[name] if name.startswith("classifier.6.") else theirs[name]), name
    ((url, how),) = asked
    assert url.startswith("https://download.pytorch.org/models/alexnet")
    assert how["weights_only"]
    assert how["check_hash"]


def test_without_a_network_it_is_a_sentence(monkeypatch, stripes):
    def offline(*_args, **_how):
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", offline)
    config = tiny_config(stripes, start_from="imagenet", **IMAGENET)
    with pytest.raises(AlexError, match=r"The ImageNet weights cannot be downloaded from https.*not known") as caught:
        fit(config, create_run(config), Watcher())
    assert "put the file into" in caught.value.hint


@pytest.mark.parametrize("values", [{"norm": "batch"}, {"variant": "seed"}, {"width": 0.5}])
def test_imagenet_weights_fit_one_network_only(values, monkeypatch):
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", lambda *_args, **_how: pytest.fail("downloaded"))
    with pytest.raises(ConfigError, match="start_from = 'imagenet' does not fit"):
        start_from(torch.nn.Identity(), tiny_config(start_from="imagenet", **{**IMAGENET, **values}), CLASSES)
