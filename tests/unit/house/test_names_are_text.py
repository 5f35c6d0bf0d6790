"""What somebody has named reaches a reader through a function of `alexcore.names`, as far as code can show."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.support.repository import REPOSITORY

PAGES = [*sorted((REPOSITORY / "ui").rglob("*.py")), *sorted((REPOSITORY / "pages").rglob("*.py"))]
EVERYWHERE = [*PAGES, *sorted((REPOSITORY / "alexcore").rglob("*.py"))]
# Functions of Streamlit that read Markdown in what they are given first, or as one of these keywords.
READS_MARKDOWN = {
    *("markdown", "caption", "write", "error", "warning", "info", "success", "title", "header", "subheader", "toast"),
    *("button", "download_button", "expander", "popover", "dialog", "metric", "progress", "image", "tabs", "checkbox"),
    *("toggle", "page_link", "download", "table_with_csv"),
}
KEYWORDS = {"caption", "text", "help", "body", "label"}
# The last word of what holds a name that others chose, or a sentence with one in it.
NAMES = {
    *(
        "name",
        "names",
        "classes",
        "path",
        "paths",
        "file",
        "files",
        "folder",
        "origin",
        "root",
        "run_id",
        "id",
        "layout",
    ),
    *("message", "hint", "sentence", "problem", "error", "reason", "truth", "answer", "target", "notes", "title_of"),
}
ESCAPES = {"plain", "len", "size_text"}
# What has such a word and is our own: operations, settings, parts of a page.
OURS = {
    "ui/augment/builder.py": {"name", "parameter.name"},
    "ui/network/autograd_section.py": {"name"},
    "ui/parts/forms.py": {"spec.name"},
    "ui/train/checks_section.py": {"names"},
    "pages/network.py": {"name"},
}


def last_word(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Subscript):
        return last_word(node.value)
    return last_word(node.func) if isinstance(node, ast.Call) else ""


def written(node: ast.AST) -> Iterator[ast.expr]:
    """What of an expression ends up in its text, without what one of the functions has been through."""
    if isinstance(node, ast.Call):
        if last_word(node.func) in ESCAPES:
            return
        if last_word(node.func) == "map" and last_word(node.args[0]) in ESCAPES:
            return
        if last_word(node.func) in ("join", "format", "str", "filter", "map", "list", "sorted"):
            for each in (*node.args, *(more.value for more in node.keywords)):
                yield from written(each)
            return
        yield node
    elif isinstance(node, ast.JoinedStr):
        for each in node.values:
            yield from written(each)
    elif isinstance(node, ast.FormattedValue):
        if node.format_spec is None:  # what has a format is a number
            yield from written(node.value)
    elif isinstance(node, ast.BinOp):
        yield from (*written(node.left), *written(node.right))
    elif isinstance(node, ast.IfExp):
        yield from (*written(node.body), *written(node.orelse))
    elif isinstance(node, ast.BoolOp | ast.List | ast.Tuple):
        for each in node.values if isinstance(node, ast.BoolOp) else node.elts:
            yield from written(each)
    elif isinstance(node, ast.GeneratorExp | ast.ListComp):
        yield from written(node.elt)
    elif isinstance(node, ast.expr) and not isinstance(node, ast.Constant):
        yield node


def unescaped(source: str) -> list[str]:
    """What reaches Markdown as a name that it is, known by its last word; what goes through a variable is not seen."""
    found, tree = [], ast.parse(source)
    assigned = [node for node in ast.walk(tree) if isinstance(node, ast.Assign)]
    through = {last_word(each) for node in assigned if not list(written(node.value)) for each in node.targets}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or last_word(node.func) not in READS_MARKDOWN:
            continue
        first = 1 if last_word(node.func) == "page_link" else 0  # whose first is a page
        given = [*node.args[first : first + 1], *(each.value for each in node.keywords if each.arg in KEYWORDS)]
        for each in given:
            found += [
                f"line {node.lineno}: {ast.unparse(one)}" for one in written(each) if last_word(one) in NAMES - through
            ]
    return found


@pytest.mark.parametrize(
    ("source", "bad"),
    [
        ('st.caption(f"{name}: {count:,}")', ["name"]),
        ('st.caption(f"{plain(name)}: {count:,}")', []),
        ("st.error(error.message + more)", ["error.message"]),
        ('left.markdown(", ".join(index.classes))', ["index.classes"]),
        ('st.image(small, caption=f"{index.classes[0]}")', ["index.classes[0]"]),
        ('st.write(_("of {name}").format(name=run.name))', ["run.name"]),
        ('st.caption(_("of {name}").format(name=plain(run.name)))', []),
        ('answer = f"{plain(name)}!"\nst.caption(f"so {answer}")', []),
        ('st.toast(", ".join(map(plain, job.notes)))', []),
        ('page_link("runs", run.id)', ["run.id"]),
        ('st.progress(0.5, text=name if name else "")', ["name"]),
    ],
)
def test_the_rule_sees_a_name_on_its_way(source: str, bad: list[str]) -> None:
    assert [each.split(": ", 1)[1] for each in unescaped(source)] == bad


def test_no_name_reaches_markdown_as_it_is() -> None:
    found = {file.relative_to(REPOSITORY).as_posix(): unescaped(file.read_text(encoding="utf-8")) for file in PAGES}
    wrong = {
        file: [one for one in lines if one.split(": ", 1)[1] not in OURS.get(file, ())] for file, lines in found.items()
    }
    assert {file: lines for file, lines in wrong.items() if lines} == {}


def users(*words: str) -> set[str]:
    """The files in which one of these words stands in the code."""
    return {
        each.relative_to(REPOSITORY).as_posix()
        for each in EVERYWHERE
        if any(word in each.read_text() for word in words)
    }


def test_every_figure_is_drawn_as_text() -> None:
    drawing = users(".plotly_chart(", "pio.to_html(", ".to_html(", ".to_image(")
    assert drawing == {"ui/parts/controls.py", "ui/batchnorm/section_choice.py", "alexcore/export/experiment_report.py"}
    assert drawing <= users("as_drawn(")


# What programs read again, with names as they are; and maps of numbers alone.
READ_AGAIN = {
    *("alexcore/data/lists/manifest_columns.py", "alexcore/export/pictures.py", "alexcore/export/bundle.py"),
    *("alexcore/analysis/reference.py", "alexcore/analysis/neighbours.py", "ui/classify/explanation.py"),
}


def test_every_csv_for_people_has_no_formula() -> None:
    assert users(".to_csv(", "csv.writer(", "csv.DictWriter(") - READ_AGAIN <= users("in_cell", "csv_of")


def test_commands_print_through_one_function() -> None:
    cli = {file for file in users("print(") if file.startswith("alexcore/cli/")}
    printing = {file for file in cli if re.search(r"(?<![\w.])print\(", (REPOSITORY / file).read_text())}
    assert printing == {"alexcore/cli/output.py"}


def test_every_field_for_files_is_the_one_that_says_what_is_wrong() -> None:
    assert users("st.file_uploader(", "st.camera_input(") == {"ui/parts/upload_field.py"}
