"""One policy for odd pictures, with exact pixels; and the check before a run agrees with what the run will do."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from alexcore.data.decoding.images import MAX_PIXELS, check_decodable, read_header, read_picture
from alexcore.errors import DataError
from tests.support.files_in_the_wild import blocks, exif, mpo, png_with, saved, segment, turned, unwritable_exif
from tests.support.readable_pictures import (
    BLUE,
    GREEN,
    READABLE,
    RED,
    WHITE,
    encoded,
    gif,
    grey16,
    jpeg,
    noise,
    palette,
)


def quarters() -> Image.Image:
    """Red and green above, blue and white below, in blocks that survive JPEG."""
    image = Image.new("RGB", (96, 64), RED)
    for colour, place in ((GREEN, (48, 0)), (BLUE, (0, 32)), (WHITE, (48, 32))):
        image.paste(colour, (*place, place[0] + 48, place[1] + 32))
    return image


def png_header(width: int, height: int) -> bytes:
    """A PNG that promises pixels and holds none."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


UNREADABLE: dict[str, tuple[Callable[[], bytes], str]] = {
    "zero.jpg": (lambda: b"", "is empty (0 bytes)"),
    "text.png": (lambda: b"Dear diary, this is no picture.", "is no picture in a format that is known here"),
    "truncated.jpg": (lambda: jpeg(noise())[:-500], "cannot be decoded"),
    "truncated.png": (lambda: encoded(noise(), "PNG")[:-500], "cannot be decoded"),
    "header_only.png": (lambda: png_header(5, 5), "cannot be decoded"),
    "large.png": (lambda: png_header(8001, 8000), "8001 x 8000 pixels; the limit is 64 million"),
    "larger.png": (lambda: png_header(10_000, 10_000), "10000 x 10000 pixels; the limit is 64 million"),
    "bomb.png": (lambda: png_header(200_000, 200_000), "too many pixels; the limit is 64 million"),
}


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, bytes], Path]:
    def _write(name: str, data: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return _write


def pixels(data: bytes) -> list[tuple[int, ...]]:
    image = read_picture(data).image
    return [image.getpixel((x, y)) for y in range(image.height) for x in range(image.width)]


def close(colour: tuple[int, ...], expected: tuple[int, ...], by: int = 12) -> bool:
    return all(abs(a - b) <= by for a, b in zip(colour, expected, strict=True))


# Which files can be read --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", READABLE)
def test_an_odd_picture_becomes_rgb_and_passes_the_check(write, name):
    data = READABLE[name]()
    path = write(name, data)
    image = read_picture(path).image
    assert image.mode == "RGB"
    assert image.tobytes() == read_picture(data).image.tobytes(), "a file and its bytes differ"
    assert check_decodable(path) == ""


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_bad_picture_gives_a_sentence_and_fails_the_check(write, name):
    make, sentence = UNREADABLE[name]
    path = write(name, make())
    for source, called in ((path, str(path)), (path.read_bytes(), "The picture")):
        with pytest.raises(DataError) as caught:
            read_picture(source)
        assert caught.value.message.startswith(called)
        assert sentence in caught.value.message
        assert caught.value.hint
    assert check_decodable(path)


@pytest.mark.parametrize("kind", ["missing", "folder", "link to itself", "NUL"])
def test_what_is_no_file(tmp_path: Path, kind):
    path = tmp_path / ("a\0.jpg" if kind == "NUL" else "a.jpg")
    if kind == "folder":
        path.mkdir()
    if kind == "link to itself":
        path.symlink_to(path)
    with pytest.raises(DataError, match="There is no file" if kind == "missing" else r"a.*\.jpg"):
        read_picture(path)
    assert check_decodable(path)


def test_an_upload_is_called_by_its_name():
    with pytest.raises(DataError, match=r"^tulip\.jpg is empty"):
        read_picture(b"", "tulip.jpg")


def test_the_limit_is_exact(monkeypatch):
    monkeypatch.setattr("alexcore.data.decoding.images.MAX_PIXELS", 1200)
    assert read_picture(encoded(noise(size=(40, 30)), "BMP")).image.size == (40, 30)
    with pytest.raises(DataError, match="41 x 30 pixels"):
        read_picture(encoded(noise(size=(41, 30)), "BMP"))
    assert MAX_PIXELS == 64_000_000


# Pixels -------------------------------------------------------------------------------------------------------


def test_sixteen_bits_are_scaled_not_clipped():
    """Symptom: scientific pictures come out white, because Pillow clips at 255."""
    picture = read_picture(encoded(grey16(0, 256, 32768, 65535), "PNG"))
    assert [picture.image.getpixel((x, 0)) for x in range(4)] == [(0,) * 3, (1,) * 3, (128,) * 3, (255,) * 3]
    assert picture.notes == ("16-bit scaled to 8",)


def test_a_cmyk_jpeg_keeps_its_colours():
    colour = pixels(encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG"))[0]
    assert close(colour, RED)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_gives_the_upright_picture(orientation):
    """What the camera stored is the upright picture, moved by the inverse of what its EXIF tag asks for."""
    transpose = Image.Transpose
    stored = {
        2: transpose.FLIP_LEFT_RIGHT,
        3: transpose.ROTATE_180,
        4: transpose.FLIP_TOP_BOTTOM,
        5: transpose.TRANSPOSE,
        6: transpose.ROTATE_90,
        7: transpose.TRANSVERSE,
        8: transpose.ROTATE_270,
    }
    image = quarters() if orientation == 1 else quarters().transpose(stored[orientation])
    picture = read_picture(jpeg(image, orientation))
    assert picture.image.size == (96, 64)
    for place, colour in (((20, 16), RED), ((72, 16), GREEN), ((20, 48), BLUE), ((72, 48), WHITE)):
        assert close(picture.image.getpixel(place), colour), orientation
    assert picture.notes == (() if orientation == 1 else ("rotated by EXIF",))


def test_transparency_is_put_on_white():
    layers = Image.new("RGBA", (3, 1), (*RED, 255))
    layers.putpixel((1, 0), (*RED, 0))
    layers.putpixel((2, 0), (0, 0, 0, 128))
    assert pixels(encoded(layers, "PNG")) == [RED, WHITE, (127, 127, 127)]
    assert pixels(palette()) == [RED, WHITE]
    assert pixels(encoded(Image.new("LA", (1, 1), (0, 0)), "PNG")) == [WHITE]


def test_of_an_animation_the_first_frame_counts():
    for data in (gif(), READABLE["later_frame_damaged.gif"]()):
        picture = read_picture(data)
        assert picture.image.getpixel((0, 0)) == RED
        assert "first frame of an animation" in picture.notes


@pytest.mark.parametrize(
    ("image", "kind", "expected"),
    [
        (Image.fromarray(np.array([[-2, 0, 2]], dtype=np.float32)), "TIFF", [0, 128, 255]),
        (Image.fromarray(np.array([[np.nan, 0, 1]], dtype=np.float32)), "TIFF", [0, 0, 255]),
        (Image.fromarray(np.full((1, 2), 7, dtype=np.float32)), "TIFF", [0, 0]),
        (Image.fromarray(np.array([[-5, 257, 70_000]], dtype=np.int32)), "TIFF", [0, 1, 255]),
        (Image.fromarray(np.array([[True, False]])), "PNG", [255, 0]),
        (Image.fromarray(np.array([[0, 77, 255]], dtype=np.uint8)), "BMP", [0, 77, 255]),
    ],
)
def test_one_channel_becomes_grey(image, kind, expected):
    assert pixels(encoded(image, kind)) == [(value,) * 3 for value in expected]


def test_an_ordinary_picture_is_left_alone():
    picture = read_picture(encoded(noise(), "PNG"))
    assert picture.image.tobytes() == noise().tobytes()
    assert picture.notes == ()


def test_a_picture_knows_its_format_and_size_also_when_it_is_decoded_smaller(tmp_path):
    file = tmp_path / "called.png"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (640, 480), RED).save(file, "JPEG", exif=exif)
    whole, small = read_picture(file), read_picture(file, at_least=100)
    assert (whole.format, whole.size, whole.image.size) == ("JPEG", (480, 640), (480, 640))
    assert (small.format, small.size, small.image.size) == ("JPEG", (480, 640), (120, 160))
    assert small.notes == whole.notes == ("rotated by EXIF",)


# What is no pixel may be anything -------------------------------------------------------------------------------


def agree(data: bytes) -> Image.Image:
    """The picture, after the check and the reading have agreed on it without a warning."""
    assert check_decodable(data) == ""
    picture = read_picture(data)
    assert read_header(data).width == picture.size[0]
    return picture.image


@pytest.mark.parametrize("kind", ["rational below 0", "negative width", "a double too large", "text for a number"])
def test_exif_that_pillow_cannot_write_again_turns_the_picture_all_the_same(kind):
    """Symptom: the run died of `struct.error` at a picture that had passed the check."""
    plain = saved(blocks(1))
    image = agree(segment(plain, 0xE1, unwritable_exif(kind)))
    assert image.tobytes() == read_picture(plain).image.transpose(Image.Transpose.ROTATE_270).tobytes()


@pytest.mark.parametrize(
    "junk",
    [exif(turned(6))[:20], exif((0x0112, 2, 200, b"\xff" * 4)), exif((0x0112, 3, 2, b"\6\0\0\0")), b"Exif\0\0junk"],
)
def test_damaged_exif_is_not_a_damaged_picture(junk):
    plain = saved(blocks(1))
    assert sorted(agree(segment(plain, 0xE1, junk)).size) == [32, 48]


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (b"iCCP", b"p\0\0" + zlib.compress(np.random.default_rng(0).bytes(1_200_000))),
        (b"zTXt", b"h\0\0" + zlib.compress(b"edited;" * 300_000)),
        (b"iTXt", b"h\0\1\0\0\0" + zlib.compress(b"edited;" * 300_000)),
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + b"x" * 1_200_000),
        (b"iCCP", b"p\0\0no zlib"),
    ],
)
def test_large_or_broken_metadata_of_a_png_is_passed_over(kind, data):
    assert agree(png_with(kind, data)).tobytes() == blocks(5).tobytes()


