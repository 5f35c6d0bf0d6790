"""The documents say what is there: settings, commands, pages, formats, events, folders, variables, links."""

from __future__ import annotations

import argparse
import ast
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from alexcore import __version__
from alexcore.batchnorm.settings import BN_FIELDS
from alexcore.cli import build_parser
from alexcore.config import FIELDS
from alexcore.export.formats import FORMATS
from alexcore.fields import FieldSpec
from alexcore.findings.finding import Finding
from ui.parts.menu import PAGES

ROOT = Path(__file__).resolve().parents[3]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAPERS = [*sorted(ROOT.glob("*.md")), *DOCS, ROOT / "benchmarks" / "README.md"]
CODE = [file for folder in ("alexcore", "ui", "pages") for file in sorted((ROOT / folder).rglob("*.py"))]
README = (ROOT / "README.md").read_text(encoding="utf-8")
INSTALL = "python3 -m venv .venv && .venv/bin/pip install -r {0} && .venv/bin/{1}"


def shown(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


@cache
def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@cache
def calls() -> list[ast.Call]:
    """Every call in the code of the product."""
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in CODE]
    return [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]


@pytest.fixture(scope="module")
def parser() -> argparse.ArgumentParser:
    return build_parser()


def first_cells(name: str) -> list[str]:
    """What stands in backticks in the first cell of each table row of a document."""
    rows = re.findall(r"^\| ([^|]+) \|", text_of(name), re.MULTILINE)
    return [each for row in rows for each in re.findall(r"`([^`]+)`", row)]


# README


def test_the_readme_is_short_and_shows_a_picture() -> None:
    assert len(README.encode()) <= 5 * 1024
    (picture,) = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert (ROOT / picture).stat().st_size < 150_000


def test_the_readme_has_the_two_commands() -> None:
    blocks = [block.strip() for block in re.findall(r"^```\n(.*?)^```", README, re.MULTILINE | re.DOTALL)]
    assert INSTALL.format("requirements.txt", "streamlit run app.py") in blocks
    assert INSTALL.format("requirements-dev.txt", "pytest") in blocks


def test_the_readme_leads_to_every_document() -> None:
    linked = {(ROOT / link).resolve() for link in re.findall(r"\]\(([^)#]+)\)", README)}
    assert {file for file in DOCS if file.parent.name == "docs"} <= linked


def test_every_page_has_its_line() -> None:
    table = README.split("## The pages")[1].split("\n## ")[0]
    assert re.findall(r"^\| ([A-Z][\w ]+) \|", table, re.MULTILINE) == list(PAGES.values())


# Settings, commands, formats, events, variables


def row_of(spec: FieldSpec) -> str:
    default = str(spec.default).lower() if spec.kind is bool else str(spec.default)
    cells = (f"`{spec.name}`", spec.title, f"`{default}`" if default else "", spec.legal)
    return re.sub(r"\|  \|", "| |", f"| {' | '.join(cells)} |")


@pytest.mark.parametrize("spec", [*FIELDS.values(), *BN_FIELDS.values()], ids=lambda spec: spec.name)
def test_every_setting_has_its_row(spec: FieldSpec) -> None:
    assert row_of(spec) in text_of("docs/command-line.md").splitlines()


def test_no_row_is_left_of_a_setting_that_is_gone() -> None:
    settings = text_of("docs/command-line.md").split("## Every setting")[1].split("## Environment")[0]
    assert re.findall(r"^\| `(\w+)`", settings, re.MULTILINE) == [*FIELDS, *BN_FIELDS]


def commands_of(parser: argparse.ArgumentParser, name: str = "") -> Iterator[str]:
    inner = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not inner:
        yield name
    for action in inner:
        for word, each in action.choices.items():
            yield from commands_of(each, f"{name} {word}".strip())


def test_every_command_is_explained(parser: argparse.ArgumentParser) -> None:
    assert set(commands_of(parser)) - set(first_cells("docs/command-line.md")) == set()


def test_every_export_format_is_explained() -> None:
    assert first_cells("docs/exports.md") == list(FORMATS)


def test_every_type_of_event_is_explained() -> None:
    written = {
        call.args[0].value
        for call in calls()
        if getattr(call.func, "attr", "") in ("event", "write") and call.args and isinstance(call.args[0], ast.Constant)
        if re.fullmatch(r"[a-z_]+", str(call.args[0].value))
    }
    written |= set(get_args(get_type_hints(Finding.event.fget)["return"]))
    assert len(written) >= 12
    _, *tables = re.split(r"^\| event \|", text_of("docs/library.md"), flags=re.MULTILINE)
    assert {name for table in tables for name in re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)} == written


