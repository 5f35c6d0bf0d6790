"""What writes each format: a run and what was wished for in, a file out. torch is imported by those that need it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from alexcore.export.source import Source, load_trained

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Wish:
    """What an export may be asked for: `normalize` and `softmax` put these two into a graph."""

    on_progress: Progress
    normalize: bool = True
    softmax: bool = True


class Written(NamedTuple):
    """What is said of a file: the largest difference found, where it was compared, and sentences."""

    difference: float | None = None
    notes: Sequence[str] = ()


# Writes the file at the path, which is temporary; raises an AlexError if the run cannot be written so.
Writer = Callable[[Source, Path, Wish], Written]


def weights(source: Source, file: Path, _: Wish) -> Written:
    """The state_dict."""
    from alexcore.export.weights import as_pt

    file.write_bytes(as_pt(source, load_trained(source)))
    return Written()


def safetensors(source: Source, file: Path, _: Wish) -> Written:
    """The same as safetensors."""
    from alexcore.export.weights import as_safetensors

    file.write_bytes(as_safetensors(source, load_trained(source)))
    return Written()


def onnx(source: Source, file: Path, wish: Wish) -> Written:
    """The graph for onnxruntime."""
    from alexcore.export.graph import as_onnx

    data, difference = as_onnx(source, load_trained(source), wish.normalize, wish.softmax)
    file.write_bytes(data)
    return Written(difference)


def exported_program(source: Source, file: Path, wish: Wish) -> Written:
    """The graph for torch.export."""
    from alexcore.export.graph import as_exported_program

    data, difference = as_exported_program(source, load_trained(source), wish.normalize, wish.softmax)
    file.write_bytes(data)
    return Written(difference)


def project(source: Source, file: Path, _: Wish) -> Written:
    """The three files in a zip."""
    from alexcore.export.project import as_zip, make_project

    made = make_project(source, load_trained(source))
    file.write_bytes(as_zip(source, made))
    return Written(notes=made.notes)


def notebook(source: Source, file: Path, _: Wish) -> Written:
    """The three files as cells."""
    from alexcore.export.notebook import as_notebook
    from alexcore.export.project import make_project

    # Loader processes cannot see what a notebook defines; the pictures are the same without them.
    alone = replace(source, config=source.config.model_copy(update={"num_workers": 0}))
    made = make_project(alone, load_trained(source))
    file.write_bytes(as_notebook(source, made))
    return Written(notes=made.notes)


def report(source: Source, file: Path, wish: Wish) -> Written:
    """One HTML file."""
    from alexcore.export.report import make_report

    file.write_bytes(make_report(source, wish.on_progress).encode())
    return Written()


def bundle(source: Source, file: Path, wish: Wish) -> Written:
    """The whole run in a zip."""
    from alexcore.export.bundle import write_bundle

    return Written(notes=write_bundle(source, file, wish.on_progress))
