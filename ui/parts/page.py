"""The frame of every page: a title, one sentence, and expected errors shown as a sentence with what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from alexcore.data.reading import AmbiguousError, UnclearListError
from alexcore.errors import AlexError, refused_by_system
from alexcore.words.language import _
from ui.parts.menu import page_link
from ui.parts.text import plain


@contextmanager
def page(title: str, purpose: str) -> Iterator[None]:
    """Draw the head of a page and turn an expected error of its body into a message."""
    st.title(title, anchor=False)
    st.caption(purpose)
    with shown_errors():
        yield


@contextmanager
def shown_errors() -> Iterator[None]:
    """Show an expected error where the body would have been; anything else is a bug and goes on up."""
    try:
        yield
    except AlexError as error:
        show_error(error)
    except OSError as error:
        refused = refused_by_system(error)
        if refused is None:
            raise
        show_error(refused)


def show_error(error: AlexError) -> None:
    """Show the sentence and, below it, what to do; what can mean several things is asked about elsewhere."""
    if isinstance(error, AmbiguousError | UnclearListError) and error.is_open:
        st.error(plain(error.message), icon=":material/error:")
        page_link("dataset", _("Choose how it is read"), ":material/alt_route:")
        return
    st.error(plain(error.message) + (f"\n\n{plain(error.hint)}" if error.hint else ""), icon=":material/error:")
