"""The run store: a folder of run folders. Nothing is kept in memory, so a folder copied in is simply there."""

from __future__ import annotations

import contextlib
import secrets
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from alexcore.config import TrainConfig, load_config
from alexcore.errors import CheckpointError, ConfigError, RunError
from alexcore.files import write_json
from alexcore.findings.saved import FileEdited
from alexcore.home import runs_dir
from alexcore.integrity import CONFIG, changed_since, write_checked
from alexcore.run_names import run_folder, run_folders
from alexcore.runs.kinds import TRAINING, Kind, kind_of
from alexcore.runs.status import Status, read_status, write_queued


@dataclass(frozen=True)
class Run:
    """One run folder as it stands now.

    `problem` says what is wrong with a broken one, and `edited` which files are not what the run wrote.
    """

    path: Path
    status: Status
    config: TrainConfig | None
    problem: str = ""
    edited: tuple[FileEdited, ...] = ()

    @property
    def id(self) -> str:
        """The folder's name, which is the run's name in a URL."""
        return self.path.name

    @property
    def kind(self) -> Kind:
        """What the folder holds."""
        return kind_of(self.path)

    @property
    def checkpoint(self) -> Path | None:
        """The checkpoint to predict with: the best one, else the last one."""
        return next((path for path in checkpoints(self.path) if path.is_file()), None)

    @property
    def started(self) -> datetime | None:
        """When config.json was written."""
        try:
            return datetime.fromtimestamp((self.path / "config.json").stat().st_mtime)
        except OSError:
            return None


def checkpoints(run_dir: Path) -> tuple[Path, Path]:
    """Where the best and the last checkpoint of a run lie, whether or not they exist."""
    return run_dir / "checkpoints" / "best.pt", run_dir / "checkpoints" / "last.pt"


def require_checkpoint(run: Run) -> Path:
    """The checkpoint to predict with.

    Raises:
        CheckpointError: the run has none yet.
    """
    if run.checkpoint is None:
        arms = sorted(path.name for path in (run.path / "arms").glob("*") if path.is_dir())
        if arms:
            raise CheckpointError(
                f"{run.id} is an experiment; its networks are those of its arms.",
                f"Choose one of them, such as {run.path / 'arms' / arms[0]}: there are {', '.join(arms)}.",
            )
        hint = "Wait for its first epoch to end." if run.status.active else "Choose another run."
        raise CheckpointError(f"The run {run.id} ({run.status.state}) has no checkpoint.", hint)
    return run.checkpoint


def create_run(
    config: TrainConfig, run_dir: Path | None = None, kind: Kind = TRAINING, own: dict[str, Any] | None = None
) -> Path:
    """Make the folder of a new run, with its config.json and the state `queued`; without `run_dir` in the run store.

    `own` are the settings that this kind has beside a TrainConfig.

    Raises:
        RunError: `run_dir` exists and is not empty, or cannot be made.
    """
    if run_dir is None:
        run_dir = runs_dir() / f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
    with RunError.from_system(f"{run_dir} cannot be written", "Check its permissions and the disk."):
        if run_dir.exists() and (not run_dir.is_dir() or any(run_dir.iterdir())):
            raise RunError(f"{run_dir} exists and is not empty.", "Choose another folder, or use `resume`.")
        (run_dir / "checkpoints").mkdir(parents=True)
        write_checked(run_dir / CONFIG, config.model_dump())
        if own is not None:
            write_json(run_dir / kind.file, own)
        write_queued(run_dir)
    return run_dir


def read_run(run_dir: Path) -> Run:
    """Read one run folder; a broken one comes back with its problem instead of an exception.

    Raises:
        RunError: there is no such folder.
    """
    if not _is_folder(run_dir):
        raise RunError(f"There is no run {run_dir.name[:80]}.", "It may have been deleted; choose another one.")
    edited = tuple(map(FileEdited, changed_since(run_dir)))
    try:
        return Run(run_dir, read_status(run_dir), load_config(run_dir / CONFIG), edited=edited)
    except ConfigError as error:
        return Run(run_dir, read_status(run_dir), None, f"{error} {_way_back(run_dir)}".rstrip())


def _way_back(run_dir: Path) -> str:
    """What to do about settings that cannot be read, if a checkpoint has them."""
    kept = any((run_dir / "checkpoints").glob("*.pt"))
    return f"`runs repair {run_dir.name}` writes it again from the run's checkpoint." if kept else ""


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name longer than the file system allows
        return False


def find_run(name: str, kind: Kind | None = None) -> Run:
    """Find a run by the path of its folder (command line only), by its id in the run store, or by its name.

    Raises:
        RunError: there is none, several have the name, or it is not of this kind.
    """
    place = Path(name)
    # A folder of anything else, which happens to be called like a run, does not stand in its way.
    folder = place if _is_folder(place) and (place / "config.json").is_file() else run_folder(name)
    run = read_run(folder or (place if _is_folder(place) else runs_dir() / name))
    if kind and run.kind is not kind:
        raise RunError(f"The run {run.id} is no {kind.title}.", f"Start one with `{kind.command}`.")
    return run


def open_run(run_id: str) -> Run:
    """Find a run of the store by its id or name; a path is refused, because the text may come from a URL.

    Raises:
        RunError: there is none, or several have the name.
    """
    folder = run_folder(run_id)
    if folder is None and (not run_id or run_id != Path(run_id).name or run_id.startswith(".") or "\0" in run_id):
        raise RunError(f"{run_id[:80]!r} is not the name of a run.", "Choose one from the list.")
    return read_run(folder or runs_dir() / run_id)


def list_runs() -> list[Run]:
    """All runs of the store, the newest first."""
    runs = []
    for path in run_folders():
        with contextlib.suppress(RunError):  # deleted since the folder was listed
            runs.append(read_run(path))
    return sorted(runs, key=lambda run: (run.started or datetime.fromtimestamp(0), run.id), reverse=True)
