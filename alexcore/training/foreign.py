"""What a file is that is no checkpoint of this program, in our own words, and what other programs call our weights."""

from __future__ import annotations

import contextlib
import io
import pickletools
import zipfile
from collections.abc import Mapping
from typing import Any, BinaryIO

import torch

from alexcore.integrity import begins_as_zip

# What programs put around a network, and so before the names of its weights: data parallel, torch.compile, FSDP,
# checkpointed activations, DeepSpeed, Lightning and people's habits. No network of ours has a layer of these names.
_ANYWHERE = ("module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_forward_module")
_IN_FRONT = ("model", "net", "network", "backbone", "student")
# The first bytes of files that people take for weights.
_BEGINNINGS = {
    b"\x89HDF": "an HDF5 file, as Keras writes it",
    b"\x93NUMPY": "an array of NumPy",
    b"\x1f\x8b": "a compressed file",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
}
# What is in every file of tensors and plain data, and what makes a pickle a network.
_PLAIN = ("torch.", "collections.OrderedDict", "__builtin__.set")
_NETWORKS = ("torch.nn.", "torchvision.models.", "timm.", "transformers.")
_OLD = "a pickle, or a file of torch.save in its format before version 1.6, which has no checksums"
# What lies in zip files that people take for weights.
_INSIDE = {
    "constants.pkl": "a TorchScript archive: a network together with its code, which would be run",
    "model.json": "an exported program of torch.export: a graph, not weights under names",
    "model.weights.h5": "a network of Keras",
}


def what_else(file: BinaryIO) -> str:
    """What a file is that torch cannot load as tensors and plain data; empty where nothing is known of it."""
    file.seek(0)
    begin = file.read(64)
    if begin[8:9] == b"{" and 0 < int.from_bytes(begin[:8], "little") < 1 << 32:
        return "a safetensors file: weights without classes and settings"
    if begin[:1] == b"\x80" and begin[1:2] in (b"\2", b"\3", b"\4", b"\5"):
        file.seek(0)
        return _pickled(file.read()) or _OLD
    if not begins_as_zip(file):
        return next((what for start, what in _BEGINNINGS.items() if begin.startswith(start)), "")
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            known = next((what for name in names for end, what in _INSIDE.items() if name.endswith(end)), "")
            if not known and names and all(name.endswith(".npy") for name in names):
                known = "an archive of NumPy"
            data = next((name for name in names if name.endswith("/data.pkl")), "")
            return known or (_pickled(archive.read(data)) if data else "")
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError):
        return ""


def _pickled(content: bytes) -> str:
    """Say which objects pickles would make, empty for none; none of their instructions is carried out."""
    texts: list[str] = []
    found: dict[str, None] = {}
    stream = io.BytesIO(content)
    # Any byte is an instruction; what was found before the first that is none is enough.
    with contextlib.suppress(Exception):
        while True:  # the older format of torch.save is several pickles
            for code, argument, _ in pickletools.genops(stream):
                if code.name in ("GLOBAL", "STACK_GLOBAL"):
                    name = str(argument).replace(" ", ".") if code.name == "GLOBAL" else ".".join(texts[-2:])
                    found[name] = None
                elif isinstance(argument, str):
                    texts.append(argument)
    objects = [name for name in found if not name.startswith(_PLAIN) or name.startswith("torch.nn.")]
    if not objects:
        return ""
    kind = "a pickled network" if any(name.startswith(_NETWORKS) for name in objects) else "a pickle of objects"
    return f"{kind} ({', '.join(objects[:2])}), which would run code of its own when opened"


def plain_names(weights: Mapping[Any, Any]) -> tuple[dict[Any, Any], list[str]]:
    """The weights under the names that our networks give them, and what was taken off, such as ["module."]."""
    taken: dict[str, None] = {}
    renamed: dict[Any, Any] = {}
    for name, value in weights.items():
        *layers, last = str(name).split(".")
        kept = [each for each in layers if each not in _ANYWHERE]
        while kept and kept[0] in _IN_FRONT:
            kept.pop(0)
        taken |= {f"{each}.": None for each in layers if each not in kept}
        renamed[".".join([*kept, last])] = value
    if not taken or len(renamed) < len(weights):  # nothing to do, or two would have one name
        return dict(weights), []
    renamed.pop("n_averaged", None)  # torch's AveragedModel counts in there
    return renamed, list(taken)


def misfit(weights: Any, expected: Mapping[str, torch.Tensor]) -> str:
    """In what weights differ from those of a network, first of all; empty where they fit."""
    if not isinstance(weights, Mapping):
        return "they are no table of tensors"
    for name in expected:
        if name not in weights:
            return f"{name} is missing"
    for name, value in weights.items():
        if name not in expected:
            return f"{str(name)[:60]} is none of the network's"
        have, want = tuple(getattr(value, "shape", ())), tuple(expected[name].shape)
        if have != want:
            return f"{name} is {have}, and the network's is {want}"
    return ""


def is_bare(state: Any) -> bool:
    """Whether what was loaded are weights alone, as `torch.save(network.state_dict())` writes them."""
    return isinstance(state, Mapping) and bool(state) and all(isinstance(each, torch.Tensor) for each in state.values())