def test_a_jpeg_with_broken_segments_is_read():
    plain = saved(blocks(2))
    for marker, payload in (
        (0xED, b"Photoshop 3.0\x008BIM\x03\xed\0\0\xff\xff"),
        (0xE2, b"MPF\0II*\0\xff\xff\xff\xff"),
    ):
        assert agree(segment(plain, marker, payload)).tobytes() == read_picture(plain).image.tobytes()


@pytest.mark.parametrize("orientation", [0, 6])
def test_a_photograph_with_another_behind_it_is_a_jpeg(orientation):
    data = mpo(orientation=orientation)
    cut = data[: data.rfind(b"\xff\xd8\xff") + 2]
    for each in (data, cut):
        assert agree(each).size == ((32, 48) if orientation else (48, 32))
        picture = read_picture(each)
        assert picture.format == "JPEG"
        assert not [note for note in picture.notes if "frame" in note]
        assert read_header(each).kind == "JPEG, RGB"


@pytest.mark.parametrize("options", [{}, {"subsampling": 0}, {"restart_marker_blocks": 1}])
def test_a_jpeg_without_its_end_mark_is_read_and_one_that_lacks_pixels_is_not(options):
    whole = saved(blocks(3, (160, 160)), quality=90, **options)
    assert agree(whole[:-2]).tobytes() == read_picture(whole).image.tobytes()
    for cut in (12, 40, len(whole) // 4):
        assert "truncated" in check_decodable(whole[:-cut])
        with pytest.raises(DataError, match="truncated"):
            read_picture(whole[:-cut])


@pytest.mark.parametrize("name", READABLE)
def test_the_check_and_the_reading_agree_wherever_a_file_is_cut(name):
    data = READABLE[name]()
    for cut in sorted({*range(1, 20), *range(20, len(data), max(1, len(data) // 12))}):
        part = data[: len(data) - cut]
        refused = ""
        try:
            read_picture(part)
        except DataError as error:
            refused = error.message
        assert bool(check_decodable(part)) == bool(refused), (cut, check_decodable(part), refused)


def test_a_huge_jpeg_is_decoded_smaller(monkeypatch):
    whole = saved(blocks(4, (400, 304)), subsampling=0)
    monkeypatch.setattr("alexcore.data.decoding.images.MAX_PIXELS", 400 * 304 // 4)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # Pillow refuses to open twice as many
    picture = read_picture(whole)
    assert (picture.image.size, picture.size) == ((200, 152), (400, 304))
    assert picture.notes == ("decoded at 1/2 of its size",)
    assert read_picture(whole, at_least=20).image.size == (50, 38)
    assert agree(whole).size == (200, 152)
    monkeypatch.setattr("alexcore.data.decoding.images.MAX_PIXELS", 400 * 304 // 64 - 1)
    assert check_decodable(whole) == "400 x 304 pixels, more than 64 million"
    with pytest.raises(DataError, match="400 x 304 pixels"):
        read_picture(whole)


def test_no_warning_of_pillow_reaches_anybody_from_any_thread():
    data = segment(saved(blocks(1)), 0xE2, b"MPF\0II*\0\x08\0\0\0\1\0\1\xb0\4\0\1\0\0\0\2\0\0\0")
    broken = saved(blocks(1), "TIFF")[:-40]
    before = list(warnings.filters)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(check_decodable, [data, broken] * 20))
    assert warnings.filters == before


def test_a_picture_of_an_unknown_kind_is_not_called_no_picture():
    tiff = bytearray(saved(blocks(1), "TIFF"))
    place = tiff.find(struct.pack("<HH", 277, 3))  # samples per pixel
    tiff[place + 8 : place + 10] = struct.pack("<H", 7)
    assert check_decodable(bytes(tiff)) == "damaged, or of a kind that Pillow does not know"
