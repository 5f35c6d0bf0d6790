"""What answers are held against is measured on the run's own data, and the upload path answers as evaluation does."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from alexcore.analysis import reference
from alexcore.analysis.batch_prediction import AskedNetwork
from alexcore.analysis.neighbours import unit
from alexcore.analysis.parity import check_parity
from alexcore.analysis.prediction import Classifier
from alexcore.analysis.reference import build_reference
from alexcore.analysis.reference_files import LOGGED, RECORD, evenly, read_reference, reference_folder, references_dir
from alexcore.analysis.run_evaluation import answer_pictures, report_of
from alexcore.config import TrainConfig
from alexcore.data.decoding.images import read_picture
from alexcore.data.pack import pack
from alexcore.data.sources import open_source
from alexcore.errors import CheckpointError, DataError
from alexcore.home import runs_dir
from alexcore.runs.store import create_run
from tests.support.command_line import call, done
from tests.support.run_folders import CLASSES, tiny_config, write_checkpoint
from tests.support.striped_pictures import write_pictures


@pytest.fixture(scope="module")
def striped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("striped"), CLASSES, {"train": 6, "val": 12}, size=40)


def write(path: Path, config: TrainConfig) -> Path:
    torch.manual_seed(3)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_checkpoint(path, config)
    return path


@pytest.fixture
def checkpoint(striped: Path, tmp_path: Path) -> Path:
    config = tiny_config(striped, width=0.125, init="kaiming", norm="none")
    return write(create_run(config, runs_dir() / "a-run") / "checkpoints" / "best.pt", config)


def test_everything_that_is_measured_is_that_of_the_network(checkpoint: Path, striped: Path):
    seen: list[tuple[int, int]] = []
    folder = build_reference(checkpoint, lambda count, total: seen.append((count, total)))
    assert folder == reference_folder(checkpoint, str(striped))
    assert seen[-1] == (54, 54)
    assert [count for count, _ in seen] == sorted(count for count, _ in seen)
    found = read_reference(folder)
    assert found is not None
    assert found.indexed == 18

    index, network = open_source(striped), Classifier(checkpoint)
    looked = {}
    for path in index.files["path"]:
        image = read_picture(index.path_of(path)).image
        looked[path] = [part[0].numpy() for part in network.look(network.transform(image)[None])]
    logged = found.logged()
    assert logged["path"].tolist() == index.select("val")["path"].tolist()
    for row in logged.itertuples():
        assert [row.p0, row.p1, row.p2] == pytest.approx(looked[row.path][0].tolist(), abs=1e-5)
        assert row.predicted == int(np.argmax([row.p0, row.p1, row.p2]))
        assert row.probability == pytest.approx(max(row.p0, row.p1, row.p2))
    train = index.select("train")

    # A training picture is its own nearest one.
    path = train["path"].iloc[7]
    nearest = found.neighbours.nearest(looked[path][1], 3)
    assert nearest[0].path == path
    assert nearest[0].distance < 1e-3


def test_the_log_is_what_evaluation_gives(checkpoint: Path, striped: Path):
    logged = read_reference(build_reference(checkpoint)).logged()  # type: ignore[union-attr]
    report = report_of(answer_pictures(checkpoint))
    confusion = np.zeros((3, 3), dtype=int)
    np.add.at(confusion, (logged["label"], logged["predicted"]), 1)
    assert confusion.tolist() == report["confusion"]


def test_parity_of_uploads_and_evaluation(checkpoint: Path, striped: Path):
    logged = read_reference(build_reference(checkpoint)).logged()  # type: ignore[union-attr]
    network, index = AskedNetwork("a-run", Classifier(checkpoint)), open_source(striped)
    found = check_parity(network, index, logged)
    assert (found.pictures, found.different) == (32, ())
    assert found.largest < 1e-5
    assert found.in_words.startswith("32 of 32 validation pictures are answered here as evaluation answered them")

    # It can fail: another class, another probability, another network.
    wrong = logged.assign(predicted=(logged["predicted"] + 1) % 3)
    assert len(check_parity(network, index, wrong).different) == 32
    moved = logged.copy()
    moved.loc[0, "p0"] += 0.01
    result = check_parity(network, index, moved)
    assert result.different == (logged["path"][0],)
    assert "1 of 32 validation pictures are answered differently" in result.in_words
    with pytest.raises(DataError, match="another network"):
        check_parity(network, index, logged.drop(columns="p2"))


def test_parity_sees_another_way_of_opening_pictures(checkpoint: Path, striped: Path, monkeypatch):
    logged = read_reference(build_reference(checkpoint)).logged()  # type: ignore[union-attr]
    from alexcore.analysis import batch_prediction

    monkeypatch.setattr(
        batch_prediction,
        "read_picture",
        lambda *given, **more: read_picture(*given, at_least=8, **more),
    )
    network = AskedNetwork("a-run", Classifier(checkpoint))
    assert check_parity(network, open_source(striped), logged).different


def test_another_checkpoint_or_data_set_is_another_reference(checkpoint: Path, striped: Path, tmp_path: Path):
    first = reference_folder(checkpoint, str(striped))
    copy = shutil.copytree(striped, tmp_path / "copy")
    elsewhere = reference_folder(checkpoint, str(copy))
    (copy / "val" / CLASSES[0] / f"{CLASSES[0]}_000.jpg").unlink()
    grown = reference_folder(checkpoint, str(copy))
    os.utime(checkpoint, (1, 1))
    assert len({first, elsewhere, grown, reference_folder(checkpoint, str(striped))}) == 4
    with pytest.raises(DataError, match="There is no checkpoint"):
        reference_folder(tmp_path / "none.pt", str(striped))


def test_measuring_again_replaces_and_old_ones_are_forgotten(checkpoint: Path, striped: Path, monkeypatch):
    monkeypatch.setattr(reference, "KEPT", 2)
    folder = build_reference(checkpoint)
    (folder / "stray").touch()
    assert build_reference(checkpoint) == folder
    assert not (folder / "stray").exists()
    os.utime(folder, (1, 1))
    for number in range(3):
        os.utime(checkpoint, (number + 5, number + 5))
        newest = build_reference(checkpoint)
        os.utime(newest, (10 + number, 10 + number))
    assert len(list(references_dir().iterdir())) == 2
    assert newest.is_dir()
    assert not folder.is_dir()


def test_many_pictures_are_thinned_evenly(checkpoint: Path, striped: Path, monkeypatch):
    monkeypatch.setattr(reference, "MOST", 9)
    found = read_reference(build_reference(checkpoint))
    assert found is not None
    assert (found.indexed, len(found.logged())) == (9, 9)
    assert sorted(set(found.neighbours.pictures["label"])) == [0, 1, 2]
    assert [list(evenly(3, 5)), list(evenly(5, 5)), list(evenly(9, 3))] == [[0, 1, 2], [0, 1, 2, 3, 4], [0, 4, 8]]
    assert not np.isnan(unit(np.zeros((1, 3)))).any()


def test_shards_are_measured_too(striped: Path, tmp_path: Path):
    pack(open_source(striped), tmp_path / "shards")
    config = tiny_config(tmp_path / "shards", width=0.125, init="kaiming", norm="none")
    checkpoint = write(tmp_path / "run" / "best.pt", config)
    found = read_reference(build_reference(checkpoint))
    assert found is not None
    network = AskedNetwork("x", Classifier(checkpoint))
    assert not check_parity(network, open_source(tmp_path / "shards"), found.logged()).different


def test_another_mapping_is_refused(striped: Path, tmp_path: Path):
    other = write_pictures(tmp_path / "other", ("a", "b", "c"), {"train": 2, "val": 2}, size=40)
    checkpoint = write(tmp_path / "best.pt", tiny_config(other, width=0.125))
    with pytest.raises(CheckpointError, match="numbers its classes differently"):
        build_reference(checkpoint)
    assert not references_dir().exists() or not list(references_dir().iterdir())


@pytest.mark.parametrize(("file", "content"), [(RECORD, "{"), (RECORD, "{}")])
def test_half_a_reference_is_none(checkpoint: Path, file: str, content: str):
    folder = build_reference(checkpoint)
    (folder / file).write_text(content)
    assert read_reference(folder) is None


def test_a_damaged_log_is_a_sentence(checkpoint: Path):
    folder = build_reference(checkpoint)
    (folder / LOGGED).write_text("path,label\n")
    found = read_reference(folder)
    assert found is not None
    with pytest.raises(DataError, match="logged answers cannot be read"):
        found.logged()


def test_the_command(checkpoint: Path, striped: Path):
    told = done("reference", "a-run", "--json").json
    assert told["indexed"] == 18
    assert told["images"] == 36
    assert told["novelty"] is None, "18 training images are too few"
    assert Path(told["folder"]) == reference_folder(checkpoint, str(striped))
    said = done("reference", "a-run").out
    assert "36 validation images," in said
    assert "18 training images indexed" in said
    assert "What is unlike the training images was not measured: it takes 40 of them." in said
    assert call("reference", "absent").code == 2
    assert json.loads((Path(told["folder"]) / RECORD).read_text())["classes"] == list(CLASSES)
