"""The page Classify in every state, through the router: sources, answers, explanations, doubt, runs, weights."""

from __future__ import annotations

import bz2
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

from alexcore.analysis.doubt_measuring import described
from alexcore.analysis.prediction import Classifier
from alexcore.analysis.reference import build_reference
from alexcore.config import load_config
from alexcore.doubt.confidence import Threshold
from alexcore.doubt.kept import Doubt, write_doubt
from alexcore.doubt.novelty import fit_novelty
from alexcore.files import write_json
from alexcore.home import cache_dir, runs_dir
from tests.support.known_networks import write_known
from tests.support.odd_pictures import CORPUS, encoded, plain_red
from tests.support.opened_pages import errors_of, open_page, picture, text_of
from tests.support.run_folders import tiny_config, write_checkpoint, write_run
from ui.classify import picture_sources as classify_sources

PAGE = "pages/classify.py"
VALIDATION = {"classify_source": "Validation pictures"}


@pytest.fixture
def run(flowers: Path) -> Path:
    """A finished run on the small data set, whose checkpoint has random weights."""
    torch.manual_seed(0)
    return write_run("finished", "a-run", data=flowers, checkpoint=True)


def give(at: AppTest, *files: tuple[str, bytes]) -> AppTest:
    uploads = [(name, content, "application/octet-stream") for name, content in files]
    at.file_uploader(key="classify_upload").set_value(uploads).run()
    return at


def zipped(**files: bytes) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    return buffer.getvalue()


def bars(at: AppTest) -> int:
    return len(at.get("progress"))


# Sources ----------------------------------------------------------------------------------------------------------


def test_nothing_yet_says_what_to_do_and_loads_no_network(run: Path):
    at = open_page(PAGE)
    assert "No picture yet" in text_of(at)
    assert not errors_of(at)
    assert not at.get("download_button")


def test_two_pictures_of_one_name_are_told_apart(run: Path):
    at = give(open_page(PAGE), ("IMG_1.jpg", picture()), ("IMG_1.jpg", picture("CMYK")))
    assert not errors_of(at)
    names = list(at.dataframe[0].value["picture"])
    assert names == ["IMG_1.jpg", "IMG_1.jpg (2)"]


@pytest.mark.parametrize(
    ("name", "content", "place"),
    [
        ("labels.csv", b"path,label\n", "page Data set"),
        ("set.tar", bz2.compress(b"x"), "page Data set"),
        ("best.pt", b"\x80\x02}q", "Ask a weights file of your own"),
    ],
)
def test_what_belongs_elsewhere_says_where_and_the_rest_is_answered(run: Path, name, content, place):
    at = give(open_page(PAGE), (name, content), ("a.jpg", picture()))
    assert errors_of(at).startswith(f"{name} is ")
    assert place in errors_of(at)
    assert bars(at) == 3


def test_without_runs_a_weights_file_alone_answers(flowers: Path, tmp_path: Path):
    at = open_page(PAGE)
    assert "There is no trained network yet" in text_of(at)
    content = write_known(tmp_path / "best.pt").read_bytes()
    at.file_uploader(key="classify_weights").set_value([("theirs.pt", content, "application/octet-stream")]).run()
    assert "theirs.pt is accepted: variant seed, norm none, 224 px, 2 classes (red, blue)." in text_of(at)
    give(at, ("red.png", encoded(plain_red(), "PNG")))
    assert "#### red: 100.0%" in text_of(at)
    at.button(key="classify_explain_0").click().run()
    assert not errors_of(at)
    assert "known for runs of this machine only" in text_of(at)
    assert not list(runs_dir().glob("*"))


def test_a_zip_counts_as_the_pictures_in_it(run: Path):
    at = give(open_page(PAGE), ("two.zip", zipped(a__jpg=picture(), b__png=picture("RGB", "PNG"), c__txt=b"x")))
    assert not errors_of(at)
    assert "2 pictures; " in text_of(at)
    assert "1 files that are no pictures by their ending were passed over" in text_of(at)
    assert bars(at) == 6


