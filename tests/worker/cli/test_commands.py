"""The command line: what it prints, what it writes, and one clear sentence for whatever it cannot do."""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from alexcore.cli import build_parser
from alexcore.config import FIELDS, load_config
from alexcore.data.content_hashes import seen_by
from alexcore.home import runs_dir
from alexcore.runs.events import read_events
from tests.support.command_line import Said, call, done, module, pictures, refused
from tests.support.run_folders import write_run

TINY = ["--image-size", "64", "--width", "0.25", "--batch-size", "8", "--num-workers", "0"]
TINY += ["--device", "cpu", "--precision", "fp32"]


@dataclass(frozen=True)
class Trained:
    folder: Path
    said: Said


@pytest.fixture(scope="module")
def trained(stripes, tmp_path_factory) -> Trained:
    """A run of the command line that several tests look at."""
    home = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALEXCORE_HOME", str(home))
        asked = ["--epochs", 6, "--lr", 0.003, *TINY]  # its best epoch is not its last one
        return Trained(home / "run", done("train", "--data", stripes, "--run", home / "run", "--json", *asked))


@pytest.fixture
def stored(trained, home) -> str:
    """The id of a copy of it in this test's own store."""
    shutil.copytree(trained.folder, runs_dir() / "stored")
    return "stored"


def epochs_of(folder: Path) -> list[dict]:
    return [event for event in read_events(folder / "events.jsonl")[0] if event["type"] == "epoch"]


# Help ---------------------------------------------------------------------------------------------------------


