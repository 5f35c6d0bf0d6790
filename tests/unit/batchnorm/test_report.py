"""The HTML report of an experiment: well formed, complete, asking for nothing from outside, every name escaped."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from base64 import b64decode
from html.parser import HTMLParser
from pathlib import Path

import pytest

from alexcore.batchnorm.comparable import experiment_command, make_experiment
from alexcore.batchnorm.settings import load_bn_config
from alexcore.batchnorm.views.sections import SECTIONS
from alexcore.cli import build_parser
from alexcore.config import load_config
from alexcore.errors import RunError
from alexcore.export.experiment_report import report, write_report
from alexcore.files import write_json
from alexcore.home import runs_dir
from tests.support.bn_experiments import write_experiment
from tests.support.command_line import call, refused

EVIL = "<script>alert('x')</script>&\""
VOID = {"meta", "br", "img", "hr", "link", "input"}


class Tree(HTMLParser):
    """Notices a tag that is not closed, and collects what a browser would fetch."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.references: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "action", "data", "poster", "srcset"):
                self.references.append(value or "")
            if name == "id":
                self.ids.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def parsed(text: str) -> Tree:
    tree = Tree()
    tree.feed(text)
    tree.close()
    return tree


def without_scripts(text: str) -> str:
    return re.sub(r"<script.*?</script>", "", text, flags=re.S)


def test_the_report_is_one_well_formed_file_that_fetches_nothing() -> None:
    text = report(write_experiment("finished", "exp", seeds=3, sweeps=True))
    tree = parsed(text)
    assert tree.wrong == []
    assert tree.open == []
    outside = [each for each in tree.references if not each.startswith(("#", "data:"))]
    assert outside == []
    assert "@import" not in text.split("</style>")[0]
    assert "url(" not in text.split("</style>")[0]
    assert {"iframe", "img", "link", "object", "form"} & set(tree.tags) == set()
    assert len(set(tree.ids)) == len(tree.ids)
    inside = [each[1:] for each in tree.references if each.startswith("#")]
    assert inside
    assert set(inside) <= set(tree.ids), "every link of the verdict has a target"
    assert len(text) < 9_000_000


def test_the_report_has_every_section_sentence_and_answer() -> None:
    folder = write_experiment("finished", "exp", seeds=3, sweeps=True)
    write_json(folder / "env.json", {"python": "3.11.7", "packages": {"torch": "2.14.1"}})
    text = without_scripts(report(folder))
    assert "Python 3.11.7, torch 2.14.1" in text
    for name, section in SECTIONS.items():
        assert f'<h2 id="{name}">{html.escape(section.title)}</h2>' in text
    for number in range(1, 6):
        assert f"Answer {number}: 0.2 against 0.3 (3 seeds)." in text
    assert text.count('class="mark decided"') == 5
    assert "Recalibration gains" in text
    assert "compare-bn --preset=quick" in html.unescape(text)


def test_one_seed_is_not_decided_in_the_report_either() -> None:
    text = without_scripts(report(write_experiment("finished", "exp", seeds=1)))
    assert text.count("not decided by this experiment</span>") == 5


def test_names_are_escaped_wherever_they_come_from() -> None:
    folder = write_experiment("finished", "exp", seeds=1, data=f"/some/where/{EVIL}")
    lines = (folder / "events.jsonl").read_text().splitlines()
    start = json.loads(lines[0])
    start["classes"] = [EVIL, "b", "c"]
    start["device"] = EVIL
    note = {"v": 1, "seq": 9999, "ts": 0, "type": "note", "message": EVIL}
    (folder / "events.jsonl").write_text("\n".join([json.dumps(start), *lines[1:], json.dumps(note)]) + "\n")
    evidence = {"quantity": EVIL, "measure": EVIL, "arm": EVIL, "values": [{"seed": 0, "value": 1.0}]}
    answer = {"question": EVIL, "short": EVIL, "decided": True, "anchor": '"><script>alert(1)</script>'}
    answer["evidence"] = [evidence]
    write_json(folder / "verdict.json", {"answers": [answer]})
    text = report(folder)
    assert "<script>alert" not in text
    assert html.escape(EVIL, quote=True) in text
    assert parsed(text).wrong == []


def test_the_folder_of_the_data_stays_at_home() -> None:
    text = report(write_experiment("finished", "exp", seeds=1, data="/home/somebody/private/flowers"))
    assert "somebody" not in text
    assert "flowers" in without_scripts(text)


def test_every_table_is_in_the_file_as_a_csv() -> None:
    text = report(write_experiment("finished", "exp", seeds=3))
    coded = re.findall(r'download="([\w.-]+)" href="data:text/csv;base64,([^"]*)"', text)
    names = [name for name, _ in coded]
    assert {"training.csv", "validation.csv", "fans.csv", "ics.csv"} <= set(names)
    rows = list(csv.DictReader(io.StringIO(b64decode(dict(coded)["training.csv"]).decode())))
    assert len(rows) == 3 * 3 * 20
    assert {"arm", "seed", "step", "loss", "acc1"} == set(rows[0])


def test_a_report_of_a_running_experiment_says_that_it_runs() -> None:
    text = without_scripts(report(write_experiment("running", "exp", seeds=1, until=10)))
    assert "There is no verdict" in text
    assert "10 of 20" in text


def test_before_the_first_step_there_is_no_report() -> None:
    with pytest.raises(RunError, match="has measured nothing yet"):
        report(write_experiment("queued", "exp"))


def test_the_command_writes_the_file(tmp_path: Path) -> None:
    write_experiment("finished", "exp", seeds=1)
    target = tmp_path / "new" / "report.html"
    said = call("compare-bn-report", "exp", "--to", target, "--json")
    assert said.code == 0, said.err
    assert said.json == {"run": str(runs_dir() / "exp"), "file": str(target), "bytes": target.stat().st_size}
    assert target.read_text().startswith("<!DOCTYPE html>")


def test_the_command_refuses_in_one_line(tmp_path: Path) -> None:
    write_experiment("queued", "exp")
    assert "has measured nothing yet" in refused("compare-bn-report", "exp", "--to", tmp_path / "x.html")
    assert "There is no run nothing" in refused("compare-bn-report", "nothing", "--to", tmp_path / "x.html")
    write_experiment("finished", "good", seeds=1)
    assert "cannot be written" in refused("compare-bn-report", "good", "--to", tmp_path)
    (runs_dir() / "good" / "experiment.json").unlink()
    assert "is no BatchNorm experiment" in refused("compare-bn-report", "good", "--to", tmp_path / "x.html")
    assert list(tmp_path.glob("*.html")) == []


def test_a_file_in_the_way_is_a_sentence(tmp_path: Path) -> None:
    folder = write_experiment("finished", "exp", seeds=1)
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="cannot be written"):
        write_report(folder, tmp_path / "file" / "report.html")


@pytest.mark.parametrize("values", [{}, {"activation": "tanh", "seeds": 3}, {"decay_all": True, "lr": 0.1, "seed": 7}])
def test_the_command_line_repeats_the_experiment(values: dict) -> None:
    folder = write_experiment("finished", "exp", **{"seeds": 1, **values})
    config, bn = load_config(folder / "config.json"), load_bn_config(folder)
    words = experiment_command(config, bn).split()
    assert words[:4] == ["python", "-m", "alexcore", "compare-bn"]
    arguments = vars(build_parser().parse_args(words[3:]))
    fields = {*type(config).model_fields, *type(bn).model_fields}
    given = {name: value for name, value in arguments.items() if name in fields and value is not None}
    assert make_experiment(arguments["preset"], **given) == (config, bn)
