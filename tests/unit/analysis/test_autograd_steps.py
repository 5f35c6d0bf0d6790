"""The tiny graph: its numbers worked out by hand, its refusals torch's own."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alexcore.analysis.autograd_steps import compared_in_words, legal_steps, play, rounds


def rows(scene):
    return {row.name: row for row in scene.rows}


def test_one_round_by_hand():
    """w x + b = 1.5 * 2 + 0.5 = 3.5; loss = 2.5 ** 2 = 6.25; dw = 2 * 2.5 * 2 = 10; db = 5; w - 0.05 * 10 = 1."""
    begin = rows(play(""))
    assert (begin["w"].requires_grad, begin["x"].requires_grad) == (True, False)
    assert (begin["w"].grad, begin["loss"].value) == (None, None)
    forward = rows(play("zf"))
    assert (forward["prediction"].value, forward["loss"].value) == (3.5, 6.25)
    assert (forward["prediction"].grad_fn, forward["loss"].grad_fn) == ("AddBackward0", "PowBackward0")
    assert (forward["w"].is_leaf, forward["loss"].is_leaf) == (True, False)
    assert forward["w"].grad is None
    backward = rows(play("zfb"))
    assert (backward["w"].grad, backward["b"].grad, backward["x"].grad) == (10.0, 5.0, None)
    assert backward["w"].value == 1.5, "backward moves nothing"
    step = rows(play("zfbs"))
    assert step["w"].value == pytest.approx(1.0)
    assert step["b"].value == pytest.approx(0.25)
    assert step["w"].grad == 10.0, "step leaves the gradient where it is"
    assert rows(play("zfbsz"))["w"].grad is None


def test_without_zero_grad_gradients_add_up():
    """Second round: prediction 2.25, gradient 2 * 1.25 * 2 = 5; or 5 on top of the old 10."""
    kept, forgotten = rows(play("zfbszfb")), rows(play("zfbsfb"))
    assert kept["w"].grad == pytest.approx(5.0)
    assert forgotten["w"].grad == pytest.approx(15.0)
    assert "zero_grad was left out" in play("zfbsfb").words
    assert "zero_grad was left out" not in play("zfb").words


def test_x_and_w_can_be_switched():
    assert rows(play("zfb", x_learns=True))["x"].grad == 2 * 2.5 * 1.5
    frozen = rows(play("zfbs", w_learns=False))
    assert (frozen["w"].value, frozen["w"].grad) == (1.5, None)
    assert frozen["b"].value == pytest.approx(0.25)
    assert play("zfbs", w_learns=False).words.endswith("-lr * grad: b from 0.5 to 0.25.")
    assert "w from 1.5 to 1, b from 0.5 to 0.25" in play("zfbs").words


@pytest.mark.parametrize(
    ("steps", "says"),
    [("b", "forward has to build the graph first"), ("zfbb", "backward through the graph a second time")],
)
def test_what_cannot_be_is_refused_and_changes_nothing(steps, says):
    scene = play(steps)
    assert says in scene.refused
    assert scene.rows == play(steps[:-1]).rows
    assert "Traceback" not in scene.refused
    assert play(steps + "f").refused == ""


def test_a_step_without_gradients_says_that_it_does_nothing():
    assert "changed nothing" in play("s").words
    assert rows(play("fs"))["w"].value == 1.5


def test_the_graph_is_torchs():
    nodes = play("f").nodes
    names = [node.name for node in nodes]
    assert names[:3] == ["PowBackward0", "SubBackward0", "AddBackward0"]
    assert "MulBackward0" in names
    leaves = {node.leaf for node in nodes if node.leaf}
    assert leaves == {"w", "b"}
    assert {node.leaf for node in play("f", x_learns=True).nodes if node.leaf} == {"w", "b", "x"}
    assert nodes[0].inputs == (1,)
    assert play("").nodes == []


def test_forgetting_zero_grad_for_some_rounds():
    kept, forgotten = rounds(8, zero_grad=True), rounds(8, zero_grad=False)
    assert kept[0] == forgotten[0]
    assert kept[-1].loss < 1e-3 < forgotten[-1].loss
    w, b, held_w, held_b = 1.5, 0.5, 0.0, 0.0
    for each in forgotten:  # by hand: each gradient is the sum of all so far
        error = w * 2 + b - 1
        held_w, held_b = held_w + 2 * error * 2, held_b + 2 * error
        assert (each.loss, each.grad) == (pytest.approx(error**2, abs=1e-5), pytest.approx(held_w, abs=1e-4))
        w, b = w - 0.05 * held_w, b - 0.05 * held_b
    assert "From round 2 on they part" in compared_in_words(kept, forgotten)
    assert "the same so far" in compared_in_words(kept[:1], forgotten[:1])


@settings(max_examples=30, deadline=None)
@given(text=st.text(alphabet="zfbsxyz<>&%", max_size=60))
def test_any_text_from_a_url_is_a_sequence(text):
    steps = legal_steps(text)
    assert set(steps) <= set("zfbs")
    assert len(steps) <= 40
    assert play(text) == play(steps)
