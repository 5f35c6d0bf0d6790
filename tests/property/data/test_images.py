"""Whatever is damaged in a picture: the check before a run says what the run will meet."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alexcore.data.decoding.images import check_decodable, read_picture
from alexcore.errors import DataError
from tests.support.readable_pictures import (
    READABLE,
)


@pytest.mark.filterwarnings("ignore")  # Pillow warns of some kinds of damage before it fails
@settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.sampled_from(sorted(READABLE)),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6),
    keep=st.just(1.0) | st.floats(0, 1),
)
def test_any_damage_is_a_data_error_or_nothing_and_the_check_agrees(tmp_path, name, changes, keep):
    data = bytearray(READABLE[name]())
    for place, value in changes:
        data[int(place * len(data))] = value
    path = tmp_path / name
    path.write_bytes(data[: int(keep * len(data))])
    try:
        works = read_picture(path).image.mode == "RGB"
    except DataError:
        works = False
    assert works == (check_decodable(path) == "")
