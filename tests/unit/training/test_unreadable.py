"""A picture that breaks in mid-run is left out, named and counted; above the limit the run saves and ends."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from alexcore.augment.pipeline import batch_seed, build_mixing
from alexcore.augment.presets import evaluation_operations
from alexcore.data.pack import pack
from alexcore.errors import DataError
from alexcore.findings.run import PicturesSkipped
from alexcore.runs.events import EventWriter
from alexcore.runs.run_list import summarised
from alexcore.runs.store import create_run, read_run
from alexcore.training.checkpoint import load_checkpoint
from alexcore.training.loader import NO_LABEL, Batches, Incomplete, PictureDataset, collate
from alexcore.training.loop import fit
from alexcore.training.shard_loader import make_loader
from alexcore.training.unreadable import most_unreadable
from tests.support.interrupted_runs import Watcher, assert_same_state, straight
from tests.support.run_folders import tiny_config, write_run
from tests.support.small_trees import open_folder
from tests.support.striped_pictures import write_pictures

pytestmark = [
    pytest.mark.filterwarnings("ignore:This DataLoader will create", "ignore:This process .* is multi-threaded"),
]
OPERATIONS = evaluation_operations("seed", 64)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return write_pictures(tmp_path / "set", ("fine", "level"), {"train": 8, "val": 4})


def once_at(step: int, what: Callable[[], object]) -> Watcher:
    """A reporter in whose time something happens to the files after a step, and which asks for nothing."""
    waiting = [what]

    def when(watcher: Watcher) -> bool:
        if watcher.step >= step and waiting:
            waiting.pop()()
        return False

    return Watcher(when)


def spoiled(root: Path, *names: str) -> Callable[[], None]:
    def spoil() -> None:
        for name in names:
            file = root / name
            file.write_bytes(file.read_bytes()[:10])

    return spoil


def warnings_of(watcher: Watcher) -> list[dict[str, Any]]:
    return [event for event in watcher.of("warning") if event["code"] == "run.pictures-skipped"]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_run_goes_on_without_a_picture_that_breaks(pictures, workers):
    name = "train/fine/fine_003.jpg"
    config = tiny_config(pictures, epochs=3, num_workers=workers)
    watcher = once_at(2, spoiled(pictures, name))
    assert fit(config, create_run(config), watcher) == "finished"
    (warning,) = warnings_of(watcher)
    assert warning["values"]["names"] == (name,)
    assert (warning["values"]["count"], warning["values"]["total"], warning["values"]["most"]) == (1, 24, 1)
    assert "no picture" in warning["values"]["why"] or "decoded" in warning["values"]["why"]
    assert len(watcher.of("epoch")) == 3
    assert [sum(map(sum, each["confusion"])) for each in watcher.of("epoch")] == [8, 8, 8]


def test_the_outcome_says_how_many_were_skipped():
    folder = write_run("finished", "few")
    writer = EventWriter(folder / "events.jsonl")
    for count in (1, 3):
        writer.write("warning", **PicturesSkipped(("a.jpg",), count, 400, 4, "There is no file").as_event())
    writer.close()
    summary = summarised(read_run(folder))
    assert summary.figures(folder)["skipped_images"] == 3
    assert summary.in_words.endswith(", 3 unreadable skipped")
    assert "skipped_images" not in summarised(read_run(write_run("finished", "none"))).figures(folder)


def test_above_the_limit_it_saves_and_a_resume_with_the_files_back_is_exact(pictures, tmp_path):
    names = [f"train/{name}/{name}_00{number}.jpg" for name in ("fine", "level") for number in (1, 5)]
    config = tiny_config(pictures, epochs=3, augment="strong", seed=5)
    _, through = straight(config)
    copy = shutil.copytree(pictures, tmp_path / "copy")
    folder, watcher = create_run(config), once_at(3, spoiled(pictures, *names))
    with pytest.raises(DataError) as caught:
        fit(config, folder, watcher)
    assert caught.value.code == "run.too-many-unreadable"
    assert "pictures can no longer be read, and the limit is 1" in caught.value.message
    assert any(name in caught.value.message for name in names)
    assert "resume" in caught.value.hint
    for name in names:
        shutil.copy2(copy / name, pictures / name)
    again = Watcher()
    assert fit(config, folder, again, resume=True) == "finished"
    assert not [event for event in again.of("warning") if event["code"] == "run.data-changed"]
    losses = {event["step"]: event["loss"] for each in (watcher, again) for event in each.of("step")}
    assert len(losses) == 6
    skipped = warnings_of(watcher)
    if not skipped:  # otherwise one step was made without one picture, which is what is asked for
        assert losses == {event["step"]: event["loss"] for event in through.of("step")}


def test_a_limit_of_nothing_makes_no_step_without_a_picture(pictures, tmp_path):
    name = "train/level/level_002.jpg"
    config = tiny_config(pictures, epochs=3, augment="strong", seed=5, unreadable_limit=0)
    whole, _ = straight(config)
    copy = shutil.copytree(pictures, tmp_path / "copy")
    folder = create_run(config)
    with pytest.raises(DataError, match="the limit is 0"):
        fit(config, folder, once_at(3, spoiled(pictures, name)))
    shutil.copy2(copy / name, pictures / name)
    assert fit(config, folder, Watcher(), resume=True) == "finished"
    models = [load_checkpoint(each / "checkpoints" / "last.pt")["model"] for each in (whole, folder)]
    assert_same_state(models[0], models[1], "model")


def test_the_limit_is_a_share_and_one_at_least():
    assert [most_unreadable(0.01, count) for count in (1, 99, 200, 4053)] == [1, 1, 2, 40]
    assert most_unreadable(0, 4053) == 0
    assert most_unreadable(1.0, 30) == 30


def test_a_validation_picture_that_breaks_moves_no_other_mistake(pictures):
    """The worst mistakes are named by their place, which a gap would shift."""
    config = tiny_config(pictures, epochs=1, lr=1e-9)
    _, whole = straight(config)
    watcher = once_at(1, spoiled(pictures, "val/fine/fine_000.jpg"))
    assert fit(config, create_run(config), watcher) == "finished"
    (epoch,) = watcher.of("epoch")
    assert sum(map(sum, epoch["confusion"])) == 7
    (before,) = whole.of("epoch")
    known = {each["path"]: each for each in before["worst"]}
    assert {each["path"] for each in epoch["worst"]} == set(known) - {"val/fine/fine_000.jpg"}
    for each in epoch["worst"]:
        assert each["label"] == known[each["path"]]["label"]
        assert each["probability"] == pytest.approx(known[each["path"]]["probability"], abs=1e-3)
    assert warnings_of(watcher)[0]["values"]["names"] == ("val/fine/fine_000.jpg",)


def test_a_picture_that_is_left_alone_under_batch_norm_is_left_out_with_the_other(pictures):
    config = tiny_config(pictures, batch_size=2, epochs=2, norm="batch")
    watcher = once_at(1, spoiled(pictures, "train/fine/fine_004.jpg"))
    assert fit(config, create_run(config), watcher) == "finished"
    assert all(event["loss"] == event["loss"] for event in watcher.of("step"))


def test_a_batch_without_any_picture_changes_no_number(pictures):
    config = tiny_config(pictures, batch_size=1, epochs=2, norm="group")
    watcher = once_at(1, (pictures / "train/level/level_007.jpg").unlink)
    assert fit(config, create_run(config), watcher) == "finished"
    assert all(event["loss"] == event["loss"] for event in watcher.of("step"))
    assert len(watcher.of("step")) == 32


def test_shards_skip_what_breaks_in_them(pictures, tmp_path):
    index = open_folder(pictures)
    packed = pack(index, tmp_path / "packed", 8)
    shard = packed / "train-000000.tar"

    def spoil() -> None:
        data = bytearray(shard.read_bytes())
        place = data.find(b"\xff\xd8\xff")
        data[place : place + 40] = bytes(40)
        shard.write_bytes(data)

    config = tiny_config(packed, epochs=3)
    watcher = once_at(1, spoil)
    assert fit(config, create_run(config), watcher) == "finished"
    (warning,) = warnings_of(watcher)
    assert warning["values"]["count"] == 1
    assert "train-000000.tar!" in warning["values"]["names"][0]


# A batch ----------------------------------------------------------------------------------------------------------


def batches_of(root: Path, lost: Any, operations: list[dict[str, Any]] = OPERATIONS) -> Batches:
    rows = open_folder(root).select("train")
    paths = [root / path for path in rows["path"]]
    dataset = PictureDataset(paths, rows["label"].tolist(), operations, 7)
    return Batches(dataset, build_mixing(operations, 2), lost=lost)


@pytest.mark.parametrize("mixed", [False, True])
def test_what_is_skipped_is_simply_not_in_its_batch(pictures, mixed):
    operations = [*OPERATIONS, {"op": "MixUp", "alpha": 0.4}] if mixed else OPERATIONS
    keys = [(0, number) for number in (0, 3, 9, 12)]
    batches = batches_of(pictures, "skipped", operations)
    rest = [batches.dataset[key] for key in keys if key[1] != 9]
    spoiled(pictures, "train/level/level_001.jpg")()
    got = batches[keys]
    assert isinstance(got, Incomplete)
    assert (got.size, [Path(each).name for each in got.lost]) == (4, ["level_001.jpg"])
    expected = collate(rest, batches.mixing, batch_seed(7, 0, 0))
    assert all(torch.equal(a, b) for a, b in zip(got.batch, expected, strict=True))


def test_a_blank_keeps_the_place_and_a_refusal_is_the_error(pictures):
    keys = [(0, number) for number in (0, 9, 12)]
    spoiled(pictures, "train/level/level_001.jpg")()
    images, labels = batches_of(pictures, "blank")[keys].batch
    assert labels.tolist() == [0, NO_LABEL, 1]
    assert not images[1].any()
    assert isinstance(batches_of(pictures, "refused")[keys], DataError)
    loader = make_loader(open_folder(pictures), "train", OPERATIONS, batch_size=4, num_workers=0)
    with pytest.raises(DataError, match=r"level_001\.jpg"):
        list(loader.epoch())
