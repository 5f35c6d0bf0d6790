"""The synthetic flowers: reproducible to the pixel, complete or absent, and not solved by colour."""

import hashlib
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageChops

from alexcore.data.flowers import synthetic
from alexcore.data.flowers.flower_scene import CLASSES, draw_flower
from alexcore.data.flowers.synthetic import write_flowers
from alexcore.errors import ConfigError, DataError

PACKAGE_ROOT = Path(synthetic.__file__).resolve().parents[3]


def _fingerprints(directory):
    return {
        path.relative_to(directory).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def small_set(tmp_path_factory):
    return write_flowers(tmp_path_factory.mktemp("sets") / "flowers", images_per_class=6, size=32, workers=1)


@pytest.fixture
def shelf(tmp_path):
    """A folder that holds nothing but what write_flowers puts there."""
    (tmp_path / "shelf").mkdir()
    return tmp_path / "shelf"


# ---------------------------------------------------------------- one picture


@pytest.mark.parametrize("class_name", CLASSES)
@pytest.mark.parametrize("size", [32, 97])
@pytest.mark.parametrize("difficulty", [0.0, 1.0])
def test_a_picture_is_rgb_of_the_size_asked_for(class_name, size, difficulty):
    image = draw_flower(class_name, size=size, difficulty=difficulty)
    assert (image.mode, image.size) == ("RGB", (size, size))
    assert np.asarray(image).std() > 5, "the picture is all but blank"


def test_many_pictures_of_every_class_can_be_drawn():
    # Rare branches (clocks, tulips from above, four heads, occlusion) only show up over many indices.
    for class_name in CLASSES:
        for index in range(12):
            draw_flower(class_name, size=32, index=index, seed=5, difficulty=index / 11)


@pytest.mark.parametrize("class_name", CLASSES)
def test_a_picture_follows_from_seed_class_and_index_alone(class_name):
    first = draw_flower(class_name, size=48, seed=3, index=4)
    draw_flower(class_name, size=48, seed=9, index=9)
    assert first.tobytes() == draw_flower(class_name, size=48, seed=3, index=4).tobytes()
    for other in ({"seed": 4, "index": 4}, {"seed": 3, "index": 5}):
        assert first.tobytes() != draw_flower(class_name, size=48, **other).tobytes()


def test_classes_differ_at_the_same_seed_and_index():
    assert len({draw_flower(name, size=48).tobytes() for name in CLASSES}) == len(CLASSES)


def test_another_size_shows_the_same_flowers():
    small = draw_flower("sunflowers", size=64, difficulty=0.0, index=2)
    large = draw_flower("sunflowers", size=128, difficulty=0.0, index=2).resize((64, 64), Image.Resampling.BOX)
    other = draw_flower("sunflowers", size=64, difficulty=0.0, index=3)

    def distance(image):
        return np.asarray(ImageChops.difference(small, image)).mean()

    assert distance(large) < distance(other) / 2


def test_difficulty_changes_the_picture():
    assert draw_flower("roses", size=48, difficulty=0.0) != draw_flower("roses", size=48, difficulty=1.0)


def test_colour_alone_does_not_tell_the_classes_apart():
    """A nearest-centroid classifier on a 64-colour histogram stays far below what shape makes possible."""

    def histogram(class_name, index):
        bins = np.asarray(draw_flower(class_name, size=40, index=index)).reshape(-1, 3) // 64
        counts = np.bincount(bins @ [16, 4, 1], minlength=64)
        return np.sqrt(counts / counts.sum())

    known = np.array([[histogram(name, index) for index in range(20)] for name in CLASSES])
    unseen = np.array([[histogram(name, index) for index in range(20, 30)] for name in CLASSES])
    gaps = np.linalg.norm(unseen[:, :, None] - known.mean(axis=1), axis=-1)
    acc1 = (gaps.argmin(axis=-1) == np.arange(len(CLASSES))[:, None]).mean()
    assert acc1 < 0.65


# ---------------------------------------------------------------- the set on disk


@pytest.mark.parametrize(("images_per_class", "train", "val"), [(2, 1, 1), (4, 3, 1), (5, 4, 1), (10, 8, 2)])
def test_every_fifth_image_goes_to_val_and_no_split_is_empty(shelf, images_per_class, train, val):
    directory = write_flowers(shelf / "set", images_per_class=images_per_class, size=32, workers=1)
    for class_name in CLASSES:
        names = {
            split: sorted(p.name for p in (directory / split / class_name).iterdir()) for split in ("train", "val")
        }
        assert (len(names["train"]), len(names["val"])) == (train, val)
        assert sorted(names["train"] + names["val"]) == [f"{class_name}_{i:04d}.jpg" for i in range(images_per_class)]


def test_the_set_holds_nothing_but_its_pictures_and_its_description(small_set):
    assert sorted(path.name for path in small_set.iterdir()) == ["dataset.json", "train", "val"]
    assert sorted(path.name for path in (small_set / "train").iterdir()) == sorted(CLASSES)
    assert json.loads((small_set / "dataset.json").read_text()) == {
        "name": "synthetic flowers",
        "generator_version": synthetic.GENERATOR_VERSION,
        "classes": list(CLASSES),
        "images_per_class": 6,
        "size": 32,
        "seed": 0,
        "difficulty": 0.5,
    }
    with Image.open(small_set / "val" / "roses" / "roses_0004.jpg") as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (32, 32))


