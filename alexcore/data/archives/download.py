"""Fetch one file from the web so that a cut connection costs only what was not yet received.

    download_flower_photos(Path("data/flower_photos"))  ->  data/flower_photos/{daisy,dandelion,...}/*.jpg

What has arrived stays in NAME.part until size and checksum are right; only then the file gets its name. A later call
asks the server for the rest, and names the version it has (If-Range), so that two versions are never glued together.
"""

from __future__ import annotations

import hashlib
import http.client
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from alexcore import __version__
from alexcore.data.archives.archive import unpack
from alexcore.data.storage import CHUNK, Progress, require_new, require_room, silent
from alexcore.errors import DataError
from alexcore.files import read_json, write_json
from alexcore.home import cache_dir
from alexcore.words.numbers import size_text

WAITS_S = (1.0, 2.0, 4.0, 8.0)
TIMEOUT_S = 30.0
# Whoever got so far has a connection that works; the count of failures begins again.
GAIN_BYTES = CHUNK
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Remote:
    """A file on the web, and what is known of it: its size (0: unknown) and its SHA-256 ("": not checked)."""

    url: str
    bytes: int = 0
    sha256: str = ""

    @property
    def host(self) -> str:
        """The server, for sentences."""
        return urlsplit(self.url).netloc or self.url


# Size and SHA-256 as TensorFlow Datasets publishes them for its `tf_flowers`:
# github.com/tensorflow/datasets, tensorflow_datasets/datasets/tf_flowers/checksums.tsv
FLOWER_PHOTOS = Remote(
    url="http://download.tensorflow.org/example_images/flower_photos.tgz",
    bytes=228_813_984,
    sha256="4c54ace7911aaffe13a365c34f650e71dd5bf1be0a58b464e5a7183e3e595d9c",
)


class _CutError(Exception):
    """The connection could not be made or broke off; another attempt may help."""

    def __init__(self, reason: object, connected: bool = True) -> None:
        super().__init__(str(reason) or type(reason).__name__)
        self.connected = connected


