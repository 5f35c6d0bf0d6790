"""From a list of pictures to trained weights: a hand-written JSON list, and a CSV of merged classes."""

from __future__ import annotations

import json
import shutil

from alexcore.data.derive import merge_classes
from alexcore.data.lists.manifest import write_manifest
from alexcore.data.sources import open_checked
from alexcore.runs.store import create_run
from alexcore.training.loop import fit
from tests.support.command_line import call, done
from tests.support.interrupted_runs import Watcher
from tests.support.run_folders import tiny_config
from tests.support.small_trees import open_folder


def test_a_run_finds_its_pictures_again_wherever_they_move(stripes, tmp_path):
    """A list whose pictures were moved trains with --root; evaluate and resume know it, and take another one."""
    shutil.copytree(stripes, tmp_path / "set")
    listed = write_manifest(open_folder(tmp_path / "set"), tmp_path / "lists" / "all.csv")
    first = (tmp_path / "set").rename(tmp_path / "first")
    tiny = ["--image-size", 64, "--width", 0.25, "--batch-size", 8, "--num-workers", 0, "--epochs", 1]
    run = tmp_path / "run"
    assert call("train", "--data", listed, "--run", run, *tiny).code == 2
    assert not run.exists()
    done("train", "--data", listed, "--root", first, "--run", run, *tiny)
    assert json.loads((run / "config.json").read_text())["root"] == str(first)
    before = done("evaluate", run, "--json").json
    second = first.rename(tmp_path / "second")
    assert f"There is no folder {first}." in call("evaluate", run).err
    assert done("evaluate", run, "--root", second, "--json").json["acc1"] == before["acc1"]
    done("resume", run, "--epochs", 2, "--root", second)
    assert json.loads((run / "config.json").read_text())["root"] == str(second)
    assert "run.data-changed" not in (run / "events.jsonl").read_text()
    assert done("evaluate", run, "--json").json["images"] == before["images"]


def test_an_epoch_from_a_json_list_and_from_merged_classes(stripes, tmp_path):
    root = shutil.copytree(stripes, tmp_path / "stripes")
    index = open_folder(root)
    (root / "train" / "fine" / "fine_000.jpg").write_bytes(b"damaged")
    listed = tmp_path / "list.json"
    names = [f"stripes/{path}" for path in index.files["path"]]
    listed.write_text(
        json.dumps(
            {
                "image_names": names,
                "image_labels": index.files["label"].tolist(),
                "split": index.files["split"].tolist(),
                "classes": ["f", "l", "w"],
            }
        )
    )
    merged = write_manifest(merge_classes(index, {"broad": ["level", "wide"]}), tmp_path / "merged.csv")
    for path, classes in ((listed, ["f", "l", "w"]), (merged, ["broad", "fine"])):
        reporter = Watcher()
        run = create_run(tiny_config(path, epochs=1))
        assert fit(tiny_config(path, epochs=1), run, reporter) == "finished"
        assert list(json.loads((run / "class_indices.json").read_text()).values()) == classes
        start = next(event for event in reporter.events if event["type"] == "start")
        assert (start["classes"], start["train_images"], start["val_images"]) == (classes, 35, 12)
        (epoch,) = (event for event in reporter.events if event["type"] == "epoch")
        assert len(epoch["recall"]) == len(classes)
        assert any("cannot be decoded and are left out" in event.get("message", "") for event in reporter.events)
        assert len(open_checked(path).files) == 47
