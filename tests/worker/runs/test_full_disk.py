"""A disk that is really full: the system refuses to write, in the middle of a checkpoint."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from alexcore.runs.events import read_events
from alexcore.runs.launcher import prepare_resume
from alexcore.runs.store import create_run, read_run
from alexcore.runs.worker import execute
from alexcore.training.checkpoint import load_checkpoint
from tests.support.repository import REPOSITORY
from tests.support.run_folders import tiny_config

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of a file's size"),
]


def resumed_within(run: Path, most_bytes: int) -> subprocess.CompletedProcess[str]:
    """Resume a run in a process whose files may not grow beyond a size, as on a disk that is nearly full."""
    script = (
        "import resource, sys\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({most_bytes}, {most_bytes}))\n"
        "from alexcore.cli import main\n"
        "sys.exit(main(['resume', sys.argv[1], '--epochs', '4']))"
    )
    return subprocess.run(
        [sys.executable, "-c", script, run],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_full_disk_costs_no_checkpoint_and_the_run_goes_on_bit_by_bit(stripes):
    values = {"epochs": 2, "augment": "strong", "scheduler": "constant", "ema_decay": 0.9}
    whole = create_run(tiny_config(stripes, **{**values, "epochs": 4}))
    assert execute(whole) == "finished"
    run = create_run(tiny_config(stripes, **values))
    assert execute(run) == "finished"
    checkpoint = run / "checkpoints" / "last.pt"
    before = checkpoint.read_bytes()

    said = resumed_within(run, len(before) // 2)
    assert said.returncode == 2, said.stderr
    line = said.stderr.strip().splitlines()[-1]
    assert line.startswith("error: ")
    assert "cannot be written" in line
    assert line.endswith("Free some disk space and resume the run.")
    assert "Traceback" not in said.stderr
    assert read_run(run).status.state == "failed"
    assert checkpoint.read_bytes() == before
    assert not list(run.rglob("*.tmp"))

    prepare_resume(read_run(run))
    assert execute(run) == "finished"
    assert [event["step"] for event in read_events(run / "events.jsonl")[0] if event["type"] == "epoch"][-1] == 20
    ours, theirs = (load_checkpoint(folder / "checkpoints" / "last.pt")["model"] for folder in (run, whole))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


SMALL = """
mount -t tmpfs -o size=2600k tmpfs "$2" && cd "$1" && exec "$3" - "$2" "$4" <<'END'
import sys
from pathlib import Path
from alexcore.files import read_json
from alexcore.runs.store import create_run
from alexcore.runs.worker import execute
from tests.support.run_folders import tiny_config
run = create_run(tiny_config(sys.argv[2], checkpoint_every_minutes=0.001), Path(sys.argv[1]) / "run")
try:
    execute(run)
except Exception as error:
    print(type(error).__name__)
status = read_json(run / "status.json")
print(status["state"], status["error"]["hint"])
END
"""


@pytest.mark.nightly
def test_the_reason_reaches_the_status_on_a_disk_without_a_free_byte(stripes, tmp_path):
    (tmp_path / "small").mkdir()
    unshare = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount a small disk")
    said = subprocess.run(
        [*unshare, "sh", "-c", SMALL, "sh", REPOSITORY, tmp_path / "small", sys.executable, stripes],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert said.stdout.splitlines()[-2:] == [
        "CheckpointError",
        "failed Free some disk space and resume the run.",
    ], said.stderr
