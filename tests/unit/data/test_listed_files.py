"""A list names its files in another form, case or place than the disk has them."""

from __future__ import annotations

import json
import os
import shutil
import unicodedata
from pathlib import Path

import pytest

from alexcore.data.lists.manifest import open_manifest, write_manifest
from alexcore.data.reading import FolderChoice
from alexcore.data.sources import open_source
from alexcore.errors import DataError
from tests.support.command_line import call
from tests.support.lists import codes, label_of
from tests.support.small_trees import messages, tree

COMPOSED = "Blüte"
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)


def listed(folder: Path, names: list[str]) -> Path:
    path = folder / "list.csv"
    path.write_text("path,label\n" + "".join(f"{name},{'ab'[n % 2]}\n" for n, name in enumerate(names)))
    return path


def refusal(path: Path, **options) -> DataError:
    with pytest.raises(DataError) as caught:
        open_manifest(path, **options)
    return caught.value


@pytest.mark.parametrize(("disk", "written"), [(DECOMPOSED, COMPOSED), (COMPOSED, DECOMPOSED)])
def test_a_name_matches_in_either_unicode_form(tmp_path, disk, written):
    """Symptom: photos from a Mac, a list from a spreadsheet, and no picture exists."""
    tree(tmp_path, *(f"{disk}/{disk}{n}.jpg" for n in range(8)))
    index = open_manifest(listed(tmp_path, [f"{written}/{written}{n}.jpg" for n in range(8)]))
    assert sorted(label_of(index)) == [f"{disk}/{disk}{n}.jpg" for n in range(8)]
    assert codes(index) == ["data.list-names-form"]


def test_both_forms_on_the_disk_are_two_files(tmp_path):
    tree(tmp_path, *(f"{name}{n}.jpg" for name in (COMPOSED, DECOMPOSED) for n in range(4)))
    names = [f"{name}{n}.jpg" for n in range(4) for name in (COMPOSED, DECOMPOSED)]
    index = open_manifest(listed(tmp_path, names))
    assert len(index.files) == 8
    assert codes(index) == []


def test_a_name_matches_apart_from_case_if_one_file_fits(tmp_path):
    tree(tmp_path, *(f"Photos/p{n}.jpg" for n in range(12)))
    index = open_manifest(listed(tmp_path, [f"photos/P{n}.JPG" for n in range(12)]))
    assert label_of(index)["Photos/p3.jpg"] == "b"
    assert codes(index) == ["data.list-names-case"]
    assert "photos/P0.JPG is Photos/p0.jpg" in messages(index, "info")
    tree(tmp_path, "Photos/P3.jpg")
    assert f"names P3.JPG, and {tmp_path / 'Photos'} has P3.jpg and p3.jpg." in refusal(tmp_path / "list.csv").message


def test_the_written_name_goes_before_all_others(tmp_path):
    tree(tmp_path, "p.jpg", "P.jpg", " p.jpg", "q.jpg")
    index = open_manifest(listed(tmp_path, ['" p.jpg"', "p.jpg", "P.jpg", "q.jpg"]))
    assert sorted(label_of(index)) == [" p.jpg", "P.jpg", "p.jpg", "q.jpg"]
    assert codes(index) == []


@pytest.mark.parametrize(
    "written",
    [
        "~/pics/p{n}.jpg",
        "file://{folder}/pics/p{n}.jpg",
        "pics%2Fp{n}.jpg",
        '"""pics/p{n}.jpg"""',
        "pics/p{n}",
        "pics/p{n}.jpeg",
    ],
)
def test_the_nearest_file_is_named(tmp_path, written):
    tree(tmp_path, *(f"pics/p{n}.jpg" for n in range(4)))
    error = refusal(listed(tmp_path, [written.format(n=n, folder=tmp_path) for n in range(4)]))
    assert error.message.startswith("None of the 4 pictures in ")
    assert "the nearest is pics/p0.jpg" in error.hint.replace(f"{tmp_path}/", "")
    mixed = open_manifest(
        listed(tmp_path, [written.format(n=0, folder=tmp_path), *(f"pics/p{n}.jpg" for n in range(1, 4))])
    )
    assert "data.list-nearest" in codes(mixed)
    assert len(mixed.files) == 3


