"""A data set that changed before a resume: all epochs that are left are trained on it, and older figures are marked."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alexcore import cli
from alexcore.errors import CheckpointError
from alexcore.runs.events import EventWriter
from alexcore.runs.run_list import summarised
from alexcore.runs.series import Series
from alexcore.runs.store import create_run, read_run
from alexcore.training.loop import fit
from tests.support.interrupted_runs import Watcher, at_step, losses, measured, straight, while_validating
from tests.support.run_folders import tiny_config
from tests.support.striped_pictures import write_pictures

EPOCHS, STEPS = 4, 3  # of 24 training pictures in batches of 8


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_pictures(tmp_path / "set", ("fine", "level"), {"train": 12, "val": 4})


@pytest.fixture
def others(tmp_path: Path) -> Path:
    """The same pictures, and more of each class, from which changes are made."""
    return write_pictures(tmp_path / "others", ("fine", "level"), {"train": 20, "val": 8})


def files(root: Path, split: str, label: str) -> list[Path]:
    return sorted((root / split / label).glob("*.jpg"))


def shrunk(data: Path, _others: Path) -> None:
    for label in ("fine", "level"):
        for file in files(data, "train", label)[4:]:
            file.unlink()


def grown(data: Path, others: Path) -> None:
    for label in ("fine", "level"):
        for file in files(others, "train", label)[12:]:
            shutil.copy(file, data / "train" / label)


def with_another_last_batch(data: Path, _others: Path) -> None:
    for file in files(data, "train", "fine")[:3]:
        file.unlink()


def without_pictures_of_a_class(data: Path, _others: Path) -> None:
    for file in files(data, "val", "level"):
        file.unlink()


def config_of(data: Path, **values: Any) -> Any:
    return tiny_config(data, epochs=EPOCHS, norm="group", scheduler="step", lr_step_epochs=1, seed=3, **values)


def resumed(config: Any, when: Callable[[Watcher], bool], change: Callable[[], None]) -> tuple[Path, Watcher, Watcher]:
    folder, first = create_run(config), Watcher(when)
    assert fit(config, folder, first) == "stopped"
    change()
    second = Watcher()
    assert fit(config, folder, second, resume=True) == "finished"
    return folder, first, second


@pytest.mark.parametrize(
    ("change", "moment", "steps", "begins", "anew"),
    [
        (shrunk, at_step(5), 1, 5, True),  # within epoch 2, which begins anew
        (shrunk, lambda run: run.epoch == 1, 1, 3, False),  # between two epochs
        (shrunk, while_validating(1), 1, 6, True),
        (grown, at_step(5), 5, 5, True),
        (with_another_last_batch, at_step(3), 3, 3, True),
    ],
)
def test_all_epochs_that_are_left_are_trained_on_what_is_there(data, others, change, moment, steps, begins, anew):
    _, first, second = resumed(config_of(data), moment, lambda: change(data, others))
    (told,) = [each["values"] for each in second.of("warning") if each["code"] == "run.data-changed"]
    assert (told["step"], told["anew"], told["train_changed"], told["val_changed"]) == (begins, anew, True, False)
    done = len(first.of("epoch"))
    left = range(done, EPOCHS)
    assert [each["epoch"] for each in second.of("epoch")] == list(left)
    ends = [begins + steps * (number + 1) for number in range(len(left))]
    assert [each["step"] for each in second.of("epoch")] == ends
    assert second.of("start")[0]["total_steps"] == ends[-1]
    # Schedules by the epoch follow the epochs, however many steps each has.
    rates = {(each["epoch"], round(each["lr"] / 5e-4, 9)) for each in second.of("step")}
    assert rates == {(epoch, round(0.1**epoch, 9)) for epoch in left}
    assert [each["values"] for each in second.of("outcome")] == [{"epochs": EPOCHS}]


def test_what_is_put_back_is_as_if_nothing_had_happened(data, others, tmp_path):
    config = config_of(data)
    _, whole = straight(config)
    kept = shutil.copytree(data, tmp_path / "kept")

    def there_and_back() -> None:
        shrunk(data, others)
        shutil.copytree(kept, data, dirs_exist_ok=True)

    _, first, second = resumed(config, at_step(5), there_and_back)
    assert not second.of("warning")
    assert losses([first, second]) == losses([whole])
    assert measured([first, second]) == measured([whole])


def test_another_validation_leaves_the_training_alone_and_finds_its_best_anew(data, others):
    config = config_of(data, early_stopping=EPOCHS)
    _, whole = straight(config)
    folder, first, second = resumed(config, at_step(5), lambda: without_pictures_of_a_class(data, others))
    (told,) = [each["values"] for each in second.of("warning") if each["code"] == "run.data-changed"]
    assert (told["train_changed"], told["val_changed"], told["anew"]) == (False, True, False)
    assert losses([first, second]) == losses([whole])
    assert second.of("epoch")[0]["recall"][1] is None
    assert second.of("checkpoint")[0]["name"] == "best.pt"

    # What lists, curves and tables make of it.
    writer = EventWriter(folder / "events.jsonl")
    for each in (*first.events, *second.events):
        writer.write(each["type"], **{name: value for name, value in each.items() if name != "type"})
    writer.close()
    series = Series(folder / "events.jsonl")
    series.refresh()
    assert (series.changes.figures, series.changes.validations) == (5, 5)
    assert [row["epoch"] for row in series.comparable] == [1, 2, 3]
    summary = summarised(read_run(folder))
    assert summary.best_val_acc1 == max(row["val_acc1"] for row in second.of("epoch"))


def test_a_test_split_that_changes_is_none_of_the_run_s_business(data, others):
    write_pictures(data, ("fine", "level"), {"test": 2})
    _, first, second = resumed(
        config_of(data, max_steps=5), at_step(4), lambda: files(data, "test", "fine")[0].unlink()
    )
    assert not [each for each in second.of("warning") if each["code"] == "run.data-changed"]
    assert [each["step"] for each in (*first.of("step"), *second.of("step"))] == [1, 2, 3, 4, 5]


def test_a_class_that_is_gone_is_refused_by_name_and_goes_on_when_it_is_back(data, tmp_path):
    config = config_of(data)
    folder = create_run(config)
    assert fit(config, folder, Watcher(at_step(4))) == "stopped"
    for split in ("train", "val"):
        shutil.move(data / split / "level", tmp_path / split)
        write_pictures(data, ("other",), {split: 4})
    with pytest.raises(CheckpointError, match="1: the run has level, the data set other"):
        fit(config, folder, Watcher(), resume=True)
    for split in ("train", "val"):
        shutil.rmtree(data / split / "other")
        shutil.move(tmp_path / split, data / split / "level")
    watcher = Watcher()
    assert fit(config, folder, watcher, resume=True) == "finished"
    assert not watcher.of("warning")


@pytest.mark.parametrize("changed", [False, True])
def test_a_data_set_that_moved_is_compared_by_its_content(data, others, tmp_path, changed):
    config = config_of(data)
    folder = create_run(config)
    assert fit(config, folder, Watcher(at_step(4))) == "stopped"
    data.rename(tmp_path / "moved")
    if changed:
        grown(tmp_path / "moved", others)
    more = config.model_copy(update={"data": str(tmp_path / "moved")})
    watcher = Watcher()
    assert fit(more, folder, watcher, resume=True) == "finished"
    (moved,) = [each["values"] for each in watcher.of("note") if each["code"] == "run.data-moved"]
    assert (moved["was"], moved["now"], moved["known"]) == (str(data), more.data, True)
    assert (moved["same"], moved["images"]) == ((24, 40) if changed else (24, 24))
    assert [each["code"] for each in watcher.of("warning")] == ["run.data-changed"] * changed


def of(folder: Path, *told: tuple[str, dict[str, Any]]) -> Series:
    writer = EventWriter(folder / "events.jsonl")
    for kind, fields in told:
        writer.write(kind, **fields)
    writer.close()
    series = Series(folder / "events.jsonl")
    series.refresh()
    return series


CHANGE = ("warning", {"code": "run.data-changed", "values": {"experiment": False}})


@pytest.mark.parametrize(
    ("told", "until"),
    [
        ([CHANGE, ("resume", {"step": 5})], 5),  # of a version that did not say which
        # Killed before it has saved, and told once more; or put back meanwhile.
        ([CHANGE, ("resume", {"step": 5}), CHANGE, ("resume", {"step": 5})], 5),
        ([CHANGE, ("resume", {"step": 5}), ("resume", {"step": 5})], -1),
        # Saved at once.
        ([CHANGE, ("resume", {"step": 5}), ("checkpoint", {"name": "last.pt"}), ("resume", {"step": 5})], 5),
        ([CHANGE, ("resume", {"step": 5}), ("checkpoint", {"name": "last.pt"}), ("resume", {"step": 3})], -1),
    ],
)
def test_up_to_which_step_figures_are_of_other_data(tmp_path, told, until):
    assert of(tmp_path, *told).changes.figures == until


def test_an_evaluation_of_data_that_moved_says_how_many_images_it_knows(data, tmp_path, capsys):
    config = config_of(data, max_steps=1)
    folder = create_run(config)
    assert fit(config, folder, Watcher()) == "finished"
    data.rename(tmp_path / "moved")
    assert cli.main(["evaluate", str(folder)]) == 2
    error = capsys.readouterr().err
    assert f"There is no folder {data}." in error
    assert "--data PATH" in error
    assert cli.main(["evaluate", str(folder), "--data", str(tmp_path / "moved")]) == 0
    told = capsys.readouterr().out
    assert f"The data set was {data} and is {tmp_path / 'moved'} now." in told
    assert "24 of 24 training images are those that the run was trained on" in told
