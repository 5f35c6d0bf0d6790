"""A web server on this machine that cuts connections, ignores ranges and changes its files."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from alexcore.data.archives.download import Remote

CONTENT = bytes(range(256)) * 4096 + b"the end"  # 1 MiB and a little


@dataclass
class Site:
    """What the server does; tests change it, also while it runs."""

    content: bytes = CONTENT
    tag: str = '"one"'
    ranges: bool = True
    stop_after: list[int] = field(default_factory=list)  # bytes of the body; one number an answer
    status: list[int] = field(default_factory=list)  # errors to give first
    kind: str = "application/gzip"
    length: bool = True
    location: str = ""
    asked: list[tuple[str | None, str | None]] = field(default_factory=list)
    reset: bool = False  # end a short answer as a crash does, and not with a farewell
    careless: bool = False  # do not look at If-Range
    off_by_one: bool = False
    port: int = 0
    server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/file.tgz"

    @property
    def spec(self) -> Remote:
        return Remote(self.url, len(self.content), hashlib.sha256(self.content).hexdigest())


def answer(site: Site, request: BaseHTTPRequestHandler) -> None:
    wanted, condition = request.headers.get("Range"), request.headers.get("If-Range")
    site.asked.append((wanted, condition))
    if site.status:
        return request.send_error(site.status.pop(0))
    if site.location:
        request.send_response(302)
        request.send_header("Location", site.location)
        return request.end_headers()
    first = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and site.ranges else 0
    if condition not in (None, site.tag) and not site.careless:
        first = 0
    if first >= len(site.content):
        return request.send_error(416)
    if first and site.off_by_one:
        first, site.off_by_one = first + 1, False
    body = site.content[first:]
    request.send_response(206 if first else 200)
    if first:
        request.send_header("Content-Range", f"bytes {first}-{len(site.content) - 1}/{len(site.content)}")
    if site.length:
        request.send_header("Content-Length", str(len(body)))
    if site.tag:
        request.send_header("ETag", site.tag)
    request.send_header("Content-Type", site.kind)
    request.end_headers()
    short = bool(site.stop_after)
    request.wfile.write(body[: site.stop_after.pop(0)] if short else body)
    if short and site.reset:
        request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.connection.close()


@pytest.fixture
def site(monkeypatch) -> Iterator[Site]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with contextlib.suppress(ConnectionError):  # the client had heard enough
                answer(site, self)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        site.port, site.server = server.server_port, server
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield site
        server.shutdown()
        thread.join()