def test_a_bomb_is_refused_and_the_other_uploads_are_answered(run: Path):
    bomb = zipped(a__png=bytes(40 << 20))
    at = give(open_page(PAGE), ("bomb.zip", bomb), ("a.jpg", picture()))
    assert "bomb.zip unpacks to" in errors_of(at)
    assert "the limit is 100 times" in errors_of(at)
    assert bars(at) == 3


def test_broken_pictures_have_a_sentence_each_and_the_table_has_all(run: Path):
    broken = {name: odd.make() for name, odd in CORPUS.items() if odd.broken}
    at = give(open_page(PAGE), ("good.jpg", picture()), *broken.items())
    errors = errors_of(at)
    for name in list(broken)[:8]:
        assert name in errors
    assert f"{len(broken) - 8} more pictures cannot be read" in text_of(at)
    assert f"{len(broken)} not readable" in text_of(at)
    table = at.dataframe[0].value
    assert table["picture"].tolist() == ["good.jpg", *broken]
    assert bars(at) == 3


def test_only_broken_pictures(run: Path):
    at = give(open_page(PAGE), ("a.png", b""))
    assert "a.png is empty (0 bytes)." in errors_of(at)
    assert bars(at) == 0


def test_what_was_changed_on_the_way_is_said(run: Path):
    names = ("cmyk.jpg", "rotated.jpg", "alpha.png", "sixteen_bit.png", "grey.jpg", "palette.png")
    at = give(open_page(PAGE), *((name, CORPUS[name].make()) for name in names))
    table = at.dataframe[0].value
    assert table["changed on the way"].tolist() == [CORPUS[name].says for name in names]
    policy = at.table[0].value
    assert "HEIC" in str(policy)


def test_names_from_outside_are_text(run: Path):
    name = "**bold** <script>alert(1)</script> [x](http://evil) $x$ :smile:.png"
    at = give(open_page(PAGE), (name, picture()))
    assert not at.exception
    captions = [str(each.value) for each in at.caption] + [str(each.value) for each in at.markdown]
    shown = [each for each in captions if "bold" in each and "evil" in each]
    assert all(r"\*\*bold\*\*" in each and r"\[x\]" in each for each in shown)
    assert give(at, (name, b"no picture")).error[0].value.startswith(r"\*\*bold")


