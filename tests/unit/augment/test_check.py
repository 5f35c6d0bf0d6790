"""Parameters one by one, and the order and sizes of a pipeline: what is wrong is a finding at the right operation."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alexcore.augment.check import MAX_OPERATIONS, check_operation, check_pipeline, output_side, require_legal
from alexcore.augment.operations import OPERATIONS, active, arguments, for_batches, for_samples, new_operation
from alexcore.augment.parameters import Parameter
from alexcore.augment.pipeline import build_transform
from alexcore.augment.presets import PRESETS, evaluation_operations, training_operations
from alexcore.errors import ConfigError
from alexcore.findings import augment as findings

RESIZE = {"op": "Resize", "size": [32, 32]}
CROP = {"op": "RandomResizedCrop", "size": [32, 32]}
FLIP = {"op": "RandomHorizontalFlip"}
TENSOR, NORMALIZE, ERASING = {"op": "ToTensor"}, {"op": "Normalize"}, {"op": "RandomErasing"}
MIXUP, CUTMIX = {"op": "MixUp"}, {"op": "CutMix"}
PARAMETERS = [(name, each) for name, spec in OPERATIONS.items() for each in spec.parameters]
NAMES = [f"{name}.{each.name}" for name, each in PARAMETERS]
each_parameter = pytest.mark.parametrize(("operation", "parameter"), PARAMETERS, ids=NAMES)


# One parameter ------------------------------------------------------------------------------------------------


def value_of(parameter: Parameter, number: float) -> Any:
    """A value of the parameter's kind, made of this number."""
    return {"sides": [number] * 2, "range": [number] * 2, "pair": [number] * 2, "channels": [number] * 3}.get(
        parameter.kind, number
    )


def ends(parameter: Parameter) -> tuple[list[float], list[float]]:
    """The outermost legal numbers, and the nearest illegal ones."""
    whole = parameter.kind in ("int", "side", "sides")
    step = 2 if parameter.odd else 1
    low, high = parameter.minimum, parameter.maximum
    if whole:
        return [int(low), int(high)], [int(low) - step, int(high) + step]
    least = math.nextafter(low, math.inf) if parameter.above else low
    return [least, high], [math.nextafter(least, -math.inf), math.nextafter(high, math.inf)]


@each_parameter
def test_the_default_and_the_ends_are_legal_and_nothing_beyond(operation, parameter):
    assert parameter.accepts(parameter.default)
    assert parameter.text
    if parameter.kind in ("bool", "choice"):
        return
    inside, outside = ends(parameter)
    for number in inside:
        assert parameter.accepts(value_of(parameter, number)), number
    for number in outside:
        value = value_of(parameter, number)
        assert not parameter.accepts(value), number
        problems = check_operation({"op": operation, parameter.name: value})
        shown = repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:59]}…"
        assert findings.IllegalValue(0, operation, parameter.name, shown, parameter.legal) in problems


WRONG = (
    None,
    "1",
    "",
    {},
    [],
    [[1, 1]],
    math.nan,
    math.inf,
    -math.inf,
    10**400,
    -(10**400),
    10**5000,
    [math.nan] * 2,
    [math.nan] * 3,
    [1, 1, 1, 1],
    ["a", "b"],
    b"1",
)


@each_parameter
def test_no_parameter_takes_another_type_or_a_number_without_end(operation, parameter):
    assert [value for value in WRONG if parameter.accepts(value)] == []
    assert all(check_operation({"op": operation, parameter.name: value}) for value in WRONG)


@each_parameter
def test_true_is_no_number_and_a_number_is_not_true(operation, parameter):
    assert parameter.accepts(True) == (parameter.kind == "bool")
    assert not parameter.accepts(value_of(parameter, True)) or parameter.kind == "bool"
    if parameter.kind == "bool":
        assert not any(parameter.accepts(value) for value in (0, 1, "true", None))
    if parameter.kind in ("int", "side", "sides"):
        assert not parameter.accepts(value_of(parameter, 8.0)), "8.0 is no whole number in JSON's eyes"


