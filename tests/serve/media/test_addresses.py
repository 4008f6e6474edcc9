"""Only addresses of the public internet may be connected to for a client."""

from __future__ import annotations

import asyncio

import pytest

from videomind.serve.errors import Refused
from videomind.serve.media.addresses import is_public, public_addresses


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "8.8.8.8", "172.32.0.1", "2606:4700::1111", "2a00:1450:4001::200e"]
)
def test_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.0.3",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "192.0.0.170",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd12:3456::1",
        "fec0::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "::ffff:0:127.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "2001:db8::1",
        "100::1",
        "5f00::1",
        "localhost",
        "",
        "8.8.8.8 ",
        "0x7f.1",
        "2130706433",
        "127.1",
    ],
)
def test_all_else(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "127.1", "0", "::1", "::ffff:127.0.0.1"]
)
def test_this_machine_under_all_its_names(host: str) -> None:
    with pytest.raises(Refused):
        asyncio.run(public_addresses(host, 80))
