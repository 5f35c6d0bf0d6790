"""Hostile names on a terminal, in files for spreadsheets and in exports."""

from __future__ import annotations

import csv
import json
import re
import shutil
from base64 import b64decode
from io import StringIO
from pathlib import Path
from urllib.parse import unquote

import pytest

from alexcore.files import write_json
from alexcore.names import visible
from alexcore.runs.about import change_about
from tests.support.command_line import Said, call, done
from tests.support.hostile_names import FORMULAS, HOSTILE, on_disk, write_hostile_list
from tests.support.run_folders import tiny_config, write_checkpoint, write_run

ACTING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


@pytest.fixture(scope="module")
def listing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_hostile_list(tmp_path_factory.mktemp("hostile") / "esc\x1b[31m folder")


@pytest.fixture
def run(listing: Path) -> Path:
    folder = write_run("finished", "turned\u202erun", data=listing)
    change_about(folder, name="=named", tags=("esc\x1btag",), note="\x07")
    write_json(folder / "class_indices.json", {str(number): name for number, name in enumerate(HOSTILE)})
    for name in ("best", "last"):
        write_checkpoint(folder / "checkpoints" / f"{name}.pt", tiny_config(listing), HOSTILE)
    return folder


def quiet(said: Said) -> Said:
    """Nothing in it acts on a terminal; its bars are drawn on the other stream."""
    assert not ACTING.search(said.out), ACTING.findall(said.out)
    assert not ACTING.search(re.sub(r"\r|\x1b\[A", "", said.err))
    return said


def test_commands_print_names_and_never_obey_them(listing: Path, run: Path) -> None:
    for arguments in (
        ("data", "info", listing),
        ("data", "scan", listing),
        ("runs", "list"),
        ("runs", "show", run.name),
        ("evaluate", run),
        ("data", "info", listing.parent / "missing\x1b[2J"),
        ("predict", run, listing.parent / "missing\x1b[2J.png"),
        ("runs", "show", "none\x1b"),
        ("train", "--epochs", "\x1b[31m"),
    ):
        said = quiet(call(*arguments))
        assert said.out or said.err
        if arguments[0] != "predict" and said.code == 0:
            assert quiet(call(*arguments, "--json")).json
    assert "csi\\x9b1m" in done("data", "info", listing).out


def test_predictions_as_csv_hold_no_formula_and_as_json_the_very_names(listing: Path, run: Path) -> None:
    pictures = [listing.parent / f"{on_disk(name)[:120]} 2.png" for name in HOSTILE]
    here = listing.parent / "formulas"
    here.mkdir(exist_ok=True)
    for name in FORMULAS:
        shutil.copy(pictures[0], here / f"{name}.png")
    said = quiet(done("predict", run, *pictures, here, "--csv", "--top-k", str(len(HOSTILE))))
    rows = list(csv.DictReader(StringIO(said.out)))
    assert {row["class"].removeprefix("'") for row in rows} == {visible(name) for name in HOSTILE}
    assert all(cell[:1] not in {*"=+@\t\r"} for row in rows for cell in row.values())
    told = quiet(done("predict", run, *pictures, "--json", "--top-k", str(len(HOSTILE)))).json
    assert {top["class"] for each in told["predictions"] for top in each["top"]} == set(HOSTILE)
    assert [each["file"] for each in told["predictions"]] == [str(path) for path in pictures]


def test_exports_hold_names_as_text(run: Path, tmp_path: Path) -> None:
    quiet(done("export", run, "--to", tmp_path / "report.html", "--format", "report"))
    report = (tmp_path / "report.html").read_text()
    assert "<b>bold" not in report
    for tag, name in (("td", "*star*"), ("pre", "python -m alexcore")):
        assert f'<{tag} translate="no">{name}' in report, "a browser's translator leaves it alone"
    assert not ACTING.search(report.replace("\t", " "))
    tables = [unquote(each) for each in re.findall(r'href="data:text/csv;charset=utf-8,([^"]*)"', report)]
    tables += [b64decode(each).decode() for each in re.findall(r'href="data:text/csv;base64,([^"]*)"', report)]
    cells = [cell for table in tables for row in csv.reader(StringIO(table)) for cell in row]
    assert "'=HYPERLINK(1)" in cells
    assert all(cell[:1] not in {*"=+@\t\r"} for cell in cells)
    quiet(done("export", run, "--to", tmp_path / "notebook.ipynb", "--format", "notebook"))
    notebook = json.loads((tmp_path / "notebook.ipynb").read_text())
    prose = "".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    assert "\u202e" not in prose
