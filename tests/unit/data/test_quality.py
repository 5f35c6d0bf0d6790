"""The quality scan finds what is wrong with a picture, and nothing that is not; it measures a picture only once."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from alexcore.data.index import DataIndex
from alexcore.data.inspection import quality_groups, quality_measures
from alexcore.data.inspection.quality import known_findings, scan
from alexcore.data.inspection.quality_measures import known_measures
from alexcore.findings.pictures import KINDS, Pictures
from alexcore.home import cache_dir
from alexcore.words.findings import SAID
from tests.support.repository import REPOSITORY
from tests.support.small_trees import open_folder


def scene(seed: int, size: tuple[int, int] = (240, 200)) -> Image.Image:
    """Coloured shapes at random places: sharp, bright, and unlike the scene of any other seed."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", size, tuple(int(level) for level in rng.integers(60, 200, 3)))
    pen = ImageDraw.Draw(image)
    for _ in range(14):
        x, y = int(rng.integers(-40, size[0])), int(rng.integers(-40, size[1]))
        width, height = (int(side) for side in rng.integers(30, 110, 2))
        colour = tuple(int(level) for level in rng.integers(0, 256, 3))
        (pen.ellipse if rng.random() < 0.5 else pen.rectangle)((x, y, x + width, y + height), fill=colour)
    # Photographs have a grain; without one, a large area of one tone would count as empty.
    grain = rng.normal(0, 5, (size[1], size[0], 3))
    return Image.fromarray((np.asarray(image) + grain).clip(0, 255).astype(np.uint8))


