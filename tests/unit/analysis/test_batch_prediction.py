"""Many pictures through one or several networks: order, errors, views, slices of time, and what is handed over."""

from __future__ import annotations

import csv
import io
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from alexcore.analysis import batch_prediction
from alexcore.analysis.answers import as_json, as_table, csv_text
from alexcore.analysis.batch_prediction import AskedNetwork, BatchPrediction, decoded_chunks, views_of
from alexcore.analysis.doubt_measuring import described
from alexcore.analysis.prediction import Classifier
from alexcore.data.archives.incoming import Incoming, from_bytes
from alexcore.data.decoding.levels import PLAIN
from alexcore.doubt.confidence import Threshold
from alexcore.doubt.kept import Doubt
from alexcore.doubt.novelty import fit_novelty
from alexcore.errors import DataError
from tests.support.known_networks import CLASSES, write_known
from tests.support.run_folders import tiny_config, write_checkpoint


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> AskedNetwork:
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("small") / "best.pt"
    write_checkpoint(path, tiny_config(width=0.125, init="kaiming"))
    return AskedNetwork("small", Classifier(path))


@pytest.fixture(scope="module")
def known(tmp_path_factory) -> AskedNetwork:
    return AskedNetwork("known", Classifier(write_known(tmp_path_factory.mktemp("known") / "best.pt")))


def noise(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (70, 90, 3), dtype=np.uint8))


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def uploads(count: int) -> list[Incoming]:
    found = []
    for number in range(count):
        content = png(noise(number))
        found.append(from_bytes(f"{number}.png", lambda content=content: content, len(content), 10**8))
    return found


def broken(name: str) -> Incoming:
    return Incoming(name, lambda: b"no picture", label=1)


def test_the_answers_are_those_of_the_network_in_the_order_of_the_pictures(small):
    pictures = uploads(9)
    pictures[4:4] = [broken("bad.png")]
    batch = BatchPrediction([small], pictures)
    assert (batch.done, batch.total, batch.finished) == (0, 10, False)
    assert batch.advance()
    assert [each.name for each in batch.replies] == [each.name for each in pictures]
    assert "no picture" in batch.replies[4].error
    assert batch.replies[4].label == 1
    good = [each for each in batch.replies if not each.error]
    expected = small.classifier.probabilities([noise(number) for number in range(9)]).numpy()
    assert np.stack([each.probabilities[0] for each in good]) == pytest.approx(expected, abs=1e-6)
    assert {(each.format, each.size, each.notes) for each in good} == {("PNG", (90, 70), ())}


def test_look_is_forward_and_its_features_are_what_the_last_layer_reads(small):
    batch = torch.stack([small.classifier.transform(noise(number)) for number in range(3)])
    probabilities, features = small.classifier.look(batch)
    torch.testing.assert_close(probabilities, small.classifier.probabilities([noise(n) for n in range(3)]))
    with torch.no_grad():
        logits = small.classifier.model.head(features)
    torch.testing.assert_close(torch.softmax(logits, dim=1), probabilities)


def test_a_slice_of_time_does_a_chunk_at_least_and_stops_in_between(small):
    batch = BatchPrediction([small], uploads(80))
    steps = []
    while not batch.advance(0.0):
        steps.append(batch.done)
    assert steps == [32, 64]
    assert batch.done == 80


def test_stop_keeps_what_is_there(small):
    batch = BatchPrediction([small], uploads(80))
    batch.advance(0.0)
    done = batch.done
    assert done == batch_prediction.CHUNK
    batch.stop()
    assert batch.finished
    assert batch.advance()
    assert len(batch.replies) == done


def test_a_second_caller_leaves_the_work_to_the_first(small):
    """A click starts a second script thread while the first one still answers pictures."""
    gate, inside = threading.Event(), threading.Event()

    def slow() -> bytes:
        inside.set()
        gate.wait(20)
        return png(noise(0))

    batch = BatchPrediction([small], [Incoming("slow.png", slow)])
    first = threading.Thread(target=batch.advance)
    first.start()
    assert inside.wait(20)
    assert batch.advance(5) is False
    gate.set()
    first.join(20)
    assert [each.name for each in batch.replies] == ["slow.png"]


