"""A home that version 0.1.0 made: it opens, evaluates, predicts, exports and resumes as that version's own did."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from alexcore.augment.pipeline_files import load_pipeline, saved_pipelines
from alexcore.batchnorm.read.record import Experiment
from alexcore.cli import main
from alexcore.data.correcting import corrections_of
from alexcore.data.sources import open_source
from alexcore.errors import RunError
from alexcore.files import read_json, write_json
from alexcore.home import data_dir, runs_dir
from alexcore.jobs import read_job
from alexcore.process import own_identity
from alexcore.runs import launcher
from alexcore.runs.run_list import forget, summaries
from alexcore.runs.series import Series
from alexcore.runs.store import list_runs, read_run
from alexcore.runs.trash import list_trash, restore_run
from alexcore.runs.worker import execute
from tests.support.old_homes import DELETED, EXPERIMENT, FINISHED, STOPPED, STOPPED_EXPERIMENT, golden, old_home

GOLDEN = golden()
# Another torch, or another processor, sums in another order.
HERE = {"torch": torch.__version__.split("+")[0], "cpu": torch.backends.cpu.get_cpu_capability()}
SAME_BITS = HERE.items() <= GOLDEN.items()
ALL = [STOPPED_EXPERIMENT, EXPERIMENT, STOPPED, FINISHED]


@pytest.fixture(autouse=True)
def _old(home: Path) -> Iterator[None]:
    """The home, and one thread, as when it was made."""
    forget()
    old_home(home)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_its_runs_are_listed_with_their_figures() -> None:
    rows = {row.id: row for row in summaries()}
    assert sorted(rows) == sorted(run.id for run in list_runs()) == sorted(ALL)
    assert all(not row.problem and row.data == "flowers" for row in rows.values())
    assert {name: row.kind.title for name, row in rows.items()} == {
        FINISHED: "training",
        STOPPED: "training",
        EXPERIMENT: "BatchNorm experiment",
        STOPPED_EXPERIMENT: "BatchNorm experiment",
    }
    for name, told in GOLDEN["summaries"].items():
        status = rows[name].status
        assert (status.state, status.epoch, status.step) == (told["status"], told["epochs"], told["steps"])
    assert rows[FINISHED].val_acc1 == GOLDEN["summaries"][FINISHED]["val_acc1"]


def test_its_curves_are_read() -> None:
    series = Series(runs_dir() / FINISHED / "events.jsonl")
    assert series.refresh()
    assert [row["step"] for row in series.steps] == list(range(1, 9))
    assert [row["epoch"] for row in series.epochs] == [0, 1]
    experiment = Experiment(runs_dir() / EXPERIMENT)
    assert experiment.refresh()
    assert sorted(experiment.steps) == [("batch", 0), ("group", 0), ("none", 0)]
    assert len(experiment.notes) == 2


def test_what_a_person_kept_is_still_there() -> None:
    index = open_source(data_dir() / "flowers")
    assert {row.path: row.split for row in index.files.itertuples()} == GOLDEN["splits"]
    assert corrections_of(index).known == {"daisy/daisy_0000.jpg": None}
    assert load_pipeline(saved_pipelines()["gentle"]) == read_run(runs_dir() / FINISHED).config.augment  # type: ignore[union-attr]
    assert read_job("draw-flowers").state == "finished"
    (deleted,) = list_trash()
    assert deleted.id == DELETED
    assert restore_run(deleted).name == DELETED
    assert (runs_dir() / DELETED / "config.json").is_file()


def test_a_drawn_split_stays_when_pictures_come() -> None:
    folder = data_dir() / "flowers" / "daisy"
    for number in range(4):
        (folder / f"new_{number}.jpg").write_bytes((folder / "daisy_0000.jpg").read_bytes())
    split = {row.path: row.split for row in open_source(data_dir() / "flowers").files.itertuples()}
    assert {path: split[path] for path in GOLDEN["splits"]} == GOLDEN["splits"]


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out.splitlines()[-1])


@pytest.mark.parametrize("name", [FINISHED, STOPPED, EXPERIMENT])
def test_evaluate_and_predict(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    run = runs_dir() / name / ("arms/batch-s0" if name == EXPERIMENT else "")
    measured = told(capsys, "evaluate", run)
    before = GOLDEN["runs"][name]
    assert {key: measured[key] for key in before["evaluate"]} == pytest.approx(before["evaluate"], rel=1e-4)
    top = told(capsys, "predict", run, data_dir() / "flowers" / GOLDEN["picture"])["predictions"][0]["top"]
    assert {each["class"]: each["probability"] for each in top} == pytest.approx(before["predict"], rel=1e-4)


@pytest.mark.parametrize("format_", ["safetensors", "project", "report"])
@pytest.mark.parametrize("name", [FINISHED, STOPPED, EXPERIMENT])
def test_export(name: str, format_: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = runs_dir() / name / ("arms/batch-s0" if name == EXPERIMENT else "")
    file = tmp_path / {"safetensors": "it.safetensors", "project": "it.zip", "report": "it.html"}[format_]
    told(capsys, "export", run, "--to", file, "--format", format_)
    assert file.stat().st_size > 1000


@pytest.mark.parametrize(("name", "epochs"), [(FINISHED, 3), (STOPPED, None), (STOPPED_EXPERIMENT, None)])
def test_resume_goes_on_as_version_0_1_0_did(name: str, epochs: int | None) -> None:
    run = read_run(runs_dir() / name)
    launcher.prepare_resume(run, epochs)
    before = GOLDEN["runs"][name]["resumed"]
    assert execute(run.path) == before["status"]
    status = read_run(run.path).status
    assert (status.epoch, status.step) == (before["epochs"], before["steps"])
    events = [json.loads(line) for line in (run.path / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    losses = [each["loss"] for each in events if each["type"] in ("step", "arm_step") and each["loss"] is not None]
    if SAME_BITS:
        assert losses == before["losses"]
        assert digest(run.path) == before["weights"]
    else:
        assert losses == pytest.approx(before["losses"], rel=1e-2)


def digest(run: Path) -> str:
    """A hash of all weights of a run, or of all arms of an experiment."""
    file = run / "checkpoints" / "experiment.pt"
    saved = torch.load(file if file.is_file() else run / "checkpoints" / "last.pt", weights_only=True)
    found = hashlib.sha256()
    for arm in saved["arms"].values() if "arms" in saved else [saved]:
        for name, value in arm["model"].items():
            found.update(name.encode() + value.contiguous().numpy().tobytes())
    return found.hexdigest()[:16]


# A worker of version 0.1.0 that still runs: it goes on writing its own words, and reads only `request`. -------------


def old_worker(**values: Any) -> Path:
    """The folder of a run at which a worker of version 0.1.0 is; this process stands in for it."""
    pid, started = own_identity()
    raw = read_json(runs_dir() / STOPPED / "status.json") or {}
    alive = {"state": "running", "pid": pid, "process_started": started, "heartbeat": time.time()}
    write_json(runs_dir() / STOPPED / "status.json", {**raw, **alive, **values})
    (runs_dir() / STOPPED / "request").unlink(missing_ok=True)
    return runs_dir() / STOPPED


@pytest.mark.parametrize("word", ["pause", "stop"])
@pytest.mark.parametrize("phase", ["training", "validating"])
def test_a_running_0_1_worker_is_asked_through_its_file(word: str, phase: str) -> None:
    run = old_worker(phase=phase)
    launcher.request(run, word)
    assert (run / "request").read_text(encoding="utf-8") == word
    with pytest.raises(RunError, match="is running"):
        launcher.prepare_resume(read_run(run))


@pytest.mark.parametrize(
    ("text", "phase", "values"),
    [
        ("training", "training", {}),
        ("loading PyTorch", "loading-pytorch", {}),
        ("waiting for the other processes", "waiting-for-processes", {}),
        ("waiting for 20261130-101010-a", "waiting-for-run", {"run": "20261130-101010-a"}),
        ("starting again, because a process was lost", "starting-again", {}),
        ("", "", {}),
        ("something of tomorrow", "starting", {}),
    ],
)
def test_the_words_of_a_0_1_worker_are_understood(text: str, phase: str, values: dict[str, str]) -> None:
    status = read_run(old_worker(phase=text)).status
    assert (status.phase, status.phase_values) == (phase, values)


def test_a_killed_0_1_worker_is_lost() -> None:
    run = old_worker(process_started=1.0)
    assert read_run(run).status.state == "lost"
    launcher.prepare_resume(read_run(run))
    assert read_run(run).status.state == "queued"
