"""Settings that are gone, damaged or edited: named as what they are, and offered back from the checkpoint."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from alexcore.errors import AlexError, CheckpointError, RunError
from alexcore.files import read_json, write_json
from alexcore.home import runs_dir
from alexcore.integrity import changed_since, write_checked
from alexcore.runs.repair import repair
from alexcore.runs.store import create_run, read_run
from alexcore.training.checkpoint import load_checkpoint, save_checkpoint
from alexcore.training.loop import fit
from tests.support.interrupted_runs import Watcher, at_step
from tests.support.run_folders import CLASSES, tiny_config, write_run


def sentence(folder: Path) -> str:
    return " ".join(each.sentence for each in read_run(folder).edited)


def test_what_a_person_has_changed_is_edited_and_used(home):
    folder = write_run("stopped", "it", checkpoint=True)
    assert read_run(folder).edited == ()
    config = read_json(folder / "config.json")
    write_json(folder / "config.json", {**config, "lr": 0.25})
    run = read_run(folder)
    assert run.config is not None
    assert run.config.lr == 0.25
    assert run.problem == ""
    assert sentence(folder).startswith("config.json was edited since the run wrote it, and is used as it is.")
    write_checked(folder / "config.json", {**config, "lr": 0.5})
    assert read_run(folder).edited == ()


def test_a_run_of_before_has_no_checksums_and_nothing_is_said(home):
    folder = write_run("stopped", "it")
    (folder / "checksums.json").unlink()
    write_json(folder / "config.json", {**(read_json(folder / "config.json") or {}), "lr": 0.25})
    assert read_run(folder).edited == ()
    (folder / "checksums.json").write_text("{", encoding="utf-8")
    assert read_run(folder).edited == (), "nor if they are damaged themselves"


HARMS: dict[str, Callable[[Path], object]] = {
    "gone": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-40]),
    "no text": lambda path: path.write_bytes(b"\xff" + path.read_bytes()),
    "another value": lambda path: path.write_text(path.read_text().replace('"epochs": 2', '"epochs": -2')),
    "another name": lambda path: path.write_text(path.read_text().replace('"epochs"', '"epocks"')),
}


@pytest.mark.parametrize("harm", HARMS)
def test_settings_that_cannot_be_read_are_offered_back_from_the_checkpoint(home, harm):
    folder = write_run("stopped", "it", checkpoint=True)
    before = (folder / "config.json").read_bytes()
    HARMS[harm](folder / "config.json")
    broken = (folder / "config.json").read_bytes() if harm != "gone" else None
    run = read_run(folder)
    assert run.config is None
    assert run.problem.endswith("`runs repair it` writes it again from the run's checkpoint.")
    assert repair(run) == ["config.json", "class_indices.json"]
    again = read_run(folder)
    assert (again.problem, again.edited, again.config) == ("", (), tiny_config())
    assert json.loads((folder / "config.json").read_bytes()) == json.loads(before)
    assert read_json(folder / "class_indices.json") == {str(number): name for number, name in enumerate(CLASSES)}
    aside = folder / "config.json.before-repair"
    assert (aside.read_bytes() if aside.is_file() else None) == broken


def test_it_takes_the_newest_that_can_be_read_or_says_why_there_is_none(home):
    folder = write_run("stopped", "it", checkpoint=True)
    (folder / "config.json").write_text("{", encoding="utf-8")
    last, best = (folder / "checkpoints" / name for name in ("last.pt", "best.pt"))
    last.write_bytes(b"damaged")
    repair(read_run(folder))
    assert read_run(folder).config == tiny_config()
    best.write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match=r"has no checkpoint that could be read: .*last\.pt is no checkpoint"):
        repair(read_run(folder))
    for path in (last, best):
        path.unlink()
    (folder / "config.json").unlink()
    assert "repair" not in read_run(folder).problem
    with pytest.raises(AlexError, match="has no checkpoint that could be read"):
        repair(read_run(folder))


def test_an_experiment_gets_its_description_back(home):
    folder = write_run("stopped", "it", checkpoint=True)
    state = load_checkpoint(folder / "checkpoints" / "last.pt")
    save_checkpoint(folder / "checkpoints" / "experiment.pt", {**state, "bn": {"steps": 7}})
    assert repair(read_run(folder))[-1] == "experiment.json"
    assert read_json(folder / "experiment.json") == {"steps": 7}


def test_not_while_a_worker_is_at_it(home):
    folder = write_run("running", "it", checkpoint=True)
    before = (folder / "config.json").read_bytes()
    with pytest.raises(RunError, match="is running"):
        repair(read_run(folder))
    assert (folder / "config.json").read_bytes() == before


def test_killed_between_the_file_and_its_hash_nothing_is_claimed(home, monkeypatch):
    folder = create_run(tiny_config(), runs_dir() / "it")
    written: list[str] = []

    def killed(path: Path, value: object) -> None:
        written.append(path.name)
        if len(written) == 3:
            raise KeyboardInterrupt
        write_json(path, value)

    monkeypatch.setattr("alexcore.integrity.write_json", killed)
    with pytest.raises(KeyboardInterrupt):
        write_checked(folder / "config.json", {"lr": 1})
    assert read_json(folder / "config.json") == {"lr": 1}
    assert changed_since(folder) == ()


def test_a_resume_says_what_was_edited_and_goes_by_it(stripes):
    folder = create_run(tiny_config(stripes, epochs=1, lr=0.01))
    assert fit(tiny_config(stripes, epochs=1, lr=0.01), folder, Watcher(at_step(1))) == "stopped"
    for name in ("config.json", "class_indices.json"):
        text = (folder / name).read_text(encoding="utf-8")
        (folder / name).write_text(text.replace('"lr": 0.01', '"lr": 0.02').replace("fine", "fime"), encoding="utf-8")
    config, watcher = read_run(folder).config, Watcher()
    assert config is not None
    assert fit(config, folder, watcher, resume=True) == "finished"
    told = [event["message"] for event in watcher.of("warning") if event["code"] == "run.file-edited"]
    assert told == [
        "config.json was edited since the run wrote it, and is used as it is: lr = 0.02, not 0.01.",
        "class_indices.json was edited since the run wrote it, and is written anew.",
    ]
    assert [each.name for each in read_run(folder).edited] == ["config.json"]
