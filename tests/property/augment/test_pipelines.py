"""Whatever pipeline passes the checks works on any picture, and its code, its JSON and its trace tell the truth."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from alexcore.augment.check import check_pipeline, output_side
from alexcore.augment.code import python_code
from alexcore.augment.operations import OPERATIONS, Operation, active
from alexcore.augment.pipeline import build_mixing, build_transform, draw, drawing_from
from alexcore.augment.pipeline_files import parse_pipeline, pipeline_json
from alexcore.augment.presets import PRESETS, evaluation_operations, training_operations
from alexcore.augment.trace import Tracer
from alexcore.config import load_config, make_config
from alexcore.errors import ConfigError
from tests.support.augment_pipelines import FREE, legal_operations, picture, pictures, pipelines

SEEDS = st.integers(0, 2**63 - 1)
CLASSES = 5


def without_normalize(operations: list[Operation]) -> list[Operation]:
    return [each for each in operations if each["op"] != "Normalize"]


@settings(max_examples=100, deadline=None)
@given(operations=pipelines(), image=pictures(), seed=SEEDS)
def test_what_passes_the_checks_works_on_any_picture(operations, image, seed):
    """Symptoms were: MixUp with an alpha of 1, RandomPerspective of a thin picture, a ratio or sigma of nearly 0."""
    assert check_pipeline(operations) == []
    before = image.tobytes()
    side = output_side(operations)
    tensor = draw(build_transform(operations), image, seed)
    assert (tensor.shape, tensor.dtype) == ((3, side, side), torch.float32)
    assert tensor.isfinite().all()
    plain = draw(build_transform(without_normalize(operations)), image, seed)
    assert plain.min() >= 0
    assert plain.max() <= 1
    assert torch.equal(draw(build_transform(operations), image, seed), tensor), "the same seed, other pixels"
    assert image.tobytes() == before, "the picture itself was changed"
    steps = Tracer(operations).draw(image, seed)
    assert torch.equal(steps[-1].result, tensor)
    for step in steps:
        assert isinstance(step.in_words, str)


@settings(max_examples=40, deadline=None)
@given(
    batches=st.lists(st.sampled_from(["MixUp", "CutMix"]), min_size=1, unique=True).flatmap(
        lambda names: st.tuples(*map(legal_operations, names)).map(list)
    ),
    labels=st.lists(st.integers(0, CLASSES - 1), min_size=1, max_size=6),
    side=st.integers(1, 20),
    seed=SEEDS,
)
def test_a_mixed_batch_keeps_its_size_and_its_labels_are_shares(batches, labels, side, seed):
    images = torch.rand(len(labels), 3, side, side, generator=torch.Generator().manual_seed(1))
    mixing = build_mixing(batches, CLASSES)
    assert mixing is not None
    with drawing_from(seed):
        mixed, shares = mixing(images, torch.tensor(labels))
    assert (mixed.shape, mixed.dtype) == (images.shape, torch.float32)
    assert (shares.shape, shares.dtype) == ((len(labels), CLASSES), torch.float32)
    assert mixed.min() >= 0
    assert mixed.max() <= 1.000001
    assert shares.min() >= 0
    torch.testing.assert_close(shares.sum(1), torch.ones(len(labels)))
    # A class that no picture of the batch has gets nothing.
    assert set(shares.sum(0).nonzero().flatten().tolist()) <= set(labels)
    with drawing_from(seed):
        again, shares_again = build_mixing(batches, CLASSES)(images, torch.tensor(labels))
    assert torch.equal(mixed, again)
    assert torch.equal(shares, shares_again)


def executed(code: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(code, names)
    return names


@settings(max_examples=60, deadline=None)
@given(operations=pipelines(), image=pictures(), seed=SEEDS)
def test_the_python_code_gives_the_same_tensors(operations, image, seed):
    evaluation = evaluation_operations(operations, output_side(operations))
    theirs = executed(python_code(operations, evaluation, CLASSES))
    try:
        with drawing_from(seed):
            drawn = theirs["train_transform"](image)
    except torch.linalg.LinAlgError:
        # torchvision cannot tilt a picture one pixel wide; here it is left alone.
        assume(False)
    ours = draw(build_transform(operations), image, seed)
    assert type(drawn) is type(ours)
    assert torch.equal(drawn, ours)
    assert torch.equal(theirs["eval_transform"](image), build_transform(evaluation)(image))
    mixing = build_mixing(operations, CLASSES)
    assert ("mix" in theirs) == (mixing is not None)
    if mixing:
        batch = torch.stack([ours, ours.flip(-1), ours + 1]), torch.tensor([0, 4, 2])
        with drawing_from(seed):
            expected = mixing(*batch)
        with drawing_from(seed):
            found = theirs["mix"](*batch)
        assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("preset", PRESETS)
def test_the_code_of_a_preset_gives_the_same_tensors(preset):
    operations = training_operations(preset, 32)
    theirs = executed(python_code(operations, evaluation_operations(preset, 32), 3))
    assert "mix" not in theirs
    for seed in range(3):
        with drawing_from(seed):
            drawn = theirs["train_transform"](picture())
        assert torch.equal(drawn, draw(build_transform(operations), picture(), seed))


@settings(max_examples=60, deadline=None)
@given(operations=pipelines())
def test_json_and_back_is_the_same_pipeline(operations):
    text = pipeline_json(operations)
    assert parse_pipeline(text) == operations
    assert len(text.splitlines()) == len(operations) + 2, "one operation a line"


@settings(max_examples=20, deadline=None)
@given(operations=pipelines(side=40))
def test_a_run_keeps_its_pipeline(tmp_path_factory, operations):
    config = make_config(augment=operations, image_size=40)
    assert config.augment == active(operations)
    file = tmp_path_factory.mktemp("run") / "config.json"
    file.write_text(config.model_dump_json())
    assert load_config(file) == config


# Whatever JSON can say, with the names that the checks look for more often than chance would have it.
NAMES = st.sampled_from(
    ["op", "on", "size", "p", "mean", "std", "scale", "kernel_size", "degrees", "alpha", "threshold"]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(10**400, 10**400 + 1)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([*OPERATIONS, "edge", 224, 0.5, 1])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.text(max_size=5), inner, max_size=5),
    max_leaves=12,
)
NEARLY = st.lists(
    st.builds(
        lambda name, rest: {**rest, "op": name},
        st.sampled_from([*OPERATIONS]),
        st.dictionaries(NAMES, JSON, max_size=4),
    ),
    max_size=6,
)


@settings(max_examples=150, deadline=None)
@given(value=JSON | NEARLY)
def test_any_json_passes_or_is_told_what_is_wrong(value):
    problems = check_pipeline(value)
    for problem in problems:
        assert problem.message.endswith((".", "…"))
        assert problem.hint
        assert 0 <= problem.position <= (len(value) if isinstance(value, list) else 0)
    if problems:
        with pytest.raises(ConfigError):
            parse_pipeline(json.dumps(value))
        with pytest.raises(ConfigError):
            make_config(augment=value if isinstance(value, list) else [value])
    else:
        build_transform(value)


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=40) | st.text(alphabet='[]{}":,0e-opNna ', max_size=40))
def test_any_text_passes_or_is_a_sentence(text):
    try:
        operations = parse_pipeline(text)
    except ConfigError:
        return
    assert check_pipeline(operations) == []


@settings(max_examples=40, deadline=None)
@given(operations=pipelines(side=16), place=st.integers(0, 12), data=st.data())
def test_a_switched_off_operation_changes_nothing(operations, place, data):
    place = min(place, len(operations))
    name = data.draw(st.sampled_from([*FREE, "ToTensor", "Normalize", "MixUp", "CenterCrop"]))
    switched_off = {**data.draw(legal_operations(name)), "on": False}
    more = [*operations[:place], switched_off, *operations[place:]]
    assert check_pipeline(more) == []
    assert active(more) == active(operations)
    image = Image.new("RGB", (30, 20), "teal")
    ours, theirs = (draw(build_transform(each), image, 3) for each in (more, operations))
    assert torch.equal(ours, theirs)