def _opener() -> urllib.request.OpenerDirector:
    """Speak HTTP and HTTPS only: no server may redirect to a file of this machine."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.UnknownHandler,
    ):
        opener.add_handler(handler())
    return opener


class _Transfer:
    """One download: `part` holds the bytes received so far, `note` which version of the file they belong to."""

    def __init__(self, spec: Remote, target: Path, on_progress: Progress) -> None:
        self.spec, self.target, self.on_progress = spec, target, on_progress
        self.part = target.with_name(f"{target.name}.part")
        self.note = target.with_name(f"{target.name}.part.json")

    def received(self) -> int:
        """Bytes in `part`."""
        return self.part.stat().st_size if self.part.exists() else 0

    def drop(self) -> None:
        """Forget what was received."""
        self.part.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)

    def _request(self) -> tuple[int, urllib.request.Request]:
        """Ask for what is missing, or for everything where the bytes at hand may be of another version."""
        note = read_json(self.note) or {}
        validator = str(note.get("validator", ""))
        # Without a name for the version only the checksum can tell a wrong mixture.
        if note.get("url") != self.spec.url or not (validator or self.spec.sha256):
            self.drop()
        offset = self.received()
        headers = {"User-Agent": f"alexcore/{__version__}", "Accept-Encoding": "identity"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
            if validator:
                headers["If-Range"] = validator
        return offset, urllib.request.Request(self.spec.url, headers=headers)

    def fetch(self) -> None:
        """Receive as much as comes; after a _CutError another attempt may help, after a DataError not."""
        if self.spec.bytes and self.received() == self.spec.bytes:
            return
        offset, request = self._request()
        try:
            response = _opener().open(request, timeout=TIMEOUT_S)
        except urllib.error.HTTPError as error:
            with error:
                raise self._refused(error) from error
        except urllib.error.URLError as error:
            raise _CutError(getattr(error.reason, "strerror", None) or error.reason, connected=False) from error
        except (OSError, http.client.HTTPException) as error:
            raise _CutError(error) from error
        assert response is not None  # UnknownHandler raises for what nobody opens
        with response:
            self._receive(response, request, offset)

    def _refused(self, error: urllib.error.HTTPError) -> Exception:
        if error.code == 416:  # more is here than there: another version
            self.drop()
            return _CutError("HTTP 416")
        if error.code in _LATER:
            return _CutError(f"HTTP {error.code} {error.reason}")
        return DataError(f"{self.spec.host} answers {error.code} {error.reason} for {self.spec.url}.", self.by_hand())

    def _receive(self, response: Any, request: urllib.request.Request, offset: int) -> None:
        if response.status == 206:
            found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
            known = request.get_header("If-range", "")  # as urllib spells it
            other = known.startswith('"') and response.headers.get("ETag", known) != known
            if not found or int(found[1]) != offset or other:
                self.drop()
                raise _CutError("the server sent another part than asked for")
            total = int(found[2]) if found[2] != "*" else self.spec.bytes
        else:  # the server ignores ranges, or has another version by now
            offset, total = 0, response.length or 0
        if response.headers.get_content_type() == "text/html":
            raise DataError(
                f"{self.spec.host} answers with a web page instead of {self.target.name}.",
                f"Some networks want a login first: open a page in a browser. {self.by_hand()}",
            )
        if self.spec.bytes and total and total != self.spec.bytes:
            raise self._wrong_size(f"has {total:,} bytes")
        total = total or self.spec.bytes
        require_room(self.target.parent, total - offset, f"Downloading {self.target.name}")
        if not offset:
            # A weak tag says that two versions mean the same, not that their bytes are the same.
            tag = response.headers.get("ETag", "")
            validator = tag if tag.startswith('"') else response.headers.get("Last-Modified", "")
            write_json(self.note, {"url": self.spec.url, "validator": validator})
        with self.part.open("ab" if offset else "wb") as file:
            while block := self._read(response):
                file.write(block)
                offset += len(block)
                if self.spec.bytes and offset > self.spec.bytes:
                    raise self._wrong_size(f"sends more than {self.spec.bytes:,} bytes")
                self.on_progress(offset, total)
        if offset < total:
            raise _CutError("the connection was closed")

    def _read(self, response: Any) -> bytes:
        try:
            return bytes(response.read1(CHUNK))
        except (OSError, http.client.HTTPException) as error:
            raise _CutError(error) from error

    def _wrong_size(self, what: str) -> DataError:
        self.drop()
        return DataError(
            f"{self.target.name} on {self.spec.host} {what}; expected were {self.spec.bytes:,}.",
            f"The file was changed, or something in between answers in its place. {self.by_hand()}",
        )

    def by_hand(self) -> str:
        """The way that works without this module."""
        return f"You can also fetch {self.spec.url} yourself, put it at {self.target} and start again."


def _checked(spec: Remote, path: Path, what: str) -> str:
    """Return how a file differs from what was promised, as a sentence, or an empty text."""
    size = path.stat().st_size
    if spec.bytes and size != spec.bytes:
        return f"{what} has {size:,} bytes; expected were {spec.bytes:,}."
    if spec.sha256:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != spec.sha256.lower():
            return f"{what} has the SHA-256 {found}; expected was {spec.sha256.lower()}."
    return ""


def download(
    spec: Remote, target: Path, on_progress: Progress = silent, *, sleep: Callable[[float], None] = time.sleep
) -> Path:
    """Fetch a file, or find it in its place already, and check its size and SHA-256 as far as `spec` knows them.

    Args:
        spec: What to fetch.
        target: Appears when it is complete and right; until then `target`.part grows beside it.
        on_progress: Called with (bytes received, bytes in all; 0 where nobody knows).
        sleep: Waits between attempts, each time longer.

    Raises:
        DataError: the server cannot be reached or refuses, the connection broke off again and again, the file is not
            the one expected, the disk is full, or another process fetches the same file.
    """
    if urlsplit(spec.url).scheme not in ("http", "https"):
        raise DataError(f"{spec.url!r} is no web address.", "It must begin with http:// or https://.")
    target = target.absolute()
    transfer = _Transfer(spec, target, on_progress)
    name = hashlib.sha256(str(target).encode()).hexdigest()[:32]
    lock = cache_dir() / "downloads" / f"{name}.lock"
    with DataError.from_system(f"{target} cannot be written", "Check the free space and the rights."):
        target.parent.mkdir(parents=True, exist_ok=True)
        lock.parent.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(lock, timeout=0):
                if not target.exists():
                    _fetch_all(transfer, sleep)
                elif wrong := _checked(spec, target, str(target)):
                    raise DataError(wrong, "Delete it and start again: it is another file, or incomplete.")
        except Timeout as error:
            raise DataError(f"{target} is being downloaded by another process.", "Wait for it.") from error
    return target


def _fetch_all(transfer: _Transfer, sleep: Callable[[float], None]) -> None:
    spec, failures, connected = transfer.spec, 0, False
    require_room(transfer.target.parent, spec.bytes - transfer.received(), f"Downloading {transfer.target.name}")
    while True:
        before = transfer.received()
        try:
            transfer.fetch()
            break
        except _CutError as cut:
            connected = connected or cut.connected
            if not connected:
                raise DataError(
                    f"{spec.host} cannot be reached ({cut}).",
                    f"Check the network connection and start again. {transfer.by_hand()}",
                ) from cut
            failures = 1 if transfer.received() - before >= GAIN_BYTES else failures + 1
            if failures > len(WAITS_S):
                got = f"{size_text(transfer.received())} of {size_text(spec.bytes) if spec.bytes else 'the file'}"
                raise DataError(
                    f"The connection to {spec.host} failed {failures} times in a row, at last after {got} ({cut}).",
                    f"Start again: it goes on where it stopped. {transfer.by_hand()}",
                ) from cut
            sleep(WAITS_S[failures - 1])
    if wrong := _checked(spec, transfer.part, f"{transfer.target.name} from {spec.host}"):
        transfer.drop()
        raise DataError(
            wrong, f"Start again; should it happen again, the file on the server was changed. {transfer.by_hand()}"
        )
    transfer.part.replace(transfer.target)
    transfer.note.unlink(missing_ok=True)


def download_flower_photos(directory: Path, on_progress: Progress = silent, *, spec: Remote = FLOWER_PHOTOS) -> Path:
    """Fetch the five kinds of flowers (3,670 photographs, 218 MiB), check them and unpack them.

    Args:
        directory: Must be absent or empty. The archive lies beside it until it is unpacked; one that somebody has put
            there, as `flower_photos.tgz`, is used, and kept.
        on_progress: Called with (done, total) in bytes; unpacking counts as a tenth of the download.
        spec: Where the archive is.

    Returns:
        `directory`, which holds a folder a class and the photographers' LICENSE.txt.

    Raises:
        DataError: as `download` and `unpack`; what was received stays for the next attempt.
    """
    directory = directory.absolute()
    require_new(directory)
    archive = directory.parent / "flower_photos.tgz"
    by_hand = archive.exists()
    # The photographs are compressed already: unpacked they take about as much again.
    still_missing = 0 if by_hand else spec.bytes
    require_room(directory.parent, still_missing + spec.bytes, "Downloading and unpacking the flowers")
    download(spec, archive, lambda done, total: on_progress(done, total + total // 10))
    size = archive.stat().st_size
    unpack(archive, directory, on_progress=lambda done, _total: on_progress(size + done // 10, size + size // 10))
    if not by_hand:
        archive.unlink()
    return directory
