"""Videos from other servers: of allowed hosts, at public addresses, and connected to as they were checked."""

from __future__ import annotations

import re
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

import httpx2

from videomind.serve.errors import Refused
from videomind.serve.media.addresses import public_addresses

REDIRECTS = 3
CONNECT_S = 10.0
PORTS = {"http": 80, "https": 443}
HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*|[0-9a-f:.]*:[0-9a-f:.]*")
Addresses = Callable[[str, int], Awaitable[list[str]]]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL leads.

    Attributes:
        scheme: "http" or "https".
        host: in small letters.
        port: as given, or the scheme's.
        path: with the query.
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Host, and port where it is not the scheme's."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    def at(self, address: str) -> str:
        """The URL that connects to this address, without any look-up of a name."""
        host = f"[{address}]" if ":" in address else address
        return f"{self.scheme}://{host}:{self.port}{self.path}"


class Remote:
    """Fetches videos.

    Args:
        domains: allowed hosts: "example.org", "*.example.org" (not example.org itself); "example.org:8443" allows
            this port in place of 80 and 443.
        addresses: gives the addresses of a host, and raises `Refused` where it has one that nobody may connect to.
        trust: whose certificates are accepted; by default those of the public authorities.
    """

    def __init__(
        self, domains: Sequence[str], addresses: Addresses = public_addresses, trust: ssl.SSLContext | None = None
    ) -> None:
        self._domains = tuple(domain.lower().rstrip(".") for domain in domains)
        self._addresses, self._trust = addresses, trust

    async def fetch(self, url: str, max_bytes: int) -> AsyncGenerator[bytes, None]:
        """The bytes of a video, as they come; redirects are followed where they lead to what is allowed too.

        Raises:
            Refused: (403) it is not allowed, (400) it cannot be had, (413) it says that it is larger than `max_bytes`.
        """
        try:
            async with AsyncExitStack() as stack:
                response = await self._final(url, stack)
                if int(response.headers.get("content-length", 0)) > max_bytes:
                    raise Refused(413, f"video_url: a video may have {max_bytes / 2**20:g} MiB at most")
                async for chunk in response.aiter_raw():
                    yield chunk
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            raise Refused(400, f"video_url: the video cannot be fetched ({type(error).__name__})") from error

    @staticmethod
    def name(url: str) -> str:
        """What the file is called there."""
        return unquote(urlsplit(url).path).rpartition("/")[2]

    async def _final(self, url: str, stack: AsyncExitStack) -> httpx2.Response:
        """The answer with the video, after all redirects."""
        came_by_https = False
        for _ in range(REDIRECTS + 1):
            target = self._allowed(url)
            if came_by_https and target.scheme == "http":
                raise Refused(403, "video_url: a redirect leads from https to http")
            came_by_https = target.scheme == "https"
            response = await self._request(target, stack)
            if response.status_code == 200:
                return response
            if not response.has_redirect_location:
                raise Refused(400, f"video_url: {target.host} answered with status {response.status_code}")
            url = urljoin(url, response.headers["location"])
            await response.aclose()
        raise Refused(400, f"video_url: more than {REDIRECTS} redirects")

    async def _request(self, target: Target, stack: AsyncExitStack) -> httpx2.Response:
        addresses = await self._addresses(target.host, target.port)
        for left, address in enumerate(addresses, 1 - len(addresses)):
            client = await stack.enter_async_context(
                httpx2.AsyncClient(
                    verify=self._trust or True,
                    trust_env=False,
                    timeout=httpx2.Timeout(None, connect=CONNECT_S),  # the rest is limited by whoever receives
                )
            )
            request = client.build_request(
                "GET",
                target.at(address),
                headers={"Host": target.authority, "Accept": "video/*,*/*;q=0.5", "Accept-Encoding": "identity"},
                extensions={"sni_hostname": target.host},
            )
            try:
                return await client.send(request, stream=True)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                if left == 0:
                    raise
        raise Refused(400, f"video_url: the host {target.host} is not known")

    def _allowed(self, url: str) -> Target:
        try:
            parts = urlsplit(url)
            target = _target(parts)
        except ValueError:
            raise Refused(400, "video_url: this is not a URL") from None
        if parts.username is not None or parts.password is not None:
            raise Refused(400, "video_url: give no user name or password in a URL")
        if not any(_matches(domain, target) for domain in self._domains):
            raise Refused(403, f"video_url: videos from {target.authority} are not taken; upload the video instead")
        return target


def _target(parts: SplitResult) -> Target:
    host = (parts.hostname or "").rstrip(".")
    if not host.isascii():
        host = host.encode("idna").decode()
    if parts.scheme not in PORTS or not HOST.fullmatch(host):
        raise ValueError("no host")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    port = PORTS[parts.scheme] if parts.port is None else parts.port
    return Target(parts.scheme, host, port, path)


def _matches(domain: str, target: Target) -> bool:
    host, colon, port = domain.rpartition(":")
    if not colon or not port.isdecimal() or ":" in host:
        host, port = domain, ""
    ports = {int(port)} if port else set(PORTS.values())
    if target.port not in ports:
        return False
    return target.host.endswith(host[1:]) if host.startswith("*.") else target.host == host
