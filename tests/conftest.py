"""What tests share: a home of their own, a tiny data set, and the real photographs where they are present."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.repository import PHOTOGRAPHS, TESTS
from tests.support.striped_pictures import write_pictures
from tests.support.warm_process import WarmProcess

# Before anything imports torch. Networks this small gain nothing from threads, and beside other work they lose most of
# the time waiting for each other: they take ten times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


pytest_plugins = ["tests.support.loopback_site", "tests.support.torchvision_files"]


def pytest_itemcollected(item: pytest.Item) -> None:
    """A test has the marker of the tier in whose folder it lies: `pytest -m unit`."""
    item.add_marker(item.path.relative_to(TESTS).parts[0])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the tiers whose files are slow, so that all processes end together; leave the nights to the night."""
    tiers = ("browser", "worker", "benchmarks", "pages")
    items.sort(key=lambda item: next((n for n, tier in enumerate(tiers) if item.get_closest_marker(tier)), len(tiers)))
    if "nightly" not in config.option.markexpr:
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("nightly")])
        items[:] = [item for item in items if not item.get_closest_marker("nightly")]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has its own ALEXCORE_HOME, and may open data anywhere in the temporary folders."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("ALEXCORE_HOME", str(folder))
    monkeypatch.setenv("ALEXCORE_DATA_ROOTS", os.pathsep.join([str(tmp_path.parent.parent), str(PHOTOGRAPHS)]))
    return folder


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmProcess]:
    """What starts Python processes in half a second."""
    process = WarmProcess(tmp_path_factory.mktemp("warm"))
    yield process
    process.close()


@pytest.fixture(scope="session")
def stripes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A read-only data set of 3 classes, 12 training and 4 validation pictures each, 72 px."""
    return write_pictures(tmp_path_factory.mktemp("stripes"), ("fine", "level", "wide"), {"train": 12, "val": 4})


@pytest.fixture(scope="session")
def photographs() -> Path:
    """The real flowers; a test that needs them skips, with the reason, where they are missing."""
    if not PHOTOGRAPHS.is_dir():
        pytest.skip(f"the flower photographs are not at {PHOTOGRAPHS}; set ALEXCORE_TEST_FLOWERS")
    return PHOTOGRAPHS


@pytest.fixture(scope="session")
def some_photographs(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[int, int], Path]:
    """Real flowers, five classes with so many to train on and so many for validation; read-only."""

    def copied(train: int, val: int) -> Path:
        few = tmp_path_factory.mktemp("few") / "photographs"
        for split, count in (("train", train), ("val", val)):
            for folder in (photographs / split).iterdir():
                (few / split / folder.name).mkdir(parents=True)
                for path in sorted(folder.iterdir())[:count]:
                    shutil.copy(path, few / split / folder.name)
        return few

    return copied