def commands(parser: argparse.ArgumentParser, words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every command below a parser, the parser itself included."""
    found = [words]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, child in action.choices.items():
                found += commands(child, (*words, name))
    return found


COMMANDS = commands(build_parser())


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words) or "alone")
def test_every_command_explains_itself(words):
    said = done(*words, "--help")
    assert said.out.startswith(f"usage: python -m alexcore {' '.join(words)}".rstrip())
    assert not said.err


def test_the_commands_of_the_contract_are_there():
    words = {" ".join(words) for words in COMMANDS}
    assert {"data sample", "data info", "train", "resume", "evaluate", "predict", "runs"} <= words


def test_train_takes_every_field_of_a_run_with_its_explanation():
    text = " ".join(done("train", "--help").out.split())
    for name, spec in FIELDS.items():
        assert f"--{name.replace('_', '-')} " in text
        assert spec.legal.replace(" ", "") in text.replace(" ", ""), "lines may break at a hyphen"


# Data ---------------------------------------------------------------------------------------------------------


def test_sample_flowers_and_what_info_says_of_them(home):
    folder = home / "flowers"
    assert done("data", "sample", folder, "--images-per-class", 5, "--size", 32, "--json").json == {"data": str(folder)}
    told = done("data", "info", folder, "--json").json
    assert told["class_to_idx"] == {"daisy": 0, "dandelion": 1, "roses": 2, "sunflowers": 3, "tulips": 4}
    assert told["counts"] == {split: dict.fromkeys(told["class_to_idx"], n) for split, n in (("train", 4), ("val", 1))}
    assert (told["images"], told["problems"]) == (25, [])
    text = done("data", "info", folder).out
    assert re.search(r"roses +2 +4 +1", text)
    assert f"{folder} exists and is not empty." in refused("data", "sample", folder)


def test_info_names_what_cannot_be_decoded(stripes, tmp_path):
    data = shutil.copytree(stripes, tmp_path / "data")
    (data / "train" / "fine" / "fine_000.jpg").write_bytes(b"not a picture")
    told = done("data", "info", data, "--json").json
    assert told["images"] == 47
    assert told["counts"]["train"]["fine"] == 11
    (problem,) = told["problems"]
    assert (problem["code"], problem["values"]["count"]) == ("data.undecodable", 1)
    assert problem["values"]["pictures"][0][0] == "train/fine/fine_000.jpg"
    assert "warning: 1 of 48 pictures" in done("data", "info", data).out


# Training -----------------------------------------------------------------------------------------------------


def test_the_last_line_of_train_is_the_contract(trained):
    told = trained.said.json
    assert list(told) == [
        "run",
        "status",
        "epochs",
        "steps",
        "val_acc1",
        "best_val_acc1",
        "images_per_s",
        "seconds",
        "outcome",
    ]
    accuracies = [event["val_acc1"] for event in epochs_of(trained.folder)]
    assert (told["run"], told["status"], told["epochs"], told["steps"]) == (str(trained.folder), "finished", 6, 30)
    assert (told["val_acc1"], told["best_val_acc1"]) == (accuracies[-1], max(accuracies))
    assert told["images_per_s"] > 0
    assert told["seconds"] > 0
    assert str(trained.folder) in trained.said.err  # where to look while it runs; progress is no result
    assert len(trained.said.out.splitlines()) == 1


def test_the_run_remembers_what_was_asked_for(trained, stripes):
    config = load_config(trained.folder / "config.json")
    assert (config.epochs, config.width, config.norm, config.data) == (6, 0.25, "batch", str(stripes.resolve()))


def test_the_run_remembers_what_it_was_trained_on(trained, stripes):
    files = stripes.glob("train/*/*")
    assert seen_by(trained.folder) == {hashlib.blake2b(file.read_bytes(), digest_size=16).digest() for file in files}


def test_a_relative_path_is_kept_as_an_absolute_one(stripes, home, monkeypatch):
    monkeypatch.chdir(stripes.parent)
    told = done("train", "--data", stripes.name, "--max-steps", 1, "--json", *TINY).json
    assert load_config(Path(told["run"]) / "config.json").data == str(stripes.resolve())
    assert (Path(told["run"]).parent, told["steps"]) == (runs_dir(), 1)


def test_resume_goes_on_where_the_run_ended(stored):
    said = done("resume", stored, "--epochs", 7, "--json")
    assert (said.json["status"], said.json["epochs"], said.json["steps"]) == ("finished", 7, 35)
    assert [event["epoch"] for event in epochs_of(runs_dir() / stored)] == list(range(7))
    assert "is finished. Give more epochs than 7" in refused("resume", stored)
    assert "lr = 0.5 would make it another experiment" in refused("resume", stored, "--lr", "0.5")


# Using a run --------------------------------------------------------------------------------------------------


def test_evaluate_agrees_with_the_run_s_own_validation(trained):
    told = done("evaluate", trained.folder, "--json").json
    best = max(epochs_of(trained.folder), key=lambda event: event["val_acc1"])
    assert (told["images"], told["acc1"], told["confusion"]) == (12, best["val_acc1"], best["confusion"])
    assert told["loss"] == pytest.approx(best["val_loss"], abs=1e-5)
    assert list(told["recall"].values()) == best["recall"]
    assert f"validation accuracy {best['val_acc1']:.4f}" in done("evaluate", trained.folder).out


def test_predict_agrees_with_evaluate(trained, stripes):
    told = done("predict", trained.folder, *pictures(stripes), "--json").json
    assert told["run"] == str(trained.folder)
    assert [each["file"] for each in told["predictions"]] == [str(path) for path in pictures(stripes)]
    assert len({each["top"][0]["class"] for each in told["predictions"]}) > 1  # or agreement would say little
    right = [each["top"][0]["class"] == Path(each["file"]).parent.name for each in told["predictions"]]
    assert sum(right) / len(right) == done("evaluate", trained.folder, "--json").json["acc1"]
    for each in told["predictions"]:
        probabilities = [top["probability"] for top in each["top"]]
        assert probabilities == sorted(probabilities, reverse=True)
        assert sum(probabilities) == pytest.approx(1, abs=1e-5)
        assert {top["class"]: top["index"] for top in each["top"]} == {"fine": 0, "level": 1, "wide": 2}


def test_a_picture_that_cannot_be_read_has_its_sentence_among_the_answers(trained, stripes, tmp_path):
    good, text = pictures(stripes)[0], tmp_path / "text.png"
    text.write_text("not a picture")
    files = [good, tmp_path / "absent.jpg", text, good]
    told = done("predict", trained.folder, *files, "--json", "--top-k", 1).json["predictions"]
    assert [each["file"] for each in told] == list(map(str, files))
    assert ["top" in each for each in told] == [True, False, False, True]
    assert all(len(each.get("top", [0])) == 1 for each in told)
    assert all(each["error"].endswith((".", ")")) for each in told if "error" in each)

    rows = list(csv.DictReader(io.StringIO(done("predict", trained.folder, *files, "--csv").out)))
    assert [(row["file"], row["rank"]) for row in rows[:4]] == [
        (str(good), "1"),
        (str(good), "2"),
        (str(good), "3"),
        (str(tmp_path / "absent.jpg"), ""),
    ]
    assert rows[3]["error"] == told[1]["error"]
    assert len(rows) == 8

    lines = done("predict", trained.folder, *files).out.splitlines()
    assert re.fullmatch(rf"{good}: \w+ \d+\.\d%, \w+ \d+\.\d%, \w+ \d+\.\d% \[not measured\]", lines[0])
    assert lines[2] == f"{text}: {told[2]['error']}"

    failed = call("predict", trained.folder, text, "--json")
    assert (failed.code, failed.json["predictions"][0]["error"]) == (2, told[2]["error"])


def test_predict_needs_nothing_but_the_run(trained, stripes, tmp_path, monkeypatch):
    elsewhere = shutil.copytree(trained.folder, tmp_path / "mailed")
    for name in ("config.json", "status.json", "events.jsonl", "env.json", "class_indices.json"):
        (elsewhere / name).unlink()
    (elsewhere / "checkpoints" / "last.pt").unlink()
    ours, theirs = (done("predict", run, pictures(stripes)[0], "--json").json for run in (trained.folder, elsewhere))
    assert ours["predictions"] == theirs["predictions"]


def test_any_kind_of_picture_is_classified(trained, tmp_path):
    files = []
    for mode in ("L", "P", "RGBA", "CMYK", "1"):
        files.append(tmp_path / f"{mode}.{'jpg' if mode == 'CMYK' else 'png'}")
        Image.new(mode, (90, 50)).save(files[-1])
    assert all("top" in each for each in done("predict", trained.folder, *files, "--json").json["predictions"])


# The store ----------------------------------------------------------------------------------------------------


def test_the_runs_are_listed_shown_and_deleted(stored):
    write_run("failed", "broken")
    assert {Path(row["run"]).name: row["status"] for row in done("runs", "--json").json["runs"]} == {
        "stored": "finished",
        "broken": "failed",
    }
    lines = done("runs", "list").out.splitlines()
    assert len(lines) == 2
    assert any(re.match(r"stored +finished +epochs +6 +best val acc1 [01]\.\d{3}", line) for line in lines)

    shown = json.loads(done("runs", "show", stored).out)
    assert shown == done("runs", "show", stored, "--json").json
    assert (shown["status"], shown["error"], shown["config"]["epochs"]) == ("finished", None, 6)
    assert json.loads(done("runs", "show", "broken").out)["error"]["message"] == "The loss is nan."

    assert done("runs", "delete", stored).out.startswith("Deleted the run stored.\n")
    assert done("runs", "delete", "broken", "--json").json["deleted"] == "broken"
    assert list(runs_dir().glob("[!.]*")) == []
    assert "There are no runs yet" in done("runs").out


def test_an_active_run_is_neither_deleted_nor_resumed():
    write_run("running", "busy")
    assert "The run busy is running. Stop it first." in refused("runs", "delete", "busy")
    assert "The run busy is running. It goes on by itself" in refused("resume", "busy")
    assert "has no checkpoint. Wait for its first epoch to end." in refused("predict", "busy", "x.jpg")


def test_only_runs_of_the_store_are_deleted(trained, stored):
    for name in (trained.folder, "..", f"../runs/{stored}", "", "."):
        assert call("runs", "delete", name).code == 2
    assert (trained.folder / "config.json").is_file()
    assert (runs_dir() / stored / "config.json").is_file()


# Bad input ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["dance"], "invalid choice: 'dance'"),
        (["train"], "No data set is given. Add --data PATH"),
        (["train", "--data", "{data}", "--epochs", "0"], "epochs = 0 is not allowed: it must be a whole number from 1"),
        (["train", "--data", "{data}", "--epochs", "two"], "argument --epochs: invalid whole number value: 'two'"),
        (["train", "--data", "{data}", "--lr", "-1"], "lr = -1.0 is not allowed: it must be a number above 0"),
        (["train", "--data", "{data}", "--lr", "nan"], "lr = nan is not allowed"),
        (["train", "--data", "{data}", "--norm", "layer"], "it must be one of none, batch, group"),
        (["train", "--data", "{data}", "--lr", "0", "--epochs", "0"], "epochs = 0 is not allowed"),
        (["train", "--data", "{data}", "--preset", "best"], "There is no preset 'best'. Choose one of default, quick"),
        (["train", "--data", "{data}", "--speed", "9"], "unrecognized arguments: --speed 9"),
        (["train", "--data", "{tmp}/absent"], "There is no folder {tmp}/absent."),
        (["train", "--data", "{tmp}/empty"], "{tmp}/empty holds no pictures in class folders."),
        (["train", "--data", "{data}/train/fine"], "holds no pictures in class folders."),
        (["train", "--data", "{tmp}/file"], "{tmp}/file"),
        (["train", "--data", "{data}", "--run", "{tmp}/full"], "{tmp}/full exists and is not empty."),
        (["data", "info", "{tmp}/absent"], "There is no folder {tmp}/absent."),
        (["data", "sample", "{tmp}/full"], "{tmp}/full exists and is not empty."),
        (["data", "sample", "{tmp}/new", "--size", "3"], "size"),
        (["resume", "absent"], "There is no run absent."),
        (["resume", "x" * 300], "There is no run xxx"),
        (["evaluate", "absent"], "There is no run absent."),
        (["predict", "absent", "x.jpg"], "There is no run absent."),
        (["predict", "absent"], "the following arguments are required: IMAGE"),
        (["predict", "absent", "x.jpg", "--top-k", "0"], "'0' is not a whole number from 1"),
        (["predict", "absent", "x.jpg", "--top-k", "many"], "'many' is not a whole number from 1"),
        (["predict", "{tmp}/full", "x.jpg"], "has no checkpoint. Choose another run."),
        (["runs", "show"], "`runs show` needs the ID of a run"),
        (["runs", "delete"], "`runs delete` needs the ID of a run"),
        (["runs", "show", "absent"], "There is no run absent."),
        (["runs", "delete", "../home"], "'../home' is not the name of a run."),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else "",
)
def test_bad_input_is_one_sentence_and_leaves_nothing_behind(stripes, tmp_path, arguments, sentence):
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("three years of work")
    (tmp_path / "file").write_text("text")
    places = {"data": stripes, "tmp": tmp_path}
    before = left(tmp_path)
    assert sentence.format(**places) in refused(*(each.format(**places) for each in arguments))
    assert left(tmp_path) == before


def left(folder: Path) -> set[Path]:
    """The files in a folder, but for the cache, which may be filled at any time."""
    return {path for path in folder.rglob("*") if path.is_file() and ".cache" not in path.parts}


def test_a_batch_larger_than_the_set_fails_the_run_in_one_sentence(stripes):
    said = call("train", "--data", stripes, *TINY, "--batch-size", 37)
    assert (said.code, said.out) == (2, "")
    last = said.err.splitlines()[-1]
    assert last.endswith(
        "error: batch_size = 37 is larger than the training split (36 pictures). Choose a batch size of at most 36."
    )
    assert "Traceback" not in said.err


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\3\4 half an archive"], ids=repr)
def test_a_checkpoint_that_is_none(stored, stripes, content):
    for name in ("best.pt", "last.pt"):
        (runs_dir() / stored / "checkpoints" / name).write_bytes(content)
    for command in (("predict", stored, pictures(stripes)[0]), ("evaluate", stored)):
        assert "best.pt is no checkpoint, or a damaged one" in refused(*command)
    said = call("resume", stored, "--epochs", 9)
    assert (said.code, "Traceback" in said.err) == (2, False)
    assert "last.pt is no checkpoint, or a damaged one" in said.err.splitlines()[-1]


# As a process -------------------------------------------------------------------------------------------------


def test_python_m_alexcore_hands_its_exit_code_on():
    good, bad = module("runs", "--json"), module("train", "--data", "absent")
    assert (good.returncode, json.loads(good.stdout)) == (0, {"runs": []})
    assert (bad.returncode, bad.stdout) == (2, "")
    assert re.fullmatch(
        r"error: There is no folder .*absent\. Check the spelling of the path\. .*--data PATH, .*\n", bad.stderr
    )
