"""What is said of a pipeline of operations that cannot work."""

from __future__ import annotations

from collections.abc import Mapping

from alexcore.words.template import Said

_CROP = "{operation} of {height} x {width} px"
_SMALLER = "Put a Resize to at least {side} px above it, or make the crop smaller.{padded:? pad_if_needed helps too.|}"

SAID: Mapping[str, Said] = {
    "augment.no-list": Said("A pipeline must be a list of operations.", 'Write [{{"op": "Resize", ...}}, ...].'),
    "augment.too-many-operations": Said("There are {count} operations.", "Use at most {most}."),
    "augment.no-operation": Said("{shown} is no operation.", 'Write {{"op": NAME, PARAMETER: VALUE}}.'),
    "augment.unknown-operation": Said("There is no operation {shown}.", "Choose among {known:listed 0}."),
    "augment.illegal-switch": Said("on = {shown} is not allowed.", "Write true or false."),
    "augment.unknown-parameter": Said(
        "{operation} has no parameter {shown}.", "Its parameters: {known:listed 0}{none:?it has none|}."
    ),
    "augment.missing-parameter": Said("{operation} lacks its {parameter}.", "Give {legal}."),
    "augment.illegal-value": Said("{operation}: {parameter} = {shown} is not allowed.", "It must be {legal}."),
    "augment.repeated": Said("{operation} stands here a second time.", "Remove one of them."),
    "augment.needs-tensor": Said("{operation} needs a tensor.", "Move it below ToTensor."),
    "augment.needs-picture": Said("{operation} comes too late.", "Move it above ToTensor: it works on pictures."),
    "augment.after-mixing": Said(
        "{operation} comes too late.", "Move it above MixUp and CutMix, which work on finished batches."
    ),
    "augment.never-tensors": Said(
        "The pictures never become tensors.", "Add ToTensor after the operations on pictures."
    ),
    "augment.different-sizes": Said(
        "The pictures leave in different sizes, and so cannot form a batch.",
        "Add a crop, or a Resize to height and width.",
    ),
    "augment.not-square": Said(
        "The pictures leave with {height} x {width} px; the network takes squares.",
        "Give the last Resize or crop the same height and width.",
    ),
    "augment.blur-too-wide": Said(
        "GaussianBlur of {kernel_size} px needs more than a picture whose side may be {side} px.",
        "Put a Resize or a crop above it, or make kernel_size smaller.",
    ),
    "augment.crop-of-unknown-size": Said(_CROP + " may be larger than a picture.", _SMALLER),
    "augment.crop-too-large": Said(
        _CROP + " is larger than the picture, {exact:?|at least }{least_height} x {least_width} px.", _SMALLER
    ),
    "augment.other-side": Said(
        "The augmentation ends with pictures of {side} x {side} px, but image_size is {image_size}.",
        "Set image_size to {side}, or the sizes in the augmentation to {image_size}.",
    ),
}
