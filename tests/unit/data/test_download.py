"""Downloads from a server that cuts connections, ignores ranges, changes its files and serves wrong ones."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from alexcore.data import storage
from alexcore.data.archives.download import FLOWER_PHOTOS, WAITS_S, Remote, download, download_flower_photos
from alexcore.errors import DataError
from tests.support.loopback_site import CONTENT
from tests.support.small_trees import open_folder


@pytest.fixture
def target(tmp_path) -> Path:
    return tmp_path / "here" / "file.tgz"


def refusal(spec: Remote, target: Path, **options) -> DataError:
    with pytest.raises(DataError) as caught:
        download(spec, target, sleep=options.pop("sleep", lambda _: pytest.fail("it tried again")), **options)
    assert caught.value.hint
    return caught.value


def left(target: Path) -> list[str]:
    return sorted(os.listdir(target.parent)) if target.parent.exists() else []


def test_a_file_arrives_with_progress_and_nothing_else_stays(site, target):
    told = []
    assert download(site.spec, target, lambda *now: told.append(now)) == target
    assert target.read_bytes() == CONTENT
    assert left(target) == ["file.tgz"]
    assert told == sorted(told)
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert site.asked == [(None, None)]


def test_a_file_in_its_place_is_checked_and_not_fetched_again(site, target):
    target.parent.mkdir()
    target.write_bytes(CONTENT)
    download(site.spec, target)
    target.write_bytes(CONTENT[:-1] + b"!")
    found = hashlib.sha256(CONTENT[:-1] + b"!").hexdigest()
    assert refusal(site.spec, target).message == (f"{target} has the SHA-256 {found}; expected was {site.spec.sha256}.")
    target.write_bytes(CONTENT[:-1])
    assert f"has {len(CONTENT) - 1:,} bytes; expected were {len(CONTENT):,}." in refusal(site.spec, target).message
    assert not site.asked
    assert left(target) == ["file.tgz"], "somebody's own file is not deleted"


def test_cut_connections_go_on_where_they_stopped(site, target):
    site.stop_after = [100_000, 50_000, 0]
    waits = []
    download(site.spec, target, sleep=waits.append)
    assert target.read_bytes() == CONTENT
    assert site.asked == [
        (None, None),
        ("bytes=100000-", '"one"'),
        ("bytes=150000-", '"one"'),
        ("bytes=150000-", '"one"'),
    ]
    assert waits == [1, 2, 4]


def test_after_a_few_cuts_it_says_so_and_the_next_call_goes_on(site, target):
    site.stop_after = [100_000, 0, 0, 0, 0]
    waits = []
    error = refusal(site.spec, target, sleep=waits.append)
    assert error.message == (
        f"The connection to 127.0.0.1:{site.port} failed 5 times in a row, at last after 100 kB of 1.05 MB "
        "(the connection was closed)."
    )
    assert f"put it at {target}" in error.hint
    assert waits == list(WAITS_S)
    assert left(target) == ["file.tgz.part", "file.tgz.part.json"]
    download(site.spec, target)
    assert target.read_bytes() == CONTENT
    assert site.asked[-1] == ("bytes=100000-", '"one"')


def test_a_connection_that_gets_on_is_given_more_attempts(site, target):
    site.content = CONTENT * 8
    site.stop_after = [len(CONTENT)] * 7
    waits = []
    download(site.spec, target, sleep=waits.append)
    assert target.read_bytes() == CONTENT * 8
    assert waits == [1] * 7


def test_a_server_without_ranges_begins_again(site, target):
    site.ranges, site.stop_after = False, [100_000]
    download(site.spec, target, sleep=lambda _: None)
    assert target.read_bytes() == CONTENT
    assert len(site.asked) == 2


@pytest.mark.parametrize("careless", [True, False])
@pytest.mark.parametrize("checksum", [True, False])
def test_two_versions_are_never_glued_together(site, target, checksum, careless):
    site.stop_after, site.careless = [100_000], careless

    def change(_: float) -> None:
        site.content, site.tag = CONTENT[::-1], '"two"'

    spec = Remote(site.url, len(CONTENT), hashlib.sha256(CONTENT[::-1]).hexdigest() if checksum else "")
    download(spec, target, sleep=change)
    assert target.read_bytes() == CONTENT[::-1]


def test_a_part_that_nobody_asked_for_is_not_appended(site, target):
    site.stop_after, site.off_by_one = [100_000], True
    download(site.spec, target, sleep=lambda _: None)
    assert target.read_bytes() == CONTENT
    assert [wanted for wanted, _ in site.asked] == [None, "bytes=100000-", None]


@pytest.mark.parametrize(("tag", "condition"), [("", None), ('W/"weak"', None), ('"strong"', '"strong"')])
def test_only_a_strong_tag_names_a_version(site, target, tag, condition):
    site.tag, site.stop_after = tag, [100_000]
    download(site.spec, target, sleep=lambda _: None)
    assert site.asked[1] == ("bytes=100000-", condition)
    assert target.read_bytes() == CONTENT


def test_without_tag_and_checksum_it_begins_again(site, target):
    site.tag, site.stop_after = "", [100_000]
    download(Remote(site.url), target, sleep=lambda _: None)
    assert site.asked[1] == (None, None)


def test_a_complete_part_needs_no_server(site, target):
    target.parent.mkdir()
    target.with_name("file.tgz.part").write_bytes(CONTENT)
    download(site.spec, target)
    assert not site.asked
    assert left(target) == ["file.tgz"]


def test_a_part_that_is_longer_than_the_file_is_dropped(site, target):
    site.stop_after = [100_000, 0, 0, 0, 0]
    refusal(site.spec, target, sleep=lambda _: None)
    site.content, site.tag = b"short", '"one"'
    download(site.spec, target, sleep=lambda _: None)
    assert target.read_bytes() == b"short"


def test_a_wrong_file_is_named_by_its_checksum_and_dropped(site, target):
    expected = site.spec
    site.content = CONTENT[::-1]
    error = refusal(expected, target)
    found = hashlib.sha256(CONTENT[::-1]).hexdigest()
    assert error.message == (
        f"file.tgz from 127.0.0.1:{site.port} has the SHA-256 {found}; expected was {expected.sha256}."
    )
    assert left(target) == []


@pytest.mark.parametrize("length", [True, False])
@pytest.mark.parametrize("content", [CONTENT[:5000], CONTENT * 2])
def test_a_wrong_size_is_named_and_dropped(site, target, content, length):
    expected = site.spec
    site.content, site.length = content, length
    if not length and len(content) < len(CONTENT):  # as good as a connection that was cut
        site.ranges = False
        assert "failed 5 times in a row" in refusal(expected, target, sleep=lambda _: None).message
        return
    what = f"has {len(content):,} bytes" if length else f"sends more than {len(CONTENT):,} bytes"
    message = f"file.tgz on 127.0.0.1:{site.port} {what}; expected were {len(CONTENT):,}."
    assert refusal(expected, target).message == message
    assert left(target) == []


def test_a_web_page_in_place_of_the_file_is_told(site, target):
    site.kind = "text/html; charset=utf-8"
    assert "answers with a web page instead of file.tgz" in refusal(site.spec, target).message


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_refusal_is_final(site, target, status):
    site.status = [status]
    error = refusal(site.spec, target)
    assert f"127.0.0.1:{site.port} answers {status} " in error.message
    assert error.message.endswith(f"for {site.url}.")


def test_a_busy_server_is_asked_again(site, target):
    site.status = [503, 429]
    waits = []
    download(site.spec, target, sleep=waits.append)
    assert waits == [1, 2]
    site.status = [500] * 5
    target.unlink()
    assert "(HTTP 500 Internal Server Error)" in refusal(site.spec, target, sleep=lambda _: None).message


def test_no_server_gives_a_sentence_and_the_way_by_hand(site, target):
    site.port = 1
    error = refusal(site.spec, target)
    assert error.message == "127.0.0.1:1 cannot be reached (Connection refused)."
    assert error.hint == (
        "Check the network connection and start again. You can also fetch http://127.0.0.1:1/file.tgz yourself, "
        f"put it at {target} and start again."
    )


def test_a_network_that_fails_in_the_middle_is_tried_again(site, target):
    site.stop_after = [100_000]
    waits = []

    def unplug(seconds: float) -> None:
        if not waits:
            site.server.shutdown()
            site.server.server_close()
        waits.append(seconds)

    message = refusal(site.spec, target, sleep=unplug).message
    assert "failed 5 times in a row, at last after 100 kB of 1.05 MB (Connection refused)." in message
    assert waits == list(WAITS_S)
    assert left(target) == ["file.tgz.part", "file.tgz.part.json"]


def test_a_reset_connection_is_a_cut_one(site, target):
    site.stop_after, site.reset = [500_000], True
    waits = []
    download(site.spec, target, sleep=waits.append)
    assert target.read_bytes() == CONTENT
    assert waits == [1]


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_a_redirect_leads_to_no_file_of_this_machine(site, target, location):
    site.location = location
    refusal(site.spec, target)
    assert left(target) == []


def test_only_web_addresses_are_fetched(target):
    assert refusal(Remote("file:///etc/passwd"), target).message == "'file:///etc/passwd' is no web address."


def test_a_full_disk_is_named_before_anything_is_asked(site, target, monkeypatch):
    monkeypatch.setattr(storage.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    assert "Downloading file.tgz needs 1.05 MB, and the disk of " in refusal(site.spec, target).message
    assert not site.asked


def test_a_folder_that_cannot_be_made_is_named(site, tmp_path):
    (tmp_path / "file").write_text("")
    assert "cannot be written" in refusal(site.spec, tmp_path / "file" / "x.tgz").message


def test_two_downloads_of_one_file_do_not_meet(site, target):
    def second(done: int, total: int) -> None:
        assert "is being downloaded by another process" in refusal(site.spec, target).message

    download(site.spec, target, second)
    assert target.read_bytes() == CONTENT


# The flowers

CLASSES = ("daisy", "dandelion", "roses", "sunflowers", "tulips")


@pytest.fixture
def flowers(site) -> Remote:
    """A small archive that is made like the real one."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        files = {"flower_photos/LICENSE.txt": b"CC-BY"}
        files |= {f"flower_photos/{name}/{n}.jpg": os.urandom(2000) for name in CLASSES for n in range(5)}
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    site.content = buffer.getvalue()
    return site.spec


