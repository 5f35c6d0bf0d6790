"""The corpus of odd pictures goes through the way of an upload: decoded, transformed, answered or refused in words."""

from __future__ import annotations

import resource
from pathlib import Path

import numpy as np
import pytest
from PIL import GifImagePlugin

from alexcore.analysis.batch_prediction import AskedNetwork, BatchPrediction
from alexcore.analysis.prediction import Classifier
from alexcore.data.archives.incoming import Incoming, from_bytes, picture_endings
from alexcore.data.decoding.images import POLICY, check_decodable, read_picture
from alexcore.errors import DataError
from tests.support.known_networks import write_known
from tests.support.odd_pictures import CORPUS, many_frames, text_bomb


@pytest.fixture(scope="module")
def network(tmp_path_factory) -> AskedNetwork:
    return AskedNetwork("known", Classifier(write_known(tmp_path_factory.mktemp("known") / "best.pt")))


def upload(name: str) -> Incoming:
    content = CORPUS[name].make()
    return from_bytes(name, lambda: content, len(content), 10**9)


def test_the_corpus_is_as_large_as_promised():
    assert len(CORPUS) >= 25
    assert sum(each.broken for each in CORPUS.values()) >= 10


@pytest.mark.parametrize("name", CORPUS)
def test_each_has_its_outcome(network, name):
    odd = CORPUS[name]
    batch = BatchPrediction([network], [upload(name)])
    batch.advance()
    (reply,) = batch.replies
    assert reply.name == name
    if odd.broken:
        assert odd.says in reply.error
        assert reply.error.startswith(name)
        assert reply.error.endswith(".")
        assert reply.hint
        assert not reply.probabilities
        assert check_decodable(odd.make()), "the check before a run agrees"
        return
    assert reply.error == ""
    assert (odd.says in reply.notes) if odd.says else not reply.notes
    assert reply.probabilities[0].sum() == pytest.approx(1, abs=1e-5)
    image = read_picture(odd.make()).image
    assert image.mode == "RGB"
    assert check_decodable(odd.make()) == ""
    if odd.size:
        assert reply.size == image.size == odd.size
    if odd.mean:
        mean = np.asarray(image, dtype=float).mean(axis=(0, 1))
        assert np.abs(mean - odd.mean).max() < 12, mean
        # The known network reads red against blue: it must have seen the colour, too.
        red, blue = odd.mean[0], odd.mean[2]
        assert (reply.probabilities[0][0] > 0.9) == (red - blue > 100)


def test_all_at_once_each_keeps_its_place(network):
    batch = BatchPrediction([network], [upload(name) for name in CORPUS])
    batch.advance()
    assert [each.name for each in batch.replies] == list(CORPUS)
    assert [bool(each.error) for each in batch.replies] == [each.broken for each in CORPUS.values()]


def test_the_frames_of_an_animation_are_not_counted(monkeypatch):
    def count(_self):
        raise AssertionError("counting reads every frame")

    monkeypatch.setattr(GifImagePlugin.GifImageFile, "n_frames", property(count))
    assert "first frame of an animation" in read_picture(many_frames()).notes


def test_a_comment_that_grows_is_not_unpacked():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert read_picture(text_bomb()).image.size == (4, 4)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40_000  # KiB; it would be 65,000


def test_a_picture_above_the_limit_of_an_upload_is_not_read():
    read: list[int] = []
    with pytest.raises(DataError, match=r"big\.png has 20 MB; the limit for a picture is 10 MB"):
        from_bytes("big.png", lambda: read.append(1) or b"", 20_000_001, 10_000_000).read()
    assert not read


def test_the_policy_names_what_is_done_and_every_ending_is_known():
    said = " ".join(f"{what} {then}" for what, then in POLICY)
    for word in ("EXIF", "Transparency", "CMYK", "Palette", "Grayscale", "16-bit", "Animations", "HEIC", "EPS"):
        assert word in said
    assert {".jpg", ".png", ".webp", ".avif", ".heic", ".tif", ".gif"} <= picture_endings()
    assert not {".pdf", ".txt", ".zip"} & picture_endings()


def test_a_file_that_vanished_is_a_sentence(network, tmp_path: Path):
    batch = BatchPrediction([network], [Incoming("gone.jpg", lambda: tmp_path / "gone.jpg")])
    batch.advance()
    assert batch.replies[0].error == "There is no file gone.jpg."