def test_a_missing_picture_is_not_taken_for_its_neighbour(tmp_path):
    """Symptom: 7.jpg was deleted, and the hint was to write 6.jpg."""
    tree(tmp_path, a=6, b=8)
    index = open_manifest(listed(tmp_path, ["a/0.jpg", "a/1.jpg", "b/0.jpg", "b/1.jpg", "a/7.jpg"]))
    assert codes(index) == ["data.missing-pictures"]


@pytest.mark.parametrize(
    "written", ["file:///gone/b/3.jpg", "https://somewhere.org/b/3.jpg", "set/b/3.jpg", "/x/y/b/3.jpg"]
)
def test_the_nearest_file_has_most_of_the_path_in_common(tmp_path, written):
    tree(tmp_path / "inner", a=6, b=6)
    assert "the nearest is inner/b/3.jpg" in refusal(listed(tmp_path, [written])).hint


def test_the_nearest_file_says_nothing_of_other_folders(tmp_path, monkeypatch):
    """Symptom: a visitor learned from a hint which files lie in somebody's home."""
    tree(tmp_path / "home", "secret.jpg")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    tree(tmp_path / "open", "p0.jpg")
    path = listed(tmp_path / "open", ["~/secret.jpg", "~/secret", "p9.jpg"])
    assert "secret" not in refusal(path, roots=[tmp_path / "open"]).hint.replace("~/secret.jpg", "")


# Lists that were moved, or whose pictures were ------------------------------------------------------------------


@pytest.fixture
def flowers(tmp_path) -> Path:
    return tree(tmp_path / "work" / "set", train__a=4, train__b=4, val__a=2, val__b=2)


@pytest.mark.parametrize("ending", ["csv", "tsv", "json", "jsonl"])
def test_a_list_beside_its_pictures_moves_with_them(flowers, tmp_path, ending):
    before = open_source(flowers)
    path = write_manifest(before, tmp_path / "work" / "lists" / f"all.{ending}")
    (tmp_path / "work").rename(tmp_path / "elsewhere")
    index = open_manifest(tmp_path / "elsewhere" / "lists" / path.name)
    assert index.files[["split", "label", "bytes"]].equals(before.files[["split", "label", "bytes"]])
    assert codes(index) == []


@pytest.mark.parametrize("absolute", [False, True])
def test_a_moved_folder_is_named_and_replaced(flowers, tmp_path, absolute):
    path = write_manifest(open_source(flowers), tmp_path / "work" / "lists" / "all.csv")
    if absolute:
        path.write_text(path.read_text().replace("../set", str(flowers)))
    before = open_manifest(path)
    new = flowers.rename(tmp_path / "new place")
    error = refusal(path)
    assert f"The folder {flowers}, which 12 of the rows name, is gone." in error.hint
    assert "--root" in error.hint
    for root in (new, new.parent / "link"):
        if root != new:
            root.symlink_to(new)
        index = open_manifest(path, choice=FolderChoice(root=str(root)))
        assert len(index.files) == 12
        assert all(index.path_of(each).is_file() for each in index.files["path"])
        assert codes(index) == ["data.list-root"]
        assert index.fingerprint() == before.fingerprint()
    with pytest.raises(DataError, match="has none of the listed pictures"):
        open_manifest(path, choice=FolderChoice(root=str(tmp_path / "work")))
    with pytest.raises(DataError, match="There is no folder"):
        open_manifest(path, choice=FolderChoice(root=str(tmp_path / "none")))


