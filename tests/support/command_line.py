"""The command line as tests call it: in this process, or in one of its own."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alexcore.cli import main
from tests.support.repository import REPOSITORY


@dataclass(frozen=True)
class Said:
    """What one command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out.splitlines()[-1])


def call(*arguments: object) -> Said:
    """Run a command in this process; argparse leaves by SystemExit."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        try:
            code = main([str(each) for each in arguments])
        except SystemExit as end:
            code = int(end.code or 0)
    return Said(code, out.getvalue(), err.getvalue())


def done(*arguments: object) -> Said:
    said = call(*arguments)
    assert said.code == 0, said.err
    return said


def refused(*arguments: object) -> str:
    """The one line that a command which cannot work says instead."""
    said = call(*arguments)
    assert said.code == 2
    assert said.out == ""
    assert "Traceback" not in said.err
    lines = said.err.splitlines()
    assert len(lines) == 1, said.err
    assert lines[0].startswith("error: ")
    return lines[0]


def module(*arguments: object, timeout_s: float = 300) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "alexcore", *map(str, arguments)]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=timeout_s, check=False)


def pictures(data: Path) -> list[Path]:
    return sorted(data.glob("val/*/*.jpg"))