def test_only_a_few_chunks_are_decoded_ahead(small):
    """What keeps memory flat: 500 pictures are never open at once."""
    opened: list[int] = []

    def read(number: int) -> bytes:
        opened.append(number)
        return png(noise(number))

    pictures = [Incoming(str(n), lambda n=n: read(n)) for n in range(40)]
    chunks = decoded_chunks(pictures, [small.classifier], chunk=4)
    next(chunks)
    batch_prediction._decoders().submit(lambda: None).result()
    assert len(opened) <= 4 * (1 + batch_prediction.AHEAD)
    assert sum(len(chunk) for chunk in chunks) == 36
    assert sorted(opened) == list(range(40))


# Views ----------------------------------------------------------------------------------------------------------


def test_the_views_are_the_picture_its_mirror_image_and_both_cut():
    image = noise(0).resize((160, 80))
    first, mirrored, middle, both = views_of(image, True)
    assert first is image
    assert mirrored.tobytes() == ImageOps.mirror(image).tobytes()
    assert middle.tobytes() == image.crop((10, 5, 150, 75)).tobytes()
    assert both.tobytes() == ImageOps.mirror(middle).tobytes()
    assert views_of(image, False) == [image]
    assert all(min(view.size) >= 1 for view in views_of(Image.new("RGB", (1, 1)), True))


def test_with_views_the_probabilities_are_averaged(small):
    batch = BatchPrediction([small], uploads(5), tta=True)
    batch.advance()
    for number, reply in enumerate(batch.replies):
        views = small.classifier.probabilities(views_of(noise(number), True))
        assert reply.probabilities[0] == pytest.approx(views.mean(dim=0).numpy(), abs=1e-6)
    plain = BatchPrediction([small], uploads(5))
    plain.advance()
    assert plain.replies[0].probabilities[0] != pytest.approx(batch.replies[0].probabilities[0], abs=1e-6)


# Several networks -------------------------------------------------------------------------------------------------


def both_answered(small: AskedNetwork, known: AskedNetwork) -> BatchPrediction:
    # Measured on greys of one color each, which red is unlike.
    greys = [Image.new("RGB", (30, 30), (level, level, level)) for level in range(40, 200, 4)]
    novelty = fit_novelty(described(known.classifier, greys)[1], np.arange(len(greys)))
    doubt = Doubt("", 50, 25, Threshold(0.9, 20, 10, 30, 5), novelty, 1, 2)
    watched = AskedNetwork("known", known.classifier, doubt)
    red, grey = (png(Image.new("RGB", (30, 30), colour)) for colour in ((255, 0, 0), (90, 90, 90)))
    pictures = [
        from_bytes("red.png", lambda: red, 1, 9),
        broken("=bad.png"),
        Incoming("grey.png", lambda: grey, label=1),
    ]
    batch = BatchPrediction([watched, small], pictures)
    batch.advance()
    return batch


def test_several_networks_see_the_picture_in_their_own_way(small, known):
    batch = both_answered(small, known)
    red, bad, grey = batch.replies
    assert red.probabilities[0] == pytest.approx([1, 0], abs=1e-6)
    assert grey.probabilities[0] == pytest.approx([0.5, 0.5], abs=1e-6)
    assert red.probabilities[1].shape == (3,)
    expected = small.classifier.probabilities([Image.new("RGB", (30, 30), (255, 0, 0))])[0]
    assert red.probabilities[1] == pytest.approx(expected.numpy(), abs=1e-6)
    assert red.novelty[0] > 0 > grey.novelty[0]
    assert red.novelty[1] is None
    assert bad.error


