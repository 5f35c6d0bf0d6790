"""A run leaves as a bundle and comes back elsewhere; what was changed on the way, or never was a bundle, is refused."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from alexcore.analysis.prediction import Classifier
from alexcore.config import load_config
from alexcore.data.decoding.images import read_picture
from alexcore.data.pack import pack
from alexcore.runs.run_list import summarised
from alexcore.runs.store import create_run, list_runs, open_run, read_run
from alexcore.runs.worker import execute
from alexcore.training.checkpoint import load_checkpoint
from tests.support.command_line import call, done, refused
from tests.support.interrupted_runs import assert_same_state, assert_same_weights
from tests.support.run_folders import tiny_config, write_run
from tests.support.small_trees import open_folder

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create")


@pytest.fixture(scope="module")
def trained(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A data set of photographs and a run of one epoch on it, in a home of their own."""
    folder = tmp_path_factory.mktemp("there")
    for split, count in (("train", 5), ("val", 2)):
        for each in sorted((photographs / split).iterdir())[:3]:
            (folder / "data" / split / each.name).mkdir(parents=True)
            for picture in sorted(each.glob("*.jpg"))[:count]:
                shutil.copy(picture, folder / "data" / split / each.name)
    patch = pytest.MonkeyPatch()
    patch.setenv("ALEXCORE_HOME", str(folder))
    run = create_run(
        tiny_config(folder / "data", epochs=1, batch_size=5, scheduler="constant"), folder / "runs" / "one"
    )
    assert execute(run) == "finished"
    patch.undo()
    return folder / "data", run