def test_a_root_stands_for_as_much_as_the_files_say(tmp_path):
    """Another computer's disk, written on Windows; the new folder may be the set itself or the one above it."""
    names = [f"D:\\photos\\set\\{name}\\{n}.jpg" for name in "ab" for n in range(4)]
    path = tmp_path / "list.json"
    path.write_text(json.dumps({"image_names": names, "image_labels": [*"aaaabbbb"]}))
    assert "The folder D:/photos/set, which 8 of the rows name, is gone." in refusal(path).hint
    new = tree(tmp_path / "here" / "set", a=4, b=4)
    for root in (new, new.parent):
        assert len(open_manifest(path, choice=FolderChoice(root=str(root))).files) == 8
    # With both a/0.jpg and set/a/0.jpg below it, the longer path is meant.
    tree(new.parent, a=4, b=4)
    assert all(
        "/set/" in name or name.startswith("here/set/")
        for name in label_of(open_manifest(path, choice=FolderChoice(root=str(new.parent))))
    )


def test_a_root_leads_nowhere_that_may_not_be_opened(flowers, tmp_path):
    path = write_manifest(open_source(flowers), tmp_path / "work" / "lists" / "all.csv")
    new = flowers.rename(tmp_path / "secret")
    with pytest.raises(DataError, match="outside the folders that may be opened"):
        open_manifest(path, choice=FolderChoice(root=str(new)), roots=[tmp_path / "work"])


def test_a_drawn_split_stays_when_its_pictures_move(tmp_path):
    """Symptom: the folder was renamed, and a fifth of what had been learned validated."""
    set_ = tree(tmp_path / "set", a=20, b=20)
    path = listed(tmp_path, [f"set/{name}/{n}.jpg" for n in range(20) for name in "ab"])
    before = open_manifest(path)
    set_.rename(tmp_path / "other")
    after = open_manifest(path, choice=FolderChoice(root=str(tmp_path / "other")))
    sides = [dict(zip(each.names, each.files["split"], strict=True)) for each in (before, after)]
    assert after.files["split"].tolist() == before.files["split"].tolist()
    assert after.names.tolist() == before.names.tolist(), "a resumed run meets them in the same order"
    assert sides[0] == sides[1]
    assert set(after.files["path"].str.partition("/")[0]) == {"other"}
    assert after.fingerprint() == before.fingerprint(), "no warning that the data set has changed"


@pytest.mark.parametrize("command", ["info", "scan", "stats", "pack", "derive"])
def test_each_command_on_data_takes_a_root(stripes, tmp_path, command):
    shutil.copytree(stripes, tmp_path / "work" / "set")
    path = write_manifest(open_source(tmp_path / "work" / "set"), tmp_path / "work" / "lists" / "all.csv")
    new = (tmp_path / "work" / "set").rename(tmp_path / "new")
    target = {"pack": [tmp_path / "packed"], "derive": [tmp_path / "again.csv"]}.get(command, [])
    said = call("data", command, path, *target, "--root", new, "--json")
    assert said.code == 0, said.err
    if command == "info":
        assert said.json["images"] == 48
        assert said.json["reading"]["choice"]["root"] == str(new)
    if target:
        assert len(open_source(target[0]).files) == 48
    assert call("data", command, path, *([tmp_path / "none.csv"] if target else []), "--json").code == 2
    refused = call("data", command, new, *([tmp_path / "none.csv"] if target else []), "--root", new)
    assert refused.code == 2
    assert "is no list, so --root" in refused.err


@pytest.mark.skipif(os.name == "nt", reason="one root for all disks")
def test_what_has_no_common_folder_is_named_from_the_root(tmp_path):
    from alexcore.data.lists.manifest_columns import portable_paths

    assert portable_paths(Path("/tmp/lists"), Path("/home/me/set"), ["a.jpg"], related=True) == ["/home/me/set/a.jpg"]
    assert portable_paths(Path("/home/you"), Path("/home/me/set"), ["a.jpg"], related=True) == ["/home/me/set/a.jpg"]
    assert portable_paths(Path("/home/me/lists"), Path("/home/me/set"), ["a.jpg"], related=True) == ["../set/a.jpg"]
    assert portable_paths(Path("/home/me/lists"), Path("/home/me/set"), ["a.jpg"]) == ["/home/me/set/a.jpg"]
