"""TrainConfig: the one description of a run, from which forms, command-line flags and documents are made.

Every field carries its own explanation and its legal range. Nothing here imports torch, so a page can draw the
form and refuse a bad value at once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Lt
from pydantic import ConfigDict, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from alexcore.augment.check import output_side, require_legal
from alexcore.augment.operations import Operation, active
from alexcore.augment.pipeline_files import load_pipeline
from alexcore.augment.presets import PRESETS as AUGMENTATIONS
from alexcore.errors import ConfigError
from alexcore.fields import FieldSpec, OneOf, field, specs_of
from alexcore.nn import NETWORKS, NORMS
from alexcore.run_fields import RunFields
from alexcore.run_intensity import EACH, INTENSITIES, is_intensity
from alexcore.words.language import _

# The groups of a form, in its order, and the field that each begins with.
GROUPS = {
    "Data": "data",
    "Network": "variant",
    "Batch": "batch_size",
    "Loss": "label_smoothing",
    "Optimizer": "optimizer",
    "Reproducibility": "seed",
    "Run": "start_from",
}


def _networks_told() -> str:
    return " ".join(f"{name}: {network.title}." for name, network in NETWORKS.items())


def _norms_told() -> str:
    """What each norm is called, and over which pictures it takes mean and deviation."""
    over = {True: _(", over the batch"), False: _(", over each picture alone")}
    told = (f"{name}: {norm.title}{over[norm.over_batch] if norm.layer else ''}" for name, norm in NORMS.items())
    return "; ".join(told) + "."


class TrainConfig(RunFields):
    """Everything that decides a run: data and network here, how it is trained in `RunFields`.

    `config.json` holds one of these, complete. Construct it through `make_config`, which turns every violated range
    into one `ConfigError`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    data: str = field(
        "",
        "Data set",
        "Folder with train/CLASS and val/CLASS, or just CLASS folders, which are then split 4:1; or a manifest: "
        "a .csv, .tsv, .json or .jsonl file that lists pictures and labels. Each class gets its number from the order "
        "of the names.",
    )
    val: str = field(
        "",
        "Validation folder",
        "A separate folder of CLASS folders to validate on; empty uses the data set's own. The network never learns "
        "from these pictures, so the validation accuracy says what it makes of new ones.",
    )
    layout: Literal["auto", "splits", "classes", "flat"] = field(
        "auto",
        "Layout of the folder",
        "What the folders in the data set are. auto: what their names say, if that is clear; splits: train, val and "
        "test, with class folders in them; classes: each is a class, whatever it is called; flat: neither, all "
        "pictures are one pool. Look at the counts on the page Data set: a folder read wrongly teaches nonsense.",
        code="alexcore.data.layout:read",
    )
    classes_from: Literal["folder", "name", "list"] = field(
        "folder",
        "Classes from",
        "What says which class a picture has. folder: the folder that it lies in; name: what stands beside the number "
        "in the name of its file, cat in cat.12.jpg; list: the list that lies among the pictures.",
        code="alexcore.data.layout:read",
    )
    pairs: Literal["auto", "first", "both"] = field(
        "auto",
        "Files of one name",
        "What two files in a folder are that differ in their ending only, as a photo and its mask may. auto: somebody "
        "is asked where nearly all are such pairs, and what is called a mask is left out; first: the photo counts; "
        "both: each is a picture. Masks teach a network to tell drawings from photos.",
        code="alexcore.data.folder_cleaning:Cleaner",
    )
    untrained: Literal["refuse", "drop", "keep"] = field(
        "refuse",
        "Classes without training pictures",
        "What becomes of a class that has no picture to train on. refuse: no run starts; drop: it is left out of all "
        "splits, and the other classes are numbered without it. keep is what version 0.1 did: an output for it is "
        "taught never to answer, so each of its pictures counts as wrong.",
        code="alexcore.data.untrained:settled",
    )
    test: str = field(
        "",
        "Test folder",
        "A separate folder of CLASS folders for the test split; empty uses the data set's own. No run looks at these "
        "pictures; evaluate them once, when you are done.",
    )
    root: str = field(
        "",
        "Where a list's pictures are now",
        "The folder that has taken the place of the one with which the paths in a list begin, if that was moved or "
        "renamed; empty where nothing was. Nothing else about the run changes.",
        code="alexcore.data.lists.listed_files:below",
    )
    header: Literal["auto", "yes", "no"] = field(
        "auto",
        "Header of a list",
        "Whether the first line of a CSV or TSV list names its columns. auto: it does if its words are usual ones; no: "
        "it is a picture like the others.",
        code="alexcore.data.lists.list_choice:has_header",
    )
    columns: str = field(
        "",
        "Columns of a list",
        "Which columns of a list hold the pictures, their classes and, if you like, their splits: names, or numbers "
        "from 1, with a comma between them (file,species or 2,3). Empty: those with the usual names.",
        code="alexcore.data.lists.list_choice:chosen_columns",
    )
    image_size: Annotated[int, Ge(32), Le(1024)] = field(
        224,
        "Image size (px)",
        "Side of the square that the network sees. Smaller is faster (time grows with the area) and loses detail.",
        code="alexcore.augment.pipeline:build_transform",
    )
    start_size: Annotated[int, Ge(0), Le(1024)] = field(
        128,
        "Image size at first (px)",
        "Trains on smaller pictures at first and lets them grow, epoch by epoch, to the image size (progressive "
        "resizing); 0, or any size from the image size on, is off. Early epochs learn what is coarse anyway, in a "
        "third of the time. Validation always sees the image size. Off with a time budget, which measures its first "
        "steps.",
        code="alexcore.training.schedule:image_side",
    )
    augment: str | list[Operation] = field(
        "seed",
        "Augmentation",
        "Random changes to each training picture, so that the network never sees quite the same one twice. "
        "Expect a lower training accuracy and a better validation accuracy. The page Augment shows what each does.",
        code="alexcore.augment.pipeline:build_transform",
        suggestions=tuple(AUGMENTATIONS),
        otherwise="a .json file that holds a pipeline",
    )
    normalize: Literal["preset", "data"] = field(
        "preset",
        "Normalize by",
        "Which mean and deviation are taken out of each colour. preset: the augmentation's own; data: those of the "
        "training pictures, measured once. Inputs around 0 with deviation 1 are what initial weights are made for.",
        code="alexcore.augment.presets:with_normalize",
    )
    intensity: str = field(
        "auto",
        "Values beyond 8 bits",
        "Which values of 16-bit, 32-bit and floating-point pictures become black and white, the same for all splits "
        "and predictions. auto looks at a sample of the training pictures and says what it has found; type takes the "
        "range of the type, minmax that of the sample, window the two numbers that you type. each is what version 0.1 "
        "did. No effect on ordinary pictures, which have 8 bits.",
        code="alexcore.data.decoding.intensity:choose",
        suggestions=(*INTENSITIES,),
        otherwise="window LOW HIGH, such as window 0 4095",
    )
    num_workers: Annotated[int, Ge(-1), Le(64)] = field(
        -1,
        "Loader processes",
        "Processes that read and transform pictures while the network computes. -1 is the rule "
        "min(CPU cores, batch size, 8); 0 reads in the training process itself, which is best for debugging.",
        code="alexcore.training.loader:worker_count",
    )
    decoded_cache_mib: Annotated[int, Ge(0), Le(10_000_000)] = field(
        2048,
        "Decoded pictures (MiB of disk)",
        "Keeps pictures as bytes in the cache, up to this size, so that a JPEG is decoded once and not in each epoch. "
        "Expect a faster second epoch with the same pixels; 0 is off. Pictures in shards are not kept.",
        code="alexcore.data.decoding.decoded:DecodedPictures",
    )

    variant: Annotated[str, OneOf(lambda: tuple(NETWORKS), _networks_told)] = field(
        "seed",
        "Variant",
        "Which network learns: its layers, how wide they are, and so how much it can tell apart and how long a step "
        "takes. The page Network shows its layers and parameters.",
        code="alexcore.nn.alexnet:AlexNet",
    )
    norm: Annotated[str, OneOf(lambda: tuple(NORMS), _norms_told)] = field(
        "batch",
        "Normalisation",
        "A layer after each convolution that brings every channel to mean 0 and deviation 1, then scales and shifts it "
        "by two learned numbers. Expect faster learning.",
        code="alexcore.nn.norms:Norm",
        essential=True,
    )
    width: Annotated[float, Gt(0), Le(4)] = field(
        1.0,
        "Width",
        "Multiplies the channels of every layer. 0.5 has about a quarter of the parameters and is faster.",
        code="alexcore.nn.alexnet:AlexNet",
    )
    init: Literal["seed", "torch", "kaiming", "xavier"] = field(
        "seed",
        "Initial weights",
        "The random numbers that a network starts from. Without a norm this decides whether it learns at all: "
        "torch's default leaves a plain AlexNet at chance under SGD.",
        code="alexcore.nn.init:initialise",
    )
    activation: Literal["relu", "tanh", "sigmoid"] = field(
        "relu",
        "Activation",
        "The bend after each layer. relu is AlexNet's; tanh and sigmoid saturate, which makes learning slower.",
        code="alexcore.nn.alexnet:AlexNet",
    )
    dropout: Annotated[float, Ge(0), Lt(1)] = field(
        0.5,
        "Dropout",
        "Share of the classifier's inputs set to zero in each training step, so that no unit is relied on alone. "
        "Expect a lower training accuracy and less overfitting; 0 is off. An evaluation is always without it.",
        code="alexcore.nn.alexnet:AlexNet",
    )

    @field_validator("augment", mode="before")
    @classmethod
    def _check_augment(cls, value: Any) -> str | list[Operation]:
        if isinstance(value, list):
            return active(_legal_pipeline(value))
        if not isinstance(value, str) or value not in AUGMENTATIONS:
            raise ValueError("not a preset")
        return value

    @field_validator("intensity")
    @classmethod
    def _check_intensity(cls, text: str) -> str:
        if not is_intensity(text):
            raise ValueError(text)
        return text

    @model_validator(mode="after")
    def _check_size(self) -> TrainConfig:
        if not isinstance(self.augment, str):
            _legal_pipeline(self.augment, self.image_size)
            if self.normalize == "data" and not any(each["op"] == "Normalize" for each in self.augment):
                sentence = "normalize = 'data' needs a Normalize in the augmentation: add one after ToTensor."
                raise PydanticCustomError("pipeline", "{sentence}", {"sentence": sentence})
        return self


