"""What a run keeps is read back for its own weights alone, and says what it may."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from alexcore.doubt.confidence import Threshold
from alexcore.doubt.kept import REFERENCE, Doubt, Verdict, read_doubt, verdict_of, weights_key, write_doubt
from alexcore.doubt.novelty import Described, fit_novelty


def made(with_novelty: bool = True, images: int = 120) -> Doubt:
    rng = np.random.default_rng(0)
    rows = Described(*(rng.normal(size=(60, size)).astype(np.float32) for size in (20, 14)))
    novelty = fit_novelty(rows, np.arange(60)) if with_novelty else None
    return Doubt("abc", images, 90, Threshold(0.7, 20, 15, 100, 15), novelty, 5, 8)


@pytest.mark.parametrize("with_novelty", [True, False])
def test_it_is_read_as_it_was_written(tmp_path: Path, with_novelty):
    doubt = made(with_novelty)
    write_doubt(tmp_path, doubt)
    found = read_doubt(tmp_path, "abc")
    assert found is not None
    assert found.about() == doubt.about()
    assert (found.novelty is None) != with_novelty
    assert read_doubt(tmp_path) is not None
    assert read_doubt(tmp_path, "abd") is None, "measured for other weights"
    assert [path.name for path in tmp_path.glob("*.*")] == [REFERENCE], "no temporary file is left"


@pytest.mark.parametrize("content", [b"", b"PK\3\4 nonsense", b"\x93NUMPY"])
def test_a_damaged_file_is_nothing(tmp_path: Path, content):
    (tmp_path / REFERENCE).write_bytes(content)
    assert read_doubt(tmp_path, "abc") is None


def test_a_part_that_is_missing_is_nothing(tmp_path: Path):
    write_doubt(tmp_path, made())
    with np.load(tmp_path / REFERENCE) as record:
        parts = {name: record[name] for name in record.files if name != "pixels_rest"}
    np.savez(tmp_path / REFERENCE, **parts)
    assert read_doubt(tmp_path, "abc") is None
    assert read_doubt(tmp_path / "absent", "abc") is None


def test_what_is_said_of_a_prediction():
    doubt = made()
    assert doubt.verdict(0.9, -0.2) == Verdict("not flagged", -0.2, unsure=False)
    assert doubt.verdict(0.9, 0.0).novelty == "not flagged"
    assert doubt.verdict(0.69, 0.1) == Verdict("unlike", 0.1, unsure=True)
    assert doubt.verdict(0.1, None) == Verdict("not measured", None, unsure=True)
    assert verdict_of(None, 0.01, None) == Verdict("not measured", None, unsure=False)
    assert doubt.false_alarms == (
        "Of 120 validation images, 4% are flagged like this, and 7% of them cropped, darker or compressed."
    )
    assert "no validation images" in made(images=0).false_alarms
    assert "not measured: it takes 40" in made(with_novelty=False).false_alarms


def test_a_key_names_the_weights_and_not_their_place_in_memory():
    weights = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    key = weights_key([("a", weights), ("b", np.array(3))])
    turned = np.asfortranarray(weights)
    assert key == weights_key([("a", turned), ("b", np.array(3))])
    turned[1, 2, 3] = np.nextafter(turned[1, 2, 3], 99)
    assert len({key, weights_key([("a", turned), ("b", np.array(3))]), weights_key([("a", weights)])}) == 3
