"""Which addresses the server may connect to on behalf of a client: those of the public internet, and no others."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from videomind.serve.errors import Refused

_SPECIAL_4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    )
)
"""IANA's special-purpose addresses, multicast and reserved."""
_UNICAST_6 = IPv6Network("2000::/3")
_SPECIAL_6 = tuple(
    IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)
"""Special purposes within `_UNICAST_6`; outside it all is private, or another way to write an IPv4 address."""


def is_public(address: str) -> bool:
    """Whether an address in its usual form is one of the public internet.

    IPv4 addresses in IPv6 clothes (mapped, NAT64, 6to4, Teredo) are not, whatever they stand for.
    """
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv4Address):
        return not any(ip in network for network in _SPECIAL_4)
    return _is_public_6(ip)


def _is_public_6(ip: IPv6Address) -> bool:
    return ip.scope_id is None and ip in _UNICAST_6 and not any(ip in network for network in _SPECIAL_6)


async def public_addresses(host: str, port: int) -> list[str]:
    """All addresses of a host.

    Raises:
        Refused: (400) it has none, (403) one of them is not public.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Refused(400, f"video_url: the host {host} is not known") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not all(is_public(address) for address in addresses):
        raise Refused(403, f"video_url: {host} is not on the public internet")
    return addresses