def test_json_and_csv_have_the_form_of_the_command_line(small, known):
    batch = both_answered(small, known)
    one = as_json(batch.networks[:1], batch.replies, 2)
    assert set(one) == {"run", "trained_epochs", "predictions"}
    assert one["predictions"][0]["file"] == "red.png"
    assert [top["class"] for top in one["predictions"][0]["top"]] == ["red", "blue"]
    assert one["predictions"][1] == {"file": "=bad.png", "error": f"{batch.replies[1].error} {batch.replies[1].hint}"}
    red, grey = (one["predictions"][number]["novelty"] for number in (0, 2))
    assert (red["verdict"], red["score"] > 0, red["unsure"]) == ("unlike", True, False)
    assert (grey["verdict"], grey["score"] < 0, grey["unsure"]) == ("not flagged", True, True)
    both = as_json(batch.networks, batch.replies, 1)
    assert both["runs"][1]["predictions"][0]["novelty"] == {"verdict": "not measured", "score": None, "unsure": False}
    assert both["predictions"][0]["top"][0]["class"] == "red"
    assert [each["run"] for each in both["runs"]] == ["known", "small"]

    rows = list(csv.DictReader(io.StringIO(csv_text(batch.networks[:1], batch.replies, 2))))
    novelty = ["novelty", "novelty_score", "unsure"]
    assert list(rows[0]) == ["file", "rank", "class", "index", "probability", "error", *novelty]
    assert [[row[name] for name in novelty[::2]] for row in rows[::2]] == [
        ["unlike", "false"],
        ["", ""],
        ["not flagged", "true"],
    ]
    assert float(rows[0]["novelty_score"]) > 0 > float(rows[-1]["novelty_score"])
    assert [(row["file"], row["rank"], row["class"]) for row in rows[:3]] == [
        ("red.png", "1", "red"),
        ("red.png", "2", "blue"),
        ("'=bad.png", "", ""),
    ]
    rows = list(csv.DictReader(io.StringIO(csv_text(batch.networks, batch.replies, 1))))
    assert [row["run"] for row in rows] == ["known"] * 3 + ["small"] * 3
    assert [row["novelty_score"] for row in rows[3:]] == ["", "", ""]


def test_the_table_has_a_row_a_picture(small, known):
    batch = both_answered(small, known)
    table = as_table(batch.networks[:1], batch.replies)
    table = table.astype(object).where(table.notna(), None)
    assert table["answer"].tolist() == ["red", None, CLASSES[int(batch.replies[2].probabilities[0].argmax())]]
    assert table["entropy (bits)"].tolist()[0] == pytest.approx(0, abs=1e-3)
    assert table["entropy (bits)"].tolist()[2] == pytest.approx(1)
    assert table["novelty"].tolist() == ["unlike", None, "not flagged"]
    assert table["unsure"].tolist() == [False, None, True]
    assert table["truth"].tolist() == [None, "blue", "blue"]
    assert table["changed on the way"].tolist() == ["", "not readable", ""]
    two = as_table(batch.networks, batch.replies)
    two = two.astype(object).where(two.notna(), None)
    assert two["agree"].tolist() == [False, None, False]
    assert two["novelty 2"].tolist() == ["not measured", None, "not measured"]
    assert two["unsure 2"].tolist() == [None, None, None]


def test_an_error_of_a_transform_is_a_sentence_of_that_picture(small):
    def refuse(_image: Image.Image) -> torch.Tensor:
        raise DataError("x is too thin.", "Take another.")

    (chunk,) = decoded_chunks(uploads(1), [SimpleNamespace(transform=refuse, rendering=PLAIN)])
    assert (chunk[0].reply.error, chunk[0].reply.hint) == ("x is too thin.", "Take another.")


def test_nothing_is_written(small, home: Path):
    batch = BatchPrediction([small], uploads(3))
    batch.advance()
    assert list(home.rglob("*")) == []


def test_what_was_answered_before_is_not_asked_again(small, monkeypatch):
    pictures = [replace(each, identity=number) for number, each in enumerate(uploads(6))]
    first = BatchPrediction([small], pictures[:4])
    assert first.advance()
    known = {picture.identity: reply for picture, reply in zip(pictures, first.replies, strict=False)}
    asked = []
    monkeypatch.setattr(batch_prediction, "read_picture", lambda content, name, **more: asked.append(name) or 1 / 0)
    again = BatchPrediction([small], [replace(pictures[2], name="other name"), *pictures[:2]], known=known)
    assert again.finished
    assert [each.name for each in again.replies] == ["other name", "0.png", "1.png"]
    assert again.replies[0].probabilities is first.replies[2].probabilities
    monkeypatch.undo()
    # New ones before, between and behind those that are known.
    mixed = [pictures[4], pictures[0], replace(pictures[5], identity=None), pictures[3], pictures[5]]
    batch = BatchPrediction([small], mixed, known=known)
    assert batch.done == 0
    assert batch.advance()
    assert asked == []
    assert [each.name for each in batch.replies] == [each.name for each in mixed]
    assert batch.replies[1].probabilities is first.replies[0].probabilities
    assert all(len(each.probabilities) == 1 for each in batch.replies)