@pytest.fixture(scope="module")
def bundle(trained: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("bundles") / "one.zip"
    done("export", trained[1], "--to", file, "--format", "bundle")
    return file


def test_a_bundle_brings_the_run_back_and_it_goes_on(trained, bundle, tmp_path, home):
    data, run = trained
    elsewhere = shutil.copytree(data, tmp_path / "elsewhere")
    said = done("import", bundle, "--data", elsewhere, "--json")
    assert said.json["notes"] == ["All 21 pictures of the data set are the run's, by their hashes."]
    back = open_run("one")
    assert back.path == home / "runs" / "one" == Path(said.json["run"])
    assert back.status.state == "finished"
    assert back.config == read_run(run).config.model_copy(update={"data": str(elsewhere)})
    assert summarised(back).figures(back.path) == summarised(read_run(run)).figures(back.path)
    pictures = [read_picture(each).image for each in sorted(data.glob("val/*/*.jpg"))]
    one, other = (Classifier(each / "checkpoints" / "best.pt") for each in (run, back.path))
    assert torch.equal(one.probabilities(pictures), other.probabilities(pictures))
    assert_same_state(*(load_checkpoint(each / "checkpoints" / "last.pt") for each in (run, back.path)), "last")
    # And resumed it is the run that would have gone on at home.
    at_home = shutil.copytree(run, tmp_path / "at-home")
    for folder in (at_home, back.path):
        assert done("resume", folder, "--epochs", "2", "--json").json["status"] == "finished"
    assert_same_weights(at_home, back.path)


def test_it_holds_what_is_needed_to_know_and_to_repeat(trained, bundle):
    data, _ = trained
    with zipfile.ZipFile(bundle) as archive:
        contents = json.loads(archive.read("bundle.json"))
        rows = archive.read("dataset.csv").decode().splitlines()
        assert set(archive.namelist()) == {"bundle.json", *contents["files"]}
        card = archive.read("MODEL_CARD.md").decode()
        assert json.loads(archive.read("run/status.json"))["pid"] is None
    assert {
        f"run/{name}"
        for name in (
            "config.json",
            "class_indices.json",
            "env.json",
            "events.jsonl",
            "status.json",
            "checkpoints/best.pt",
            "checkpoints/last.pt",
        )
    } < set(contents["files"])
    assert "run/worker.log" not in contents["files"]
    assert contents["command"] in card
    assert contents["command"].startswith("python -m alexcore train ")
    assert {f"--data={data}", "--image-size=64"} < set(contents["command"].split())
    assert rows[0] == "path,label,split,bytes,sha256"
    first = rows[1].split(",")
    assert first[4] == hashlib.sha256((data / first[0]).read_bytes()).hexdigest()
    assert len(rows) == 1 + 21


def test_another_data_set_is_told(bundle, trained, tmp_path, home):
    data = shutil.copytree(trained[0], tmp_path / "other")
    changed = sorted(data.glob("train/*/*.jpg"))[0]
    changed.write_bytes(changed.read_bytes() + b"\0")
    said = done("import", bundle, "--data", data)
    assert "note: 20 of the run's 21 pictures are in the data set with the same content" in said.out
    assert refused("import", bundle, "--data", tmp_path / "nowhere", "--name", "two").startswith("error: There is no")
    assert [run.id for run in list_runs()] == ["one"]


def test_without_a_data_set_it_says_where_one_has_to_lie(bundle, trained, home):
    said = done("import", bundle, "--name", "lonely")
    assert f"To resume it, its data set has to lie at {trained[0]}" in said.out
    assert load_config(home / "runs" / "lonely" / "config.json").data == str(trained[0])


def test_a_run_of_this_name_is_not_overwritten(bundle, home):
    done("import", bundle)
    before = (home / "runs" / "one" / "events.jsonl").read_bytes()
    line = refused("import", bundle)
    assert line == "error: There is a run one already. Delete or rename it, or import with --name OTHER."
    assert (home / "runs" / "one" / "events.jsonl").read_bytes() == before
    done("import", bundle, "--name", "other")
    assert {run.id for run in list_runs()} == {"one", "other"}


def test_a_run_on_shards_has_the_hashes_of_its_shards(stripes, tmp_path, home):
    shards = pack(open_folder(stripes), tmp_path / "shards", 20)
    run = create_run(tiny_config(shards, epochs=1))
    assert execute(run) == "finished"
    done("export", run, "--to", tmp_path / "it.zip", "--format", "bundle")
    moved = shards.rename(tmp_path / "moved")
    said = done("import", tmp_path / "it.zip", "--name", "again", "--data", moved)
    assert "All 48 pictures of the data set are the run's" in said.out


def test_a_running_run_comes_back_stopped_and_can_be_resumed(stripes, tmp_path, home):
    run = write_run("running", "busy", data=stripes, checkpoint=True)
    done("export", run, "--to", tmp_path / "it.zip", "--format", "bundle")
    done("import", tmp_path / "it.zip", "--name", "copy")
    assert open_run("copy").status.state == "stopped"
    assert open_run("copy").status.step == 7


def test_pictures_that_are_gone_are_told(tmp_path, home):
    run = write_run("finished", "gone", data=tmp_path / "gone", checkpoint=True)
    said = done("export", run, "--to", tmp_path / "it.zip", "--format", "bundle")
    assert "note: The pictures are not in the list of hashes" in said.out
    done("import", tmp_path / "it.zip", "--name", "back")


# Bundles that are none ----------------------------------------------------------------------------------------

Contents = dict[str, Any]


def rewritten(bundle: Path, file: Path, change: Callable[[dict[str, bytes], Contents], None]) -> Path:
    """A copy of a bundle, packed anew after `change`: its checksums as a zip file are all right."""
    with zipfile.ZipFile(bundle) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    contents = json.loads(parts.pop("bundle.json"))
    change(parts, contents)
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
        archive.writestr("bundle.json", json.dumps(contents))
    return file


def with_hash(parts: dict[str, bytes], contents: Contents, name: str, data: bytes) -> None:
    parts[name] = data
    contents["files"][name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def flip(parts: dict[str, bytes], _contents: Contents) -> None:
    data = bytearray(parts["run/checkpoints/best.pt"])
    data[len(data) // 2] ^= 1
    parts["run/checkpoints/best.pt"] = bytes(data)


BAD: dict[str, tuple[Callable[[dict[str, bytes], Contents], Any], str]] = {
    "one bit": (flip, "run/checkpoints/best.pt is not what was packed: its SHA-256 is"),
    "a wrong list": (lambda p, c: c["files"]["run/env.json"].update(sha256="0" * 64), "run/env.json is not what was"),
    "no hash": (lambda p, c: c["files"].update({"run/env.json": None}), "run/env.json is not what was packed"),
    "more": (lambda p, c: p.update({"run/more.py": b"1"}), "holds what its list does not name: run/more.py"),
    "less": (lambda p, c: p.pop("run/env.json"), "lacks run/env.json"),
    "no run": (lambda p, c: (p.pop("run/config.json"), c["files"].pop("run/config.json")), "it lacks run/config.json"),
    "outside": (lambda p, c: with_hash(p, c, "../../evil.txt", b"x"), "which leads out of the folder"),
    "absolute": (lambda p, c: with_hash(p, c, "/tmp/evil.txt", b"x"), "which is an absolute path"),
    "backslash": (lambda p, c: with_hash(p, c, "run\\..\\..\\evil.txt", b"x"), "backslash"),
    "name outside": (lambda p, c: c.update(run="../evil"), "cannot be the name of a run"),
    "name hidden": (lambda p, c: c.update(run=".queue"), "cannot be the name of a run"),
    "no name": (lambda p, c: c.update(run=""), "cannot be the name of a run"),
    "name of another kind": (lambda p, c: c.update(run=["a"]), "cannot be the name of a run"),
    "another format": (lambda p, c: c.update(format="zip"), "bundle.json is not what a bundle has"),
    "no files": (lambda p, c: c.update(files=[]), "bundle.json is not what a bundle has"),
    "newer": (lambda p, c: c.update(version=2), "has version 2; this program reads up to 1"),
    "no version": (lambda p, c: c.pop("version"), "has version None"),
    "settings": (lambda p, c: with_hash(p, c, "run/config.json", b'{"epochs": -1}'), "epochs = -1 is not allowed"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_bundle_is_refused_with_its_reason_and_leaves_nothing(bundle, tmp_path, home, name):
    change, words = BAD[name]
    said = call("import", rewritten(bundle, tmp_path / "bad.zip", change))
    assert said.code == 2
    assert said.out == ""
    assert "Traceback" not in said.err
    line = said.err.splitlines()[-1]
    assert line.startswith("error: ")
    assert words in line
    assert list_runs() == []
    assert not [each for each in tmp_path.rglob("*evil*")]
    assert not (home / "runs").is_dir() or list((home / "runs").iterdir()) == []


def test_a_link_in_a_bundle_is_refused(bundle, tmp_path, home):
    file = tmp_path / "bad.zip"
    shutil.copy(bundle, file)
    info = zipfile.ZipInfo("run/link")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(info, "/etc/passwd")
    assert "a link" in call("import", file).err.splitlines()[-1]
    assert list_runs() == []


def test_what_is_no_bundle_is_told_apart(bundle, tmp_path, home):
    foreign = tmp_path / "foreign.zip"
    with zipfile.ZipFile(foreign, "w") as archive:
        archive.writestr("cats/one.jpg", b"x")
    assert f"{foreign} is a zip file, but no bundle of a run, or was cut short: it lacks bundle.json." in refused(
        "import", foreign
    )
    other = tmp_path / "other.zip"
    other.write_bytes(b"no zip")
    assert f"{other} is no zip file, or a damaged one" in refused("import", other)
    # The end of a zip file is its list; the checkpoints inside are zip files, too, whose list is found instead.
    other.write_bytes(bundle.read_bytes()[:-2000])
    assert "was cut short" in refused("import", other)
    assert "cannot be read: No such file" in refused("import", tmp_path / "missing.zip")
    assert "cannot be read: Is a directory" in refused("import", tmp_path)
    assert "cannot be the name of a run" in refused("import", bundle, "--name", "a/b")


def test_a_full_disk_is_a_sentence_and_leaves_nothing(bundle, home, monkeypatch):
    from alexcore.export import unbundle

    def full(*_parts: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(unbundle, "write_json", full)
    line = call("import", bundle).err.splitlines()[-1]
    assert line.startswith(f"error: The run cannot be written into {home / 'runs'}: No space left on device.")
    assert list((home / "runs").iterdir()) == []
