"""Parts of the benchmarks that can be wrong without anybody noticing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from alexcore.runs import status
from alexcore.runs.status import StatusWriter, read_status
from benchmarks.run_all import BENCHMARKS, run_one
from benchmarks.time_to_accuracy import reached, summary
from tests.support.repository import REPOSITORY


def test_a_new_phase_reaches_the_disk_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Whoever has pressed Start would otherwise see the first step up to a heartbeat later.
    monkeypatch.setattr(status, "HEARTBEAT_S", 1000.0)
    writer = StatusWriter(tmp_path)
    writer.update(phase="training", step=1)
    assert read_status(tmp_path).step == 1
    writer.update(phase="training", step=2)
    assert read_status(tmp_path).step == 1, "but not each step"
    writer.close("finished")
    assert read_status(tmp_path).step == 2


def found(**curves: Any) -> dict[str, Any]:
    own = {"recipe": [[(10.0, 0.5), (20.0, 0.7)]], "default": [[(2.0, 0.6), (4.0, 0.8)]], "short": [[(3.0, 0.72)]]}
    return {**own, "short_epochs": 1, "tried": {}, **curves}


def test_time_counts_until_the_epoch_that_reaches_the_accuracy() -> None:
    assert reached([(1.0, 0.5), (2.0, 0.7), (3.0, 0.6), (4.0, 0.9)], 0.7) == 2.0
    assert reached([(1.0, 0.5)], 0.7) is None
    assert summary(found(), 0.7)["ratios"] == [3.0 / 20.0]


def test_a_recipe_that_never_gets_there_gives_an_upper_bound() -> None:
    assert summary(found(recipe=[[(10.0, 0.5), (30.0, 0.6)]]), 0.7)["ratios"] == [0.1]


def test_a_short_run_that_misses_the_accuracy_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    result = summary(found(short=[[(1.0, 0.6)]]), 0.7)
    assert result["ratios"] == []
    assert not result["checks"]["time to 0.7 <= 0.15"]
    assert "1 of 1 short runs did not reach 0.7" in capsys.readouterr().out


def test_every_script_is_in_the_one_command() -> None:
    scripts = {path.name for path in (REPOSITORY / "benchmarks").glob("*.py") if "__main__" in path.read_text()}
    assert {each.script for each in BENCHMARKS.values()} == scripts - {"run_all.py"}


def test_photographs_are_handed_to_whoever_needs_them() -> None:
    data = Path("flowers")
    assert BENCHMARKS["training"].command(None, tiny=False) is None
    assert (BENCHMARKS["training"].command(data, tiny=False) or [])[-1] == "flowers"
    assert (BENCHMARKS["dataset"].command(data, tiny=False) or [])[-1].endswith("bench_dataset.py")
    for benchmark in BENCHMARKS.values():
        assert benchmark.command(None, tiny=True), "tiny sizes need no photographs"


def test_a_benchmark_that_fails_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_one("good", [sys.executable, "-c", "print('table'); print('[1]')"])["result"] == [1]
    assert capsys.readouterr().out.endswith("table\n")
    assert "failed" in run_one("dies", [sys.executable, "-c", "print('{}'); raise SystemExit(3)"])
    assert "failed" in run_one("says nothing", [sys.executable, "-c", ""])


@pytest.mark.nightly
def test_the_gpu_benchmark_says_so_where_there_is_no_gpu() -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    command = [sys.executable, str(REPOSITORY / "benchmarks" / "bench_gpu.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=REPOSITORY)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1])["skipped"].startswith("There is no CUDA device on this machine")


def test_draws_on_the_card_depend_on_seed_epoch_and_index_alone() -> None:
    import torch

    from benchmarks.card_pictures import uniforms

    draws = uniforms(1, 2, torch.arange(1000))
    assert torch.equal(draws[[7, 3]], uniforms(1, 2, torch.tensor([7, 3])))
    assert bool((draws >= 0).all())
    assert bool((draws < 1).all())
    for other in (uniforms(2, 2, torch.arange(1000)), uniforms(1, 3, torch.arange(1000))):
        assert not bool((other == draws).all(dim=1).any())
    assert torch.allclose(draws.mean(dim=0), torch.full((5,), 0.5), atol=0.05)
    assert torch.corrcoef(draws.T).sub(torch.eye(5)).abs().max() < 0.15


def test_augmentation_on_the_card() -> None:
    import torch

    from benchmarks.card_pictures import augmented

    pictures = torch.randint(0, 256, (2, 3, 16, 16), dtype=torch.uint8)
    # The whole area, square; not flipped and flipped.
    draws = torch.tensor([[1.0, 0.5, 0.5, 0.5, 0.0], [1.0, 0.5, 0.5, 0.5, 0.9]])
    result = augmented(pictures, draws, 16)
    expected = (pictures.float() / 127.5) - 1
    assert torch.allclose(result[0], expected[0], atol=1e-4)
    assert torch.allclose(result[1], expected[1].flip(-1), atol=1e-4)
    small = augmented(pictures, torch.zeros(2, 5), 8)
    assert small.shape == (2, 3, 8, 8)
    assert small.is_contiguous(memory_format=torch.channels_last)
