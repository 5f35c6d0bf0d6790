"""The templates of exported files, and how untrusted names get into them: escaped by default in HTML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from alexcore.names import in_markdown, visible

TEMPLATES = Path(__file__).parent / "templates"


def on_one_line(text: object) -> str:
    """A name in Markdown, where another line would end a heading or a row of a table."""
    return in_markdown(" ".join(str(text).split()))


def in_python(value: object) -> str:
    """A value as a literal of Python; a text in the quotes that the rest of the code has, if it holds none itself."""
    literal = repr(value)
    return f'"{literal[1:-1]}"' if isinstance(value, str) and not {"'", '"'} & set(value) else literal


def _seen(value: object) -> object:
    """Markup of our own stays; in any other text nothing acts without being seen."""
    return visible(value) if type(value) is str else value


def render(template: str, **values: Any) -> str:
    """Fill in a template; a value that it asks for and does not get is an error."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=template.endswith(".html.jinja"),
        finalize=_seen if template.endswith(".html.jinja") else None,
    )
    # A path or a number as a literal of Python; a name as text in Markdown.
    environment.filters.update(py=in_python, md=on_one_line)
    return environment.get_template(template).render(**values)
