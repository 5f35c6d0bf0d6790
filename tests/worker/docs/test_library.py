"""The examples of docs/library.md, one after the other."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

LIBRARY = Path(__file__).resolve().parents[3] / "docs" / "library.md"


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Threads that wait for each other on busy cores take most of the time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_thread")
def test_every_example_runs(
    stripes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(stripes, "my-flowers")
    shutil.copy(next((stripes / "val").glob("*/*.jpg")), "photo.jpg")
    examples = re.findall(r"^```python\n(.*?)^```", LIBRARY.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(examples) == 6
    names: dict[str, object] = {}
    printed = []
    for number, example in enumerate(examples):
        exec(compile(example, f"library.md, example {number + 1}", "exec"), names)
        printed.append(capsys.readouterr().out.strip())
    # What a comment behind print says is what is printed.
    assert printed[0] == "finished"
    assert printed[5] == re.findall(r"print\(error.message\)  # (.+)", examples[5])[0]
    assert len(printed[1].splitlines()) == 3
    assert 0 <= float(printed[2].splitlines()[0]) <= 1
    assert len(eval(printed[3])) == 2
    assert printed[4].splitlines()[1] == "torch.Size([3, 224, 224])"
