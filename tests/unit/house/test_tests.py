"""The tests as a house: each file in the folder of its tier and room, and nothing imported from a test."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support.opened_pages import PAGES
from tests.support.repository import REPOSITORY, TESTS, imports

FILES = sorted(TESTS.rglob("*.py"))
TIERS = ("unit", "property", "worker", "pages", "browser", "benchmarks", "gpu")


def shown(file: Path) -> str:
    return file.relative_to(TESTS).as_posix()


def typed_markers(file: Path) -> set[str]:
    nodes = (node for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Attribute))
    return {node.attr for node in nodes if ast.unparse(node.value) == "pytest.mark"}


def test_nobody_imports_a_test() -> None:
    """What two tests share is a module of tests/support, or a fixture of a conftest."""
    ours = ("tests", "conftest")
    found = {
        shown(file): wrong
        for file in FILES
        if (wrong := {n for n in imports(file) if n.split(".")[0] in ours and not n.startswith("tests.support")})
    }
    assert found == {}


def test_each_file_lies_in_the_folder_of_its_tier_and_room() -> None:
    for file in FILES:
        tier, *rest = file.relative_to(TESTS).parts
        if file.name.startswith("test_"):
            assert tier in TIERS, shown(file)
            assert len(rest) == (1 if tier == "benchmarks" else 2), f"tests/<tier>/<room>/test_x.py, not {shown(file)}"
        else:
            assert tier == "support" or file.name in ("conftest.py", "__init__.py"), shown(file)


def test_nobody_types_a_tier() -> None:
    """The folder says it, and conftest makes the marker of it."""
    assert {shown(file): typed for file in FILES if (typed := typed_markers(file) & set(TIERS))} == {}


def test_the_check_sees_a_typed_tier(tmp_path: Path) -> None:
    file = tmp_path / "test_x.py"
    file.write_text("pytestmark = [pytest.mark.worker]\n\n@pytest.mark.skipif(True)\ndef test_x():\n    pass\n")
    assert typed_markers(file) == {"worker", "skipif"}


def test_a_test_has_the_marker_of_its_folder(request: pytest.FixtureRequest) -> None:
    assert {mark.name for mark in request.node.iter_markers()} & set(TIERS) == {"unit"}


def test_every_page_is_in_the_menu() -> None:
    assert sorted(PAGES) == sorted(f"pages/{file.name}" for file in (REPOSITORY / "pages").glob("*.py"))
