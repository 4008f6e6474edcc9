"""`http(s):` URLs: allowed hosts, checked addresses, few redirects; against a server on this machine.

`here` stands in for the look-up of names: it takes every host for one on this machine, whose port differs.
"""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from tests.serve.media.conftest import SANDBOX
from videomind.serve.errors import Refused
from videomind.serve.media.receive import Media, MediaLimits
from videomind.serve.media.remote import Remote
from videomind.serve.store.library import Library

FILM = b"film" * 5000
Answer = Callable[[str], bytes]


def ok(body: bytes = FILM, *headers: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def moved(location: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


@asynccontextmanager
async def serving(answer: Answer, secured: ssl.SSLContext | None = None) -> AsyncIterator[tuple[int, list[str]]]:
    """A server on this machine: its port, and the requests that came."""
    requests: list[str] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handlers.append(asyncio.current_task())
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        requests.append(request)
        writer.write(answer(request.split()[1]))
        if answer is silence:
            await reader.read()
        writer.close()
        await writer.wait_closed()

    handlers: list[asyncio.Task[None] | None] = []
    async with await asyncio.start_server(handle, "127.0.0.1", 0, ssl=secured) as server:
        yield server.sockets[0].getsockname()[1], requests
        await asyncio.gather(*(task for task in handlers if task), return_exceptions=True)


def silence(path: str) -> bytes:
    """No answer, and the connection stays open."""
    return b""


async def here(host: str, port: int) -> list[str]:
    if host.startswith("private"):
        raise Refused(403, f"{host} is not on the public internet")
    return ["127.0.0.1"]


async def fetched(remote: Remote, url: str, most: int = 1 << 20) -> bytes:
    async with aclosing(remote.fetch(url, most)) as chunks:
        return b"".join([chunk async for chunk in chunks])


def fetch(answer: Answer, url: str, *domains: str, most: int = 1 << 20) -> tuple[bytes, list[str]]:
    """What comes of a URL, in which PORT is that of the server, as in the domains."""

    async def run() -> tuple[bytes, list[str]]:
        async with serving(lambda path: answer(path).replace(b"PORT", str(port).encode())) as (port, requests):
            allowed = [domain.replace("PORT", str(port)) for domain in domains or ("example.org:PORT",)]
            return await fetched(Remote(allowed, here), url.replace("PORT", str(port)), most), requests

    return asyncio.run(run())


def refusal(answer: Answer, url: str, *domains: str, most: int = 1 << 20) -> Refused:
    with pytest.raises(Refused) as caught:
        fetch(answer, url, *domains, most=most)
    return caught.value


def test_video() -> None:
    film, requests = fetch(lambda path: ok(), "http://example.org:PORT/films/a%20b.mp4?part=1")
    assert film == FILM
    assert requests[0].startswith("GET /films/a%20b.mp4?part=1 HTTP/1.1\r\nHost: example.org:")
    assert "Accept-Encoding: identity" in requests[0]


@pytest.mark.parametrize(
    ("domain", "host", "allowed"),
    [
        ("example.org:PORT", "example.org", True),
        ("example.org:PORT", "EXAMPLE.org", True),
        ("example.org:PORT", "example.org.", True),
        ("*.example.org:PORT", "cdn.example.org", True),
        ("*.example.org:PORT", "a.b.example.org", True),
        ("*.example.org:PORT", "example.org", False),
        ("*.example.org:PORT", "badexample.org", False),
        ("example.org:PORT", "cdn.example.org", False),
        ("example.org:PORT", "example.org.evil.net", False),
        ("example.org", "example.org", False),  # port 80 or 443
        ("example.org:1", "example.org", False),
    ],
)
def test_allowed_hosts(domain: str, host: str, allowed: bool) -> None:
    if allowed:
        assert fetch(lambda path: ok(), f"http://{host}:PORT/a.mp4", domain)[0] == FILM
    else:
        assert refusal(lambda path: ok(), f"http://{host}:PORT/a.mp4", domain).status == 403


@pytest.mark.parametrize(
    "url",
    [
        "http://me:secret@example.org:PORT/a.mp4",
        "http://me@example.org:PORT/a.mp4",
        "http://example.org:PORT@evil.net/a.mp4",
        "http:///a.mp4",
        "http://exa mple.org/a.mp4",
        "http://example.org:99999/a.mp4",
        "http://example.org:abc/",
        "http://[::1/a.mp4",
        "http://example.org\\@evil.net/",
        "https:example.org/a.mp4",
    ],
)
def test_urls_that_are_refused(url: str) -> None:
    assert refusal(lambda path: ok(), url).status in (400, 403)


def test_private_address_behind_an_allowed_name() -> None:
    assert refusal(lambda path: ok(), "http://private.example.org:PORT/", "*.example.org:PORT").status == 403


def test_names_are_looked_up_for_real_by_default() -> None:
    with pytest.raises(Refused, match="not on the public internet"):
        asyncio.run(fetched(Remote(["localhost"]), "http://localhost/a.mp4"))


def test_name_is_looked_up_once() -> None:
    """So that a second answer (DNS rebinding) cannot lead elsewhere."""
    asked = []

    async def run() -> None:
        async def addresses(host: str, port: int) -> list[str]:
            asked.append(host)
            return ["127.0.0.1"]

        async with serving(lambda path: ok()) as (port, _):
            await fetched(Remote([f"no.such.host.invalid:{port}"], addresses), f"http://no.such.host.invalid:{port}/")

    asyncio.run(run())
    assert asked == ["no.such.host.invalid"]


def test_next_address_where_the_first_is_not_reached() -> None:
    async def run() -> bytes:
        async def addresses(host: str, port: int) -> list[str]:
            return ["127.0.0.2", "127.0.0.1"]

        async with serving(lambda path: ok()) as (port, _):
            return await fetched(Remote([f"example.org:{port}"], addresses), f"http://example.org:{port}/")

    assert asyncio.run(run()) == FILM


def test_redirects_within_what_is_allowed() -> None:
    pages = {"/1": moved("/2"), "/2": moved("http://cdn.example.org:PORT/3"), "/3": moved("4"), "/4": ok()}
    film, requests = fetch(pages.__getitem__, "http://example.org:PORT/1", "example.org:PORT", "*.example.org:PORT")
    assert film == FILM
    assert "Host: cdn.example.org" in requests[2]


@pytest.mark.parametrize(
    ("location", "status"),
    [
        ("http://evil.net:PORT/", 403),
        ("http://private.example.org:PORT/", 403),
        ("http://example.org:1/", 403),
        ("file:///etc/passwd", 400),
        ("//evil.net:PORT/", 403),
        ("http://me:secret@example.org:PORT/", 400),
        ("/again", 400),
    ],
)
def test_redirects_to_elsewhere(location: str, status: int) -> None:
    error = refusal(lambda path: moved(location), "http://example.org:PORT/", "example.org:PORT", "*.example.org:PORT")
    assert error.status == status


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oops", "206 Partial Content", "304 Not Modified"])
def test_other_answers(status: str) -> None:
    error = refusal(lambda path: f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode(), "http://example.org:PORT/")
    assert error.status == 400


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"])
def test_nonsense(answer: bytes) -> None:
    assert refusal(lambda path: answer, "http://example.org:PORT/").status == 400


def test_cut_off() -> None:
    assert refusal(lambda path: ok()[:-10], "http://example.org:PORT/").status == 400


def test_larger_than_allowed() -> None:
    assert refusal(lambda path: ok(), "http://example.org:PORT/", most=100).status == 413


def test_compressed_answers_stay_compressed() -> None:
    film, _ = fetch(lambda path: ok(b"\x1f\x8b" + bytes(50), "Content-Encoding: gzip"), "http://example.org:PORT/")
    assert film == b"\x1f\x8b" + bytes(50)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For example.org, signed by itself."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=example.org"
    files = ["-addext", "subjectAltName=DNS:example.org", "-keyout", str(path), "-out", str(path) + ".crt"]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


def test_certificate_of_the_host_is_asked_for(certificate: Path) -> None:
    """Not one of the address that is connected to; and a certificate of another host is not enough."""
    secured = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    secured.load_cert_chain(certificate)
    trust = ssl.create_default_context(cafile=certificate)

    async def run(host: str, trust: ssl.SSLContext | None) -> bytes:
        async with serving(lambda path: ok(), secured) as (port, _):
            return await fetched(Remote([f"{host}:{port}"], here, trust), f"https://{host}:{port}/a.mp4")

    assert asyncio.run(run("example.org", trust)) == FILM
    for host, trusted in (("other.example.org", trust), ("example.org", None)):
        with pytest.raises(Refused) as caught:
            asyncio.run(run(host, trusted))
        assert caught.value.status == 400


def test_into_the_library(library: Library, video: Path) -> None:
    async def run() -> str:
        async with serving(lambda path: ok(video.read_bytes())) as (port, _):
            media = Media(library, MediaLimits(), SANDBOX, None, ())
            media._remote = Remote([f"example.org:{port}"], here)
            return (await media.resolve("me", f"http://example.org:{port}/films/my%20film.mp4?x=1")).name

    assert asyncio.run(run()) == "my film.mp4"


def test_server_that_falls_silent(library: Library) -> None:
    async def run() -> None:
        async with serving(silence) as (port, _):
            media = Media(library, MediaLimits(idle_s=0.2), SANDBOX, None, ())
            media._remote = Remote([f"example.org:{port}"], here)
            with pytest.raises(Refused) as caught:
                await media.resolve("me", f"http://example.org:{port}/")
            assert caught.value.status == 408

    asyncio.run(run())
