"""Values beyond 8 bits are scaled by one rule for a set, which a person can see and choose; 8 bits stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from alexcore.analysis.prediction import Classifier
from alexcore.analysis.run_evaluation import answer_pictures
from alexcore.config import load_config, make_config
from alexcore.data.decoding.decoded import DecodedPictures
from alexcore.data.decoding.images import read_picture
from alexcore.data.decoding.intensity import background_for, choose, with_rendering, without_strays
from alexcore.data.decoding.levels import PLAIN, Rendering, scaled
from alexcore.data.decoding.thumbnails import thumbnail
from alexcore.data.sources import open_checked, open_source
from alexcore.data.statistics import measure
from alexcore.errors import ConfigError, DataError
from alexcore.files import read_json, write_json
from alexcore.run_intensity import joined, window_of
from alexcore.runs.store import create_run
from alexcore.training.checkpoint import load_checkpoint, save_checkpoint
from alexcore.training.loop import fit
from tests.support.command_line import done, refused
from tests.support.files_in_the_wild import blocks, saved
from tests.support.interrupted_runs import Watcher, at_step
from tests.support.run_folders import tiny_config

Values = npt.NDArray[Any]
Make = Callable[[np.random.Generator], Values]


def written(root: Path, make: Make, ending: str = "tif", per_class: int = 6) -> Path:
    luck = np.random.default_rng(1)
    for split, count in (("train", per_class), ("val", 2)):
        for name in ("a", "b"):
            folder = root / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                Image.fromarray(make(luck)).save(folder / f"{number}.{ending}")
    return root


def means(root: Path, rendering: Rendering) -> list[float]:
    return [float(np.asarray(read_picture(file, rendering=rendering).image).mean()) / 255 for file in root.rglob("*.*")]


def whole(low: int, high: int, kind: str = "uint16") -> Make:
    return lambda luck: luck.integers(low, high + 1, (40, 50)).astype(kind)


def with_hot_pixels(luck: np.random.Generator) -> Values:
    values = luck.integers(0, 1024, (40, 50)).astype(np.uint16)
    values[0, :2] = 65535, 60000
    return values


def with_nodata(luck: np.random.Generator) -> Values:
    values = luck.random((40, 50)).astype(np.float32)
    values[:3] = -3.4e38
    values[5, :10] = np.nan
    return values


CASES: dict[str, tuple[Make, tuple[str, float, float], str]] = {
    "12 of 16 bits": (whole(0, 4080), ("16-bit", 0, 4095), "values 0 to 4080 of 65535: scaled as 12 bits (0 to 4095)"),
    "16 bits": (whole(0, 65535), ("16-bit", 0, 65535), "scaled as 16 bits"),
    "8 of 16 bits": (whole(0, 255), ("16-bit", 0, 255), "scaled as 8 bits"),
    "hot pixels": (with_hot_pixels, ("16-bit", 0, 1023), "scaled as 10 bits"),
    "a thermometer": (whole(29_000, 30_999), ("16-bit", 29_001, 30_998), "scaled from 290"),
    "Hounsfield": (whole(-1024, 3071, "int32"), ("32-bit", -1020, 3067), "scaled from -10"),
    "nodata": (with_nodata, ("floating-point", 0, 1), "scaled from 0 to 1"),
}


@pytest.mark.parametrize("case", CASES)
def test_auto_finds_the_window_of_the_set_and_says_it(tmp_path, case):
    make, (kind, low, high), said = CASES[case]
    root = written(tmp_path / "set", make)
    index = open_checked(root)
    ((found_kind, found_low, found_high),) = index.rendering.windows
    assert found_kind.removeprefix("signed ") == kind
    assert (found_low, found_high) == (pytest.approx(low, abs=9 if low else 0), pytest.approx(high, rel=1e-3))
    (note,) = [each for each in index.problems if each.code == "data.intensity"]
    assert said in note.message
    assert all(0.05 < mean < 0.95 for mean in means(root, index.rendering))
    index.require_trainable()


def test_without_it_the_same_pictures_would_be_black(tmp_path):
    root = written(tmp_path / "set", CASES["hot pixels"][0])
    assert max(means(root, PLAIN)) < 0.02
    index = open_checked(root, intensity="type")
    (problem,) = [each for each in index.problems if each.severity == "error"]
    assert problem.code == "data.nearly-constant"
    with pytest.raises(DataError, match="nearly constant once they are decoded"):
        index.require_trainable()
    assert "--intensity type" in problem.hint


@pytest.mark.parametrize(
    ("intensity", "window"),
    [("type", (0, 65535)), ("minmax", (0, 65535)), ("window 100 900.5", (100, 900.5)), ("auto", (0, 1023))],
)
def test_the_rule_is_the_one_that_was_chosen(tmp_path, intensity, window):
    rendering, _ = choose(open_source(written(tmp_path / "set", with_hot_pixels)), intensity)
    assert rendering.windows == (("16-bit", *window),)


def test_the_values_of_a_window_are_levels():
    values = np.array([-5.0, 100, 150, 200, 1e9, np.nan, np.inf, -np.inf])
    assert scaled(values, (100, 200)).tolist() == [0, 0, 128, 255, 255, 0, 255, 0]
    full = np.arange(65536, dtype=np.uint16)
    assert scaled(full, (0, 65535)).tolist() == np.rint(full.astype(np.float32) / 257).astype(np.uint8).tolist()


def test_strays_go_and_values_stay():
    ordinary = np.arange(1000.0)
    for stray in ([-9999.0], [-3.4e38] * 300, [65535.0], [65535.0, -32768.0]):
        assert without_strays(np.concatenate([ordinary, stray])).tolist() == ordinary.tolist()
    for values in (ordinary, np.array([0.0, 65535.0] * 50), np.r_[np.zeros(2000), ordinary + 5000]):
        assert without_strays(values).tolist() == values.tolist()


def test_ordinary_pictures_have_the_plain_rule_and_keep_each_bit(stripes, tmp_path):
    index = open_checked(stripes)
    assert index.rendering == PLAIN
    assert not index.problems
    for kind in ("PNG", "BMP", "WEBP"):
        data = saved(blocks(3), kind)
        rule = Rendering((("16-bit", 0, 99), ("floating-point", 0, 1)), "black")
        assert read_picture(data, rendering=rule).image.tobytes() == read_picture(data).image.tobytes()


def test_the_rule_is_remembered_and_follows_the_files(tmp_path, monkeypatch):
    root = written(tmp_path / "set", whole(0, 4080))
    first = with_rendering(open_source(root))
    monkeypatch.setattr("alexcore.data.decoding.intensity.choose", lambda *_: pytest.fail("looked again"))
    again = with_rendering(open_source(root))
    assert (again.rendering, again.problems) == (first.rendering, first.problems)
    with pytest.raises(pytest.fail.Exception):
        with_rendering(open_source(root), "type")


def test_what_is_kept_of_pixels_is_kept_by_the_rule(tmp_path):
    root = written(tmp_path / "set", whole(0, 4080))
    path, rule = root / "train/a/0.tif", Rendering((("16-bit", 0, 4095),))
    plain, ruled = (DecodedPictures(8, tmp_path / "cache", each) for each in (PLAIN, rule))
    assert plain.read(path).tobytes() != ruled.read(path).tobytes()
    assert ruled.read(path).tobytes() == read_picture(path, rendering=rule).image.tobytes()
    assert thumbnail(path) != thumbnail(path, rendering=rule)
    index = open_checked(root)
    assert measure(index, image_size=32).mean[0] == pytest.approx(0.5, abs=0.05)
    assert measure(open_source(root), image_size=32).mean[0] < 0.1


def test_a_set_of_masks_is_refused_and_one_of_plain_colours_is_not(tmp_path):
    masks = written(tmp_path / "masks", lambda luck: luck.integers(0, 3, (40, 50)).astype(np.uint8), "png")
    with pytest.raises(DataError, match="nearly constant") as caught:
        open_checked(masks).require_trainable()
    assert "masks" in caught.value.hint
    shades = iter(range(0, 255, 10))
    plain = written(tmp_path / "plain", lambda _: np.full((40, 50), next(shades), np.uint8), "png")
    open_checked(plain).require_trainable()


# Transparency -----------------------------------------------------------------------------------------------------


def drawn(colour: tuple[int, int, int]) -> Image.Image:
    layer = Image.new("RGBA", (40, 40), (*colour, 0))
    layer.paste((*colour, 255), (10, 10, 25, 30))
    return layer


@pytest.mark.parametrize(
    ("colours", "background"),
    [([(255, 255, 255)], "black"), ([(0, 0, 0)], "white"), ([(0, 0, 0), (200, 30, 30), (255, 255, 255)], "white")],
)
def test_transparency_is_put_on_white_unless_that_hides_the_set(tmp_path, colours, background):
    assert background_for([drawn(colour) for colour in colours]) == background
    for split in ("train", "val"):
        for name in ("a", "b"):
            for number, colour in enumerate(colours * 2):
                file = tmp_path / "set" / split / name / f"{number}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                drawn(colour).save(file)
    index = open_checked(tmp_path / "set")
    assert index.rendering.background == background
    told = [each for each in index.problems if each.code == "data.transparency"]
    assert [each.values["background"] for each in told] == ([background] if background != "white" else [])
    index.require_trainable()
    assert f"transparency on {background}" in read_picture(file, rendering=index.rendering).notes


# A run ------------------------------------------------------------------------------------------------------------


def test_a_run_keeps_its_rule_for_its_resume_and_for_whoever_uses_it(tmp_path):
    root = written(tmp_path / "set", whole(0, 1000))
    config = tiny_config(root, epochs=2, intensity="window 0 2000")
    folder, watcher = create_run(config), Watcher(at_step(2))
    assert fit(config, folder, watcher) == "stopped"
    assert "data.intensity" in [event["code"] for event in watcher.of("note")]
    rule = {"windows": [["16-bit", 0.0, 2000.0]], "background": "white"}
    kept = read_json(folder / "env.json") or {}
    assert kept["rendering"] == rule
    last = folder / "checkpoints" / "last.pt"
    save_checkpoint(last, {**load_checkpoint(last), "rendering": {**rule, "background": "gray"}})
    (folder / "env.json").write_text("{", encoding="utf-8")
    assert fit(config, folder, Watcher(), resume=True) == "finished"
    classifier = Classifier(folder / "checkpoints" / "last.pt")
    assert classifier.rendering == Rendering((("16-bit", 0.0, 2000.0),), "gray"), "that of the run, not chosen anew"
    classifier = Classifier(folder / "checkpoints" / "best.pt")
    answers = answer_pictures(folder / "checkpoints" / "best.pt")
    image = read_picture(root / answers.table["path"][0], rendering=classifier.rendering).image
    assert answers.table["probability"][0] == pytest.approx(float(classifier.probabilities([image]).max()), abs=1e-5)
    (reply,) = done("predict", str(folder), str(root / answers.table["path"][0]), "--json").json["predictions"]
    assert reply["top"][0]["probability"] == pytest.approx(answers.table["probability"][0], abs=1e-5)


def test_a_run_of_an_earlier_version_reads_as_it_did(tmp_path):
    write_json(tmp_path / "config.json", {"data": "somewhere"})
    assert load_config(tmp_path / "config.json").intensity == "each"
    root = written(tmp_path / "set", whole(0, 1000))
    assert open_checked(root, intensity="each").rendering == PLAIN
    for kept in (
        None,
        {},
        {"windows": [["16-bit", 5, 5]], "background": "white"},
        {"windows": [], "background": "red"},
    ):
        assert Rendering.of(kept) == PLAIN


# What a person types ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["auto", "type", "minmax", "each", "window 0 4095", "window -1024 3071.5"])
def test_what_the_setting_may_be(text):
    assert make_config(data="x", intensity=text).intensity == text


@pytest.mark.parametrize("text", ["", "window", "window 5", "window 5 5", "window a b", "window 0 inf", "AUTO", "0 5"])
def test_what_it_may_not_be(text):
    assert window_of(text) is None
    with pytest.raises(ConfigError, match="intensity"):
        make_config(data="x", intensity=text)


def test_a_window_is_typed_as_three_words(tmp_path):
    assert joined(["a", "--intensity", "window", "-5", "7", "b"]) == ["a", "--intensity=window -5 7", "b"]
    assert joined(["--intensity=window", "0", "9"]) == ["--intensity=window 0 9"]
    assert joined(["--intensity", "auto", "x"]) == ["--intensity", "auto", "x"]
    root = written(tmp_path / "set", whole(0, 1000))
    found = done("data", "info", "--intensity", "window", "-24", "1000", str(root), "--json").json
    assert "scaled from -24 to 1000" in str(found["problems"])
    assert "must be one of auto" in refused("data", "stats", str(root), "--intensity", "window 9 3")
