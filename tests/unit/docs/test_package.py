"""What `pip install .` installs: the command, all modules, and the templates."""

from __future__ import annotations

import re
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from setuptools import find_namespace_packages

import alexcore

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_command_is_the_command_line(pyproject: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    module, _, name = pyproject["project"]["scripts"]["alexcore"].partition(":")
    with pytest.raises(SystemExit) as end:
        getattr(import_module(module), name)(["--version"])
    assert (end.value.code, capsys.readouterr().out.strip()) == (0, alexcore.__version__)


def test_every_folder_of_the_core_is_installed_and_nothing_else(pyproject: dict[str, Any]) -> None:
    include = pyproject["tool"]["setuptools"]["packages"]["find"]["include"]
    packages = {name.replace(".", "/") for name in find_namespace_packages(str(ROOT), include=include)}
    folders = {file.parent.relative_to(ROOT).as_posix() for file in (ROOT / "alexcore").rglob("*.py")}
    assert folders <= packages
    assert {name.split("/")[0] for name in packages} == {"alexcore"}


def test_every_file_that_is_no_module_is_installed(pyproject: dict[str, Any]) -> None:
    patterns = pyproject["tool"]["setuptools"]["package-data"]
    installed = {
        file
        for name, each in patterns.items()
        for pattern in each
        for file in (ROOT / name.replace(".", "/")).glob(pattern)
    }
    others = {file for file in (ROOT / "alexcore").rglob("*") if file.is_file() and file.suffix not in (".py", ".pyc")}
    assert others
    assert others <= installed


def test_version_and_requirements_are_named_once(pyproject: dict[str, Any]) -> None:
    project, dynamic = pyproject["project"], pyproject["tool"]["setuptools"]["dynamic"]
    assert set(project["dynamic"]) == {"version", "dependencies"}
    assert dynamic["dependencies"] == {"file": "requirements.txt"}
    assert dynamic["version"] == {"attr": "alexcore.__version__"}
    # setuptools reads lines of requirements, and no options such as -r.
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if not re.match(r"#|[a-z][\w-]*[<>=!~]", line)]