def test_every_environment_variable_is_explained() -> None:
    sources = [*CODE, *(ROOT / "tests").rglob("*.py")]
    # A name may be put together from parts, such as TORCHELASTIC's; ours never are.
    used = {name for file in sources for name in re.findall(r'"(ALEXCORE_[A-Z_]+)"', file.read_text(encoding="utf-8"))}
    assert {"ALEXCORE_HOME", "ALEXCORE_DATA_ROOTS"} <= used
    explained = text_of("docs/command-line.md") + text_of("CONTRIBUTING.md")
    assert {name for name in used if f"`{name}`" not in explained} == set()


# What stands in code blocks


def commands_in(text: str) -> list[list[str]]:
    """The arguments of every call of the command line in a document, in a block of code or between backticks."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL) + re.findall(
        r"^ {4}.+", text, re.MULTILINE
    )
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    lines += re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    found = []
    for line in lines:
        words = re.search(r"(?:^\s*alexcore|-m alexcore) +(\S.*)", line)
        if words and not words[1].startswith(("COMMAND", "...")):
            found.append(shlex.split(words[1], comments=True))
    return found


@pytest.mark.parametrize("paper", PAPERS, ids=shown)
def test_every_command_can_be_typed(
    paper: Path, parser: argparse.ArgumentParser, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in commands_in(paper.read_text(encoding="utf-8")):
        try:
            parser.parse_args(arguments)
        except SystemExit:
            pytest.fail(f"{' '.join(arguments)}: {capsys.readouterr().err}")


def test_commands_are_found() -> None:
    block = "python -m alexcore data info x  # why\ntorchrun -n 2 \\\n  -m alexcore train\nalexcore runs\n"
    text = f"```\n{block}```\nor `alexcore devices`"
    assert commands_in(text) == [["data", "info", "x"], ["train"], ["runs"], ["devices"]]
    assert sum(len(commands_in(paper.read_text(encoding="utf-8"))) for paper in PAPERS) > 40


# Links and paths


def anchors(text: str) -> set[str]:
    """The names that GitHub gives to headings."""
    titles = re.findall(r"^#+ (.+)", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("paper", PAPERS, ids=shown)
def test_every_link_leads_somewhere(paper: Path) -> None:
    text = paper.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = paper.parent / name if name else paper
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text(encoding="utf-8")), link


MODULE = re.compile(r"`((?:[\w.]+/)*\w+\.(?:py|jinja)|(?:alexcore|ui|pages|tests|docs|benchmarks)/[\w/.-]*)`")
# Files of the exported project.
ELSEWHERE = {"model.py", "train.py", "predict.py"}


@pytest.mark.parametrize("paper", [ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", *DOCS], ids=shown)
def test_every_module_that_is_named_is_there(paper: Path) -> None:
    """A path is written from the root of the repository."""
    named = set(MODULE.findall(paper.read_text(encoding="utf-8"))) - ELSEWHERE
    assert {name for name in named if not (ROOT / name).exists()} == set()


def test_every_folder_of_modules_is_in_the_house() -> None:
    plan = text_of("ARCHITECTURE.md")
    folders = {file.parent for file in CODE if file.parent.parent != ROOT}
    assert {shown(folder) for folder in folders if f"{shown(folder)}/" not in plan} == set()


# Requirements and versions


def test_every_requirement_has_its_reason() -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines() + (
        ROOT / "requirements-dev.txt"
    ).read_text().splitlines()
    names = [re.split(r"[<>=!~]", line)[0].strip() for line in lines if line and line[0] not in "#-"]
    listed = re.findall(r"^\| ([a-z][\w-]+) \|", text_of("docs/dependencies.md"), re.MULTILINE)
    assert sorted(name for name in listed if name != "package") == sorted(names)


def test_the_changelog_has_this_version() -> None:
    versions = re.findall(
        r"^## (\d+\.\d+\.\d+) \((unreleased|\d{4}-\d\d-\d\d)\)$", text_of("CHANGELOG.md"), re.MULTILINE
    )
    number, _, development = __version__.partition(".dev")
    assert versions[0][0] == number
    assert (versions[0][1] == "unreleased") == bool(development)
    assert all(date != "unreleased" for _, date in versions[1:])


def test_a_line_of_the_changelog_is_one_short_sentence() -> None:
    entries = re.findall(r"^- (.+(?:\n  .+)*)", text_of("CHANGELOG.md"), re.MULTILINE)
    assert len(entries) > 20
    long = [entry for entry in entries if len(entry.split()) > 25 or not entry.endswith(".")]
    assert long == []
