"""Thumbnails are small, made once, and do not fill the disk."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from alexcore.data.decoding import thumbnails
from alexcore.data.decoding.images import read_picture
from alexcore.data.decoding.thumbnails import small_copy, thumbnail
from alexcore.home import cache_dir


def photograph(path: Path, width: int = 1200, height: int = 800, seed: int = 0, **options: object) -> Path:
    coarse = np.random.default_rng(seed).integers(0, 255, (8, 12, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).save(path, **options)
    return path


def opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


def kept() -> list[Path]:
    return list((cache_dir() / "thumbnails").rglob("*.jpg"))


def test_the_second_time_the_picture_is_not_read(tmp_path, monkeypatch):
    path = photograph(tmp_path / "a.jpg")
    first = thumbnail(path)
    assert opened(first).size == (192, 128)
    monkeypatch.setattr(thumbnails, "read_picture", None)
    assert thumbnail(path) == first
    assert len(kept()) == 1


def test_a_changed_picture_gets_a_new_thumbnail(tmp_path):
    path = photograph(tmp_path / "a.jpg")
    first = thumbnail(path)
    photograph(path, 800, 1200)
    assert opened(thumbnail(path)).size == (128, 192)
    assert thumbnail(path) != first


def test_a_jpeg_is_decoded_at_a_fraction_and_looks_the_same(tmp_path, monkeypatch):
    path = photograph(tmp_path / "a.jpg", 3200, 2400)
    asked: list[int] = []
    real = thumbnails.read_picture
    monkeypatch.setattr(
        thumbnails,
        "read_picture",
        lambda path, at_least, **more: (asked.append(at_least), real(path, at_least=at_least, **more))[1],
    )
    quick = small_copy(path, 192)
    assert asked == [384]
    assert read_picture(path, at_least=384).image.size == (800, 600)
    assert read_picture(path).image.size == (3200, 2400)
    slow = read_picture(path).image.resize(quick.size, Image.Resampling.LANCZOS)
    assert np.abs(np.asarray(quick, float) - np.asarray(slow, float)).mean() < 2


def test_a_quick_copy_is_upright_and_other_formats_are_copied_too(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    assert small_copy(photograph(tmp_path / "a.jpg", exif=exif), 96).size == (64, 96)
    assert small_copy(photograph(tmp_path / "a.png"), 96).size == (96, 64)
    assert small_copy(photograph(tmp_path / "tiny.jpg", 30, 20), 96).size == (30, 20)


def test_bytes_are_known_by_what_they_are(tmp_path, monkeypatch):
    path = photograph(tmp_path / "a.jpg")
    first = thumbnail(path.read_bytes())
    assert first == thumbnail(path)
    assert len(kept()) == 2
    monkeypatch.setattr(thumbnails, "read_picture", None)
    assert thumbnail(path.read_bytes()) == first


@pytest.mark.parametrize("content", [None, b"", b"no picture"])
def test_what_cannot_be_shown_gets_a_cross_and_no_file(tmp_path, content):
    path = tmp_path / "a.jpg"
    if content is not None:
        path.write_bytes(content)
    assert opened(thumbnail(path)).size == (192, 192)
    assert not kept()


def test_the_folder_stays_below_its_limit_and_loses_what_was_seen_longest_ago(tmp_path, monkeypatch):
    monkeypatch.setattr(thumbnails, "CHECK_EVERY", 1)
    one = len(thumbnail(photograph(tmp_path / "size.jpg")))
    monkeypatch.setattr(thumbnails, "LIMIT_BYTES", 4 * 256 * one)  # four or so in each of the 256 parts
    part = cache_dir() / "thumbnails" / "ab"
    part.mkdir(parents=True, exist_ok=True)
    long_ago = time.time() - 10**6
    for number in range(12):
        (part / f"{number:030x}.jpg").write_bytes(b"x" * one)
        os.utime(part / f"{number:030x}.jpg", (long_ago + number, long_ago + number))
    thumbnails._note_access(part / f"{3:030x}.jpg")
    thumbnails._trim(part, thumbnails.LIMIT_BYTES // 256)
    assert sorted(int(each.stem, 16) for each in part.iterdir()) == [3, 10, 11]


def test_writing_checks_the_part_it_writes_to(tmp_path, monkeypatch):
    trimmed: list[Path] = []
    monkeypatch.setattr(thumbnails, "_trim", lambda part, limit: trimmed.append(part))
    pictures = [photograph(tmp_path / f"{number}.jpg", 60, 40, seed=number) for number in range(64)]
    for path in pictures:
        thumbnail(path)
    assert 1 <= len(trimmed) <= 24, "about one in eight"
    assert {part.parent for part in trimmed} == {cache_dir() / "thumbnails"}
    before = len(trimmed)
    for path in pictures:
        thumbnail(path)
    assert len(trimmed) == before, "looking again checks nothing"


def test_many_threads_may_make_and_remove_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(thumbnails, "CHECK_EVERY", 1)
    monkeypatch.setattr(thumbnails, "LIMIT_BYTES", 1)
    pictures = [photograph(tmp_path / f"{number}.jpg", 60, 40, seed=number) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(thumbnail, pictures * 8))
    assert made == made[:8] * 8
    assert kept() == []


def test_a_full_disk_still_shows_the_picture(tmp_path):
    path = photograph(tmp_path / "a.jpg")
    cache_dir().parent.mkdir(parents=True)
    cache_dir().write_text("a file where the folder should be")
    assert opened(thumbnail(path)).size == (192, 128)
