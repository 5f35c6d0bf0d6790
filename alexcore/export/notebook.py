"""The three-file project as one Jupyter notebook: the same code, a cell a section."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat

from alexcore.errors import RunError
from alexcore.export.formats import Wish, Written
from alexcore.export.project import Project, make_project
from alexcore.export.rendering import on_one_line
from alexcore.export.source import Source, load_trained
from alexcore.nn.blueprints import one_network
from alexcore.words.numbers import size_text

# A list of pictures goes into a cell; a longer one would make the notebook slow to open.
MOST_LISTED_BYTES = 2_000_000
_FILES = {"model.py": "The network", "train.py": "Training", "predict.py": "Predicting"}
# Between the files of a project; in a notebook all lies in one place.
_OWN_IMPORT = re.compile(r"^from model import .*\n", re.MULTILINE)


def as_notebook(source: Source, project: Project) -> bytes:
    """An .ipynb file, checked against Jupyter's schema.

    Raises:
        RunError: the list of pictures is too long for a cell.
    """
    listing = project.files.get("pictures.csv", b"").decode()
    if len(listing) > MOST_LISTED_BYTES:
        raise RunError(
            f"The list of the run's pictures is too long for a notebook ({size_text(len(listing))}).",
            "Export the project instead.",
        )
    cells = [_text(_head(source, project)), *_data_cells(project, listing)]
    for name, title in _FILES.items():
        cells += [_text(f"## {title} (`{name}` of the project)"), *_sections(project.files[name].decode())]
    cells += [
        _text(
            '## Run it\nThis trains from the beginning; `main(resume="checkpoints/last.pt")` goes on. Give '
            "`main(data=...)` the folder of the pictures if they are not where the run had them."
        ),
        _code("main()"),
        _text("Which class does the network take a picture for?"),
        _code(
            'net, classes = load("checkpoints/best.pt")\n'
            'picture = ""  # the path of one\n'
            "if picture:\n"
            "    (row,) = predict(net, [picture]).tolist()\n"
            "    print(sorted(zip(row, classes), reverse=True))"
        ),
    ]
    for number, cell in enumerate(cells):  # the same run gives the same bytes
        cell["id"] = f"cell-{number}"
    book = nbformat.v4.new_notebook(cells=cells)  # type: ignore[no-untyped-call]
    book["metadata"]["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.validate(book)
    return f"{nbformat.writes(book)}\n".encode()  # type: ignore[no-untyped-call]


def write_notebook(source: Source, file: Path, _: Wish) -> Written:
    """The three files as cells."""
    # Loader processes cannot see what a notebook defines; the pictures are the same without them.
    alone = replace(source, config=source.config.model_copy(update={"num_workers": 0}))
    made = make_project(alone, load_trained(source))
    file.write_bytes(as_notebook(source, made))
    return Written(notes=made.notes)


def _head(source: Source, project: Project) -> str:
    lines = [
        f"# {one_network(source.config.variant).class_name}, as the run {on_one_line(source.name)} trained it",
        "Plain PyTorch, with exactly that run's settings. Run the cells from top to bottom. Needs torch, torchvision, "
        "pillow and numpy.",
        *project.notes,
    ]
    if "start.pt" in project.files:
        lines.append("The run began with other weights: put `start.pt` of the exported project beside this notebook.")
    return "\n\n".join(lines)


def _data_cells(project: Project, listing: str) -> list[Any]:
    """Cells that write the small files which the code reads."""
    texts = {"class_indices.json": project.files["class_indices.json"].decode()}
    if listing:
        texts["pictures.csv"] = listing
    cells = [_text("## Which number is which class" + (", and which pictures there are" if listing else ""))]
    for name, text in texts.items():
        rows = "\n".join(f"    {line!r}," for line in text.splitlines())
        code = f'LINES = [\n{rows}\n]\nwith open({name!r}, "w", encoding="utf-8") as file:\n'
        cells.append(_code(code + '    file.write("\\n".join(LINES) + "\\n")'))
    return cells


def _sections(code: str) -> list[Any]:
    """A heading and a cell for each `# %%`; what only a script needs is left out."""
    head, *parts = re.split(r"^# %% (.*)\n", _OWN_IMPORT.sub("", code), flags=re.MULTILINE)
    cells = [_code(re.sub(r'\A""".*?"""\n', "", head, flags=re.DOTALL).strip())]
    for title, part in zip(parts[::2], parts[1::2], strict=True):
        if title != "script":
            cells += [_text(f"### {title}"), _code(part.strip())]
    return cells


def _text(text: str) -> Any:
    return nbformat.v4.new_markdown_cell(text)  # type: ignore[no-untyped-call]


def _code(text: str) -> Any:
    return nbformat.v4.new_code_cell(text)  # type: ignore[no-untyped-call]
