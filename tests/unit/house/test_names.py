"""One name, one thing: a module or a class is called like no other."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

from tests.support.repository import REPOSITORY as ROOT

FILES = sorted(file for part in ("alexcore", "ui") for file in (ROOT / part).rglob("[!_]*.py"))
# A page's rooms are called like the room of the core that it shows: ui/augment draws what alexcore/augment computes.
SHARED_BY_CORE_AND_PAGE = {"augment", "batchnorm", "runs"}
# What can be found in a room, and the words for that, are called like the room.
CALLED_LIKE_A_ROOM = {"findings", "words"}


def used_twice(named: list[tuple[str, Path]]) -> dict[str, list[str]]:
    """The names that several things have, each with where they are."""
    places = defaultdict(list)
    for name, file in named:
        places[name].append(file.relative_to(ROOT).as_posix())
    return {name: found for name, found in places.items() if len(found) > 1}


def test_no_two_modules_have_the_same_name():
    rooms = [file.parent for part in ("alexcore", "ui") for file in (ROOT / part).glob("*/**/__init__.py")]
    modules = [file for file in FILES if file.parent.name not in CALLED_LIKE_A_ROOM]
    found = used_twice([(file.stem, file) for file in modules] + [(room.name, room) for room in rooms])
    assert {name: found[name] for name in found.keys() - SHARED_BY_CORE_AND_PAGE} == {}
    assert found.keys() >= SHARED_BY_CORE_AND_PAGE, "take what is used once out of the list"
    assert all(len(found[name]) == 2 for name in SHARED_BY_CORE_AND_PAGE)


def test_no_two_classes_have_the_same_name():
    trees = [(file, ast.parse(file.read_text(encoding="utf-8"))) for file in FILES]
    classes = [(node.name, file) for file, tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    assert used_twice(classes) == {}
