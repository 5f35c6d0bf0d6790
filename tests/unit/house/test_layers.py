"""The rules of the house: who may import whom, what opens without torch, and how long a file may get."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.repository import REPOSITORY as ROOT
from tests.support.repository import imports

# A module may import what lies on a lower floor, or in its own package. Modules of the ground floor know each other.
FLOORS = [
    {
        "__init__",
        "errors",
        "fields",
        "files",
        "home",
        "pair",
        "palette",
        "process",
        "system",
        "thinning",
        "training_fields",
        "words",
    },
    {"findings"},
    {"augment", "nn"},
    {"config"},
    {"command_line"},
    {"data"},
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


@pytest.mark.parametrize("file", CORE, ids=shown)
def test_the_core_knows_no_dashboard(file):
    assert not {name for name in imports(file) if name.split(".")[0] in ("streamlit", "ui", "pages", "app")}


@pytest.mark.parametrize("file", CORE, ids=shown)
def test_a_floor_imports_only_from_floors_below(file):
    own = part_of(file)
    assert own in FLOOR, f"give {own} a floor in this file"
    for name in imports(file):
        package, _, rest = name.partition(".")
        part = rest.split(".")[0]
        if package != "alexcore" or part not in FLOOR or part == own:
            continue
        below = FLOOR[part] < FLOOR[own] or FLOOR[part] == FLOOR[own] == 0
        assert below, f"{own} (floor {FLOOR[own]}) imports {name} (floor {FLOOR[part]})"


@pytest.mark.parametrize("file", sorted((ROOT / "alexcore" / "words").glob("*.py")), ids=shown)
def test_words_know_nothing_of_the_house(file):
    own = {name for name in imports(file) if name.split(".")[0] == "alexcore"}
    assert all(f"{name}.".startswith("alexcore.words.") for name in own)


@pytest.mark.parametrize("file", [*CORE, *DASHBOARD], ids=shown)
def test_nobody_imports_a_page_and_ui_knows_no_app(file):
    assert not {name for name in imports(file) if name.split(".")[0] in ("pages", "app")}


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


@pytest.mark.parametrize("file", [*CORE, *DASHBOARD], ids=shown)
def test_no_file_gets_away(file):
    limit = 60 if file.name == "app.py" else 150 if file.parent.name == "pages" else 400
    assert len(file.read_text(encoding="utf-8").splitlines()) <= limit
