"""Whatever the names in an archive are: all of it is unpacked as it was packed, or nothing is; and nothing outside."""

from __future__ import annotations

import io
import tarfile
import tempfile
import unicodedata
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from alexcore.data.archives.archive import unpack
from alexcore.data.archives.code_pages import PAGES, readings_of
from alexcore.data.tree import is_junk
from alexcore.errors import DataError
from tests.support.odd_archives import raw_zip

thorough = settings(max_examples=120, deadline=None, derandomize=True)
# Names that a disk and an archive can both hold, odd as they may be.
WORDS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\"), min_size=1, max_size=40
).filter(lambda word: len(word.encode()) < 120 and word[0] not in "." and word[1:2] != ":" and not is_junk(word))


def unpacked(content: bytes, **more) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "set.bin").write_bytes(content)
        try:
            target = unpack(place / "set.bin", place / "in" / "target", **more)
        finally:
            found = {path for path in place.rglob("*") if path.is_file() and path != place / "set.bin"}
            assert all(path.is_relative_to(place / "in" / "target") for path in found)
        return {path.relative_to(target).as_posix(): path.read_bytes() for path in found}


@pytest.mark.parametrize("kind", ["zip", "tar"])
@thorough
@given(names=st.lists(st.tuples(WORDS, WORDS), min_size=2, max_size=5, unique=True))
def test_names_of_all_kinds_come_out_as_they_went_in(kind, names):
    paths = ["/".join(each) for each in names]
    alike = {unicodedata.normalize("NFC", path) for path in (*paths, *(name for name, _ in names))}
    assume(len(alike) == len({*paths, *(name for name, _ in names)}))
    assume(len({name for name, _ in names}) > 1)
    files = {path: path.encode() for path in paths}
    buffer = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(buffer, "w") as archive:
            for path, content in files.items():
                archive.writestr(path, content)
    else:
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for path, content in files.items():
                info = tarfile.TarInfo(path)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    assert unpacked(buffer.getvalue()) == files


LEADS_OUT = [b"../x", b"/x", b"a\\..\\..\\x", b"C:x"]


@thorough
@given(
    names=st.lists(st.binary(min_size=1, max_size=12) | st.sampled_from(LEADS_OUT), max_size=4),
    encoding=st.sampled_from(["", "", "gbk", "cp437"]),
)
def test_names_of_any_bytes_are_unpacked_or_refused_and_never_lead_out(names, encoding):
    files = {name: b"x" for name in (*names, b"a/1.jpg")}
    with suppress(DataError):
        assert 0 < len(unpacked(raw_zip(files), encoding=encoding)) <= len(files)


@thorough
@given(words=st.lists(st.text("абвгдежзиклмнопрстуфхцчшщыьэюя", min_size=4, max_size=9), min_size=2, max_size=5))
def test_names_are_among_the_readings_whatever_page_they_are_written_in(words):
    for page in ("cp866", "cp1251", "koi8_r"):
        raws = [word.encode(page) for word in words]
        assert tuple(dict.fromkeys(words)) in [reading.names for reading in readings_of(raws)], page
    assert {"cp866", "cp1251", "koi8_r"} <= set(PAGES)
