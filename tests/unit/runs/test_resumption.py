"""A resume that cannot begin leaves the run what it was, to the byte; one that begins says what it is going to do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from alexcore import cli
from alexcore.config import load_config
from alexcore.errors import AlexError, RunError
from alexcore.files import read_json, write_json
from alexcore.findings.outcome import OUTCOMES
from alexcore.findings.run import StoppedEarly
from alexcore.runs import launcher
from alexcore.runs.events import EventWriter, read_events
from alexcore.runs.launcher import ended_early, planned, prepare_resume, request
from alexcore.runs.resumption import asked_to_resume, failed_resume
from alexcore.runs.run_list import summarised
from alexcore.runs.series import Series
from alexcore.runs.store import create_run, read_run
from alexcore.runs.worker import execute
from alexcore.training.resuming import changed_config
from tests.support.run_folders import tiny_config, write_run

FILES = ("config.json", "status.json", "events.jsonl")


@pytest.fixture(scope="module")
def trained(stripes: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A data set, and a run of one epoch that has finished on it: what each test takes a copy of."""
    root = tmp_path_factory.mktemp("trained")
    data = shutil.copytree(stripes, root / "data")
    run = create_run(tiny_config(data, epochs=1, scheduler="constant"), root / "run")
    assert execute(run) == "finished"
    return data, run


@pytest.fixture
def finished(trained: tuple[Path, Path], tmp_path: Path) -> Path:
    data = shutil.copytree(trained[0], tmp_path / "data")
    run = shutil.copytree(trained[1], tmp_path / "run")
    write_json(
        run / "config.json", load_config(run / "config.json").model_copy(update={"data": str(data)}).model_dump()
    )
    with (run / "events.jsonl").open("ab") as file:
        file.write(b'{"half a line')
    return run


def contents(run: Path) -> list[bytes]:
    return [(run / name).read_bytes() for name in FILES]


def without_data(run: Path) -> None:
    (run.parent / "data").rename(run.parent / "elsewhere")


def without_pictures(run: Path) -> None:
    for file in (run.parent / "data" / "train").rglob("*.jpg"):
        file.write_bytes(b"no picture")


def other_classes(run: Path) -> None:
    for split in ("train", "val"):
        (run.parent / "data" / split / "wide").rename(run.parent / "data" / split / "broad")


def damaged_checkpoint(run: Path) -> None:
    (run / "checkpoints" / "last.pt").write_bytes(b"no checkpoint")


WHAT_FAILS = [without_data, without_pictures, other_classes, damaged_checkpoint]


