"""The operations that a pipeline can be made of: stage, parameters with their bounds, and one sentence each.

An operation in a pipeline is `{"op": name, parameter: value, ...}`, with `"on": false` if it is switched off. Names and
parameters are those of torchvision.transforms.v2. A parameter that is left out has its default; a size must be given.
A page can draw the builder, and a configuration can be refused, at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from alexcore.augment import drawn
from alexcore.augment.parameters import Parameter

Operation = dict[str, Any]
# Where an operation may stand: before ToTensor, at it, after it; on a whole batch, and so last.
Stage = Literal["picture", "convert", "tensor", "batch"]
MAX_SIDE = 2048


@dataclass(frozen=True)
class OperationSpec:
    """What the builder, the checks, the code and the page need to know about an operation.

    Attributes:
        text: What it does and why, in a sentence or two.
        parameters: In torchvision's order.
        stage: Where it may stand.
        random: Whether it draws anything.
        words: What was drawn, in words.
        in_place: Whether every pixel stays where it was, so that a later crop can still be found on the original.
        made_by: What makes it, as "module:name"; empty for the class of its name in torchvision.transforms.v2.
        code: Lines that make it without this package, with {parameter} for a value; empty for a call of that class.
    """

    text: str
    parameters: tuple[Parameter, ...] = ()
    stage: Stage = "picture"
    random: bool = True
    words: drawn.InWords = drawn.nothing
    in_place: bool = False
    made_by: str = ""
    code: tuple[str, ...] = ()

    @property
    def rank(self) -> int:
        """The place of its stage in a pipeline."""
        return get_args(Stage).index(self.stage)

    def parameter(self, name: str) -> Parameter | None:
        """The parameter of this name."""
        return next((each for each in self.parameters if each.name == name), None)


def _p(default: float = 0.5) -> Parameter:
    return Parameter("p", "float", default, "The chance that it happens to a picture.", 0, 1)


def _size(kind: Literal["side", "sides"] = "sides") -> Parameter:
    text = "Height and width in pixels of what comes out."
    if kind == "side":
        text += " One number brings the shorter side to it and keeps the aspect; two squeeze."
    return Parameter("size", kind, [224, 224], text, 1, MAX_SIDE)


def _jitter(name: str, maximum: float = 10) -> Parameter:
    what = f"The {name} is multiplied by a number within 1 minus and 1 plus this."
    if name == "hue":
        what = "The colours turn around the circle by at most this part of it."
    return Parameter(name, "float", 0.0, what, 0, maximum)


_DEGREES = Parameter("degrees", "float", 15.0, "Turned by at most this angle, either way.", 0, 180)

OPERATIONS: dict[str, OperationSpec] = {
    "Resize": OperationSpec(
        "Brings the picture to a size. Two numbers squeeze it; one keeps its aspect.",
        (_size("side"),),
        random=False,
        made_by="alexcore.augment.transforms:Resize",
    ),
    "CenterCrop": OperationSpec("Cuts the middle out.", (_size(),), random=False),
    "RandomResizedCrop": OperationSpec(
        "Cuts a random part out and brings it to a size: the same flower, near or far, whole or half. The one "
        "augmentation that nearly always helps.",
        (
            _size(),
            Parameter("scale", "range", [0.08, 1.0], "Area of the part, as a share of the picture's.", 0, 1, True),
            Parameter("ratio", "range", [0.75, 4 / 3], "Width of the part divided by its height.", 0.01, 100),
        ),
        words=drawn.cut_out,
    ),
    "RandomCrop": OperationSpec(
        "Cuts out a part of the given size without resizing, after an optional border has been added.",
        (
            _size(),
            Parameter("padding", "int", 0, "Border in pixels added on each side first.", 0, MAX_SIDE),
            Parameter("pad_if_needed", "bool", False, "Adds a border to a picture smaller than the crop."),
            Parameter(
                "padding_mode",
                "choice",
                "constant",
                "What the border holds: black, the edge, or a mirror image.",
                choices=("constant", "edge", "reflect", "symmetric"),
            ),
        ),
        words=drawn.cut_out_with_border,
    ),
    "RandomHorizontalFlip": OperationSpec(
        "Mirrors left and right: most things look as real.", (_p(),), words=drawn.happened("mirrored", "not mirrored")
    ),
    "RandomVerticalFlip": OperationSpec(
        "Turns upside down; only where there is no up.", (_p(),), words=drawn.happened("upside down", "upright")
    ),
    "RandomRotation": OperationSpec("Turns the picture; the corners become black.", (_DEGREES,), words=drawn.moved),
    "RandomAffine": OperationSpec(
        "Turns, moves, scales and slants the picture at once; what lies outside is black.",
        (
            _DEGREES,
            Parameter("translate", "pair", [0.1, 0.1], "Moved by at most this share of width and height.", 0, 1),
            Parameter("scale", "range", [0.9, 1.1], "Made larger or smaller by a factor in this range.", 0.01, 10),
            Parameter("shear", "float", 0.0, "Slanted by at most this angle in degrees.", 0, 89),
        ),
        words=drawn.moved,
    ),
    "RandomPerspective": OperationSpec(
        "Tilts the picture as if it were seen from the side.",
        (Parameter("distortion_scale", "float", 0.5, "How strongly: 0 is not at all.", 0, 1), _p()),
        words=drawn.happened("tilted", "not tilted"),
        made_by="alexcore.augment.transforms:RandomPerspective",
    ),
    "ColorJitter": OperationSpec(
        "Changes brightness, contrast, saturation and hue at random, in random order: other light, another camera.",
        (_jitter("brightness"), _jitter("contrast"), _jitter("saturation"), _jitter("hue", 0.5)),
        words=drawn.coloured,
        in_place=True,
    ),
    "RandomGrayscale": OperationSpec(
        "Takes the colour away: the shape has to do.",
        (_p(0.1),),
        words=drawn.happened("grey", "in colour"),
        in_place=True,
    ),
    "GaussianBlur": OperationSpec(
        "Blurs, as a picture out of focus.",
        (
            Parameter("kernel_size", "int", 9, "Pixels that are averaged, in each direction.", 1, 99, odd=True),
            Parameter("sigma", "range", [0.1, 2.0], "Width of the blur in pixels.", 0.01, 50),
        ),
        words=drawn.blurred,
        in_place=True,
    ),
    "RandomAdjustSharpness": OperationSpec(
        "Sharpens or softens.",
        (Parameter("sharpness_factor", "float", 2.0, "0 blurs, 1 changes nothing, 2 sharpens.", 0, 20), _p()),
        words=drawn.happened("sharpness changed", "sharpness kept"),
        in_place=True,
    ),
    "RandomEqualize": OperationSpec(
        "Spreads each colour's values evenly from dark to light.",
        (_p(),),
        words=drawn.happened("equalized", "not equalized"),
        in_place=True,
    ),
    "RandomPosterize": OperationSpec(
        "Leaves few shades of each colour.",
        (Parameter("bits", "int", 4, "Bits kept of the 8 of each colour.", 1, 8), _p()),
        words=drawn.happened("posterized", "not posterized"),
        in_place=True,
    ),
    "RandomSolarize": OperationSpec(
        "Turns light values into their negative.",
        (Parameter("threshold", "int", 128, "Values from here on (of 0 to 255) are inverted.", 0, 255), _p()),
        words=drawn.happened("solarized", "not solarized"),
        in_place=True,
    ),
    "RandAugment": OperationSpec(
        "Draws some of 14 changes of shape and colour for each picture, all at one strength (Cubuk et al. 2019).",
        (
            Parameter("num_ops", "int", 2, "Changes drawn for each picture.", 1, 14),
            Parameter("magnitude", "int", 9, "Strength; 0 is none, 30 the strongest.", 0, 30),
        ),
        words=drawn.changes,
    ),
    "TrivialAugmentWide": OperationSpec(
        "Draws one change of shape or colour and its strength for each picture: nothing to tune, hard to beat "
        "(Müller and Hutter 2021).",
        words=drawn.changes,
    ),
    "AutoAugment": OperationSpec(
        "Draws one of the pairs of changes that a search found for a data set (Cubuk et al. 2018).",
        (
            Parameter(
                "policy",
                "choice",
                "imagenet",
                "The data set for which the pairs were found.",
                choices=("imagenet", "cifar10", "svhn"),
            ),
        ),
        words=drawn.changes,
        made_by="alexcore.augment.transforms:auto_augment",
        code=("v2.AutoAugment(v2.AutoAugmentPolicy({policy!r}))",),
    ),
    "ToTensor": OperationSpec(
        "Turns the picture, height x width x 3 bytes, into a tensor, 3 x height x width, float32 from 0 to 1.",
        random=False,
        made_by="alexcore.augment.transforms:to_tensor",
        code=("v2.ToImage()", "v2.ToDtype(torch.float32, scale=True)"),
        stage="convert",
    ),
    "Normalize": OperationSpec(
        "Subtracts the mean and divides by the standard deviation, colour by colour: inputs around 0 with deviation 1 "
        "are what initial weights are made for.",
        (
            Parameter("mean", "channels", [0.5, 0.5, 0.5], "Subtracted from each colour, values from 0 to 1.", -10, 10),
            Parameter("std", "channels", [0.5, 0.5, 0.5], "Each colour is divided by this.", 1e-4, 10),
        ),
        random=False,
        stage="tensor",
    ),
    "RandomErasing": OperationSpec(
        "Blanks a random rectangle, so that no single part of a picture is relied on (Zhong et al. 2017).",
        (
            _p(),
            Parameter("scale", "range", [0.02, 0.33], "Area of the rectangle: a share of the picture's.", 0, 1, True),
            Parameter("ratio", "range", [0.3, 3.3], "Height of the rectangle divided by its width.", 0.01, 100),
        ),
        words=drawn.erased,
        stage="tensor",
    ),
    "MixUp": OperationSpec(
        "Blends each picture of a batch, and its label, with another one (Zhang et al. 2017).",
        (Parameter("alpha", "float", 0.2, "How even the blend is: near 0 hardly any, 1 any share.", 0.01, 100),),
        stage="batch",
    ),
    "CutMix": OperationSpec(
        "Puts a rectangle of another picture of the batch into each picture, and mixes the labels by area "
        "(Yun et al. 2019).",
        (Parameter("alpha", "float", 1.0, "How the areas vary: 1 is any share alike.", 0.01, 100),),
        stage="batch",
    ),
}


def new_operation(name: str, image_size: int) -> Operation:
    """An operation with its defaults, for pictures of `image_size` x `image_size` px."""
    sized = OPERATIONS[name].parameter("size") is not None
    return {"op": name, **({"size": [image_size, image_size]} if sized else {}), **_defaults(name)}


def arguments(operation: Operation) -> dict[str, Any]:
    """All parameters of a legal operation as torchvision takes them, those that are left out with their default."""
    spec = OPERATIONS[operation["op"]]
    return {
        each.name: each.taken(value) for each, value in zip(spec.parameters, filled(operation).values(), strict=True)
    }


def filled(operation: Operation) -> dict[str, Any]:
    """All parameters of an operation, legal or not, in their order; a missing one has its default, a size None."""
    values = {**_defaults(operation["op"]), **operation}
    return {each.name: values.get(each.name) for each in OPERATIONS[operation["op"]].parameters}


def _defaults(name: str) -> dict[str, Any]:
    found = {each.name: each.default for each in OPERATIONS[name].parameters if not each.required}
    return {key: list(value) if isinstance(value, list) else value for key, value in found.items()}


def active(operations: Sequence[Operation]) -> list[Operation]:
    """The operations that are not switched off, without the switch."""
    kept = [each for each in operations if each.get("on", True)]
    return [{key: value for key, value in each.items() if key != "on"} for each in kept]


def for_samples(operations: Sequence[Operation]) -> list[Operation]:
    """Those that act on one picture."""
    return [each for each in operations if OPERATIONS[each["op"]].stage != "batch"]


def for_batches(operations: Sequence[Operation]) -> list[Operation]:
    """Those that act on a whole batch: MixUp and CutMix."""
    return [each for each in operations if OPERATIONS[each["op"]].stage == "batch"]
