"""On Runs one click frees what finished runs can do without, in a job of its own."""

from __future__ import annotations

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
