"""The manual of all findings, made of their docstrings.

python -m alexcore.findings.manual > docs/findings.md
"""

from __future__ import annotations

import inspect
from types import ModuleType

from alexcore.findings import (
    augment,
    before,
    data,
    data_lists,
    decoding,
    evaluation,
    experiment,
    idle,
    layout,
    outcome,
    pictures,
    resumed,
    run,
    saved,
    untrained,
)
from alexcore.findings.finding import KNOWN, Finding
from alexcore.words.findings import SAID

PARTS: dict[str, ModuleType] = {
    "Data sets": data,
    "Classes without training pictures": untrained,
    "How a folder is read": layout,
    "Files of pictures": decoding,
    "Lists": data_lists,
    "Pictures": pictures,
    "Augmentations": augment,
    "Before a run": before,
    "Settings that cannot act": idle,
    "Runs": run,
    "A run that is resumed": resumed,
    "How a run ends": outcome,
    "What a run has saved": saved,
    "The BatchNorm experiment": experiment,
    "Evaluations": evaluation,
}
_HEAD = """# Findings

What alexcore finds in a data set or an augmentation, before or during a run, or in the BatchNorm experiment. Files keep
the code and the values; the sentence beside them is for whoever reads the file. An *error* must be mended before a run
can start, a *warning* should be, *info* is a note.

This page is made of the docstrings in `alexcore/findings/` by `python -m alexcore.findings.manual`.
"""


def manual() -> str:
    """The page, as Markdown."""
    parts = [_HEAD]
    for title, module in PARTS.items():
        own = [finding for finding in KNOWN.values() if finding.__module__ == module.__name__]
        parts += [f"## {title}\n", *map(entry, own)]
    return "\n".join(parts)


def entry(finding: type[Finding]) -> str:
    """What the page says of one finding."""
    about = [finding.severity, "a button mends it"] if finding.fixable else [finding.severity]
    values = ", ".join(f"`{name}`" for name in inspect.signature(finding).parameters)
    text = inspect.getdoc(finding) or ""
    title, _, rest = text.partition("\n\n")
    said = SAID[finding.code]
    quoted = f"> {said.message} {said.hint}".rstrip()
    head = f"### `{finding.code}`\n\n**{title}** ({', '.join(about)}{f'; values {values}' if values else ''})\n"
    return f"{head}\n{quoted}\n\n{rest}\n"


if __name__ == "__main__":
    print(manual(), end="")
