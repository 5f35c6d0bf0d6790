"""What a run is measured for at its end: the recipe on its own images, within its time, without touching it."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from alexcore.analysis import doubt_measuring
from alexcore.analysis.batch_prediction import BatchPrediction, asked_network
from alexcore.analysis.doubt_measuring import after_training, described, measure_run
from alexcore.analysis.prediction import Classifier
from alexcore.config import TrainConfig
from alexcore.data.archives.incoming import from_bytes
from alexcore.data.content_hashes import content_hash, remember_seen
from alexcore.doubt.kept import REFERENCE, Doubt, read_doubt
from alexcore.errors import RunError
from alexcore.home import runs_dir
from alexcore.runs import worker
from alexcore.runs.store import create_run, read_run
from alexcore.training.budget import DOUBT_S, kept_for_doubt
from tests.support.command_line import done
from tests.support.interrupted_runs import Watcher
from tests.support.odd_pictures import encoded
from tests.support.run_folders import CLASSES, tiny_config, write_checkpoint
from tests.support.striped_pictures import write_pictures


@pytest.fixture(scope="module")
def striped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """42 training images and 24 for validation: a few more than it takes."""
    return write_pictures(tmp_path_factory.mktemp("striped"), CLASSES, {"train": 14, "val": 8}, size=48)


def config_for(data: Path, **values) -> TrainConfig:
    return tiny_config(data, width=0.125, init="kaiming", norm="none", **values)


@pytest.fixture
def run_dir(striped: Path) -> Path:
    config = config_for(striped)
    folder = create_run(config, runs_dir() / "a-run")
    torch.manual_seed(3)
    write_checkpoint(folder / "checkpoints" / "best.pt", config)
    return folder


def kept_by(run_dir: Path) -> Doubt | None:
    return read_doubt(run_dir, Classifier(run_dir / "checkpoints" / "best.pt").weights)


def plain_noise(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (48, 48, 3), dtype=np.uint8))


def test_a_run_is_measured_and_left_as_it_is(run_dir: Path, striped: Path):
    before = (run_dir / "checkpoints" / "best.pt").read_bytes()
    watcher = Watcher()
    after_training(config_for(striped), run_dir, watcher)
    assert watcher.events == []
    assert watcher.phase == "measuring-doubt"
    assert (run_dir / "checkpoints" / "best.pt").read_bytes() == before
    doubt = kept_by(run_dir)
    assert doubt is not None
    assert doubt.novelty is not None
    assert (doubt.images, doubt.novelty.images, doubt.novelty.views) == (24, 42, 84)
    assert doubt.flagged <= 4

    # What it says of its own kind and of others, through the way that uploads take.
    network = asked_network("a-run", run_dir, run_dir / "checkpoints" / "best.pt")
    own = sorted(striped.glob("val/*/*.jpg"))
    others = [encoded(plain_noise(0), "PNG"), encoded(Image.new("RGB", (60, 60), (200, 30, 90)), "PNG")]
    contents = [*(path.read_bytes() for path in own), *others]
    batch = BatchPrediction([network], [from_bytes("x", lambda each=each: each, 1, 9) for each in contents])
    batch.advance()
    scores = [reply.novelty[0] for reply in batch.replies]
    assert sum(score > 0 for score in scores[:-2]) == doubt.flagged, "the check counts what a page would flag"
    assert min(scores[-2:]) > 0
    right = sum(
        reply.probabilities[0].argmax() == CLASSES.index(path.parent.name)
        for reply, path in zip(batch.replies, own, strict=False)
    )
    assert doubt.right == right


def test_views_of_validation_are_counted_apart(run_dir: Path, striped: Path, monkeypatch: pytest.MonkeyPatch):
    """A view that is another kind of image is flagged, and the plain images are not."""
    monkeypatch.setattr(doubt_measuring, "MOST_TRAINING", 40)
    view = doubt_measuring.chance_view
    calls = itertools.count()

    def strange(image: Image.Image, side: int, chance: np.random.Generator) -> Image.Image:
        return view(image, side, chance) if next(calls) < 80 else plain_noise(1)

    monkeypatch.setattr(doubt_measuring, "chance_view", strange)
    doubt = measure_run(read_run(run_dir), lambda _done, _total: None)
    assert doubt.novelty is not None
    assert doubt.novelty.images == 40
    assert doubt.flagged_views == 24 > doubt.flagged


def test_a_stop_ends_it_and_is_told(run_dir: Path, striped: Path):
    watcher = Watcher()
    watcher.words = ["", "stop"]
    after_training(config_for(striped), run_dir, watcher)
    assert [(each["type"], each["code"]) for each in watcher.events] == [("note", "run.doubt-not-measured")]
    assert not (run_dir / REFERENCE).exists()


def test_too_short_a_time_is_told_and_not_overrun(run_dir: Path, striped: Path):
    watcher = Watcher()
    after_training(config_for(striped, time_budget_s=1e-3), run_dir, watcher)
    (note,) = watcher.of("note")
    assert "time for 12 training images only, and it takes 40" in note["message"]
    assert not (run_dir / REFERENCE).exists()
    assert [kept_for_doubt(*each) for each in ((60, 40), (60, 39), (3600, 400), (0, 400))] == [6, 0, DOUBT_S, 0]


def test_whatever_fails_is_a_note(run_dir: Path, striped: Path, monkeypatch: pytest.MonkeyPatch):
    def full(_run_dir: Path, _doubt: Doubt) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(doubt_measuring, "write_doubt", full)
    watcher = Watcher()
    after_training(config_for(striped), run_dir, watcher)
    assert "No space left on device" in watcher.of("note")[0]["message"]


def test_a_run_of_few_images_costs_nothing(stripes: Path):
    """36 training images: no checkpoint is read, of which there is none here."""
    watcher = Watcher()
    after_training(config_for(stripes), create_run(config_for(stripes)), watcher)
    assert (watcher.events, watcher.phase) == ([], "")


def test_the_worker_measures_before_the_end_and_the_losses_stay_the_same(striped: Path, monkeypatch):
    def losses(name: str) -> tuple[list[float], list[str], Path]:
        folder = create_run(config_for(striped, epochs=1), runs_dir() / name)
        phases: list[str] = []
        assert worker.execute(folder, lambda phase, *_: phases.append(phase)) == "finished"
        events = [line for line in (folder / "events.jsonl").read_text().splitlines() if '"loss"' in line]
        return [line.split('"loss"')[1].split(",")[0] for line in events], phases, folder

    measured, phases, folder = losses("with")
    assert phases[-1] == "measuring-doubt"
    assert kept_by(folder) is not None
    monkeypatch.setattr(doubt_measuring, "after_training", lambda *_: None)
    plain, _, other = losses("without")
    assert plain == measured
    assert not (other / REFERENCE).exists()


def test_an_old_run_is_measured_once_and_predicts_with_it(run_dir: Path, striped: Path, tmp_path: Path):
    (tmp_path / "noise.png").write_bytes(encoded(plain_noise(0), "PNG"))
    own = sorted(striped.glob("val/*/*.jpg"))
    before = done("predict", "a-run", own[0], "--json").json["predictions"][0]
    assert before["novelty"] == {"verdict": "not measured", "score": None, "unsure": False}
    said = done("predict", "a-run", own[0])
    assert said.out.endswith(" [not measured]\n")
    assert "python -m alexcore reference" in said.err
    told = done("reference", "a-run", "--json").json
    assert told["novelty"]["training_images"] == 42
    written = (run_dir / REFERENCE).stat().st_mtime_ns
    done("reference", "a-run")
    assert (run_dir / REFERENCE).stat().st_mtime_ns == written
    strange, *plain = done("predict", "a-run", tmp_path / "noise.png", *own, "--json").json["predictions"]
    assert strange["novelty"]["verdict"] == "unlike"
    assert strange["novelty"]["score"] > 0
    assert sum(each["novelty"]["verdict"] == "not flagged" for each in plain) >= 20
    said = done("predict", "a-run", tmp_path / "noise.png")
    assert "[unlike" in said.out
    assert "do not trust what it predicts." in said.err
    assert "Of 24 validation images, " in said.err
    rows = done("predict", "a-run", tmp_path / "noise.png", "--csv").out.splitlines()
    assert rows[0].endswith(",error,novelty,novelty_score,unsure")
    assert ",unlike," in rows[1]
    # Weights that change are another network.
    torch.manual_seed(4)
    write_checkpoint(run_dir / "checkpoints" / "best.pt", config_for(striped))
    assert done("predict", "a-run", own[0], "--json").json["predictions"][0]["novelty"]["verdict"] == "not measured"


def test_what_came_into_the_data_since_is_not_what_it_learned_from(run_dir: Path, striped: Path, tmp_path: Path):
    grown = shutil.copytree(striped, tmp_path / "grown")
    for number in range(30):
        (grown / "train" / CLASSES[0] / f"new{number}.png").write_bytes(encoded(plain_noise(number), "PNG"))
    config = config_for(grown)
    write_checkpoint(run_dir / "checkpoints" / "best.pt", config)
    paths = sorted(striped.glob("train/*/*.jpg"))
    remember_seen(run_dir, map(str, paths), {str(path): content_hash(path) for path in paths})
    doubt = measure_run(read_run(run_dir), lambda _done, _total: None)
    assert doubt.novelty is not None
    assert (doubt.novelty.images, doubt.images) == (42, 24)


def test_a_run_at_work_is_left_alone(run_dir: Path):
    from filelock import FileLock

    with FileLock(run_dir / ".lock"), pytest.raises(RunError, match="still at work"):
        measure_run(read_run(run_dir), lambda _done, _total: None)


def test_described_is_what_a_prediction_sees(run_dir: Path, striped: Path):
    classifier = Classifier(run_dir / "checkpoints" / "best.pt")
    images = [plain_noise(number) for number in range(3)]
    probabilities, rows = described(classifier, images)
    assert probabilities == pytest.approx(classifier.probabilities(images).numpy(), abs=1e-6)
    assert rows.pixels.shape == (3, 14)
    assert rows.channels.shape[0] == 3
