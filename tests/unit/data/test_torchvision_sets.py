"""torchvision's data sets, tiny and in the exact forms of their files on the disk, become ImageFolders."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from alexcore.data import torchvision_sets
from alexcore.data.decoding.images import read_picture
from alexcore.data.torchvision_sets import SETS, export_torchvision
from alexcore.errors import ConfigError, DataError
from tests.support.small_trees import open_folder
from tests.support.torchvision_files import CIFAR_CLASSES, md5, write_jpeg


@pytest.fixture
def flowers102(tmp_path, monkeypatch) -> Path:
    """Twelve pictures of two kinds; what scipy would read from the .mat files is put in its place."""
    from torchvision.datasets import Flowers102

    folder = tmp_path / "root" / "flowers-102"
    for number in range(1, 13):
        write_jpeg(folder / "jpg" / f"image_{number:05d}.jpg", number)
    tables = {
        "imagelabels.mat": {"labels": np.array([1, 60] * 6)},
        "setid.mat": {"trnid": np.arange(1, 5), "valid": np.arange(5, 7), "tstid": np.arange(7, 13)},
    }
    for name in tables:
        (folder / name).write_bytes(name.encode())
    names = {"label": "imagelabels.mat", "setid": "setid.mat"}
    monkeypatch.setattr(Flowers102, "_file_dict", {key: (name, md5(folder / name)) for key, name in names.items()})
    scipy, scipy_io = ModuleType("scipy"), ModuleType("scipy.io")
    scipy_io.loadmat = lambda path, squeeze_me: tables[Path(path).name]
    scipy.io = scipy_io
    monkeypatch.setitem(sys.modules, "scipy", scipy)
    monkeypatch.setitem(sys.modules, "scipy.io", scipy_io)
    return tmp_path / "root"


def test_cifar10_becomes_png_files_in_three_splits(cifar10, tmp_path):
    told = []
    target = export_torchvision(
        "cifar10", cifar10, tmp_path / "data" / "out", on_progress=lambda *now: told.append(now)
    )
    index = open_folder(target)
    assert index.classes == CIFAR_CLASSES, "sorted by name, as torchvision numbers them"
    assert index.counts().sum().to_dict() == {"train": 90, "val": 10, "test": 10}
    assert index.counts()["val"].tolist() == [1] * 10
    assert not index.problems
    assert told == [(50, 110), (100, 110), (110, 110)]
    assert os.listdir(target.parent) == ["out"]
    for row in index.files.itertuples():
        number = int(Path(row.path).stem.split("_")[1])
        picture = read_picture(index.path_of(row.path)).image
        assert picture.size == (32, 32)
        assert picture.getpixel((0, 0)) == (number, 0, 0)
        assert number % 10 == row.label
    index.require_trainable()


def test_the_same_pictures_become_val_each_time(cifar10, tmp_path):
    first, second = (export_torchvision("CIFAR10", cifar10, tmp_path / name) for name in ("first", "second"))
    assert open_folder(first).fingerprint() == open_folder(second).fingerprint()


def test_the_pets_are_linked_and_not_copied(pets, tmp_path):
    index = open_folder(export_torchvision("oxford-iiit-pet", pets, tmp_path / "out"))
    assert index.classes == ("Abyssinian", "American Bulldog", "Bengal")
    assert index.counts().sum().to_dict() == {"train": 24, "val": 6, "test": 6}
    assert set(index.counts()["val"]) == {2}
    for row in index.files.itertuples():
        source = pets / "oxford-iiit-pet" / "images" / Path(row.path).name
        assert source.samefile(index.path_of(row.path))
        assert source.name.split("_")[0].lower() == index.classes[row.label].split()[0].lower()


def test_where_links_are_impossible_files_are_copied(pets, tmp_path, monkeypatch):
    def refuse(self: Path, target: Path) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    target = export_torchvision("oxford_iiit_pet", pets, tmp_path / "out")
    copied = target / "test" / "Bengal" / "Bengal_100.jpg"
    source = pets / "oxford-iiit-pet" / "images" / "Bengal_100.jpg"
    assert copied.read_bytes() == source.read_bytes()
    assert not copied.samefile(source)


def test_flowers102_keeps_its_own_splits(flowers102, tmp_path):
    index = open_folder(export_torchvision("flowers102", flowers102, tmp_path / "out"))
    assert index.counts().sum().to_dict() == {"train": 4, "val": 2, "test": 6}
    assert index.classes == ("pink primrose", "pink-yellow dahlia"), "a question mark is no letter for a folder"
    assert "test/pink primrose/image_00007.jpg" in set(index.files["path"])


def test_flowers102_without_scipy_names_it(flowers102, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    with pytest.raises(DataError, match="scipy, is not installed") as caught:
        export_torchvision("flowers102", flowers102, tmp_path / "out")
    assert caught.value.hint == "Install it: pip install scipy"


@pytest.mark.parametrize("name", ["cifar10", "oxford_iiit_pet"])
def test_missing_files_are_named_with_their_place(tmp_path, name):
    with pytest.raises(DataError) as caught:
        export_torchvision(name, tmp_path / "root", tmp_path / "out")
    assert caught.value.message == f"The files of {SETS[name].title} are missing or damaged below {tmp_path / 'root'}."
    assert f"There should be {tmp_path / 'root'}/{SETS[name].place}; they come from https://" in caught.value.hint
    assert not (tmp_path / "out").exists()


def test_a_batch_with_a_wrong_checksum_is_not_unpickled(cifar10, tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "caught"),)

    (cifar10 / "cifar-10-batches-py" / "data_batch_3").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(DataError, match="missing or damaged"):
        export_torchvision("cifar10", cifar10, tmp_path / "out")
    assert not (tmp_path / "caught").exists()


def test_a_picture_that_is_missing_is_named_and_nothing_stays(pets, tmp_path):
    (pets / "oxford-iiit-pet" / "images" / "Bengal_7.jpg").unlink()
    with pytest.raises(DataError, match=r"missing or damaged .*Bengal_7\.jpg"):
        export_torchvision("oxford_iiit_pet", pets, tmp_path / "out")
    assert sorted(os.listdir(tmp_path)) == ["home", "root"]


def test_a_list_that_is_damaged_is_named(pets, tmp_path):
    (pets / "oxford-iiit-pet" / "annotations" / "test.txt").write_text("Bengal_100 one\n")
    with pytest.raises(DataError, match=r"missing or damaged .*not enough values"):
        export_torchvision("oxford_iiit_pet", pets, tmp_path / "out")


def test_a_download_that_fails_tells_where_to_get_the_files(tmp_path, monkeypatch):
    from torchvision.datasets import CIFAR10

    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(CIFAR10, "url", "http://127.0.0.1:1/cifar.tar.gz")
    with pytest.raises(DataError, match=r"CIFAR10 could not be fetched into .*Connection refused") as caught:
        export_torchvision("cifar10", tmp_path, tmp_path / "out", download=True)
    assert "Fetch it yourself from https://www.cs.toronto.edu/" in caught.value.hint


def test_an_unknown_name_and_a_full_target_are_refused_before_torch_is_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(torchvision_sets, "require_torch", lambda: pytest.fail("torch was loaded"))
    with pytest.raises(ConfigError, match="no torchvision data set 'mnist' here"):
        export_torchvision("mnist", tmp_path, tmp_path / "out")
    (tmp_path / "full" / "x").mkdir(parents=True)
    with pytest.raises(DataError, match="exists and is not empty"):
        export_torchvision("cifar10", tmp_path, tmp_path / "full")
