"""What a run can be exported as: an entry a format, with all that the command line and the page know of it.

A new format is one more entry, here or from outside: `FORMATS["mine"] = Format(...)`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import NamedTuple

from alexcore.errors import ConfigError
from alexcore.export.source import Source


@dataclass(frozen=True)
class Wish:
    """What an export may be asked for: `normalize` and `softmax` put these two into a graph."""

    on_progress: Callable[[int, int], None]
    normalize: bool = True
    softmax: bool = True


class Written(NamedTuple):
    """What is said of a file: the largest difference found, where it was compared, and sentences."""

    difference: float | None = None
    notes: Sequence[str] = ()


# Writes the file at the path, which is temporary; raises an AlexError if the run cannot be written so.
Writer = Callable[[Source, Path, Wish], Written]


@dataclass(frozen=True)
class Use:
    """Something to do with a file of a format, or to know about it."""

    title: str  # what a page calls it
    # From the path of the file and the name of the network's class to the lines that do it; None: only a text.
    code: Callable[[str, str], str] | None = None
    language: str = "python"  # of the code
    text: str = ""  # what to expect


@dataclass(frozen=True)
class Format:
    """One kind of export."""

    title: str  # what a page calls it
    suffix: str  # ending of its file
    mime: str  # for a download
    text: str  # what it is, what it is good for and what to expect, in a sentence or two
    write: Writer  # what writes it
    uses: tuple[Use, ...] = ()  # what one does with it
    graph: bool = False  # whether normalisation and softmax may be inside


def _by(name: str) -> Writer:
    """The writer "module:function" of this room, imported when it is called: a list of the formats needs no torch."""

    def write(source: Source, file: Path, wish: Wish) -> Written:
        written: Written = resolve_name(f"alexcore.export.{name}")(source, file, wish)
        return written

    return write


def _lines(*lines: str) -> str:
    return "\n".join(lines) + "\n"


def _into_net(network: str) -> tuple[str, ...]:
    """Loads exported weights into the network of the project's model.py."""
    return (
        f"net = {network}(num_classes=len(class_to_idx))",
        "net.load_state_dict(weights)",
        "net.eval()  # dropout off, batch norm by its running statistics",
    )


def _load_weights(file: str, network: str) -> str:
    return _lines(
        "import torch",
        "",
        f"from model import {network}  # of the three-file project",
        "",
        f"saved = torch.load({file!r}, weights_only=True)",
        'class_to_idx, weights = saved["class_to_idx"], saved["state_dict"]',
        *_into_net(network),
    )


def _load_safetensors(file: str, network: str) -> str:
    return _lines(
        "import json",
        "",
        "from safetensors import safe_open",
        "",
        f"from model import {network}  # of the three-file project",
        "",
        f'with safe_open({file!r}, framework="pt") as file:',
        '    class_to_idx = json.loads(file.metadata()["class_to_idx"])',
        "    weights = {name: file.get_tensor(name) for name in file.keys()}",
        *_into_net(network),
    )


def _run_onnx(file: str, _: str) -> str:
    return _lines(
        "import numpy as np",
        "import onnxruntime",
        "",
        f"session = onnxruntime.InferenceSession({file!r})",
        "side = session.get_inputs()[0].shape[-1]",
        "images = np.zeros((2, 3, side, side), dtype=np.float32)  # RGB, values from 0 to 1",
        '(answers,) = session.run(None, {"images": images})',
    )


def _run_exported_program(file: str, _: str) -> str:
    return _lines(
        "import json",
        "",
        "import torch",
        "",
        'about = {"about.json": ""}  # filled by load',
        f"network = torch.export.load({file!r}, extra_files=about).module()",
        'side = json.loads(about["about.json"])["input_size"][-1]',
        "images = torch.zeros(2, 3, side, side)  # RGB, values from 0 to 1",
        "answers = network(images)",
    )


def _run_project(*_: str) -> str:
    return "pip install -r requirements.txt\npython predict.py picture.jpg\npython train.py --data FOLDER"


def _bring_back(file: str, _: str) -> str:
    return f"python -m alexcore import '{file}' --data FOLDER"


