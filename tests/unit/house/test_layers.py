"""The rules of the house: who imports whom, what opens without torch, how long a file gets, and its name."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from tests.support.repository import REPOSITORY as ROOT
from tests.support.repository import imports

# A module may import what lies on a lower floor, or in its own package. Modules of the ground floor know each other.
FLOORS = [
    {
        "__init__",
        "confusion",
        "errors",
        "fields",
        "figures",
        "files",
        "home",
        "integrity",
        "names",
        "pair",
        "palette",
        "process",
        "system",
        "run_fields",
        "run_intensity",
        "run_names",
        "spreadsheet",
        "words",
    },
    {"findings"},
    {"augment", "nn"},
    {"config"},
    {"command_line"},
    {"data"},
    {"doubt"},
    {"training"},
    {"runs"},
    {"analysis"},
    {"batchnorm"},
    {"export"},
    {"jobs"},
    {"cli"},
    {"__main__"},
]
FLOOR = {part: number for number, parts in enumerate(FLOORS) for part in parts}
CORE = sorted((ROOT / "alexcore").rglob("*.py"))
DASHBOARD = [ROOT / "app.py", *sorted((ROOT / "ui").rglob("*.py")), *sorted((ROOT / "pages").rglob("*.py"))]
# Rooms in which nothing loads torch. In the others a module may, but none of those that these rooms need to be loaded.
WITHOUT_TORCH = ["alexcore", "alexcore/batchnorm"]  # these folders without the ones in them
WITHOUT_TORCH_AND_BELOW = [
    *(f"alexcore/{room}" for room in ("batchnorm/read", "batchnorm/views", "cli", "data", "findings", "runs", "words")),
    *(f"ui/{room}" for room in ("batchnorm", "classify", "dataset", "network", "overview", "runs", "train")),
]
# Written by a job while pages stay quick, or asked by a worker that reports that torch cannot be loaded.
ALSO_WITHOUT_TORCH = ["alexcore.export.write", "alexcore.training.memory", "alexcore.training.budget"]


def part_of(file: Path) -> str:
    """The package or module directly below alexcore that a file belongs to."""
    return file.relative_to(ROOT / "alexcore").parts[0].removesuffix(".py")


def shown(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def offenders(files: Iterable[Path], wrong: Callable[[Path, str], object]) -> dict[str, list[str]]:
    """Files that import what is wrong for them, each with what that is."""
    found = {shown(file): [name for name in sorted(imports(file)) if wrong(file, name)] for file in files}
    return {file: names for file, names in found.items() if names}


def above(file: Path, name: str) -> bool:
    """Whether a module lies on no lower floor than a file that imports it."""
    package, _, rest = name.partition(".")
    part, own = rest.split(".")[0], part_of(file)
    if package != "alexcore" or part not in FLOOR or part == own:
        return False
    return not (FLOOR[part] < FLOOR[own] or FLOOR[part] == FLOOR[own] == 0)


def test_the_core_knows_no_dashboard():
    assert offenders(CORE, lambda _, name: name.split(".")[0] in ("streamlit", "ui", "pages", "app")) == {}


def test_a_floor_imports_only_from_floors_below():
    assert {part_of(file) for file in CORE} <= FLOOR.keys(), "give it a floor in this file"
    assert offenders(CORE, above) == {}
    assert above(ROOT / "alexcore" / "nn" / "norms.py", "alexcore.runs.store"), "the comparison can fail"


def test_words_know_nothing_of_the_house():
    files = (ROOT / "alexcore" / "words").glob("*.py")
    assert (
        offenders(
            files,
            lambda _, name: name.split(".")[0] == "alexcore" and not f"{name}.".startswith("alexcore.words."),
        )
        == {}
    )


def test_nobody_imports_a_page_and_ui_knows_no_app():
    assert offenders([*CORE, *DASHBOARD], lambda _, name: name.split(".")[0] in ("pages", "app")) == {}


def test_the_check_sees_an_import_inside_a_function(tmp_path: Path):
    file = tmp_path / "module.py"
    file.write_text("def f():\n    from alexcore import cli\n    import streamlit.errors\n")
    assert imports(file) == {"alexcore", "alexcore.cli", "streamlit.errors"}


def test_a_page_that_needs_no_model_opens_without_torch():
    """One process imports them one by one, so that the first offender is named."""
    files = [file for room in WITHOUT_TORCH for file in (ROOT / room).glob("*.py")]
    files += [file for room in WITHOUT_TORCH_AND_BELOW for file in (ROOT / room).rglob("*.py")]
    names = [shown(file).removesuffix(".py").removesuffix("/__init__").replace("/", ".") for file in sorted(files)]
    assert len(names) > 100
    lines = [
        "import importlib, sys",
        f"for name in {[*ALSO_WITHOUT_TORCH, *names]!r}:",
        "    if name.endswith('__main__'): continue",
        "    importlib.import_module(name)",
        "    loaded = {'torch', 'torchvision'} & set(sys.modules)",
        "    if name.startswith('alexcore'): loaded |= {'streamlit'} & set(sys.modules)",
        "    if loaded: sys.exit(f'{name} loads {loaded}')",
    ]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_no_file_gets_away():
    def most(file: Path) -> int:
        return 60 if file.name == "app.py" else 150 if file.parent.name == "pages" else 400

    lines = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in [*CORE, *DASHBOARD]}
    assert {shown(file): count for file, count in lines.items() if count > most(file)} == {}


def room_of(name: str) -> str:
    """The room of the dashboard that a module "ui.ROOM.x" or "pages.ROOM" lies in; of ui/main.py it is "main"."""
    return name.split(".")[1]


@cache
def rooms_asked_by(file: Path) -> set[str]:
    return {room_of(name) for name in imports(file) if name.startswith("ui.")}


def test_no_page_imports_from_another():
    """What two pages use lies in ui/parts."""
    own = {file: room_of(shown(file).removesuffix(".py").replace("/", ".")) for file in DASHBOARD[1:]}
    asked = {shown(file): rooms_asked_by(file) - {"parts", room} for file, room in own.items()}
    assert {file: rooms for file, rooms in asked.items() if rooms} == {}


def test_what_lies_in_parts_is_used_by_two_pages():
    asked = {f"ui.parts.{file.stem}": set() for file in (ROOT / "ui" / "parts").glob("[!_]*.py")}
    files = [(shown(file).removesuffix(".py").replace("/", "."), file) for file in DASHBOARD[1:]]
    for _ in asked:  # a part may be used through another, which may be used through another
        for name, file in files:
            for part in imports(file) & asked.keys():
                asked[part] |= asked[name] if name in asked else {room_of(name)}
    assert {part: rooms for part, rooms in asked.items() if len(rooms) < 2} == {}


def test_few_modules_of_the_dashboard_lie_beside_the_rooms():
    assert len(list((ROOT / "ui").glob("*.py"))) <= 8


NAMED = sorted(file for part in ("alexcore", "ui") for file in (ROOT / part).rglob("[!_]*.py"))
# A page's rooms are called like the room of the core that it shows: ui/augment draws what alexcore/augment computes.
SHARED_BY_CORE_AND_PAGE = {"augment", "batchnorm", "network", "runs"}
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
    modules = [file for file in NAMED if file.parent.name not in CALLED_LIKE_A_ROOM]
    found = used_twice([(file.stem, file) for file in modules] + [(room.name, room) for room in rooms])
    assert {name: found[name] for name in found.keys() - SHARED_BY_CORE_AND_PAGE} == {}
    assert found.keys() >= SHARED_BY_CORE_AND_PAGE, "take what is used once out of the list"
    assert all(len(found[name]) == 2 for name in SHARED_BY_CORE_AND_PAGE)


def test_no_two_classes_have_the_same_name():
    trees = [(file, ast.parse(file.read_text(encoding="utf-8"))) for file in NAMED]
    classes = [(node.name, file) for file, tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    assert used_twice(classes) == {}
