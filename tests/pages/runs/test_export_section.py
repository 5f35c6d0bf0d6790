"""The section "Take it along" of a run: it says what is there, starts a job, and offers what the job has made."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from alexcore.cli import main
from alexcore.export.formats import FORMATS
from alexcore.files import write_json
from tests.support.run_folders import write_run
from ui.runs import export_section as export


def section(name: str) -> None:
    """What the page does; AppTest runs this function's source by itself."""
    from alexcore.runs.store import open_run
    from ui.runs.export_section import export_section

    export_section(open_run(name))


@pytest.fixture(autouse=True)
def _empty_caches() -> None:
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Commands of the jobs, which run at once and in this process."""
    started: list[list[str]] = []

    def at_once(_name: str, arguments: list[str]) -> None:
        started.append(arguments)
        assert main(arguments) == 0

    monkeypatch.setattr(export, "start_job", at_once)
    return started


def opened(name: str) -> AppTest:
    app = AppTest.from_function(section, default_timeout=300, args=(name,)).run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    return "\n".join(
        str(each.value) for kind in ("caption", "info", "warning", "error", "markdown") for each in app.get(kind)
    )


def test_every_format_is_explained_and_made(stripes, jobs, home):
    write_run("finished", "one", data=stripes, checkpoint=True)
    app = opened("one")
    for name, form in FORMATS.items():
        app.selectbox(key="runs_export_format").select(name).run()
        assert not app.exception
        assert form.text in words(app)
        assert not app.get("download_button")
        app.button(key="runs_export_make").click().run()
        assert not app.exception
        assert app.button(key="runs_export_make").label == "Make it again"
        (download,) = app.get("download_button")
        assert download.label.startswith(f"Download {form.suffix} (")
        assert "SHA-256" in words(app)
    assert "answers differ by at most" not in words(app)
    assert [command[command.index("--format") + 1] for command in jobs] == list(FORMATS)
    assert len(list((home / "data" / ".cache" / "exports").iterdir())) == len(FORMATS)


def test_a_graph_has_two_switches_and_a_file_for_each_setting(stripes, jobs, home):
    write_run("finished", "one", data=stripes, checkpoint=True)
    app = opened("one")
    app.selectbox(key="runs_export_format").select("exported-program").run()
    app.button(key="runs_export_make").click().run()
    assert "answers differ by at most" in words(app)
    app.toggle(key="runs_export_softmax").set_value(False).run()
    assert not app.get("download_button")
    assert "logits, before the softmax" in words(app)
    app.button(key="runs_export_make").click().run()
    assert [command[-2:] for command in jobs] == [["--normalize", "--softmax"], ["--normalize", "--no-softmax"]]


def test_it_says_why_the_state_dict_and_how_to_load_it(stripes, home):
    write_run("finished", "one", data=stripes, checkpoint=True)
    app = opened("one")
    assert "torch.save(net, path)" in words(app)
    assert "torch.load('one.pt', weights_only=True)" in app.code[0].value
    assert "tensorboard --logdir runs" in words(app)


def test_a_run_that_has_gone_on_makes_its_export_old(stripes, jobs, home):
    run = write_run("running", "busy", data=stripes, checkpoint=True)
    app = opened("busy")
    assert "The run is running, not finished: after 1 of 2 epochs" in words(app).replace("\\", "")
    app.button(key="runs_export_make").click().run()
    assert "older than the run's latest checkpoint" not in words(app)
    later = time.time() + 10
    import os

    os.utime(run / "checkpoints" / "best.pt", (later, later))
    app.run()
    assert "older than the run's latest checkpoint" in words(app)
    assert app.get("download_button")


def test_notes_of_the_job_are_shown_as_text(home, tmp_path, jobs):
    write_run("finished", "one", data=tmp_path / "gone *bold*", checkpoint=True)
    app = opened("one")
    app.selectbox(key="runs_export_format").select("project").run()
    app.button(key="runs_export_make").click().run()
    assert "could not be opened when this was exported" in words(app)
    assert "\\*bold\\*" in words(app)


@pytest.mark.parametrize("state", ["queued", "running", "failed", "torn"])
def test_a_run_without_a_checkpoint_says_so(state, home):
    write_run(state, "bare")
    app = opened("bare")
    assert "has no checkpoint." in words(app)
    assert not app.selectbox


def test_a_broken_run_says_so(home):
    run = write_run("finished", "broken", checkpoint=True)
    (run / "config.json").write_text("{")
    assert "cannot be exported" in words(opened("broken"))


def test_a_failed_job_is_told(home, stripes):
    run = write_run("finished", "one", data=stripes, checkpoint=True)
    app = opened("one")
    name = export.job_and_target(str(run), "weights", [])[0]
    folder = home / "data" / ".cache" / "jobs"
    folder.mkdir(parents=True)
    write_json(folder / f"{name}.json", {"state": "failed", "error": "The disk is full."})
    assert "The disk is full." in words(app.run())


def test_the_cache_of_exports_is_bounded(home, monkeypatch):
    monkeypatch.setattr(export, "MOST_KEPT", 3)
    for number in range(6):
        target = export.job_and_target(f"run {number}", "weights", [])[1]
        export._make_room(target)
        target.write_bytes(b"x")
        time.sleep(0.01)
    kept = sorted(Path(home / "data" / ".cache" / "exports").glob("*/export.pt"))
    assert len(kept) == 3
    assert export.job_and_target("run 5", "weights", [])[1] in kept