@pytest.mark.parametrize(
    ("parameter", "good", "bad"),
    [
        (Parameter("n", "int", 1, "", 1, 9, odd=True), [1, 3, 9], [2, 8, 0, 10, 1.0]),
        (Parameter("x", "float", 1, "", 0, 1, above=True), [1, 0.5, 5e-324], [0, -0.0, 1.1]),
        (Parameter("x", "float", 1, ""), [-(10**400), 1e308], [math.nan, math.inf]),
        (Parameter("r", "range", [0, 1], "", 0, 1), [[0, 1], [0.5, 0.5], (0, 1)], [[1, 0], [0], [0, 1, 1], 0.5]),
        (Parameter("s", "side", 8, "", 1, 64), [8, [8, 9], [9, 8]], [0, 65, [8], [8, 65], [8.0, 8]]),
        (Parameter("s", "sides", [8, 8], "", 1, 64), [[9, 8]], [8, [8], "88"]),
        (Parameter("p", "pair", [0, 0], "", 0, 1), [[1, 0], [0, 1]], [[0, 2], [0]]),
        (Parameter("c", "channels", [0, 0, 0], "", 0, 1), [[1, 0, 0.5]], [[0, 0], [0, 0, 0, 0], [0, 0, None]]),
        (Parameter("b", "choice", "a", "", choices=("a", "b")), ["a", "b"], ["c", "", "A", ["a"], 0]),
    ],
    ids=lambda value: value.kind if isinstance(value, Parameter) else "",
)
def test_each_kind_of_parameter(parameter, good, bad):
    assert [value for value in good if not parameter.accepts(value)] == []
    assert [value for value in bad if parameter.accepts(value)] == []


@pytest.mark.parametrize(
    ("parameter", "words"),
    [
        (("GaussianBlur", "kernel_size"), "an odd whole number from 1 to 99"),
        (("Resize", "size"), "a whole number, or height and width, each from 1 to 2048"),
        (("Normalize", "std"), "three numbers (red, green, blue), each from 0.0001 to 10"),
        (("RandomResizedCrop", "scale"), "two numbers, the smaller first, each above 0 and at most 1"),
        (("RandomCrop", "pad_if_needed"), "true or false"),
        (("RandomCrop", "padding_mode"), "one of constant, edge, reflect, symmetric"),
    ],
)
def test_legal_values_in_words(parameter, words):
    name, of = parameter
    found = OPERATIONS[name].parameter(of)
    assert found is not None
    assert found.legal == words


def test_what_torchvision_takes():
    """Symptom: `"alpha": 1` in JSON ended in '"dirichlet" not implemented for Long'."""
    assert repr(arguments({"op": "MixUp", "alpha": 1})) == "{'alpha': 1.0}"
    assert repr(arguments({"op": "Normalize", "std": (1, 2, 3), "on": True})) == (
        "{'mean': [0.5, 0.5, 0.5], 'std': [1.0, 2.0, 3.0]}"
    )
    assert repr(arguments({"op": "Resize", "size": (8, 9)})) == "{'size': [8, 9]}"
    assert repr(arguments({"op": "Resize", "size": 8})) == "{'size': 8}"


@settings(max_examples=60, deadline=None)
@given(value=st.integers(-(10**20), 10**20) | st.floats() | st.booleans())
def test_a_float_parameter_accepts_exactly_its_range(value):
    probability = OPERATIONS["RandomGrayscale"].parameters[0]
    assert probability.accepts(value) == (not isinstance(value, bool) and 0 <= value <= 1)


# One operation ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_new_operation_is_legal_alone_and_its_defaults_are_its_own(name):
    first, second = new_operation(name, 48), new_operation(name, 48)
    assert check_operation(first) == []
    assert arguments(first) == {key: value for key, value in first.items() if key != "op"}
    assert first.get("size", [48, 48]) == [48, 48]
    for value in first.values():
        if isinstance(value, list):
            value.append("changed")
    assert new_operation(name, 48) == second, "one operation has changed the defaults of the next"
    assert OPERATIONS[name].text.endswith(".")


