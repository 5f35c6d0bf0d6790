"""`/network`: what a network is made of: its layers, one convolution, a run from the inside, and autograd."""

from __future__ import annotations

import streamlit as st

from alexcore.words.language import _
from ui.network.autograd_section import autograd_section
from ui.network.convolution_section import convolution_section
from ui.network.inside_section import inside_section
from ui.network.layers_section import layers_section
from ui.parts.page import page

PARTS = {
    "Inside a run": (
        "filters, feature maps, weights and activations of a network that you have trained",
        inside_section,
    ),
    "Autograd": ("requires_grad, grad_fn and grad of a tiny graph, step by step", autograd_section),
}

with page("Network", "Look into the network: what each layer costs and sees, and how its numbers come about."):
    layers_section()
    st.divider()
    convolution_section()
    st.divider()
    st.subheader(_("With real tensors"), anchor=False)
    chosen = st.segmented_control(_("Look at"), list(PARTS), key="network_part", bind="query-params")
    if chosen:
        PARTS[chosen][1]()
    else:
        st.caption(
            f"Choose one; both load PyTorch, which takes some seconds once. "
            f"{' '.join(f'**{name}**: {what}.' for name, (what, _) in PARTS.items())}"
        )
