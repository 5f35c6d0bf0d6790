"""A bundle comes back on the page of runs: refused at once where it can be told, checked by a job otherwise."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from alexcore.home import cache_dir, runs_dir
from alexcore.runs.store import open_run
from tests.support.command_line import call, done
from tests.support.odd_archives import raw_zip
from tests.support.opened_pages import errors_of, open_page, text_of
from tests.support.run_folders import write_run


@pytest.fixture
def bundle(stripes: Path, tmp_path: Path, flowers: Path) -> Path:
    """The bundle of a run that is no longer here."""
    run = write_run("finished", "one", data=stripes, checkpoint=True)
    done("export", run, "--to", tmp_path / "one.zip", "--format", "bundle")
    shutil.rmtree(run)
    return tmp_path / "one.zip"


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Commands of the jobs, which run at once and in this process."""
    started: list[list[str]] = []

    def at_once(arguments: list[str], _log: Path, environment: dict[str, str]) -> int:
        if arguments[1] != "import":
            return 0
        started.append(arguments)
        with monkeypatch.context() as patch:
            patch.setenv("ALEXCORE_JOB", environment["ALEXCORE_JOB"])
            call(*arguments[1:])
        return 0

    monkeypatch.setattr("alexcore.jobs.spawn", at_once)
    return started


def uploaded(name: str, content: bytes) -> AppTest:
    return open_page("pages/runs.py").file_uploader(key="runs_import").set_value([(name, content, "")]).run()


def may_start(at: AppTest) -> bool:
    return any(button.key == "runs_import_start" and not button.disabled for button in at.button)


def test_a_bundle_comes_back_and_is_offered(bundle: Path, stripes: Path, jobs: list[list[str]]) -> None:
    at = uploaded("my run.zip", bundle.read_bytes())
    assert may_start(at)
    at.text_input(key="runs_import_data").set_value("synthetic-flowers").run()
    at.button(key="runs_import_start").click().run()
    assert not errors_of(at)
    (command,) = jobs
    assert "--uploaded-as=my run.zip" in command
    assert "The run one is here." in text_of(at)
    assert "pictures of the data set are the run's, by their hashes." in text_of(at)
    assert open_run("one").status.state == "finished"
    assert not list((cache_dir() / "uploads").iterdir()), "the copy is gone"
    at.button(key="runs_import_open").click().run()
    assert at.query_params["run"] in ("one", ["one"])
    at = uploaded("my run.zip", bundle.read_bytes())
    assert "There is a run one already. " in errors_of(at).replace("\n", " ")
    assert not may_start(at)
    at.text_input(key="runs_import_name").set_value("other").run()
    assert may_start(at)


def test_a_changed_bundle_is_refused_by_its_name_and_leaves_nothing(bundle: Path, jobs: list[list[str]]) -> None:
    content = bundle.read_bytes().replace(b"quick", b"quack")
    at = uploaded("my run.zip", content[: len(content) // 2])
    assert errors_of(at).startswith("my run.zip is ")
    assert not may_start(at)
    spoilt = bytearray(bundle.read_bytes())
    spoilt[len(spoilt) // 3] ^= 0xFF
    at = uploaded("my run.zip", bytes(spoilt))
    at.button(key="runs_import_start").click().run()
    assert "my run.zip" in errors_of(at)
    assert not (runs_dir() / "one").exists()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("pets.zip", raw_zip({b"a/1.jpg": b"x"}), "page Data set"),
        ("best.pt", raw_zip({b"best/data.pkl": b"x"}), "page Classify"),
        ("odd.bin.gz", b"nothing of the kind", "odd.bin.gz is no zip file"),
    ],
)
def test_what_is_no_bundle_is_said_at_once(flowers: Path, name: str, content: bytes, words: str) -> None:
    at = uploaded(name, content)
    assert words in errors_of(at)
    assert not may_start(at)