@pytest.mark.parametrize(
    ("operation", "code", "shown"),
    [
        (3, "augment.no-operation", "3"),
        (None, "augment.no-operation", "None"),
        ("Resize", "augment.no-operation", "'Resize'"),
        ({}, "augment.unknown-operation", "None"),
        ({"op": ["Resize"]}, "augment.unknown-operation", "['Resize']"),
        ({"op": "resize", "size": 32}, "augment.unknown-operation", "'resize'"),
        ({"op": "ToTensor", "on": 1}, "augment.illegal-switch", "1"),
        ({"op": "ToTensor", "p": 1}, "augment.unknown-parameter", "'p'"),
        ({"op": "Resize"}, "augment.missing-parameter", None),
        ({"op": "Normalize", "std": [0.5, 0, 0.5]}, "augment.illegal-value", "[0.5, 0, 0.5]"),
        ({"op": "x" * 100}, "augment.unknown-operation", f"'{'x' * 58}…"),
        ({"op": "RandAugment", "num_ops": 10**5000}, "augment.illegal-value", "something too long to show (int)"),
    ],
)
def test_a_wrong_operation_is_told(operation, code, shown):
    (problem,) = check_operation(operation)
    assert (problem.code, problem.values.get("shown")) == (code, shown)
    assert problem.hint.endswith(".")
    with pytest.raises(ConfigError):
        require_legal([operation])


def test_lists_without_end_are_no_traceback():
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert check_operation({"op": deep})[0].values["shown"] == "something too long to show (list)"
    while deep:
        deep = deep.pop()


def test_every_wrong_parameter_is_told_at_once():
    problems = check_operation({"op": "RandomCrop", "padding": -1, "pad_if_needed": 1, "colour": 3, "on": "no"})
    padding, pad_if_needed = (OPERATIONS["RandomCrop"].parameter(name) for name in ("padding", "pad_if_needed"))
    known = tuple(each.name for each in OPERATIONS["RandomCrop"].parameters)
    sides = "height and width, each a whole number from 1 to 2048"
    assert padding
    assert pad_if_needed
    assert problems == [
        findings.IllegalSwitch(0, "'no'"),
        findings.UnknownParameter(0, "RandomCrop", "'colour'", known, none=False),
        findings.MissingParameter(0, "RandomCrop", "size", sides),
        findings.IllegalValue(0, "RandomCrop", "padding", "-1", padding.legal),
        findings.IllegalValue(0, "RandomCrop", "pad_if_needed", "1", pad_if_needed.legal),
    ]


# The whole pipeline -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([RESIZE, ERASING, TENSOR], findings.NeedsTensor(1, "RandomErasing")),
        ([RESIZE, NORMALIZE, TENSOR], findings.NeedsTensor(1, "Normalize")),
        ([MIXUP, RESIZE, TENSOR], findings.NeedsTensor(0, "MixUp")),
        ([RESIZE, TENSOR, FLIP], findings.NeedsPicture(2, "RandomHorizontalFlip")),
        ([RESIZE, TENSOR, NORMALIZE, CROP], findings.NeedsPicture(3, "RandomResizedCrop")),
        ([RESIZE, TENSOR, MIXUP, NORMALIZE], findings.AfterMixing(3, "Normalize")),
        ([RESIZE, TENSOR, NORMALIZE, NORMALIZE], findings.Repeated(3, "Normalize")),
        ([RESIZE, TENSOR, TENSOR], findings.Repeated(2, "ToTensor")),
        ([RESIZE, TENSOR, MIXUP, CUTMIX, MIXUP], findings.Repeated(4, "MixUp")),
        ([RESIZE], findings.NeverTensors(1)),
        ([], findings.NeverTensors(0)),
        ([TENSOR], findings.DifferentSizes(1)),
        ([{"op": "Resize", "size": 32}, TENSOR], findings.DifferentSizes(2)),
        ([{"op": "Resize", "size": [32, 48]}, TENSOR], findings.NotSquare(2, 32, 48)),
        (
            [{"op": "CenterCrop", "size": [32, 32]}, TENSOR],
            findings.CropOfUnknownSize(0, "CenterCrop", 32, 32, 32, padded=False),
        ),
        (
            [RESIZE, {"op": "CenterCrop", "size": [33, 32]}, TENSOR],
            findings.CropTooLarge(1, "CenterCrop", 33, 32, 33, False, 32, 32, exact=True),
        ),
        (
            [{"op": "Resize", "size": 32}, {"op": "RandomCrop", "size": [32, 33]}, TENSOR],
            findings.CropTooLarge(1, "RandomCrop", 32, 33, 33, True, 32, 32, exact=False),
        ),
        ([{"op": "GaussianBlur"}, RESIZE, TENSOR], findings.BlurTooWide(0, 9, 1)),
        ([{"op": "Resize", "size": [4, 4]}, {"op": "GaussianBlur"}, TENSOR], findings.BlurTooWide(1, 9, 4)),
        ([TENSOR] * (MAX_OPERATIONS + 1), findings.TooManyOperations(40, 41, 40)),
        ("none", findings.NoList(0)),
        ({"op": "ToTensor"}, findings.NoList(0)),
    ],
)
def test_what_is_wrong_with_a_pipeline_and_where(operations, expected):
    assert check_pipeline(operations) == [expected]
    with pytest.raises(ConfigError) as caught:
        require_legal(operations)
    there = isinstance(operations, list) and expected.position < len(operations)
    assert str(caught.value) == (f"Operation {expected.position + 1}: " if there else "") + expected.sentence


