"""One export, from the format's name to the file: what the command line and the page's background job both call."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from alexcore.export.formats import require_format
from alexcore.export.source import Source
from alexcore.export.target import require_free, write_bytes, writing

Progress = Callable[[int, int], None]


def write_export(
    source: Source,
    name: str,
    target: Path,
    on_progress: Progress,
    *,
    force: bool = False,
    normalize: bool = True,
    softmax: bool = True,
) -> dict[str, Any]:
    """Write a run in one format.

    Args:
        source: The run.
        name: One of `formats.FORMATS`.
        target: The file; never overwritten unless `force`.
        on_progress: Called with (done, total).
        force: Overwrite.
        normalize: Put the normalisation into a graph.
        softmax: Put the softmax into a graph.

    Returns:
        file, format, bytes, sha256, difference (of a graph, largest of what was compared) and notes, as plain data.

    Raises:
        AlexError: the run, the format or the place cannot be used; nothing is written then.
    """
    require_format(name)
    require_free(target, force)  # before the work, not after it
    difference, notes = None, [source.unfinished] if source.unfinished else []
    if name == "bundle":
        from alexcore.export.bundle import write_bundle

        with writing(target, force) as temporary:
            notes = write_bundle(source, temporary, on_progress)
    elif name == "report":
        from alexcore.export.report import make_report

        write_bytes(target, make_report(source, on_progress).encode(), force)
    else:
        data, difference, more = _torch_bytes(source, name, normalize, softmax)
        write_bytes(target, data, force)
        notes += [note for note in more if note not in notes]
    digest = hashlib.sha256()
    with target.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return {
        "file": str(target),
        "format": name,
        "run": str(source.path),
        "checkpoint": source.checkpoint.name,
        "bytes": target.stat().st_size,
        "sha256": digest.hexdigest(),
        "difference": difference,
        "notes": notes,
    }


def _torch_bytes(source: Source, name: str, normalize: bool, softmax: bool) -> tuple[bytes, float | None, list[str]]:
    """The formats that need the network: the file, what was compared, and notes."""
    from alexcore.export.source import load_trained

    trained = load_trained(source)
    if name in ("weights", "safetensors"):
        from alexcore.export.weights import as_pt, as_safetensors

        return (as_pt if name == "weights" else as_safetensors)(source, trained), None, []
    if name in ("onnx", "exported-program"):
        from alexcore.export.graph import as_exported_program, as_onnx

        data, difference = (as_onnx if name == "onnx" else as_exported_program)(source, trained, normalize, softmax)
        return data, difference, []
    from alexcore.export.project import as_zip, make_project

    if name == "project":
        project = make_project(source, trained)
        return as_zip(source, project), None, project.notes
    from alexcore.export.notebook import as_notebook

    # Loader processes cannot see what a notebook defines; the pictures are the same without them.
    alone = source.config.model_copy(update={"num_workers": 0})
    project = make_project(replace(source, config=alone), trained)
    return as_notebook(source, project), None, project.notes