@pytest.mark.parametrize("spoil", WHAT_FAILS)
def test_a_resume_that_fails_before_it_begins_changes_nothing(
    finished: Path, spoil: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(finished)
    before = contents(finished)
    assert cli.main(["resume", str(finished), "--epochs", "2"]) == 2
    assert contents(finished) == before
    assert read_run(finished).status.state == "finished"
    sentence = capsys.readouterr().err.strip().splitlines()[-1]
    assert sentence.startswith("error: ")
    assert failed_resume(finished)["message"].split("\n")[0] in sentence
    assert asked_to_resume(finished) is None


@pytest.mark.parametrize("flags", [["--epochs", "0"], ["--epochs", "2", "--lr", "1"], []])
def test_flags_that_are_refused_change_nothing(finished: Path, flags: list[str]) -> None:
    before = contents(finished)
    assert cli.main(["resume", str(finished), *flags]) == 2
    assert contents(finished) == before


def test_a_lock_that_another_holds_changes_nothing(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "ORPHANS_S", 0.1)
    before = contents(finished)
    with FileLock(finished / ".lock"), pytest.raises(RunError, match="Another worker is at the run"):
        prepare_resume(read_run(finished), epochs=2)
    assert contents(finished) == before


def test_a_stop_before_it_begins_and_a_worker_that_never_came_change_nothing(finished: Path) -> None:
    before = contents(finished)
    prepare_resume(read_run(finished), epochs=2)
    assert read_run(finished).status.state == "queued"
    raw = read_json(finished / "status.json") or {}
    write_json(finished / "status.json", {**raw, "heartbeat": 1.0})
    assert read_run(finished).status.state == "finished", "nobody came for it"
    prepare_resume(read_run(finished), epochs=3)
    assert json.loads(str((read_json(finished / "status.json") or {})["before"])) == json.loads(before[1])
    request(finished, "stop")
    assert execute(finished) == "stopped"
    assert contents(finished) == before
    assert not failed_resume(finished)


def test_one_that_begins_takes_its_settings_and_names_its_outcome(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    without_data(finished)
    prepare_resume(read_run(finished), epochs=2)
    with pytest.raises(AlexError):
        execute(finished)
    (finished.parent / "elsewhere").rename(finished.parent / "data")
    assert cli.main(["resume", str(finished), "--epochs", "2", "--early-stopping", "5", "--json"]) == 0
    told = capsys.readouterr()
    assert "It goes on after epoch 1 to epoch 2; early stopping waits for 5 epochs, counted from here on." in told.err
    answer = json.loads(told.out.splitlines()[-1])
    assert (answer["status"], answer["epochs"]) == ("finished", 2)
    assert answer["outcome"]["code"] == "run.all-epochs"
    assert answer["outcome"]["values"] == {"epochs": 2}
    config = load_config(finished / "config.json")
    assert (config.epochs, config.early_stopping) == (2, 5)
    assert not (finished / "resume.json").exists()
    assert "before" not in (read_json(finished / "status.json") or {})
    events, _ = read_events(finished / "events.jsonl")
    assert [each["values"]["epochs"] for each in events if each.get("code") in OUTCOMES] == [1, 2]


# What a resume of a run that early stopping has ended says and does -----------------------------------------------


@pytest.fixture
def early() -> Path:
    folder = write_run("finished", "early", epochs=20)
    config = tiny_config(epochs=20, early_stopping=2)
    write_json(folder / "config.json", config.model_dump())
    write_json(folder / "status.json", {**(read_json(folder / "status.json") or {}), "epoch": 3})
    (folder / "checkpoints" / "last.pt").touch()
    writer = EventWriter(folder / "events.jsonl")
    writer.write("warning", **StoppedEarly(2).as_event())
    writer.close()
    return folder


def test_as_it_is_it_would_end_again_so_it_says_what_to_do(early: Path) -> None:
    with pytest.raises(
        RunError, match=r"stopped early after epoch 3 of 20.* --early-stopping 0 trains the other epochs"
    ):
        prepare_resume(read_run(early))
    with pytest.raises(RunError, match="stopped early"):
        prepare_resume(read_run(early), early_stopping=2)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"early_stopping": 0}, "It goes on after epoch 3 to epoch 20; early stopping is off."),
        ({"early_stopping": 4}, "to epoch 20; early stopping waits for 4 epochs, counted from here on."),
        ({"epochs": 30}, "to epoch 30; early stopping waits for 2 epochs, counted from here on."),
    ],
)
def test_what_a_changed_one_will_do(early: Path, changes: dict[str, int], sentence: str) -> None:
    run = read_run(early)
    assert run.config is not None
    message = planned(run, changed_config(run.config, changes)).message
    assert message.startswith("It stopped early after epoch 3 of 20: no better validation accuracy for 2 epochs. ")
    assert message.endswith(sentence)
    prepare_resume(run, **changes)
    assert read_run(early).status.state == "queued"


def test_the_outcome_is_that_of_the_last_end(early: Path) -> None:
    series = Series(early / "events.jsonl")
    series.refresh()
    assert series.outcome is not None
    assert series.outcome["values"] == {"patience": 2}
    assert not series.warnings
    assert (summarised(read_run(early)).outcome or {})["code"] == "run.stopped-early"
    writer = EventWriter(early / "events.jsonl")
    writer.write("resume", epoch=3, step=7)
    writer.close()
    series.refresh()
    assert series.outcome is None
    assert summarised(read_run(early)).outcome is None


def test_a_run_of_version_0_1_that_stopped_early_is_known_by_its_epochs(early: Path) -> None:
    lines = (early / "events.jsonl").read_text(encoding="utf-8").splitlines()
    (early / "events.jsonl").write_text("\n".join(lines[:-1]) + "\n", encoding="utf-8")
    assert ended_early(read_run(early))