def test_too_many_pictures_are_cut_and_said(run: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(classify_sources, "MOST", 3)
    at = give(open_page(PAGE), *((f"{number}.jpg", picture()) for number in range(5)))
    assert "the first 3 are answered" in text_of(at)
    assert len(at.dataframe[0].value) == 3


def test_many_pictures_are_answered_in_slices_with_progress(run: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ui.classify.work.SLICE_S", 0.0)
    at = give(open_page(PAGE), *((f"{number}.jpg", picture()) for number in range(70)))
    seen = 1
    while bars(at) == 1 and seen < 20:
        assert "a second, about" in str(at.get("progress")[0].proto.text)
        at.run()
        seen += 1
    assert seen > 1
    assert len(at.dataframe[0].value) == 70
    assert bars(at) == 18, "six cards a page"


def test_stopping_keeps_the_answers_so_far(run: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ui.classify.work.SLICE_S", 0.0)
    at = give(open_page(PAGE), *((f"{number}.jpg", picture()) for number in range(150)))
    at.button(key="classify_stop").click().run()
    assert "of 150 pictures." in text_of(at)
    assert len(at.dataframe[0].value) in (64, 96, 128), "whole chunks"


def test_validation_pictures_show_their_truth(run: Path):
    at = open_page(PAGE, **VALIDATION)
    assert not errors_of(at)
    table = at.dataframe[0].value
    assert table["truth"].value_counts().to_dict() == {"fine": 4, "level": 4, "wide": 4}
    assert "of 12 right" in text_of(at)
    first = table["picture"].tolist()
    at.button(key="classify_others").click().run()
    assert not errors_of(at)
    assert sorted(first) == sorted(at.dataframe[0].value["picture"]), "there are only twelve"


def test_camera_and_clipboard(run: Path):
    at = open_page(PAGE, classify_source="Camera")
    at.camera_input(key="classify_camera").set_value(("shot.jpg", picture(), "image/jpeg")).run()
    assert not errors_of(at)
    assert bars(at) == 3
    at = open_page(PAGE, classify_source="Paste")
    assert not errors_of(at)
    assert "paste a picture" in at.chat_input[0].placeholder


def test_a_folder_within_the_roots_and_one_outside(run: Path, flowers: Path, monkeypatch: pytest.MonkeyPatch):
    at = open_page(PAGE, classify_source="A folder", classify_folder=str(flowers / "val" / "level"))
    assert not errors_of(at)
    assert len(at.dataframe[0].value) == 4
    for path, sentence in (("/etc", "lies outside the folders"), (str(flowers / "none"), "There is no folder")):
        at.text_input(key="classify_folder").set_value(path).run()
        assert sentence in errors_of(at)


def test_a_run_whose_data_set_has_moved_still_answers(run: Path, flowers: Path):
    config = load_config(run / "config.json")
    write_json(run / "config.json", {**config.model_dump(), "data": str(flowers.parent / "gone")})
    at = give(open_page(PAGE), ("a.jpg", picture()))
    assert bars(at) == 3
    assert "There is no folder" in errors_of(at), "said where the network would be measured"
    assert "There is no folder" in errors_of(open_page(PAGE, **VALIDATION))


# One picture of the data set ----------------------------------------------------------------------------------------


def test_a_link_opens_the_explanation_of_one_picture(run: Path):
    at = open_page(PAGE, run="a-run", picture="val/wide/wide_001.jpg")
    assert not errors_of(at)
    assert "A picture of this run's data set, val: val/wide/wide_001.jpg" in text_of(at)
    assert "Its true class is wide" in text_of(at)
    assert "Why this answer?" in text_of(at)
    assert len(at.get("plotly_chart")) == 1
    at.button(key="classify_back").click().run()
    assert "picture" not in at.query_params
    assert "No picture yet" in text_of(at)


@pytest.mark.parametrize("path", ["../../../etc/passwd", "/etc/passwd", "val/wide/none.jpg", "", "**x**", "\0"])
def test_a_path_that_the_index_does_not_have_is_refused(run: Path, path: str):
    at = open_page(PAGE, run="a-run", picture=path)
    assert ("has no picture" in errors_of(at)) == bool(path)
    assert bars(at) == 0


# Explanations -------------------------------------------------------------------------------------------------------


def test_an_explanation_has_its_maps_for_any_class(run: Path):
    at = give(open_page(PAGE), ("a.jpg", picture()), ("b.jpg", picture()))
    at.button(key="classify_explain_1").click().run()
    assert not errors_of(at)
    choice = at.selectbox(key="classify_class_1")
    assert sorted(choice.options) == ["fine", "level", "wide"]
    other = choice.options[-1]
    choice.set_value(other).run()
    at.toggle(key="classify_occlusion").set_value(True).run()
    assert not errors_of(at)
    titles = [chart.proto.spec for chart in at.get("plotly_chart")]
    assert [f'"{kind} for {other}"' in spec for kind, spec in zip(("Grad-CAM", "Occlusion"), titles, strict=True)]
    assert f"The network gives {other}" in text_of(at)
    assert "What the network saw: 64 × 64 px" in text_of(at)
    assert "appear once this network has been measured" in text_of(at)
    at.button(key="classify_explain_1").click().run()
    assert not at.get("plotly_chart")


def test_several_runs_answer_side_by_side(run: Path, flowers: Path):
    torch.manual_seed(9)
    write_run("stopped", "another", data=flowers, checkpoint=True)
    at = open_page(PAGE, run="a-run", classify_compare="another")
    assert at.multiselect(key="classify_compare").value == ["another"]
    give(at, ("a.jpg", picture()), ("b.jpg", picture()))
    assert bars(at) == 12
    assert {"answer 1", "answer 2", "agree"} <= set(at.dataframe[0].value)
    assert "1 is a-run, 2 is another" in text_of(at)
    at.button(key="classify_explain_0").click().run()
    assert len(at.get("plotly_chart")) == 2
    assert not errors_of(at)


def test_views_are_an_option_in_the_url(run: Path):
    plain = give(open_page(PAGE), ("a.jpg", picture())).get("progress")[0].proto.value
    at = give(open_page(PAGE, classify_tta="true"), ("a.jpg", picture()))
    assert at.toggle(key="classify_tta").value is True
    assert not errors_of(at)
    assert bars(at) == 3
    assert 0 <= plain <= 100


# Doubt and parity ---------------------------------------------------------------------------------------------------


def test_measuring_is_a_job_and_what_it_finds_is_shown(run: Path, spawned: list[list[str]]):
    at = open_page(PAGE)
    at.button(key="classify_measure_a-run").click().run()
    assert spawned[-1] == ["alexcore", "reference", str(run)]
    assert any("Asking the network its own pictures" in str(bar.proto.text) for bar in at.get("progress"))


def test_a_run_at_work_is_not_measured_from_here(flowers: Path):
    write_run("running", "a-run", data=flowers, checkpoint=True)
    at = open_page(PAGE)
    assert "it measures when to doubt its predictions" in text_of(at)
    assert "Measure this network" not in [each.label for each in at.button]


def keep_doubt(run: Path, threshold: float, own: list[Image.Image]) -> None:
    """Let a run have measured these images: what is below the threshold is unsure, and noise is unlike them."""
    classifier = Classifier(run / "checkpoints" / "best.pt")
    novelty = fit_novelty(described(classifier, own)[1], np.arange(len(own)))
    write_doubt(run, Doubt(classifier.weights, 24, 20, Threshold(threshold, 8, 4, 4, 1), novelty, 1, 3))


GREYS = [Image.new("RGB", (64, 64), (level, level, level)) for level in range(20, 220, 5)]
NOISE = Image.effect_noise((64, 64), 90).convert("RGB")


def test_what_is_unlike_is_said_first_and_what_is_not_is_never_called_known(run: Path):
    keep_doubt(run, 0.0, GREYS)
    at = give(open_page(PAGE), ("noise.png", encoded(NOISE, "PNG")), ("grey.png", encoded(GREYS[9], "PNG")))
    assert not errors_of(at)
    text = text_of(at)
    assert text.count("#### Unlike anything it was trained on") == 1
    assert "but do not trust it." in text
    (warning,) = at.warning
    assert "Of 24 validation images, 4% are flagged like this, and 12% of them cropped, darker or compressed" in (
        str(warning.value).replace("\\", "")
    )
    assert "1 unlike anything it was trained on." in text
    assert "a network can only choose among its classes" in text
    assert at.dataframe[0].value["novelty"].tolist() == ["unlike", "not flagged"]
    (style,) = [each.proto.body for each in at.get("html") if "<style>" in each.proto.body]
    assert style.startswith("<style>.st-key-classify_bars [data-testid=stProgressBarTrack]")
    alone = text_of(give(open_page(PAGE), ("grey.png", encoded(GREYS[9], "PNG"))))
    for word in ("to be doubted", "trusted", "familiar", "known", "Unlike anything"):
        assert word not in alone, "what is not flagged may be anything"


def test_unsure_is_another_thing_and_both_are_said(run: Path):
    keep_doubt(run, 1.0, GREYS)
    at = give(open_page(PAGE), ("grey.png", encoded(GREYS[9], "PNG")), ("noise.png", encoded(NOISE, "PNG")))
    assert "#### Unsure: " in text_of(at)
    assert "Unsure, too: it would say" in text_of(at)
    assert "1 unlike anything it was trained on; 2 unsure." in text_of(at)
    assert "answers below 100% were wrong 50% of the time (4 of 8)" in str(at.warning[0].value).replace("\\", "")
    assert len(at.warning) == 3


def test_neighbours_and_the_check_mark_without_doubt(run: Path):
    build_reference(run / "checkpoints" / "best.pt")
    at = give(open_page(PAGE), ("a.jpg", picture()))
    assert "Unlike the training images: not measured." in text_of(at)
    at.button(key="classify_explain_0").click().run()
    assert "Nearest training pictures, by features" in text_of(at)
    assert "36 pictures were compared" in text_of(at)
    at.button(key="classify_parity_a-run").click().run()
    assert not errors_of(at)
    assert "✓ 12 of 12 validation pictures are answered here as evaluation answered them" in text_of(at)


def test_what_an_earlier_version_measured_still_has_its_neighbours(run: Path):
    """Its means and its distances are read by nobody any more."""
    folder = build_reference(run / "checkpoints" / "best.pt")
    record = '{"images": 12, "acc1": 0.5, "far": -1, "threshold": {"value": 1.0, "below": 8, "below_wrong": 4, '
    record += '"above": 4, "above_wrong": 1}, "classes": ["fine", "level", "wide"], "indexed": 36}'
    (folder / "reference.json").write_text(record)
    np.save(folder / "means.npy", np.zeros((3, 8), dtype=np.float32))
    at = give(open_page(PAGE), ("a.jpg", picture()))
    assert "Unlike the training images: not measured." in text_of(at)
    assert at.button(key="classify_measure_a-run").label == "Measure this network"
    at.button(key="classify_explain_0").click().run()
    assert "36 pictures were compared" in text_of(at)


def test_a_difference_is_no_check_mark(run: Path):
    folder = build_reference(run / "checkpoints" / "best.pt")
    lines = (folder / "logged.csv").read_text().splitlines()
    cells = lines[1].split(",")
    cells[2] = str((int(cells[2]) + 1) % 3)
    (folder / "logged.csv").write_text("\n".join([lines[0], ",".join(cells), *lines[2:]]))
    at = open_page(PAGE)
    at.button(key="classify_parity_a-run").click().run()
    assert "1 of 12 validation pictures are answered differently" in errors_of(at)
    assert "✓" not in text_of(at)


# Weights files and leftovers ----------------------------------------------------------------------------------------


def test_a_weights_file_that_is_refused_says_why_and_the_run_still_answers(run: Path, tmp_path: Path):
    write_checkpoint(tmp_path / "best.pt", tiny_config())
    at = open_page(PAGE)
    for content, reason in (
        (b"no weights", "no file that torch.save wrote"),
        ((tmp_path / "best.pt").read_bytes(), ""),
    ):
        at.file_uploader(key="classify_weights").set_value([("theirs.pt", content, "x/y")]).run()
        assert (f"theirs.pt is refused: it is {reason}" in errors_of(at)) == bool(reason)
    give(at, ("a.jpg", picture()))
    assert bars(at) == 6, "both networks"


def test_nothing_of_an_upload_is_kept_on_disk(run: Path, home: Path):
    before = {path for path in home.rglob("*") if path.is_file()}
    at = give(open_page(PAGE), ("a.jpg", picture()), ("two.zip", zipped(b__jpg=picture())))
    at.button(key="classify_explain_0").click().run()
    after = {path for path in home.rglob("*") if path.is_file()}
    # What is remembered: the device that the overview asks for, and perhaps the index and the rule of the data set.
    known = {"jobs", "indexes", "intensity", "unreadable-classes", "runs-index.json"}
    assert {path.relative_to(cache_dir()).parts[0] for path in after - before} <= known