WHY_STATE_DICT = Use(
    "Why the state_dict and not the whole model?",
    text="`torch.save(net, path)` writes the Python object itself: not its "
    "code, but the name of its class and of the file that holds it. It opens only where that very file lies at the "
    "same place with the same content; rename model.py or move a class, and every saved model is lost. And because "
    "opening it means running what it names, a file from a stranger may do anything. A state_dict is a plain table "
    "from names to tensors: it belongs to no file, you can look into it, and `weights_only=True` opens it without "
    "running code. What it lacks is the network's code, which you keep where code belongs: in model.py.",
)
_BINARY = "application/octet-stream"
FORMATS: dict[str, Format] = {
    "weights": Format(
        "Weights (.pt)",
        ".pt",
        _BINARY,
        "The state_dict: every learned number by its name; class_to_idx, input size, mean and deviation lie beside it. "
        "For PyTorch; loads with weights_only=True, so the file can run no code.",
        _by("weights:write_pt"),
        (Use("Load it", _load_weights), WHY_STATE_DICT),
    ),
    "safetensors": Format(
        "Weights (.safetensors)",
        ".safetensors",
        _BINARY,
        "The same numbers in a format that holds nothing but tensors and text. Read by many programs, also without "
        "PyTorch, and safe to accept from strangers.",
        _by("weights:write_safetensors"),
        (Use("Load it", _load_safetensors), WHY_STATE_DICT),
    ),
    "onnx": Format(
        "ONNX",
        ".onnx",
        _BINARY,
        "The network as a graph of operations, for programs without PyTorch (onnxruntime, phones, browsers). Any batch "
        "size. Compared with PyTorch before you get it: the answers differ by less than 0.0001.",
        _by("graph:write_onnx"),
        (Use("Run it", _run_onnx),),
        graph=True,
    ),
    "exported-program": Format(
        "torch.export program",
        ".pt2",
        _BINARY,
        "The network as a graph that PyTorch loads without its Python code. Any batch size. Compared with the network "
        "before you get it.",
        _by("graph:write_exported_program"),
        (Use("Run it", _run_exported_program),),
        graph=True,
    ),
    "project": Format(
        "Three-file project",
        ".zip",
        "application/zip",
        "model.py, train.py and predict.py in plain PyTorch, with exactly this run's settings and nothing else: to "
        "read from top to bottom, to change, to hand in. On a CPU it trains the same weights as the run, bit by bit.",
        _by("project:write_project"),
        (Use("Run it", _run_project, "bash"),),
    ),
    "notebook": Format(
        "Notebook",
        ".ipynb",
        "application/x-ipynb+json",
        "The three files as the cells of one Jupyter notebook.",
        _by("notebook:write_notebook"),
    ),
    "report": Format(
        "Report",
        ".html",
        "text/html",
        "One page to print or to send: data, settings, curves, confusion matrix, worst mistakes, environment, how to "
        "repeat it, and a model card. Needs no network.",
        _by("report:write_report"),
    ),
    "bundle": Format(
        "Bundle",
        ".zip",
        "application/zip",
        "The whole run in one file, with a hash of each part and of each picture. `import` brings it back on another "
        "machine, where it can predict, be compared and be resumed.",
        _by("bundle:write_bundle"),
        (
            Use(
                "Bring it back",
                _bring_back,
                "bash",
                "On the other machine: checks the hash of every file, refuses what would overwrite a run, and with "
                "--data says how many pictures there are the run's own.",
            ),
        ),
    ),
}

TENSORBOARD = (
    "The curves are there as TensorBoard event files, too: `tensorboard --logdir runs` shows every run, "
    "`tensorboard --logdir runs/ID` one; then open http://localhost:6006. A resumed run has one line without zig-zag, "
    "because TensorBoard is told to forget what the resume has undone."
)


def require_format(name: str) -> Format:
    """The format of this name.

    Raises:
        ConfigError: there is none.
    """
    if name not in FORMATS:
        raise ConfigError(f"There is no format {name[:40]!r}.", f"Choose one of {', '.join(FORMATS)}.")
    return FORMATS[name]
