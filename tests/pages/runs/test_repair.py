"""On the page of a run whose settings were changed or cannot be read, one click takes them from its checkpoint."""

from __future__ import annotations

from alexcore.files import read_json, write_json
from alexcore.runs.store import read_run
from tests.support.opened_pages import errors_of, open_page, text_of
from tests.support.run_folders import tiny_config, write_run


def test_broken_settings_come_back_by_a_click() -> None:
    folder = write_run("stopped", "it", checkpoint=True)
    (folder / "config.json").write_text("{", encoding="utf-8")
    at = open_page("pages/runs.py", run="it")
    assert "cannot be read as a configuration" in text_of(at)
    at.button(key="runs_repair").click().run()
    assert errors_of(at) == ""
    assert read_run(folder).config == tiny_config()
    assert not [each for each in at.button if each.key == "runs_repair"]


def test_edited_ones_are_shown_and_said() -> None:
    folder = write_run("stopped", "it", checkpoint=True)
    write_json(folder / "config.json", {**(read_json(folder / "config.json") or {}), "lr": 0.25})
    at = open_page("pages/runs.py", run="it")
    assert "config.json was edited since the run wrote it, and is used as it is." in text_of(at)
    assert at.button(key="runs_repair").label == "Take them from the checkpoint"
