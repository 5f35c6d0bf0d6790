"""A weights file from elsewhere: checked, kept in memory for this visit, and asked beside the runs."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import streamlit as st

from alexcore.data.archives.arrivals import require_here
from alexcore.words.language import _
from ui.parts.lazy_torch import load_torch
from ui.parts.networks import tell_notes
from ui.parts.page import shown_errors
from ui.parts.text import plain
from ui.parts.upload_field import kept_uploads

if TYPE_CHECKING:
    from alexcore.analysis.batch_prediction import AskedNetwork

MAX_MB = 200


def weights_section() -> AskedNetwork | None:
    """Draw the expander for a weights file; the network of the one that was given and accepted, or None."""
    with st.expander(_("Ask a weights file of your own, too"), icon=":material/upload_file:"):
        about = _(
            "It is opened without running any code in it, its classes, settings and the shape of each tensor are "
            "checked, and it is refused with the reason where they do not fit. It stays in memory, for this visit."
        )
        label, key = _("A best.pt of a run from elsewhere"), "classify_weights"
        file = next(iter(kept_uploads(label, key, MAX_MB, about, several=False)), None)
        if file is None:
            st.session_state.pop("classify_weights_network", None)
            st.caption(f"The checkpoint of a run of this program, at most {MAX_MB} MB. Nothing is kept on disk.")
            return None
        network: AskedNetwork | None = None
        with shown_errors():
            network = _opened(file.file_id, file.name, file.getvalue())
            config, classes = network.classifier.config, network.classifier.classes
            words = (
                f"{file.name} is accepted: variant {config.variant}, norm {config.norm}, {config.image_size} px, "
                f"{len(classes)} classes ({', '.join(classes[:6])}{' ...' if len(classes) > 6 else ''})."
            )
            st.success(plain(words), icon=":material/check:")
            tell_notes(network.classifier)
        return network


def _opened(file_id: str, name: str, content: bytes) -> AskedNetwork:
    kept: tuple[str, AskedNetwork] | None = st.session_state.get("classify_weights_network")
    if kept is None or kept[0] != file_id:
        require_here(name, BytesIO(content), "checkpoint")
        load_torch()
        from alexcore.analysis.batch_prediction import AskedNetwork
        from alexcore.analysis.weights_file import open_weights

        # A name that no run can have, so that it is never taken for one.
        kept = (file_id, AskedNetwork(f"{name} (uploaded)", open_weights(content, name)))
        st.session_state["classify_weights_network"] = kept
    return kept[1]
