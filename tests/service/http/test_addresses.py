"""Whose address a request came from: only trusted proxies are believed, from the right."""

from __future__ import annotations

from typing import Any

import pytest

from tests.service.http.services import headers
from toottail.service.http import addresses
from toottail.settings import Settings

SETTINGS = Settings.model_validate({"trusted_proxies": "10.0.0.0/8, 2001:db8:ffff::/48"})


def scope(peer: str | None, *forwarded: str, **more: str) -> dict[str, Any]:
    told = [(b"x-forwarded-for", words.encode()) for words in forwarded]
    client = (peer, 40000) if peer else None
    return {"type": "http", "client": client, "headers": told + headers(**more)}


@pytest.mark.parametrize(
    ("peer", "forwarded", "visitor"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["198.51.100.7"], "192.0.2.1"),
        ("10.1.1.1", ["198.51.100.7"], "198.51.100.7"),
        ("10.1.1.1", ["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
        ("10.1.1.1", ["203.0.113.9", "198.51.100.7, 10.2.2.2"], "198.51.100.7"),
        ("10.1.1.1", ["127.0.0.1, 198.51.100.7, nonsense"], "10.1.1.1"),
        ("10.1.1.1", ["127.0.0.1, nonsense, 10.2.2.2"], "10.2.2.2"),
        ("10.1.1.1", [""], "10.1.1.1"),
        ("10.1.1.1", ["198.51.100.7:4711"], "198.51.100.7"),
        ("10.1.1.1", ["[2001:db8:1:2:3::4]:4711"], "2001:db8:1:2::/64"),
        ("10.1.1.1", ["::ffff:198.51.100.7"], "198.51.100.7"),
        ("::ffff:10.1.1.1", ["198.51.100.7"], "198.51.100.7"),
        ("2001:db8:ffff::1", ["198.51.100.7"], "198.51.100.7"),
        ("2001:db8:1:2:3::4", [], "2001:db8:1:2::/64"),
        (None, ["198.51.100.7"], "unknown"),
    ],
)
def test_what_stands_left_of_the_first_stranger_is_nobodys_word(
    peer: str | None, forwarded: list[str], visitor: str
) -> None:
    assert addresses.visitor(SETTINGS, scope(peer, *forwarded)) == visitor


def test_a_chain_of_trusted_proxies_without_end_is_not_followed() -> None:
    chain = ", ".join(["198.51.100.7", *["10.2.2.2"] * 50])
    assert addresses.visitor(SETTINGS, scope("10.1.1.1", chain)) == "10.2.2.2"


@pytest.mark.parametrize(
    ("peer", "more", "insider"),
    [
        ("127.0.0.1", {}, True),
        ("::1", {}, True),
        ("10.1.1.1", {}, True),
        ("192.0.2.1", {}, False),
        (None, {}, False),
        ("127.0.0.1", {"x_forwarded_for": "127.0.0.1"}, False),
        ("10.1.1.1", {"forwarded": "for=127.0.0.1"}, False),
        ("10.1.1.1", {"x_real_ip": "127.0.0.1"}, False),
    ],
)
def test_monitors_are_on_this_machine_or_in_a_trusted_network_and_come_directly(
    peer: str | None, more: dict[str, str], insider: bool
) -> None:
    assert addresses.is_insider(SETTINGS, scope(peer, **more)) is insider