def save(image: Image.Image, path: Path, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


def faded(image: Image.Image, factor: float) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(factor)


def washed_out(image: Image.Image, low: int) -> Image.Image:
    return image.point(lambda level: low + level * (255 - low) // 255)


def nearly_plain(dot: int) -> Image.Image:
    image = Image.new("RGB", (240, 200), "#406080")
    noise = scene(77, (dot, dot))
    image.paste(noise, (100, 80))
    return image


def oriented(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


def write_sick(root: Path) -> dict[str, set[str]]:
    """Write a data set in which each picture has at most one fault; return its faults, as kind -> paths."""
    faults: dict[str, set[str]] = {kind: set() for kind in KINDS}
    seed = iter(range(100, 200))

    def add(
        kind: str, name: str, change: Callable[[Image.Image], Image.Image] | None = None, **options: object
    ) -> Path:
        image = scene(next(seed), options.pop("size", (240, 200)))  # type: ignore[arg-type]
        path = save(change(image) if change else image, root / "train" / "a" / name, **options)
        if kind:
            faults[kind].add(path.relative_to(root).as_posix())
        return path

    for number in range(12):
        save(scene(number), root / ("val" if number < 3 else "train") / ("a" if number % 2 else "b") / f"{number}.jpg")
    add("dark", "night.jpg", lambda image: faded(image, 0.2))
    add("", "evening.jpg", lambda image: faded(image, 0.55))
    add("light", "fog.jpg", lambda image: washed_out(image, 215))
    add("", "haze.jpg", lambda image: washed_out(image, 90))
    add("blurry", "soft.jpg", lambda image: image.filter(ImageFilter.GaussianBlur(4)))
    add("", "softer.jpg", lambda image: image.filter(ImageFilter.GaussianBlur(0.5)))
    # Fog lowers every edge, but blurs none.
    add("", "flat.jpg", lambda image: ImageEnhance.Contrast(image).enhance(0.3))
    add("low_information", "plain.png", lambda image: nearly_plain(40))
    add("", "lonely.png", lambda image: nearly_plain(150))
    add("grayscale", "gray.jpg", lambda image: image.convert("L"))
    add("grayscale", "gray-rgb.png", lambda image: image.convert("L").convert("RGB"))
    add("", "sepia.jpg", lambda image: ImageOps.colorize(image.convert("L"), "#201000", "#ffe8c8"))
    add("odd_size", "large.jpg", size=(1200, 1000))
    add("odd_size", "tiny.png", lambda image: image.resize((30, 25)))
    add("", "double.jpg", size=(480, 400))
    add("odd_aspect", "banner.jpg", size=(500, 150))
    add("odd_aspect", "tower.jpg", size=(150, 500))
    add("", "wide.jpg", size=(400, 150))
    add("wrong_extension", "really-a-png.jpg", format="PNG")
    add("wrong_extension", "really-a-jpeg.png", format="JPEG")
    add("", "right.jpeg")
    add("exif_rotated", "turned.jpg", exif=oriented(6))
    add("exif_rotated", "mirrored.jpg", exif=oriented(2))
    add("", "upright.jpg", exif=oriented(1))
    torn = add("truncated", "torn.jpg")
    torn.write_bytes(torn.read_bytes()[:-900])
    half = add("truncated", "half.png")
    half.write_bytes(half.read_bytes()[: half.stat().st_size // 2])
    add("undecodable", "text.jpg").write_text("no picture")
    add("undecodable", "empty.jpg").write_bytes(b"")
    add("undecodable", "empty too.jpg").write_bytes(b"")
    return {kind: paths for kind, paths in faults.items() if paths}


@dataclass
class Sick:
    index: DataIndex
    faults: dict[str, set[str]]
    findings: dict[str, Pictures]


@pytest.fixture(scope="module")
def sick(tmp_path_factory) -> Sick:
    root = tmp_path_factory.mktemp("sick")
    faults = write_sick(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALEXCORE_HOME", str(tmp_path_factory.mktemp("home")))
        index = open_folder(root)
        return Sick(index, faults, {finding.kind: finding for finding in scan(index)})


def test_each_fault_is_found_and_nothing_else(sick):
    assert {kind: set(finding.paths) for kind, finding in sick.findings.items()} == sick.faults


def test_findings_come_in_the_order_of_the_kinds_with_their_titles(sick):
    assert list(sick.findings) == [kind for kind in KINDS if kind in sick.faults]
    assert all(finding.title() == KINDS[kind].title() for kind, finding in sick.findings.items())
    assert {kind for kind, finding in sick.findings.items() if finding.severity == "warning"} == {
        "undecodable",
        "truncated",
    }


@pytest.mark.parametrize(
    ("kind", "parts"),
    [
        ("undecodable", ["3 pictures cannot be decoded", "empty (0 bytes)", "copy the files again"]),
        ("truncated", ["2 pictures end too early", "cut off", "copy the files again"]),
        ("dark", ["1 picture is dark", "95 % of the pixels", "below 35 % of full scale", "Brighten"]),
        ("light", ["1 picture is light", "95 % of the pixels", "brighter than 70 % of full scale"]),
        ("blurry", ["1 picture has no sharp detail", "256 px", "99.9th percentile", "58 % of full scale", "Look"]),
        ("low_information", ["1 picture is nearly empty", "less than 2 bits", "at most 8", "Crop"]),
        ("grayscale", ["2 pictures have no colour", "less than 2.5 % of full scale", "check"]),
        ("odd_size", ["2 pictures have an unusual size", "4 times", "the usual 219 px", "median"]),
        ("odd_aspect", ["2 pictures are very long", "3 times", "Crop"]),
        ("wrong_extension", ["2 pictures have the extension of another format", "Rename"]),
        ("exif_rotated", ["2 pictures are stored turned", "EXIF", "Save them upright"]),
    ],
)
def test_a_sentence_says_how_many_by_which_threshold_and_what_to_do(sick, kind, parts):
    for part in parts:
        assert part in sick.findings[kind].sentence
    assert sick.findings[kind].surplus == sick.findings[kind].paths


def test_no_sentence_has_a_gap_left(sick):
    for finding in sick.findings.values():
        assert finding.sentence.endswith(".")
        assert not re.search(r"[{}]|  |\(\)|\"\"|nan", finding.sentence)


def test_what_all_pictures_have_is_no_finding(tmp_path):
    for number in range(4):
        image = scene(number).convert("L")
        save(image, tmp_path / ("val" if number == 3 else "train") / "ab"[number % 2] / f"{number}.jpg")
    assert scan(open_folder(tmp_path)) == []


SAME: dict[str, Callable[[Image.Image], tuple[Image.Image, dict[str, object]]]] = {
    "compressed": lambda image: (image, {"quality": 35}),
    "smaller": lambda image: (image.resize((150, 125), Image.Resampling.LANCZOS), {}),
    "larger": lambda image: (image.resize((400, 334), Image.Resampling.BICUBIC), {}),
    "brighter": lambda image: (faded(image, 1.15), {}),
    "darker": lambda image: (faded(image, 0.8), {}),
    "without colour": lambda image: (ImageOps.colorize(image.convert("L"), "#100010", "#ffe0ff"), {}),
    "turned by EXIF": lambda image: (image.transpose(Image.Transpose.ROTATE_90), {"exif": oriented(6)}),
}


@pytest.fixture
def plain_set(tmp_path) -> Path:
    """Eight different scenes: two classes, three splits, no fault."""
    for number, split in enumerate(["train"] * 4 + ["val"] * 2 + ["test"] * 2):
        save(scene(number), tmp_path / "set" / split / "ab"[number % 2] / f"{number}.jpg", quality=92)
    return tmp_path / "set"


def findings_of(root: Path) -> dict[str, Pictures]:
    return {finding.kind: finding for finding in scan(open_folder(root))}


def test_different_pictures_are_no_duplicates(plain_set):
    assert findings_of(plain_set) == {}


@pytest.mark.parametrize("how", SAME)
def test_a_changed_copy_is_a_near_duplicate(plain_set, how):
    image, options = SAME[how](scene(0))
    save(image, plain_set / "train" / "a" / "copy.jpg", **options)
    found = findings_of(plain_set)
    assert [set(group) for group in found["near_duplicates"].groups] == [{"train/a/0.jpg", "train/a/copy.jpg"}]
    assert set(found) - {"exif_rotated"} == {"near_duplicates"}


def test_an_equal_file_is_an_exact_duplicate_and_no_near_one(plain_set):
    shutil.copy(plain_set / "train/a/0.jpg", plain_set / "train/a/copy.jpg")
    found = findings_of(plain_set)
    (finding,) = found.values()
    assert (finding.kind, finding.severity) == ("exact_duplicates", "warning")
    assert finding.groups == (("train/a/0.jpg", "train/a/copy.jpg"),)
    assert finding.paths == finding.groups[0]
    assert finding.surplus == ("train/a/copy.jpg",)
    assert finding.sentence.startswith("There is 1 picture (2 files) of which the files are equal byte by byte.")
    assert "Leave out the 1 that" in finding.sentence


def test_of_near_duplicates_the_largest_is_kept(plain_set):
    for name, size in (("a-small", (120, 100)), ("z-large", (480, 400))):
        save(scene(0).resize(size), plain_set / "train" / "a" / f"{name}.jpg")
    finding = findings_of(plain_set)["near_duplicates"]
    assert finding.groups == (("train/a/z-large.jpg", "train/a/0.jpg", "train/a/a-small.jpg"),)
    assert finding.surplus == ("train/a/0.jpg", "train/a/a-small.jpg")
    assert "2 are superfluous" in finding.sentence
    assert finding.severity == "info"


@pytest.mark.parametrize("exact", [True, False])
def test_a_leak_is_found_and_the_training_copies_can_be_spared(plain_set, exact):
    source = plain_set / "train/a/0.jpg"
    for name in ("val/a/x.jpg", "train/a/y.jpg"):
        if exact:
            shutil.copy(source, plain_set / name)
        else:
            save(faded(scene(0), 0.9), plain_set / name, quality=70)
    found = findings_of(plain_set)
    leak = found["leak"]
    assert leak.groups == (("val/a/x.jpg", "train/a/0.jpg", "train/a/y.jpg"),)
    assert leak.surplus == ("train/a/0.jpg", "train/a/y.jpg")
    assert leak.severity == "warning"
    assert "There is 1 picture (3 files) of which copies lie in more than one split" in leak.sentence
    assert "Leave out the 2 that can be spared" in leak.sentence
    assert "label_conflict" not in found
    kept = open_folder(plain_set)
    kept = replace(kept, files=kept.files[~kept.files["path"].isin(leak.surplus)])
    assert "leak" not in {finding.kind for finding in scan(kept)}


def test_between_val_and_test_the_copy_in_val_is_spared(plain_set):
    shutil.copy(plain_set / "val/a/4.jpg", plain_set / "test/a/z.jpg")
    assert findings_of(plain_set)["leak"].surplus == ("val/a/4.jpg",)


@pytest.mark.parametrize("exact", [True, False])
def test_one_picture_under_two_labels_is_found(plain_set, exact):
    if exact:
        shutil.copy(plain_set / "train/a/0.jpg", plain_set / "train/b/copy.jpg")
    else:
        save(scene(0).resize((200, 167)), plain_set / "train/b/copy.jpg")
    found = findings_of(plain_set)
    conflict = found["label_conflict"]
    assert conflict.groups == (("train/a/0.jpg", "train/b/copy.jpg"),)
    assert set(conflict.surplus) == set(conflict.paths)  # nobody knows which label is right
    assert "(a, b)" in conflict.sentence
    assert conflict.severity == "warning"
    assert set(found) == {"label_conflict", "exact_duplicates" if exact else "near_duplicates"}


def test_plain_surfaces_are_not_taken_for_copies_of_each_other(plain_set):
    for colour in ("#305070", "#a05030"):
        save(Image.new("RGB", (240, 200), colour), plain_set / "train" / "a" / f"{colour[1:]}.png")
    found = findings_of(plain_set)
    assert set(found) == {"low_information"}
    assert set(found["low_information"].paths) == {"train/a/305070.png", "train/a/a05030.png"}


@pytest.mark.parametrize("kind", ["leak", "label_conflict", "near_duplicates"])
def test_the_words_name_the_limits_that_are_used(kind):
    said = SAID[KINDS[kind].code].message
    assert f"at most {quality_groups.PHASH_BITS} of 64" in said
    assert f"at most {quality_groups.DHASH_BITS} of 128" in said


class Counted:
    """Counts which pictures are measured."""

    def __init__(self, monkeypatch, interrupt_at: str = "") -> None:
        self.names: list[str] = []
        real = quality_measures.measure

        def measure(path: Path, **more: object) -> dict[str, object]:
            if path.name == interrupt_at:
                raise KeyboardInterrupt
            self.names.append(path.name)
            return real(path, **more)

        monkeypatch.setattr(quality_measures, "measure", measure)


def test_a_second_scan_decodes_nothing_and_finds_the_same(sick, monkeypatch):
    first = scan(sick.index)
    counted = Counted(monkeypatch)
    assert scan(open_folder(sick.index.root)) == first
    assert counted.names == []
    assert {finding.kind: finding for finding in first} == sick.findings


def test_only_new_and_changed_files_are_measured(plain_set, monkeypatch):
    scan(open_folder(plain_set))
    save(scene(50), plain_set / "train" / "a" / "new.jpg")
    save(faded(scene(1), 0.1), plain_set / "train" / "b" / "1.jpg")
    counted = Counted(monkeypatch)
    found = findings_of(plain_set)
    assert sorted(counted.names) == ["1.jpg", "new.jpg"]
    assert found["dark"].paths == ("train/b/1.jpg",)


def test_a_part_of_the_data_set_is_known_and_does_not_make_the_rest_forgotten(plain_set, monkeypatch):
    index = open_folder(plain_set)
    scan(index)
    counted = Counted(monkeypatch)
    save(scene(50), plain_set / "train" / "a" / "new.jpg")
    whole = open_folder(plain_set)
    scan(replace(whole, files=whole.files[whole.files["path"].str.contains("train/a")].reset_index(drop=True)))
    scan(whole)
    assert counted.names == ["new.jpg"]


def test_an_interrupted_scan_goes_on_where_it_was(plain_set, monkeypatch):
    monkeypatch.setattr(quality_measures, "BATCH", 2)
    index = open_folder(plain_set)
    last = Path(index.files["path"].iloc[-1]).name
    with monkeypatch.context() as patch:
        Counted(patch, interrupt_at=last)
        with pytest.raises(KeyboardInterrupt):
            scan(index)
    assert known_findings(index) is None
    counted = Counted(monkeypatch)
    assert scan(index) == []
    assert len(counted.names) == 2  # the batch that was interrupted


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_killed_scan_goes_on_where_it_was(stripes, monkeypatch):
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from alexcore.data.inspection import quality, quality_measures\n"
        "from tests.support.small_trees import open_folder\n"
        "quality_measures.BATCH, quality_measures.SAVE_EVERY_S = 8, 0.0\n"
        "def stop(done, total):\n"
        "    if done >= 16: os.kill(os.getpid(), signal.SIGKILL)\n"
        "quality.scan(open_folder(Path(sys.argv[1])), stop)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(stripes)], env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, timeout=120
    )
    assert done.returncode == -signal.SIGKILL
    counted = Counted(monkeypatch)
    scan(open_folder(stripes))
    assert len(counted.names) == 40  # of 48, the first 8 were saved before the second batch was reported


def test_progress_rises_to_the_total_and_the_end_comes_last(stripes, monkeypatch):
    monkeypatch.setattr(quality_measures, "BATCH", 10)
    index = open_folder(stripes)
    seen: list[tuple[int, int, bool]] = []
    scan(index, lambda done, total: seen.append((done, total, known_findings(index) is not None)))
    assert seen == [(0, 48, False), *((done, 48, False) for done in (10, 20, 30, 40, 47)), (48, 48, True)]


def test_findings_are_known_after_a_scan_and_only_for_these_files_splits_and_labels(sick, plain_set):
    assert known_findings(sick.index) is None
    assert known_measures(sick.index) is None
    findings = scan(sick.index)
    assert known_findings(open_folder(sick.index.root)) == findings
    files = sick.index.files
    assert known_findings(replace(sick.index, files=files.iloc[1:])) is None
    assert known_findings(replace(sick.index, files=files.assign(label=1 - files["label"]))) is None
    assert known_findings(replace(sick.index, files=files.assign(split="train"))) is None
    assert known_findings(open_folder(plain_set)) is None


@pytest.mark.parametrize("junk", [b"", b"{", b"[]", b"{}", b'{"findings": 3}', b'{"findings": [{"kind": "dark"}]}'])
def test_damaged_caches_are_made_again(plain_set, junk):
    save(faded(scene(60), 0.1), plain_set / "train" / "a" / "night.jpg")
    index = open_folder(plain_set)
    findings = scan(index)
    for file in (cache_dir() / "quality").iterdir():
        file.write_bytes(junk)
    assert known_findings(index) is None
    assert known_measures(index) is None
    assert scan(index) == findings == known_findings(index)


def test_measures_are_in_the_order_of_the_index_and_in_percent(sick):
    scan(sick.index)
    shuffled = replace(sick.index, files=sick.index.files.sample(frac=1, random_state=0))
    measures = known_measures(shuffled)
    assert measures is not None
    assert measures["path"].tolist() == shuffled.files["path"].tolist()
    rows = measures.set_index("path")
    assert rows.loc["train/a/turned.jpg", ["width", "height", "rotated"]].tolist() == [200, 240, True]
    assert rows.loc["train/a/large.jpg", ["width", "height", "rotated"]].tolist() == [1200, 1000, False]
    with Image.open(sick.index.path_of("train/a/fog.jpg")) as image:
        mean = np.asarray(image.convert("L")).mean() / 255 * 100
    assert rows.loc["train/a/fog.jpg", "luma_mean"] == pytest.approx(mean, abs=0.01)
    assert pd.isna(rows.loc["train/a/text.jpg", "luma_mean"])


def test_a_vanished_file_is_reported_but_not_remembered(plain_set):
    index = open_folder(plain_set)
    victim = plain_set / "train/a/0.jpg"
    data, status = victim.read_bytes(), victim.stat()
    victim.unlink()
    (finding,) = scan(index)
    assert (finding.kind, finding.paths) == ("undecodable", ("train/a/0.jpg",))
    assert "No such file" in finding.sentence
    victim.write_bytes(data)
    os.utime(victim, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert scan(index) == []


def test_of_the_photographs_the_known_leaks_are_found(photographs):
    """Looked at: a dandelion with a spider, a sunflower under a blue sky, a white tulip before red ones."""
    index = open_folder(photographs)
    names = index.files["path"]
    leaked = names.str.contains("23192507093|17482158576|14925398|14741866338|7166552648")
    some = replace(index, files=index.files[leaked | (index.files.index % 40 == 0)].reset_index(drop=True))
    leaks = {finding.kind: finding for finding in scan(some)}["leak"]
    assert len(leaks.groups) == 3
    assert all({path.split("/")[0] for path in group} == {"train", "val"} for group in leaks.groups)
