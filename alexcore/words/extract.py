"""The template of a catalogue: every text that a second language needs, in the form that gettext and Babel read.

    python -m alexcore.words.extract > alexcore.pot

Found are the templates of findings and phases, and the constant texts in `_(...)` and in the description of a setting,
`field(...)`.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

from alexcore.words import findings, phases

ROOT = Path(__file__).resolve().parents[2]
# Which arguments of a call are texts.
TEXTS = {"_": (0,), "field": (1, 2)}


def template(root: Path = ROOT) -> str:
    """The template: for each text the files that use it, and an empty translation."""
    said = [text for each in findings.SAID.values() for text in each if text]
    found = {text: ["alexcore/words"] for text in [*said, *phases.SAID.values()]}
    for part in ("alexcore", "ui", "pages"):
        for file in sorted((root / part).rglob("*.py")):
            for text in texts(file.read_text(encoding="utf-8")):
                found.setdefault(text, []).append(file.relative_to(root).as_posix())
    entries = [
        f'#: {" ".join(dict.fromkeys(files))}\nmsgid {json.dumps(text, ensure_ascii=False)}\nmsgstr ""\n'
        for text, files in found.items()
    ]
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n'
    return "\n".join([head, *entries])


def texts(source: str) -> Iterator[str]:
    """The texts in one file's source, in its order."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            for place in TEXTS.get(node.func.id, ()):
                argument = node.args[place] if place < len(node.args) else None
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str) and argument.value:
                    yield argument.value


if __name__ == "__main__":
    print(template(), end="")
