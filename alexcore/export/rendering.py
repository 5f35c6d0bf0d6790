"""The templates of exported files, and how untrusted names get into them: escaped by default in HTML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).parent / "templates"
_MARKUP = "\\`*_{}[]<>#|~"


def in_markdown(text: object) -> str:
    """A name in Markdown, on one line and with no markup of its own."""
    line = " ".join(str(text).split())
    return "".join(f"\\{mark}" if mark in _MARKUP else mark for mark in line)


def in_python(value: object) -> str:
    """A value as a literal of Python; a text in the quotes that the rest of the code has, if it holds none itself."""
    literal = repr(value)
    return f'"{literal[1:-1]}"' if isinstance(value, str) and not {"'", '"'} & set(value) else literal


def render(template: str, **values: Any) -> str:
    """Fill in a template; a value that it asks for and does not get is an error."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=template.endswith(".html.jinja"),
    )
    # A path or a number as a literal of Python; a name as text in Markdown.
    environment.filters.update(py=in_python, md=in_markdown)
    return environment.get_template(template).render(**values)