def _legal_pipeline(value: Any, image_size: int | None = None) -> list[Operation]:
    try:
        return require_legal(value, image_size)
    except ConfigError as error:
        raise PydanticCustomError("pipeline", "{sentence}", {"sentence": str(error)}) from error


# Presets are data: what differs from the defaults, and one sentence for the form.
PRESETS: dict[str, tuple[str, dict[str, Any]]] = {
    "default": ("A good result on a small data set in about two minutes on two cores.", {}),
    "quick": (
        "A first look in well under a minute: half the width, small pictures, few epochs.",
        {"epochs": 4, "image_size": 128, "width": 0.5},
    ),
    "seed": (
        "The blog's recipe, plainly: no normalisation, Adam at 2e-4, no schedule.",
        {
            "norm": "none",
            "optimizer": "adam",
            "lr": 2e-4,
            "scheduler": "constant",
            "weight_decay": 0.0,
            "precision": "fp32",
            "start_size": 0,
        },
    ),
    "thorough": (
        "Longer and with stronger augmentation, for a data set of your own.",
        {"epochs": 30, "augment": "strong", "label_smoothing": 0.1},
    ),
}


FIELDS = specs_of(TrainConfig, GROUPS)


def refused(error: ValidationError, fields: Mapping[str, FieldSpec], what: str) -> ConfigError:
    """The error that names each value which pydantic has refused; `what` has these fields, such as "a run"."""
    sentences = " ".join(_sentence(each, fields, what) for each in error.errors())
    return ConfigError(sentences, "Correct the value and start again.")


