"""Every kind of source trains for one epoch, from real files that the test makes."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from alexcore.data.archives.archive import unpack
from alexcore.data.archives.download import download_flower_photos
from alexcore.data.flowers.synthetic import write_flowers
from alexcore.data.pack import pack
from alexcore.data.sources import open_checked
from alexcore.data.torchvision_sets import export_torchvision
from alexcore.runs.store import create_run
from alexcore.training.checkpoint import load_checkpoint
from alexcore.training.loop import fit
from tests.support.interrupted_runs import Watcher
from tests.support.run_folders import tiny_config

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")


def train(data: Path | str, **values: object) -> dict:
    """Train one epoch and return its event."""
    config = tiny_config(data, epochs=1, **values)
    reporter, run = Watcher(), create_run(config)
    assert fit(config, run, reporter) == "finished"
    (epoch,) = (event for event in reporter.events if event["type"] == "epoch")
    return {**epoch, "run": run}


def test_a_flat_folder(stripes: Path) -> None:
    assert len(train(stripes / "train")["recall"]) == 3


def test_an_unpacked_archive(stripes: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "stripes.zip", "w") as archive:
        for path in sorted(stripes.rglob("*.jpg")):
            archive.write(path, f"stripes/{path.relative_to(stripes)}")
    assert len(train(unpack(tmp_path / "stripes.zip", tmp_path / "unpacked"))["recall"]) == 3


def test_the_flowers_from_a_server(site, stripes: Path, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path in sorted((stripes / "train").rglob("*.jpg")):
            archive.add(path, f"flower_photos/{path.parent.name}/{path.name}")
    site.content = buffer.getvalue()
    assert len(train(download_flower_photos(tmp_path / "flowers", spec=site.spec))["recall"]) == 3


def test_synthetic_flowers(tmp_path: Path) -> None:
    assert len(train(write_flowers(tmp_path / "flowers", images_per_class=5, size=64, workers=1))["recall"]) == 5


@pytest.mark.parametrize("pattern", [False, True], ids=["folder", "pattern"])
def test_shards(stripes: Path, tmp_path: Path, pattern: bool) -> None:
    folder = pack(open_checked(stripes), tmp_path / "shards", 12)
    # 36 and 12 pictures make three shards and one.
    data = folder / "{train-000000,train-000001,train-000002,val-000000}.tar" if pattern else folder
    assert len(train(data)["recall"]) == 3


def test_cifar10(cifar10: Path, tmp_path: Path) -> None:
    assert len(train(export_torchvision("cifar10", cifar10, tmp_path / "out"))["recall"]) == 10


def test_the_pets(pets: Path, tmp_path: Path) -> None:
    assert len(train(export_torchvision("oxford_iiit_pet", pets, tmp_path / "out"))["recall"]) == 3


def test_normalize_by_the_data_reaches_the_network_and_the_checkpoint(stripes: Path) -> None:
    from alexcore.data.statistics import measure

    run = train(stripes, normalize="data")["run"]
    found = measure(open_checked(stripes))
    (normalize,) = (
        each
        for each in load_checkpoint(run / "checkpoints" / "last.pt")["evaluation_operations"]
        if each["op"] == "Normalize"
    )
    assert normalize["mean"] == pytest.approx(list(found.mean))
    assert normalize["std"] == pytest.approx(list(found.std))
    assert normalize["mean"] != [0.5, 0.5, 0.5]
