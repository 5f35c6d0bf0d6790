"""What a bundle claims about the world it came from, and files that vanish while one is packed."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from pathlib import Path

import pytest

from alexcore.config import load_config
from alexcore.data.decoding import decoded
from alexcore.data.decoding.decoded import DecodedPictures
from alexcore.export import bundle
from alexcore.runs.store import open_run
from tests.support.command_line import done, refused
from tests.support.run_folders import write_run


def claiming(file: Path, **status: object) -> Path:
    """The same bundle with another status.json, and the hash that goes with it."""
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    text = json.dumps({**json.loads(parts["run/status.json"]), **status}).encode()
    contents = json.loads(parts["bundle.json"])
    contents["files"]["run/status.json"] = {"bytes": len(text), "sha256": hashlib.sha256(text).hexdigest()}
    changed = file.with_name("changed.zip")
    with zipfile.ZipFile(changed, "w") as archive:
        for name, data in {**parts, "run/status.json": text, "bundle.json": json.dumps(contents).encode()}.items():
            archive.writestr(name, data)
    return changed


@pytest.mark.parametrize("state", ["running", "queued", "paused", "stopping", "lost", ["x"], None])
def test_no_imported_run_is_running(stripes: Path, tmp_path: Path, state: object) -> None:
    run = write_run("finished", "it", data=stripes, checkpoint=True)
    done("export", run, "--to", tmp_path / "it.zip", "--format", "bundle")
    claim = claiming(tmp_path / "it.zip", state=state, heartbeat=1e15, agent_pid=1)
    done("import", claim, "--name", "copy")
    status = open_run("copy").status
    assert (status.state, status.heartbeat) == ("stopped", 0.0)


def test_a_validation_folder_of_its_own_is_kept(stripes: Path, tmp_path: Path) -> None:
    run = write_run("finished", "it", data=stripes / "train", checkpoint=True)
    done("export", run, "--to", tmp_path / "it.zip", "--format", "bundle")
    done("import", tmp_path / "it.zip", "--name", "copy", "--data", stripes / "train", "--val", stripes / "val")
    config = load_config(open_run("copy").path / "config.json")
    assert (config.data, config.val) == (str(stripes / "train"), str(stripes / "val"))
    assert "--val is given without --data" in refused("import", tmp_path / "it.zip", "--name", "b", "--val", stripes)


def test_a_file_that_vanishes_is_left_out_with_a_note(
    stripes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = write_run("running", "it", data=stripes, checkpoint=True)
    (run / "tensorboard").mkdir()
    (run / "tensorboard" / "old").write_text("x")
    listed = bundle._run_files

    def deleted_just_then(folder: Path) -> dict[str, Path]:
        found = listed(folder)
        shutil.rmtree(folder / "tensorboard")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(bundle, "_run_files", deleted_just_then)
        said = done("export", run, "--to", tmp_path / "it.zip", "--format", "bundle")
    assert "tensorboard/old is not in it: the file vanished while the bundle was packed." in said.out
    done("import", tmp_path / "it.zip", "--name", "copy")


def test_the_cache_reads_only_what_others_have_added(
    stripes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = sorted(stripes.rglob("*.jpg"))[:6]
    ours, theirs = (DecodedPictures(64, tmp_path / "cache") for _ in range(2))
    sizes: list[int] = []
    unpack = decoded._ENTRY.iter_unpack

    class Watched:
        size, pack = decoded._ENTRY.size, decoded._ENTRY.pack

        def iter_unpack(self, block: bytes) -> object:
            sizes.append(len(block) // self.size)
            return unpack(block)

    monkeypatch.setattr(decoded, "_ENTRY", Watched())
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("a file was read from its beginning"))
    for picture in pictures[:3]:
        ours.read(picture)
    assert sizes == []  # its own file is not read again
    before = [ours.read(picture).tobytes() for picture in pictures[:3]]
    assert [theirs.read(picture).tobytes() for picture in pictures[:3]] == before
    for picture in pictures[3:]:
        ours.read(picture)
    theirs.read(pictures[3])
    assert sizes == [3, 3]
