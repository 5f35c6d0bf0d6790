"""`predict` on folders and zip files, with several runs and with views; the older forms are in test_cli.py."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import pytest

from alexcore.home import runs_dir
from alexcore.runs.store import create_run
from tests.support.command_line import call, done, pictures, refused
from tests.support.run_folders import tiny_config, write_checkpoint


@pytest.fixture
def two_runs(home: Path) -> tuple[str, str]:
    for name, init in (("first", "kaiming"), ("second", "xavier")):
        config = tiny_config(width=0.125, init=init)
        write_checkpoint(create_run(config, runs_dir() / name) / "checkpoints" / "best.pt", config)
    return "first", "second"


def test_a_folder_and_a_zip_give_the_answers_of_their_pictures(two_runs, stripes: Path, tmp_path: Path):
    files = pictures(stripes)
    with zipfile.ZipFile(tmp_path / "some.zip", "w") as archive:
        for path in files[:3]:
            archive.write(path, path.name)
    single = {each["file"]: each["top"] for each in done("predict", "first", *files, "--json").json["predictions"]}
    folder = done("predict", "first", stripes / "val", "--json").json["predictions"]
    assert {each["file"] for each in folder} == set(single)
    for each in folder:
        assert [top["class"] for top in each["top"]] == [top["class"] for top in single[each["file"]]]
        assert each["top"][0]["probability"] == pytest.approx(single[each["file"]][0]["probability"], abs=1e-6)
    zipped = done("predict", "first", tmp_path / "some.zip", "--json").json["predictions"]
    assert [each["file"] for each in zipped] == [f"{tmp_path / 'some.zip'}/{path.name}" for path in files[:3]]
    for each, path in zip(zipped, files, strict=False):
        assert each["top"][0]["probability"] == pytest.approx(single[str(path)][0]["probability"], abs=1e-6)


def test_several_runs_answer_in_turn_and_the_first_keeps_the_old_form(two_runs, stripes: Path):
    file = pictures(stripes)[0]
    alone = done("predict", "first", file, "--json").json
    both = done("predict", "first", file, "--also", "second", "--json").json
    assert {key: both[key] for key in alone} == alone
    assert [each["run"] for each in both["runs"]] == [str(runs_dir() / name) for name in two_runs]
    assert both["runs"][1]["predictions"] == done("predict", "second", file, "--json").json["predictions"]
    rows = list(csv.DictReader(io.StringIO(done("predict", "first", file, "--also", "second", "--csv").out)))
    assert [Path(row["run"]).name for row in rows] == ["first"] * 3 + ["second"] * 3
    assert len(done("predict", "first", file, "--also", "second").out.splitlines()) == 2


def test_views_change_the_probabilities(two_runs, stripes: Path):
    file = pictures(stripes)[0]
    plain, averaged = (
        done("predict", "first", file, *flags, "--json").json["predictions"][0]["top"] for flags in ((), ("--tta",))
    )
    assert sum(each["probability"] for each in averaged) == pytest.approx(1, abs=1e-5)
    assert plain != averaged


def test_what_cannot_be_used_has_its_sentence(two_runs, stripes: Path, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("../x.png", b"-")
    told = done("predict", "first", tmp_path / "empty", tmp_path / "bad.zip", pictures(stripes)[0], "--json").json
    assert "holds no pictures" in told["predictions"][0]["error"]
    assert "leads out of the folder" in told["predictions"][1]["error"]
    assert "top" in told["predictions"][2]
    assert call("predict", "first", tmp_path / "empty").code == 2
    assert "There is no run absent." in refused("predict", "first", "x.jpg", "--also", "absent")
