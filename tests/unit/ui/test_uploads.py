"""An upload that a network is shown is read by the network's own rule."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image

from alexcore.data.decoding.levels import Rendering
from ui.parts.picture_choice import uploaded_picture


def test_an_upload_goes_by_the_rule_that_it_is_given():
    buffer = BytesIO()
    Image.fromarray(np.full((4, 4), 4095, np.uint16)).save(buffer, "png")
    rule = Rendering((("16-bit", 0.0, 4095.0),))
    assert uploaded_picture(buffer.getvalue(), "mine.png", rule).getpixel((0, 0)) == (255, 255, 255)
    assert uploaded_picture(buffer.getvalue(), "mine.png", Rendering()).getpixel((0, 0)) == (16, 16, 16)
