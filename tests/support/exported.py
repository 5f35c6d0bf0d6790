"""Runs to export, and exported projects as a learner runs them: trained here, but without this package."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from alexcore.config import TrainConfig
from alexcore.export.project import as_zip, make_project
from alexcore.export.source import Source, load_trained
from alexcore.runs.series import Series


def source_of(run: Path, config: TrainConfig, watcher: Any, checkpoint: str = "last.pt") -> Source:
    """A run that `test_resume.straight` has trained."""
    history = Series(run / "events.jsonl")
    history.start, history.steps, history.epochs = watcher.of("start")[0], watcher.of("step"), watcher.of("epoch")
    return Source(run, "finished", config, run / "checkpoints" / checkpoint, history)


def unpacked_project(source: Source, folder: Path) -> Path:
    """Export the project of a run as a zip and unpack it; returns the folder of its files."""
    with zipfile.ZipFile(io.BytesIO(as_zip(source, make_project(source, load_trained(source))))) as archive:
        archive.extractall(folder)
    return folder / source.name


@contextlib.contextmanager
def modules(project: Path, *names: str) -> Iterator[list[ModuleType]]:
    """Import the files of a project as its learner would: from inside its folder."""
    before, path = os.getcwd(), sys.path.copy()
    files = ("model", "train", "predict")
    # A module of another project has the same name, and bytecode of the same second would be taken for its own.
    for name in files:
        sys.modules.pop(name, None)
    importlib.invalidate_caches()
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    os.chdir(project)
    sys.path.insert(0, str(project))
    try:
        yield [importlib.import_module(name) for name in names]
    finally:
        sys.dont_write_bytecode = written
        sys.path[:] = path
        os.chdir(before)
        for name in files:
            sys.modules.pop(name, None)