def _sentence(error: Any, fields: Mapping[str, FieldSpec], what: str) -> str:
    name = str(error["loc"][0]) if error["loc"] else ""
    if error["type"] == "extra_forbidden":
        return f"{name} is not a setting of {what}."
    if error["type"] == "pipeline":
        return str(error["msg"])
    if not name:  # two fields that contradict each other
        return str(error["ctx"]["error"])
    return f"{name} = {error['input']!r} is not allowed: it must be {fields[name].legal}."


def make_config(preset: str = "default", /, **values: Any) -> TrainConfig:
    """Build a valid TrainConfig from a preset and the fields that differ from it.

    `augment` may be the path of a .json file; the configuration then holds the pipeline itself.

    Raises:
        ConfigError: the preset is unknown, or one or more fields are out of range; the message names each of them.
    """
    if preset not in PRESETS:
        raise ConfigError(f"There is no preset {preset!r}.", f"Choose one of {', '.join(PRESETS)}.")
    augment = values.get("augment")
    if isinstance(augment, str) and augment.endswith(".json"):
        pipeline = load_pipeline(Path(os.path.expanduser(augment)))
        # The file decides the size, unless somebody has asked for another, which is then refused.
        values = {"image_size": output_side(pipeline), **values, "augment": pipeline}
    try:
        return TrainConfig(**{**PRESETS[preset][1], **values})
    except ValidationError as error:
        raise refused(error, FIELDS, "a run") from error


def absolute(values: dict[str, Any]) -> dict[str, Any]:
    """Make the paths among values that somebody typed absolute: config.json must mean the same from any folder."""
    given = ("data", "val", "test", "root", "start_from")
    typed = {name: Path(values[name]).expanduser() for name in given if values.get(name)}
    # A run to start from may also be given by its name.
    paths = {name: str(path.resolve()) for name, path in typed.items() if name != "start_from" or path.exists()}
    return {**values, **paths}


def load_config(path: Path) -> TrainConfig:
    """Read a config.json.

    Raises:
        ConfigError: the file is missing, is no JSON object, or holds a value out of range.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path} cannot be read as a configuration: {error}.") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path} does not hold a JSON object.")
    values.setdefault("start_size", 0)  # a run from before pictures grew
    values.setdefault("intensity", EACH)  # a run from before pictures were scaled by one rule
    # A run from before these two were asked.
    values.setdefault("pairs", "both")
    values.setdefault("untrained", "keep")
    return make_config(**{str(name): value for name, value in values.items()})
