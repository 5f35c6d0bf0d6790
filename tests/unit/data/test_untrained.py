"""Classes that have nothing to train on, wherever they come from, and data sets from which nothing can be learned."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from alexcore.config import TrainConfig, load_config, make_config
from alexcore.data.derive import exclude
from alexcore.data.index import DataIndex
from alexcore.data.inspection.verify import find_unreadable
from alexcore.data.lists.manifest import write_manifest
from alexcore.data.pack import pack
from alexcore.data.reading import AS_IT_LIES, FolderChoice
from alexcore.data.sources import open_checked, open_for_start, open_source
from alexcore.errors import DataError
from alexcore.training.plan import plan_before_start
from tests.support.files_in_the_wild import LFS_POINTER, blocks
from tests.support.small_trees import counts, messages, tree

DROP, KEEP = FolderChoice(untrained="drop"), FolderChoice(untrained="keep")


def listed(root: Path, train: str, val: str = "abcd") -> Path:
    """A list that declares the classes a to d, of which `train` have training pictures."""
    tree(root, *(f"{name}/{n}.jpg" for name in "abcd" for n in range(3)))
    rows = [f"{name}/{n}.jpg,{name},train,{'abcd'.index(name)}" for name in train for n in range(2)]
    rows += [f"{name}/2.jpg,{name},val,{'abcd'.index(name)}" for name in val]
    (root / "list.csv").write_text("path,label,split,index\n" + "\n".join(rows) + "\n")
    return root / "list.csv"


def folder(root: Path, train: str, val: str = "abcd") -> Path:
    """The same as folders."""
    return tree(root, **{f"train__{name}": 2 for name in train}, **{f"val__{name}": 1 for name in val})


@pytest.mark.parametrize("made", [listed, folder])
@pytest.mark.parametrize("train", ["acd", "bcd", "abc", "bd"])
def test_a_class_without_training_pictures_is_refused_or_left_out(tmp_path, made, train):
    path = made(tmp_path / "set", train)
    gone = [name for name in "abcd" if name not in train]
    with pytest.raises(DataError) as caught:
        open_source(path).require_trainable()
    assert ", ".join(gone) in caught.value.message
    assert "--untrained drop" in caught.value.hint
    index = open_source(path, choice=DROP)
    index.require_trainable()
    assert index.classes == tuple(train)
    assert counts(index) == {"train": dict.fromkeys(train, 2), "val": dict.fromkeys(train, 1)}
    assert f"left out, as was chosen: {', '.join(gone)} (" in messages(index, "info")
    assert not messages(index, "error")
    assert set(index.files["path"].str.split("/").str[-2]) == set(train), "labels have moved with the classes"
    by_folder = index.files["path"].str.split("/").str[-2]
    assert [index.classes[label] for label in index.files["label"]] == by_folder.tolist()


def test_where_every_class_is_trained_the_choice_changes_nothing(tmp_path):
    path = folder(tmp_path, "abcd")
    assert open_source(path, choice=DROP).fingerprint() == open_source(path).fingerprint()


def test_one_class_that_is_left_is_none(tmp_path):
    with pytest.raises(DataError, match=r"only one class|train lacks"):
        open_source(folder(tmp_path, "a", "ab"), choice=DROP).require_trainable()


def test_a_run_of_version_0_1_keeps_what_it_was_begun_with(tmp_path):
    path = listed(tmp_path, "acd")
    (tmp_path / "config.json").write_text(json.dumps({"data": str(path)}))
    config = load_config(tmp_path / "config.json")
    assert (config.pairs, config.untrained) == ("both", "keep")
    assert (TrainConfig().pairs, TrainConfig().untrained) == ("auto", "refuse")
    index = open_source(path, choice=KEEP)
    index.require_trainable()
    assert index.classes == ("a", "b", "c", "d")
    assert "keeps outputs for them" in messages(index, "warning")
    assert index.fingerprint() == open_source(path).fingerprint()


def test_the_last_training_picture_of_a_class_is_excluded(tmp_path):
    index = open_source(listed(tmp_path, "abcd"))
    chosen = index.files.query("split == 'train' and label == 1")["path"]
    path = write_manifest(exclude(index, tuple(chosen)), tmp_path / "some.csv")
    with pytest.raises(DataError, match="train lacks the classes b"):
        open_source(path).require_trainable()
    assert open_source(path, choice=DROP).classes == ("a", "c", "d")


def test_shards_with_a_class_without_pictures(tmp_path):
    root = tmp_path / "set"
    for name in ("train/a", "train/b", "train/c", "val/a", "val/b", "val/c"):
        for n in range(2):
            (root / name).mkdir(parents=True, exist_ok=True)
            blocks(n + len(name)).save(root / name / f"{n}.jpg")
    index = open_source(root)
    packed = pack(index, tmp_path / "packed")
    record = packed / "dataset.json"
    record.write_text(record.read_text().replace('"c"', '"c", "z"', 1))
    with pytest.raises(DataError, match="train lacks the classes z"):
        open_source(packed).require_trainable()
    open_source(packed, choice=KEEP).require_trainable()
    assert open_source(packed, choice=DROP).classes == ("a", "b", "c")


def pictured(root: Path, **spoilt: bytes) -> Path:
    """Three classes of six pictures; those of a class in `spoilt` hold its bytes."""
    for name in "abc":
        (root / name).mkdir(parents=True)
        for n in range(6):
            if name in spoilt:
                (root / name / f"{n}.jpg").write_bytes(spoilt[name])
            else:
                blocks(n + 9 * ord(name)).save(root / name / f"{n}.jpg")
    return root


def test_a_class_that_cannot_be_read_is_refused_before_a_run_has_a_folder(tmp_path):
    root = pictured(tmp_path / "set", b=b"none")
    config = make_config(data=str(root), batch_size=4)
    with pytest.raises(DataError, match="No training picture of b can be read") as caught:
        plan_before_start(config, tmp_path)
    with pytest.raises(DataError) as later:
        open_checked(root).require_trainable()
    assert (caught.value.message, caught.value.hint) == (later.value.message, later.value.hint)
    dropped = open_for_start(make_config(data=str(root), batch_size=4, untrained="drop"))
    assert dropped.classes == ("a", "c") == open_checked(root, choice=DROP).classes
    plan_before_start(make_config(data=str(root), batch_size=4, untrained="drop"), tmp_path)


@pytest.mark.parametrize("checked", [True, False])
def test_pointers_and_damage_everywhere_are_refused_before_a_start(tmp_path, checked):
    for name, content, said in (("lfs", LFS_POINTER, "pointers of Git LFS"), ("odd", b"x", "no readable picture")):
        root = pictured(tmp_path / name, **dict.fromkeys("abc", content))
        if checked:
            find_unreadable(open_source(root))
        with pytest.raises(DataError, match=said):
            plan_before_start(make_config(data=str(root), batch_size=4), tmp_path)


def test_pictures_that_show_nothing_are_refused_before_a_start(tmp_path):
    root = pictured(tmp_path / "set")
    for path in root.rglob("*.jpg"):
        Image.new("RGB", (40, 40), (7, 7, 7)).save(path)
    with pytest.raises(DataError, match="nearly constant"):
        plan_before_start(make_config(data=str(root), batch_size=4), tmp_path)


def test_a_start_decodes_one_picture_a_class_and_that_once(tmp_path, monkeypatch):
    root, looked = pictured(tmp_path / "set"), []

    def look(source: Path) -> str:
        looked.append(source)
        return ""

    monkeypatch.setattr("alexcore.data.inspection.verify.check_decodable", look)
    for _ in range(2):
        index: DataIndex = open_for_start(make_config(data=str(root)))
    assert len(looked) == 6, "three classes in two splits"
    assert index.choice == AS_IT_LIES
