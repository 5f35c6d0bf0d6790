"""What a run can be exported as, in words: for the command line and for the page."""

from __future__ import annotations

from dataclasses import dataclass

from alexcore.errors import ConfigError


@dataclass(frozen=True)
class Format:
    """One kind of export.

    Attributes:
        title: What a page calls it.
        suffix: Ending of its file.
        mime: For a download.
        text: What it is, what it is good for and what to expect, in a sentence or two.
    """

    title: str
    suffix: str
    mime: str
    text: str


_BINARY = "application/octet-stream"
FORMATS: dict[str, Format] = {
    "weights": Format(
        "Weights (.pt)",
        ".pt",
        _BINARY,
        "The state_dict: every learned number by its name; class_to_idx, input size, mean and deviation lie beside it. "
        "For PyTorch; loads with weights_only=True, so the file can run no code.",
    ),
    "safetensors": Format(
        "Weights (.safetensors)",
        ".safetensors",
        _BINARY,
        "The same numbers in a format that holds nothing but tensors and text. Read by many programs, also without "
        "PyTorch, and safe to accept from strangers.",
    ),
    "onnx": Format(
        "ONNX",
        ".onnx",
        _BINARY,
        "The network as a graph of operations, for programs without PyTorch (onnxruntime, phones, browsers). Any batch "
        "size. Compared with PyTorch before you get it: the answers differ by less than 0.0001.",
    ),
    "exported-program": Format(
        "torch.export program",
        ".pt2",
        _BINARY,
        "The network as a graph that PyTorch loads without its Python code. Any batch size. Compared with the network "
        "before you get it.",
    ),
    "project": Format(
        "Three-file project",
        ".zip",
        "application/zip",
        "model.py, train.py and predict.py in plain PyTorch, with exactly this run's settings and nothing else: to "
        "read from top to bottom, to change, to hand in. On a CPU it trains the same weights as the run, bit by bit.",
    ),
    "notebook": Format(
        "Notebook",
        ".ipynb",
        "application/x-ipynb+json",
        "The three files as the cells of one Jupyter notebook.",
    ),
    "report": Format(
        "Report",
        ".html",
        "text/html",
        "One page to print or to send: data, settings, curves, confusion matrix, worst mistakes, environment, how to "
        "repeat it, and a model card. Needs no network.",
    ),
    "bundle": Format(
        "Bundle",
        ".zip",
        "application/zip",
        "The whole run in one file, with a hash of each part and of each picture. `import` brings it back on another "
        "machine, where it can predict, be compared and be resumed.",
    ),
}

WHY_STATE_DICT = (
    "Why the state_dict and not the whole model? `torch.save(net, path)` writes the Python object itself: not its "
    "code, but the name of its class and of the file that holds it. It opens only where that very file lies at the "
    "same place with the same content; rename model.py or move a class, and every saved model is lost. And because "
    "opening it means running what it names, a file from a stranger may do anything. A state_dict is a plain table "
    "from names to tensors: it belongs to no file, you can look into it, and `weights_only=True` opens it without "
    "running code. What it lacks is the network's code, which you keep where code belongs: in model.py."
)
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


def loading_snippet(name: str, file: str, class_name: str) -> str:
    """The Python that loads exported weights into the network of the project's model.py.

    Args:
        name: "weights" or "safetensors".
        file: Path of the exported file.
        class_name: What the project calls the network.
    """
    opening = {
        "weights": [
            "import torch",
            "",
            f"from model import {class_name}  # of the three-file project",
            "",
            f"saved = torch.load({file!r}, weights_only=True)",
            'class_to_idx, weights = saved["class_to_idx"], saved["state_dict"]',
        ],
        "safetensors": [
            "import json",
            "",
            "from safetensors import safe_open",
            "",
            f"from model import {class_name}  # of the three-file project",
            "",
            f'with safe_open({file!r}, framework="pt") as file:',
            '    class_to_idx = json.loads(file.metadata()["class_to_idx"])',
            "    weights = {name: file.get_tensor(name) for name in file.keys()}",
        ],
    }[name]
    closing = [
        f"net = {class_name}(num_classes=len(class_to_idx))",
        "net.load_state_dict(weights)",
        "net.eval()  # dropout off, batch norm by its running statistics",
    ]
    return "\n".join([*opening, *closing]) + "\n"


def running_snippet(name: str, file: str) -> str:
    """The Python that runs an exported graph on one batch of pictures.

    Args:
        name: "onnx" or "exported-program".
        file: Path of the exported file.
    """
    if name == "onnx":
        lines = [
            "import numpy as np",
            "import onnxruntime",
            "",
            f"session = onnxruntime.InferenceSession({file!r})",
            "side = session.get_inputs()[0].shape[-1]",
            "images = np.zeros((2, 3, side, side), dtype=np.float32)  # RGB, values from 0 to 1",
            '(answers,) = session.run(None, {"images": images})',
        ]
    else:
        lines = [
            "import json",
            "",
            "import torch",
            "",
            'about = {"about.json": ""}  # filled by load',
            f"network = torch.export.load({file!r}, extra_files=about).module()",
            'side = json.loads(about["about.json"])["input_size"][-1]',
            "images = torch.zeros(2, 3, side, side)  # RGB, values from 0 to 1",
            "answers = network(images)",
        ]
    return "\n".join(lines) + "\n"