@pytest.mark.parametrize(
    "operations",
    [
        [RESIZE, TENSOR],
        [RESIZE, TENSOR, ERASING, NORMALIZE, CUTMIX, MIXUP],
        [FLIP, FLIP, RESIZE, FLIP, TENSOR],
        [{"op": "Resize", "size": 40}, {"op": "CenterCrop", "size": [32, 32]}, TENSOR],
        [RESIZE, {"op": "RandomCrop", "size": [40, 40], "padding": 4}, TENSOR],
        [{"op": "RandomCrop", "size": [40, 40], "pad_if_needed": True}, TENSOR],
        [{"op": "GaussianBlur", "kernel_size": 1}, RESIZE, TENSOR],
        [{"op": "Resize", "size": [5, 5]}, {"op": "GaussianBlur", "kernel_size": 9}, TENSOR],
        [RESIZE, {"op": "Resize", "size": 16}, TENSOR],
        [CROP, *[FLIP] * 38, TENSOR],
    ],
)
def test_what_is_right_passes_and_can_be_built(operations):
    assert check_pipeline(operations) == []
    assert callable(build_transform(operations))


@pytest.mark.parametrize(
    "switched_off",
    [ERASING, MIXUP, TENSOR, NORMALIZE, {"op": "CenterCrop", "size": [99, 99]}, {"op": "GaussianBlur"}],
    ids=lambda each: each["op"],
)
def test_what_is_switched_off_has_no_order_and_no_size(switched_off):
    operations = [{**switched_off, "on": False}, RESIZE, TENSOR, NORMALIZE, MIXUP]
    assert check_pipeline(operations) == []
    assert check_pipeline([{**switched_off, "on": True}, *operations[1:]]) != []
    assert active(operations) == operations[1:]
    assert output_side([RESIZE, TENSOR, {"op": "Resize", "size": 99, "on": False}]) == 32
    # It may be switched on again, so its parameters have to be legal all the same, and positions count it.
    assert check_pipeline([{"op": "Resize", "size": 0, "on": False}, *operations])[0].position == 0
    assert check_pipeline([{**switched_off, "on": False}, RESIZE])[0].position == 2
    assert check_pipeline([RESIZE, {**TENSOR, "on": False}]) == [findings.NeverTensors(2)]


def test_all_problems_of_an_order_are_told_by_position():
    operations = [NORMALIZE, {**FLIP, "on": False}, ERASING, RESIZE, TENSOR, FLIP, TENSOR]
    assert [each.position for each in check_pipeline(operations)] == [0, 2, 5, 6]


def test_a_side_that_the_network_does_not_take():
    assert require_legal([RESIZE, TENSOR], 32) == [RESIZE, TENSOR]
    with pytest.raises(ConfigError) as caught:
        require_legal([RESIZE, TENSOR], 64)
    assert (caught.value.code, caught.value.values) == ("augment.other-side", {"side": 32, "image_size": 64})


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_legal_and_evaluation_is_without_chance(preset):
    training, evaluation = training_operations(preset, 48), evaluation_operations(preset, 48)
    assert check_pipeline(training) == check_pipeline(evaluation) == []
    assert output_side(training) == output_side(evaluation) == 48
    assert not any(OPERATIONS[each["op"]].random for each in evaluation)
    assert any(OPERATIONS[each["op"]].random for each in training) == (preset != "none")


def test_samples_and_batches_are_told_apart():
    operations = [RESIZE, TENSOR, CUTMIX, MIXUP]
    assert for_samples(operations) == [RESIZE, TENSOR]
    assert for_batches(operations) == [CUTMIX, MIXUP]
