"""Any file of a run's folder may be damaged: a resume then ends as if nothing had been, or it says what is wrong."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from alexcore.errors import AlexError
from alexcore.files import read_json
from alexcore.runs.about import change_about
from alexcore.runs.events import read_events
from alexcore.runs.launcher import prepare_resume, request
from alexcore.runs.repair import repair
from alexcore.runs.store import create_run, read_run
from alexcore.runs.worker import execute
from alexcore.training.checkpoint import load_checkpoint
from tests.support.interrupted_runs import assert_same_state
from tests.support.run_folders import tiny_config

CHECKPOINTS = ("last.pt", "last.previous.pt", "best.pt")
SMALL = ("config.json", "class_indices.json", "checksums.json", "status.json", "events.jsonl", "env.json", "seen.npz")


@pytest.fixture(scope="module")
def stopped(stripes, tmp_path_factory) -> Path:
    """A run of two epochs that was stopped at the end of the first; its checkpoint before was made in the middle."""
    folder = create_run(
        tiny_config(stripes, epochs=2, width=0.05, checkpoint_every_minutes=1e-4), tmp_path_factory.mktemp("a") / "run"
    )

    def on_progress(_phase: str, _done: int, _total: int, fields: dict) -> None:
        if fields.get("step", 0) >= 6 and read_run(folder).status.active:
            request(folder, "stop")

    assert execute(folder, on_progress) == "stopped"
    change_about(folder, name="A name", note="A note")
    return folder


@pytest.fixture(scope="module")
def expected(stopped, tmp_path_factory) -> dict:
    """The end of the run that nothing has happened to."""
    run = shutil.copytree(stopped, tmp_path_factory.mktemp("b") / "run")
    prepare_resume(read_run(run))
    execute(run)
    return end_of(run)


def end_of(run: Path) -> dict:
    state = load_checkpoint(run / "checkpoints" / "last.pt")
    return {name: state[name] for name in ("model", "optimizer", "rng")}


def resumed(run: Path) -> list[str]:
    """Resume a run; returns what was said: the sentence that refuses it, or its warnings."""
    found = read_run(run)
    said = [found.problem, *(each.sentence for each in found.edited)]
    try:
        prepare_resume(found)
        assert execute(run) == "finished"
    except AlexError as error:
        return [str(error)]
    warnings = [
        str(event.get("message")) for event in read_events(run / "events.jsonl")[0] if event["type"] == "warning"
    ]
    return [each for each in (*said, *warnings) if each]


def tried(stopped: Path, run: Path, name: str, content: bytes, expected: dict) -> list[str]:
    """Put damaged content into a file, resume, and hold the end against the expected one unless something was said."""
    shutil.copytree(stopped, run)
    (run / name).write_bytes(content)
    said = resumed(run)
    if not said:
        assert_same_state(end_of(run), expected, name)
    shutil.rmtree(run)
    return said


def damaged(content: bytes, chance: random.Random) -> bytes:
    if chance.random() < 0.25:
        return content[: chance.randrange(len(content))]
    changed = bytearray(content)
    changed[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    return bytes(changed)


@pytest.mark.nightly
@pytest.mark.parametrize("name", [*SMALL, "about.json", ".lock", *(f"checkpoints/{each}" for each in CHECKPOINTS)])
def test_two_hundred_flips_and_cuts_in_each_file(stopped, expected, tmp_path, name):
    content, chance = (stopped / name).read_bytes(), random.Random(name)
    for _ in range(200 if content else 0):
        tried(stopped, tmp_path / "run", name, damaged(content, chance), expected)


def test_all_of_them_at_once_end_as_if_nothing_had_been_and_it_is_said(stopped, expected, tmp_path):
    run = shutil.copytree(stopped, tmp_path / "run")
    harms = {
        "class_indices.json": lambda content: content.replace(b"fine", b"fime"),
        "status.json": lambda content: content[:50],
        "events.jsonl": lambda content: content[:300] + b"\0" + content[301:],
        "env.json": lambda content: b"{",
        "seen.npz": lambda content: content[:100] + bytes([content[100] ^ 1]) + content[101:],
        "checkpoints/last.pt": lambda content: content[:-1000],
        "checkpoints/best.pt": lambda content: b"",
    }
    for name, harm in harms.items():
        (run / name).write_bytes(harm((run / name).read_bytes()))
    told = " ".join(resumed(run))
    assert_same_state(end_of(run), expected, "the end")
    for part in (
        "last.pt is damaged: the run has gone on from last.previous.pt",
        "class_indices.json was edited since the run wrote it, and is written anew",
        "seen.npz is damaged",
        "best.pt stays as it is",
    ):
        assert part in told
    assert read_json(run / "class_indices.json") == read_json(stopped / "class_indices.json")


def test_settings_that_are_broken_are_a_sentence_and_come_back(stopped, expected, tmp_path):
    run = shutil.copytree(stopped, tmp_path / "run")
    (run / "config.json").write_bytes((run / "config.json").read_bytes()[:-9])
    (said,) = resumed(run)
    assert "`runs repair run` writes it again from the run's checkpoint" in said
    repair(read_run(run))
    assert resumed(run) == []
    assert_same_state(end_of(run), expected, "the end")