def test_the_published_facts_of_the_flowers_are_kept():
    assert FLOWER_PHOTOS.url.endswith("/flower_photos.tgz")
    assert (FLOWER_PHOTOS.bytes, len(FLOWER_PHOTOS.sha256)) == (228_813_984, 64)
    int(FLOWER_PHOTOS.sha256, 16)


def test_the_flowers_become_a_flat_image_folder(tmp_path, flowers):
    told = []
    directory = download_flower_photos(tmp_path / "data" / "flowers", lambda *now: told.append(now), spec=flowers)
    index = open_folder(directory)
    assert index.classes == CLASSES
    assert index.counts()["train"].tolist() == [4] * 5
    assert [problem.message for problem in index.problems] == ["1 file is no picture and left out: LICENSE.txt."]
    assert os.listdir(directory.parent) == ["flowers"], "the archive is gone"
    assert told == sorted(told)
    assert {total for _, total in told} == {flowers.bytes + flowers.bytes // 10}
    assert told[-1][0] == told[-1][1]


def test_an_archive_put_there_by_hand_is_used_and_kept(tmp_path, site, flowers):
    (tmp_path / "flower_photos.tgz").write_bytes(site.content)
    download_flower_photos(tmp_path / "flowers", spec=flowers)
    assert not site.asked
    assert (tmp_path / "flower_photos.tgz").is_file()


def test_a_wrong_archive_leaves_no_folder(tmp_path, site, flowers):
    site.content = site.content[::-1]
    with pytest.raises(DataError, match="SHA-256"):
        download_flower_photos(tmp_path / "data" / "flowers", spec=flowers)
    assert os.listdir(tmp_path / "data") == []


def test_a_folder_in_use_is_refused_before_the_download(tmp_path, site, flowers):
    (tmp_path / "flowers" / "mine").mkdir(parents=True)
    with pytest.raises(DataError, match="exists and is not empty"):
        download_flower_photos(tmp_path / "flowers", spec=flowers)
    assert not site.asked
