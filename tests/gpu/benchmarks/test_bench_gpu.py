"""The benchmark of the GPU runs where there is one."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.support.repository import REPOSITORY


def test_the_gpu_benchmark_on_a_gpu() -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    command = [sys.executable, str(REPOSITORY / "benchmarks" / "bench_gpu.py"), "--tiny"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, cwd=REPOSITORY)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1])["steps"] == 3
