"""What makes a pipeline of operations unable to work. A page shows each beside the operation that it belongs to."""

from __future__ import annotations

from alexcore.findings.finding import Finding


class PipelineProblem(Finding):
    """Something wrong with one operation of a pipeline.

    Attributes:
        position: Of the operation, counted from 0, the switched-off ones included; one past the end means that
            something is missing.
    """

    position: int

    def __init_subclass__(cls, code: str = "") -> None:
        super().__init_subclass__(code, severity="error")


class _OneOperation(PipelineProblem):
    operation: str


class _Crop(_OneOperation):
    height: int
    width: int
    side: int
    padded: bool


class NoList(PipelineProblem, code="augment.no-list"):
    """The pipeline is no list.

    Operations follow each other, so only a list has an order for them.

    Example: a file with a single operation, without brackets around it.

    Remedy: put the operations in brackets, with commas between them.
    """


class TooManyOperations(PipelineProblem, code="augment.too-many-operations"):
    """The pipeline is too long.

    Each operation costs time for each picture, and a pipeline may come from an address that a stranger has made.

    Example: 200 times ColorJitter.

    Remedy: remove what changes little.
    """

    count: int
    most: int


class NoOperation(PipelineProblem, code="augment.no-operation"):
    """Something in the list is no operation.

    An operation is a name with parameters; nothing else can be carried out.

    Example: `"Resize"` instead of `{"op": "Resize", "size": 224}`.

    Remedy: write it with its name as "op".
    """

    shown: str


class UnknownOperation(PipelineProblem, code="augment.unknown-operation"):
    """There is no operation of this name.

    To pass over it would be to train with another augmentation than the one that was asked for.

    Example: "resize" with a small letter.

    Remedy: one of the names that the sentence lists.
    """

    shown: str
    known: tuple[str, ...]


class IllegalSwitch(PipelineProblem, code="augment.illegal-switch"):
    """The switch of an operation is neither true nor false.

    It would have to be guessed whether the operation acts.

    Example: `"on": "no"`, which most programs take for yes.

    Remedy: true or false, without quotation marks.
    """

    shown: str


class UnknownParameter(_OneOperation, code="augment.unknown-parameter"):
    """An operation is given a parameter that it does not have.

    Mostly it is a slip of the pen, and the parameter that was meant would silently keep its default.

    Example: "probability" instead of "p".

    Remedy: one of the names that the sentence lists.
    """

    shown: str
    known: tuple[str, ...]
    none: bool


class MissingParameter(_OneOperation, code="augment.missing-parameter"):
    """An operation lacks a parameter that has no default.

    A size is that of the network: no default would be right everywhere.

    Example: `{"op": "CenterCrop"}`.

    Remedy: give it.
    """

    parameter: str
    legal: str


class IllegalValue(_OneOperation, code="augment.illegal-value"):
    """A parameter has a value that it cannot have.

    torchvision would refuse it when the run starts, or carry out something without a meaning.

    Example: a probability of 5.

    Remedy: a value as the sentence describes it.
    """

    parameter: str
    shown: str
    legal: str


class Repeated(_OneOperation, code="augment.repeated"):
    """An operation on tensors or batches stands in the list twice.

    A second Normalize would change numbers that are right already; of the others one is enough.

    Example: Normalize above and below RandomErasing.

    Remedy: remove one of them.
    """


class NeedsTensor(_OneOperation, code="augment.needs-tensor"):
    """An operation on tensors stands above ToTensor.

    It calculates with numbers, and above ToTensor there are only pictures.

    Example: Normalize as the first operation.

    Remedy: move it below ToTensor.
    """


class NeedsPicture(_OneOperation, code="augment.needs-picture"):
    """An operation on pictures stands below ToTensor.

    Below ToTensor there are no pictures any more; cropping and colours belong above.

    Example: ColorJitter after Normalize, where 0 is no black.

    Remedy: move it above ToTensor.
    """


class AfterMixing(_OneOperation, code="augment.after-mixing"):
    """An operation on single pictures stands below MixUp or CutMix.

    Those two mix the pictures of a finished batch, so nothing can be done to one picture after them.

    Example: Normalize below MixUp.

    Remedy: move it above them.
    """


class NeverTensors(PipelineProblem, code="augment.never-tensors"):
    """ToTensor is missing.

    A network takes tensors, not pictures.

    Example: a pipeline of Resize alone, or one whose ToTensor is switched off.

    Remedy: add ToTensor after the operations on pictures.
    """


class DifferentSizes(PipelineProblem, code="augment.different-sizes"):
    """The pictures leave in different sizes.

    A batch is one tensor, for which all pictures must have the same size.

    Example: Resize to a shorter side of 224 px keeps the aspect, so the longer sides differ.

    Remedy: a crop after it, or a Resize to height and width.
    """


class NotSquare(PipelineProblem, code="augment.not-square"):
    """The pictures leave in another shape than a square.

    The network is built for one number, image_size, across and down.

    Example: a Resize to 224 x 320 px at the end.

    Remedy: the same height and width for the last Resize or crop.
    """

    height: int
    width: int


class BlurTooWide(PipelineProblem, code="augment.blur-too-wide"):
    """A blur may be wider than the picture.

    It mirrors the picture at its border, for which the picture must be larger than half of the blur.

    Example: GaussianBlur of 9 px as the first operation, where a picture may be a single pixel.

    Remedy: a Resize or a crop above it, or a smaller kernel_size.
    """

    kernel_size: int
    side: int


class CropOfUnknownSize(_Crop, code="augment.crop-of-unknown-size"):
    """A crop is the first to fix a size, so it may be larger than a picture.

    CenterCrop would fill what is missing with black, RandomCrop would fail at the first small picture.

    Example: CenterCrop to 224 px without a Resize above it.

    Remedy: a Resize above it.
    """


class CropTooLarge(_Crop, code="augment.crop-too-large"):
    """A crop is larger than the pictures that reach it.

    CenterCrop would fill what is missing with black, RandomCrop would fail at the first small picture.

    Example: Resize to 200 px, then CenterCrop to 224 px.

    Remedy: a larger Resize, or a smaller crop.
    """

    least_height: int
    least_width: int
    exact: bool


class OtherSide(Finding, code="augment.other-side", severity="error"):
    """The augmentation yields another size than image_size.

    The network is built for image_size, and its last layers fit that one only.

    Example: a pipeline that was made for 224 px in a run with image_size 64.

    Remedy: the same number in both.
    """

    side: int
    image_size: int
