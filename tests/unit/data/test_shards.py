"""WebDataset shards: written, opened, read picture by picture, and refused in a sentence where they are damaged."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from alexcore.data import pack as pack_module
from alexcore.data.decoding.images import read_picture
from alexcore.data.pack import pack
from alexcore.data.shards import is_shard_source, is_sharded, open_shards, picture_source
from alexcore.data.sources import open_checked, open_source
from alexcore.data.tar_index import split_name
from alexcore.errors import ConfigError, DataError
from alexcore.home import cache_dir
from tests.support.small_trees import open_folder


@pytest.fixture(scope="session")
def packed(stripes, tmp_path_factory) -> Path:
    """The stripes as four training shards (10, 10, 10, 6 pictures) and two for val (10, 2)."""
    return pack(open_folder(stripes), tmp_path_factory.mktemp("packed") / "out", 10)


def picture(colour: str = "red") -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (8, 8), colour).save(buffer, "PNG")
    return buffer.getvalue()


def write_tar(path: Path, members: dict[str, bytes | str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, BytesIO(data))
    return path


def samples(labels: list[int], begin: int = 0) -> dict[str, bytes | str]:
    """Members of foreign shards, with one picture for each label."""
    found: dict[str, bytes | str] = {}
    for number, label in enumerate(labels, start=begin):
        found |= {f"{number:04d}.png": picture(), f"{number:04d}.cls": str(label)}
    return found


def refused(data: str | Path, val: str | Path = "") -> str:
    with pytest.raises(DataError) as caught:
        open_source(data, val)
    assert caught.value.hint
    return caught.value.message


# Writing ------------------------------------------------------------------------------------------------------


def test_packed_pictures_have_classes_counts_order_and_bytes_of_their_source(stripes, packed):
    source, index = open_source(stripes), open_source(packed)
    assert is_sharded(index)
    assert not is_sharded(source)
    assert index.layout == "WebDataset shards (4 train, 2 val)"
    assert (index.classes, index.problems) == (source.classes, ())
    assert index.counts().equals(source.counts())
    for split in ("train", "val"):
        ours, theirs = index.select(split), source.select(split)
        assert ours["label"].tolist() == theirs["label"].tolist()
        for packed_path, path in zip(ours["path"], theirs["path"], strict=True):
            assert Path(path).stem in packed_path
            assert picture_source(index, packed_path) == source.path_of(path).read_bytes()
    index.require_trainable()


def test_the_record_beside_the_shards(stripes, packed):
    assert sorted(path.name for path in packed.iterdir()) == [
        "dataset.json",
        *(f"train-{n:06d}.tar" for n in range(4)),
        "val-000000.tar",
        "val-000001.tar",
    ]
    record = json.loads((packed / "dataset.json").read_text())
    assert (record["kind"], record["classes"]) == ("shards", ["fine", "level", "wide"])
    train = record["splits"]["train"]
    assert (train["images"], train["per_class"]) == (36, {"fine": 12, "level": 12, "wide": 12})
    assert [shard["images"] for shard in train["shards"]] == [10, 10, 10, 6]
    assert all(shard["bytes"] == (packed / shard["name"]).stat().st_size for shard in train["shards"])
    per_class = [sum(shard["per_class"][name] for shard in train["shards"]) for name in record["classes"]]
    assert per_class == [12, 12, 12]
    assert record["fingerprint"] == open_shards(packed).fingerprint()
    assert record["source"]["fingerprint"] == open_folder(stripes).fingerprint()
    assert len(open_shards(packed / "train-000000.tar", packed / "val-000000.tar").select("train")) == 10


def test_a_shard_is_a_mixture_of_classes_and_the_same_each_time(stripes, packed, tmp_path):
    with tarfile.open(packed / "train-000000.tar") as tar:
        names = tar.getnames()
    assert [name.partition(".")[0] for name in names[::2]] == [name.partition(".")[0] for name in names[1::2]]
    assert {name.partition(".")[2] for name in names} == {"jpg", "cls"}
    assert len({name.split("_")[1] for name in names}) == 3, "a reader with a small buffer would meet one class only"
    again = pack(open_folder(stripes), tmp_path / "again", 10)
    other = pack(open_folder(stripes), tmp_path / "other", 10, seed=1)
    for name in (path.name for path in packed.glob("*.tar")):
        assert (again / name).read_bytes() == (packed / name).read_bytes()
    assert (other / "train-000000.tar").read_bytes() != (packed / "train-000000.tar").read_bytes()


def test_shards_can_be_packed_anew(packed, tmp_path):
    index, again = open_shards(packed), open_shards(pack(open_shards(packed), tmp_path / "again", 100))
    assert again.layout == "WebDataset shards (1 train, 1 val)"
    assert [path.partition("!")[2] for path in again.files["path"]] == [
        path.partition("!")[2] for path in index.files["path"]
    ]
    assert picture_source(again, again.files["path"][5]) == picture_source(index, index.files["path"][5])


def test_odd_names_and_endings_survive(tmp_path):
    root = tmp_path / "odd"
    names = ("a.b.c.png", "with blank.PNG", "日本.png", "x" * 120 + ".png")
    for label, each in enumerate(("one", "two")):
        for split in ("train", "val"):
            (root / split / each).mkdir(parents=True)
            for name in names:
                (root / split / each / name).write_bytes(picture(("red", "blue")[label]))
    index = open_shards(pack(open_folder(root), tmp_path / "out"))
    assert index.counts().to_numpy().tolist() == [[4, 4], [4, 4]]
    members = [path.partition("!")[2] for path in index.select("train")["path"]][:4]
    assert members == ["0000000_a_b_c.png", "0000001_with_blank.png", f"0000002_{'x' * 60}.png", "0000003_日本.png"]


def test_progress_rises_to_the_total(stripes, tmp_path):
    seen: list[tuple[int, int]] = []
    pack(open_folder(stripes), tmp_path / "out", on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(32, 48), (48, 48)]


def test_where_and_what_cannot_be_packed(stripes, tmp_path):
    index = open_folder(stripes)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("mine")
    for folder, message in (
        ("full", "full is not empty."),
        ("full/file", "file is a file."),
        ("full/file/x", "cannot"),
    ):
        with pytest.raises(DataError, match=message):
            pack(index, tmp_path / folder)
    for number in (0, 1_000_001):
        with pytest.raises(ConfigError, match=f"images_per_shard is {number}; it must lie in 1..1,000,000"):
            pack(index, tmp_path / "out", number)
    (tmp_path / "empty").mkdir()
    assert open_shards(pack(index, tmp_path / "empty")).counts().equals(index.counts())


def test_a_failure_leaves_nothing_behind(stripes, tmp_path, monkeypatch):
    root = shutil.copytree(stripes, tmp_path / "data")
    index = open_folder(root)
    lost = root / "val" / "wide" / "wide_002.jpg"
    lost.unlink()
    with pytest.raises(DataError, match=f"{lost} cannot be read: No such file"):
        pack(index, tmp_path / "out")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pack_module, "write_json", interrupt)
    with pytest.raises(KeyboardInterrupt):
        pack(open_folder(root), tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "home"]


# Opening ------------------------------------------------------------------------------------------------------


def test_what_counts_as_shards(stripes, packed, tmp_path):
    assert all(map(is_shard_source, (packed, f"{packed}/train-{{0..3}}.tar", packed / "train-000000.tar")))
    assert not any(map(is_shard_source, (stripes, tmp_path, tmp_path / "nowhere", "a\0b")))
    root = shutil.copytree(stripes, tmp_path / "data")
    write_tar(root / "flower_photos.tar", {})  # the archive that the pictures came out of
    assert not is_shard_source(root)
    assert not is_sharded(open_source(root))


@pytest.mark.parametrize(
    ("data", "val", "counts"),
    [
        ("train-{000000..000003}.tar", "val-*.tar", (36, 12)),
        ("{train-000001,val-000000}.tar", "", (10, 10)),
        ("*-00000?.tar", "", (36, 12)),
        ("train-{000000..000002..2}.tar", "val-000001.tar", (20, 2)),
        ("*-00000?.tar", "val-000001.tar", (36, 2)),
        ("", "val-000001.tar", (36, 2)),
    ],
)
def test_patterns_name_a_part_of_packed_shards(packed, data, val, counts):
    index = open_source(f"{packed}/{data}", f"{packed}/{val}" if val else "")
    assert (len(index.select("train")), len(index.select("val"))) == counts
    assert index.classes == ("fine", "level", "wide")
    assert read_picture(picture_source(index, index.files["path"][0])).image.size == (72, 72)


def test_foreign_shards_are_read_by_their_names_and_numbers(tmp_path):
    """In folders per split, by the brace form, with numbers in .cls or .json, and members of other kinds between."""
    for split, labels in (("train", [0, 1, 2, 0]), ("validation", [2, 1, 0])):
        write_tar(tmp_path / "set" / split / "000.tar", samples(labels))
        described = {
            "x/one.jpg": picture(),
            "x/one.json": '{"label": 1, "caption": "a flower"}',
            "x/one.mask.png": b"?",
        }
        extra = {"__meta__/x.cls": "9", "README": "no dot", ".hidden.cls": "7", "0009.txt": "a text"}
        write_tar(tmp_path / "set" / split / "001.tar", described | extra)
    index = open_source(f"{tmp_path}/set/{{train,validation}}/{{000..001}}.tar")
    assert index.root == tmp_path / "set"
    assert index.classes == ("0", "1", "2")
    assert index.counts().to_numpy().tolist() == [[2, 1], [2, 2], [1, 1]]
    assert "train/001.tar!x/one.jpg" in set(index.files["path"])
    assert [problem.message for problem in index.problems] == [
        "2 samples without a picture or a class number are left out."
    ]
    (tmp_path / "set" / "class_indices.json").write_text('{"0": "daisy", "1": "roses", "2": "tulips"}')
    assert open_source(f"{tmp_path}/set/*/*.tar").classes == ("daisy", "roses", "tulips")


def test_shards_without_a_split_are_split_by_class(tmp_path):
    write_tar(tmp_path / "set" / "000.tar", samples([0, 1] * 5))
    write_tar(tmp_path / "set" / "001.tar", samples([0, 1] * 5, begin=10))
    index = open_source(tmp_path / "set")
    assert index.counts().to_numpy().tolist() == [[8, 2], [8, 2]]
    assert index.layout == "2 WebDataset shards, split 4:1 into train and val within each class"
    assert open_source(tmp_path / "set").files.equals(index.files)


def test_shards_are_walked_through_once_and_again_when_they_change(packed, tmp_path, monkeypatch):
    root = shutil.copytree(packed, tmp_path / "data")
    index = open_shards(root)
    records = list((cache_dir() / "shards").iterdir())
    assert len(records) == 6
    monkeypatch.setattr("alexcore.data.tar_index._walk", lambda *_: pytest.fail("walked through again"))
    assert open_shards(root).files.equals(index.files)
    monkeypatch.undo()
    for record, junk in zip(records, ("", "{", "[]", "{}", '{"left_out": 3}', '{"members": 1}'), strict=True):
        record.write_text(junk)
    assert open_shards(root).files.equals(index.files)
    os.utime(root / "train-000000.tar", ns=(0, 12345))
    assert open_shards(root).select("train")["mtime_ns"].min() == 12345


def test_the_names_of_samples_are_those_of_webdataset():
    from webdataset.tariterators import base_plus_ext

    for name in (
        "a.jpg",
        "x/y/a.JPG",
        "./a.seg.png",
        "x.y/a.jpg",
        "a/b c.tar.gz",
        "日本.png",
        "a.",
        "noext",
        "x.y/noext",
    ):
        key, suffix = base_plus_ext(name)
        assert split_name(name) == (None if key is None else (key, suffix.lower())), name


# Damage and refusals ------------------------------------------------------------------------------------------


def test_nothing_there(packed, tmp_path):
    assert (
        refused(f"{packed}/train-{{000007..000009}}.tar") == f"No shard matches {packed}/train-{{000007..000009}}.tar."
    )
    assert refused(f"{packed}/train-{{000002..000004}}.tar").startswith(
        f"There is no shard {packed}/train-000004.tar, as"
    )
    assert refused(f"{packed}/none-*.tar").startswith("No shard matches ")
    assert "stands for more than 100,000 shards" in refused(f"{packed}/{{0..99999999999}}.tar")
    assert "cannot be read" in refused(f"{packed}/{{0..3.tar")
    assert refused(f"{packed}/val-*.tar") == f"{packed} has no training pictures in these shards."
    with pytest.raises(DataError, match=r"holds no shards \(\*\.tar\)"):
        open_shards(tmp_path)


def test_no_class_numbers_or_bad_ones(tmp_path):
    shard = write_tar(tmp_path / "train-0.tar", {"0.png": picture(), "1.png": picture(), "1.txt": "rose"})
    assert "no sample of the shards has both a picture and a class number (.cls)" in refused(shard)
    for text, shown in (("rose", "'rose'"), ("-1", "'-1'"), ("", "''"), ("1.0", "'1.0'"), ("9" * 12, "'999999999999'")):
        write_tar(shard, {"0.png": picture(), "0.cls": text})
        assert refused(shard) == f"{shard}: 0.cls holds {shown}, which is no class number."
    write_tar(shard, samples([123_456]))
    assert "0000.png has the class number 123456, but 100,000 is the limit" in refused(shard)
    write_tar(shard, {"a.png": picture(), "A.cls": "1", "a.cls": "0"} | {"b.png": picture(), "b.cls": "1"})
    (tmp_path / "class_indices.json").write_text('{"0": "daisy"}')
    assert "b.png has the class number 1, but class_indices.json names only 1 (0 to 0)" in refused(shard)
    (tmp_path / "class_indices.json").write_text('{"daisy": 0}')
    assert "class_indices.json does not name the classes 0 to 0" in refused(shard)


def test_a_number_outside_the_mapping_of_packed_shards(packed, tmp_path):
    root = shutil.copytree(packed, tmp_path / "data")
    record = json.loads((root / "dataset.json").read_text())
    (root / "dataset.json").write_text(json.dumps(record | {"classes": ["fine", "level"]}))
    message = refused(root)
    assert "has the class number 2, but dataset.json names only 2 (0 to 1)." in message


@pytest.mark.parametrize("kept", [0, 100, 512, 600, 20_480, -10_240])
def test_a_truncated_shard_is_named_with_and_without_a_record(packed, tmp_path, kept):
    """At any place: nothing, in a header, in the first picture, in the middle, and without its end mark."""
    root = shutil.copytree(packed, tmp_path / "data")
    torn = root / "train-000002.tar"
    whole = torn.read_bytes()
    if kept < 0:  # cut exactly behind the last member, where tarfile sees nothing wrong
        kept = len(whole.rstrip(b"\0")) // 512 * 512 + 512
    torn.write_bytes(whole[:kept])
    assert refused(root) == f"{torn} has {kept:,} bytes; dataset.json says {len(whole):,}."
    (root / "dataset.json").unlink()
    message = refused(root)
    expected = f"{torn} is empty (0 bytes)." if kept == 0 else f"{torn} is no tar archive, or is truncated or damaged: "
    assert message.startswith(expected)


def test_other_damage(packed, tmp_path):
    root = shutil.copytree(packed, tmp_path / "data")
    shard = root / "train-000001.tar"
    whole = shard.read_bytes()
    with tarfile.open(shard) as tar:
        header = tar.getmembers()[4].offset
    shard.write_bytes(whole[:header] + b"\xff" * 512 + whole[header + 512 :])
    assert f"damaged: no end mark after {header:,} bytes" in refused(root)
    shard.unlink()
    assert refused(root) == f"There is no shard {shard}."
    write_tar(shard, samples([0, 1]))
    record = json.loads((root / "dataset.json").read_text())
    record["splits"]["train"]["shards"][1]["bytes"] = shard.stat().st_size
    (root / "dataset.json").write_text(json.dumps(record))
    assert refused(root) == f"{shard} holds 2 pictures; dataset.json says 10."
    squeezed = tmp_path / "train-0.tar"
    with tarfile.open(squeezed, "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("x.jpg"))
    assert refused(squeezed).startswith(f"{squeezed} is no tar archive")


def test_one_sample_twice(tmp_path):
    shard = tmp_path / "train-0.tar"
    with tarfile.open(shard, "w") as tar:
        for name in ("a.jpg", "a.cls", "a.JPG"):
            info = tarfile.TarInfo(name)
            info.size = 1
            tar.addfile(info, BytesIO(b"0"))
    assert refused(shard) == f"{shard} holds a.JPG twice."


def test_empty_shards_and_missing_classes_are_problems(tmp_path):
    root = tmp_path / "set"
    write_tar(root / "train-0.tar", samples([0, 1, 1]))
    write_tar(root / "train-1.tar", {})
    assert [problem.message for problem in open_source(root).problems] == [
        f"{root} has no validation shards.",
        "Shards without a picture are left out: train-1.tar.",
    ]
    write_tar(root / "val-0.tar", samples([2, 1]))
    messages = [problem.message for problem in open_source(root).problems]
    assert messages[:2] == [
        "val has classes that train lacks: 2; no network could ever answer them.",
        "val lacks the classes 0; their accuracy cannot be measured.",
    ]
    write_tar(root / "other.tar", samples([1]))
    assert refused(root) == "other.tar does not tell its split, while other shards do."
    for name in ("train-0", "val-0", "other"):
        write_tar(root / f"{name}.tar", {})
    (root / "other.tar").unlink()
    assert refused(root) == f"The shards in {root} hold no pictures."
    write_tar(root / "train-0.tar", samples([1]))
    assert "has only one class with training pictures (1)" in open_source(root).problems[0].message


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"classes": "abc"}, "classes must be different names"),
        ({"classes": ["a", "a"]}, "classes must be different names"),
        ({"splits": {"train": {}}}, "'shards' is missing"),
        ({"splits": [1]}, "'list' object has no attribute 'get'"),
        ({"splits": {"train": {"shards": [{"name": "../train-000000.tar"}]}}}, "'../train-000000.tar' is no name"),
    ],
)
def test_a_damaged_record(packed, tmp_path, change, reason):
    root = shutil.copytree(packed, tmp_path / "data")
    record = json.loads((root / "dataset.json").read_text())
    (root / "dataset.json").write_text(json.dumps(record | change))
    assert refused(root).startswith(f"{root / 'dataset.json'} is damaged: {reason}")


def test_val_of_another_kind_or_mapping(stripes, packed, tmp_path):
    assert "are shards, but" in refused(packed, stripes)
    write_tar(tmp_path / "set" / "val-0.tar", samples([0]))
    assert "number their classes otherwise" in refused(packed, tmp_path / "set")


# Reading ------------------------------------------------------------------------------------------------------


def test_reading_a_picture_never_leaves_its_shard(stripes, packed, tmp_path):
    root = shutil.copytree(packed, tmp_path / "data")
    index = open_shards(root)
    path = index.select("train")["path"][0]
    shard, _, member = path.partition("!")
    with tarfile.open(root / shard) as tar:
        assert picture_source(index, path) == tar.extractfile(member).read()
    source = open_folder(stripes)
    assert picture_source(source, source.files["path"][0]) == stripes / source.files["path"][0]
    for unknown in ("train-000000.tar!../../etc/passwd", "../x.tar!a.jpg", ""):
        with pytest.raises(DataError, match="has no picture"):
            picture_source(index, unknown)
    shard = root / path.partition("!")[0]
    os.utime(shard, ns=(0, 1))
    with pytest.raises(DataError, match=f"{shard} has changed since the data set was opened"):
        picture_source(index, path)
    shard.unlink()
    with pytest.raises(DataError, match=f"{shard} cannot be read: No such file"):
        picture_source(index, path)


def test_undecodable_samples_are_left_out(tmp_path):
    members = samples([0, 1, 0, 1, 0])
    members |= {"0001.png": b"", "0004.png": picture()[:50]}
    write_tar(tmp_path / "set" / "train-0.tar", members)
    write_tar(tmp_path / "set" / "val-0.tar", samples([0, 1]))
    index = open_checked(tmp_path / "set")
    assert index.counts()["train"].tolist() == [2, 1]
    message = index.problems[0].message
    assert message.startswith("2 of 7 pictures cannot be decoded and are left out: train-0.tar!0004.png (")
    assert "train-0.tar!0001.png (empty (0 bytes))" in message