def test_two_workers_draw_the_same_pixels_as_one(small_set, shelf):
    shared = write_flowers(shelf / "shared", images_per_class=6, size=32, workers=2)
    assert _fingerprints(shared) == _fingerprints(small_set)


def test_another_seed_gives_other_pixels(small_set, shelf):
    other = _fingerprints(write_flowers(shelf / "other", images_per_class=6, size=32, seed=1, workers=1))
    assert not set(other.values()) & set(_fingerprints(small_set).values())


def test_the_same_pictures_stand_in_a_smaller_set(small_set, shelf):
    fewer = _fingerprints(write_flowers(shelf / "fewer", images_per_class=5, size=32, workers=1))
    whole = _fingerprints(small_set)
    assert all(whole[name] == digest for name, digest in fewer.items() if name.endswith(".jpg"))


@pytest.mark.parametrize("workers", [1, 2])
def test_progress_rises_by_one_to_the_total(shelf, workers):
    seen = []
    write_flowers(
        shelf / "set",
        images_per_class=2,
        size=32,
        workers=workers,
        on_progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(done, 10) for done in range(1, 11)]


def test_workers_start_from_a_script_without_a_main_guard_and_without_torch(shelf):
    # Symptom guarded against: multiprocessing's "spawn" runs the caller's main module again in each worker.
    script = shelf / "script.py"
    script.write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "from alexcore.data.flowers.synthetic import write_flowers\n"
        "print('once')\n"
        f"write_flowers(Path({str(shelf / 'set')!r}), images_per_class=2, size=32, workers=2)\n"
        "print(sorted({'torch', 'streamlit'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=shelf,
        env=os.environ | {"PYTHONPATH": str(PACKAGE_ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.split("\n")[:2] == ["once", "[]"]
    assert len(list((shelf / "set").rglob("*.jpg"))) == 10


# ---------------------------------------------------------------- what can go wrong


@pytest.mark.parametrize(
    ("argument", "value", "limits"),
    [
        ("images_per_class", 1, "2..20000"),
        ("images_per_class", 20_001, "2..20000"),
        ("size", 31, "32..1024"),
        ("size", 1025, "32..1024"),
        ("seed", -1, "0..4294967295"),
        ("difficulty", 1.5, "0..1"),
        ("difficulty", math.nan, "0..1"),
        ("workers", 0, "1..256"),
    ],
)
def test_a_value_out_of_range_is_named_with_its_limits(shelf, argument, value, limits):
    with pytest.raises(ConfigError) as caught:
        write_flowers(shelf / "set", **{argument: value})
    assert caught.value.message == f"{argument} is {value}; it must lie in {limits}."
    assert caught.value.hint
    assert not list(shelf.iterdir())


@pytest.mark.parametrize("arguments", [{"size": 8}, {"index": -1}, {"seed": -1}, {"difficulty": -0.1}])
def test_a_single_picture_checks_its_arguments_too(arguments):
    (name,) = arguments
    with pytest.raises(ConfigError, match=f"^{name} is "):
        draw_flower("daisy", **arguments)


def test_an_unknown_class_is_named():
    with pytest.raises(ConfigError, match=r"'orchid'.*daisy, dandelion"):
        draw_flower("orchid")


def test_a_folder_that_holds_something_is_never_touched(shelf):
    (shelf / "mine").mkdir()
    (shelf / "mine" / "notes.txt").write_text("keep me")
    with pytest.raises(DataError, match="mine exists and is not empty") as caught:
        write_flowers(shelf / "mine", images_per_class=2, size=32)
    assert caught.value.hint
    assert _fingerprints(shelf).keys() == {"mine/notes.txt"}


def test_a_file_in_the_way_is_refused(shelf):
    (shelf / "mine").write_text("keep me")
    with pytest.raises(DataError, match="mine exists"):
        write_flowers(shelf / "mine", images_per_class=2, size=32)
    assert (shelf / "mine").read_text() == "keep me"


def test_an_empty_folder_is_filled_and_missing_parents_are_made(shelf):
    (shelf / "empty").mkdir()
    for directory in (shelf / "empty", shelf / "a" / "b" / "set"):
        assert write_flowers(directory, images_per_class=2, size=32) == directory
        assert len(list(directory.rglob("*.jpg"))) == 10


def test_a_parent_that_is_a_file_is_a_data_error(shelf):
    (shelf / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        write_flowers(shelf / "file" / "set", images_per_class=2, size=32)


def test_a_failing_draw_leaves_nothing_behind(shelf, monkeypatch):
    def fail_late(class_name, **arguments):
        if class_name == "tulips":
            raise ValueError("out of ink")
        return draw_flower(class_name, **arguments)

    monkeypatch.setattr(synthetic, "draw_flower", fail_late)
    with pytest.raises(ValueError, match="out of ink"):
        write_flowers(shelf / "set", images_per_class=2, size=32, workers=1)
    assert not list(shelf.iterdir())


def test_a_failing_worker_is_reported_and_leaves_nothing_behind(shelf, monkeypatch):
    monkeypatch.setattr(synthetic, "WORKER_CODE", "raise SystemExit('out of ink')")
    with pytest.raises(DataError, match="out of ink"):
        write_flowers(shelf / "set", images_per_class=2, size=32, workers=2)
    assert not list(shelf.iterdir())


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupt_leaves_nothing_behind(shelf, workers):
    def interrupt(done, total):
        assert not (shelf / "set").exists(), "a half set stands under the final name"
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_flowers(shelf / "set", images_per_class=50, size=32, workers=workers, on_progress=interrupt)
    assert not list(shelf.iterdir())


def test_an_interrupt_ends_the_workers_before_their_folder_goes(shelf, monkeypatch):
    started = []

    class Recorded(subprocess.Popen):
        def __init__(self, *args, **arguments):
            super().__init__(*args, **arguments)
            started.append(self)

    def interrupt(done, total):
        raise KeyboardInterrupt

    monkeypatch.setattr(synthetic.subprocess, "Popen", Recorded)
    with pytest.raises(KeyboardInterrupt) as caught:  # keeps the frames alive: nothing is collected by chance
        write_flowers(shelf / "set", images_per_class=400, size=32, workers=2, on_progress=interrupt)
    assert caught.tb is not None
    assert [process.returncode is None for process in started] == [False, False]
