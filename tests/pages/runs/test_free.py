"""On Runs one click frees what finished runs can do without, in a job of its own."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from alexcore.files import write_json
from alexcore.home import cache_dir
from alexcore.runs.disk import spare_bytes
from alexcore.runs.store import read_run
from alexcore.words.numbers import size_text
from tests.support.opened_pages import errors_of, open_page, text_of
from tests.support.run_folders import write_run


def test_what_finished_runs_hold_is_shown_and_freed_by_a_click(spawned: list) -> None:
    folder = write_run("finished", "it", checkpoint=True)
    at = open_page("pages/runs.py")
    assert not [each for each in at.button if each.key == "runs_free"], "there is nothing"
    best = folder / "checkpoints" / "best.pt"
    (folder / "checkpoints" / "last.previous.pt").write_bytes(best.read_bytes())
    at = open_page("pages/runs.py")
    assert "Finished runs" in text_of(at)
    assert at.button(key="runs_free").label == f"Free {size_text(spare_bytes(read_run(folder)))}"
    at.button(key="runs_free").click().run()
    assert errors_of(at) == ""
    assert spawned[-1][1:] == ["runs", "free"]


def test_what_was_freed_stays_to_be_read() -> None:
    write_run("finished", "it", checkpoint=True)
    (cache_dir() / "jobs").mkdir(parents=True)
    write_json(cache_dir() / "jobs" / "runs-free.json", {"state": "finished", "notes": ["it: left.", "1 MB is free."]})
    at = AppTest.from_function(_after_the_job).run()
    assert [each.value for each in at.success] == ["it\\: left. 1 MB is free."]


def _after_the_job() -> None:
    from ui.runs.deletion import _freed, outcome

    _freed()
    outcome()
