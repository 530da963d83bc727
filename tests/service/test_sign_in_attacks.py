"""Sign-ins as attackers try them. None gets through, and none makes us ask where we must not."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog

from tests.service.conftest import OpenTown
from tests.service.test_sign_in import refusal
from tests.service.town import ADDRESS, HOME, OURS, Town, new_key
from toottail.errors import SignInRefused, TooManyAttempts
from toottail.repository import purging
from toottail.repository.sealing import Sealer
from toottail.servers.door import Door
from toottail.service import sign_in
from toottail.simulator.faults import Fault
from toottail.simulator.worlds import build

NO_SERVERS = [
    "",
    " ",
    "127.0.0.1",
    "127.1",
    "0",
    "0.0.0.0",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "0x7f.1",
    "127.0.0.1.",
    "①②⑦.0.0.1",
    "１２７.0.0.1",
    "[::1]",
    "::1",
    "[::ffff:127.0.0.1]",
    "fe80::1%eth0",
    "169.254.169.254",
    "http://169.254.169.254/latest/meta-data/",
    "@me@169.254.169.254",
    "localhost",
    "localhost.",
    "LOCALHOST",
    "ⓛocalhost",
    "db.localhost",
    "home",
    "home.local",
    "router.lan",
    "kubernetes.default.svc.cluster.local",
    "metadata.google.internal",
    "a.onion",
    "home.example:8443@127.0.0.1",
    "https://home.example:8443/",
    "home.example:22",
    "https://user:pass@home.example:443@[::1]/",
    "home.example\\@127.0.0.1",
    "home.example#@127.0.0.1",
    "home.example?x=127.0.0.1",
    "file:///etc/passwd",
    "gopher://127.0.0.1:25/",
    "home.example\r\nHost: evil.example",
    "home.example\0.evil.example",
    "home..example",
    "-home.example",
    "a" * 64 + ".example",
    "a." * 150 + "example",
    "x" * 100_000,
    "\ud800.example",
    "<script>alert(1)</script>",
    "'; DROP TABLE members; --",
    "../../etc/passwd",
]


class Names:
    """A resolver whose answers are given one after the other, the last one for good."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    def getaddrinfo(self, host: str, port: int, *_: object) -> list[object]:
        self.asked.append(host)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, port)) for text in answer]


@pytest.mark.parametrize("typed", NO_SERVERS)
async def test_what_is_no_server_is_refused_without_a_request(town: Town, typed: str) -> None:
    assert await refusal(town.begin(typed)) == "invalid_server"
    found = await sign_in.verify(town.service, typed, ADDRESS)
    assert (found.can_serve, found.code) == (False, "invalid_server")
    assert len(found.host) <= 100
    assert town.asked() == 0
    assert await town.sql("SELECT FROM hosts") == []


async def test_our_own_address_is_no_home(town: Town) -> None:
    town.change(service_url="https://us.example")
    assert await refusal(town.begin("us.example")) == "invalid_server"
    assert await refusal(town.begin("https://US.example/@me")) == "invalid_server"
    assert town.asked() == 0


async def attempt(town: Town, monkeypatch: pytest.MonkeyPatch, names: Names, server: str) -> str:
    """A sign-in with names that resolve so, through a door as strict as in earnest."""
    monkeypatch.setattr(socket, "getaddrinfo", names.getaddrinfo)
    strict = town.service.settings.model_copy(
        update={"connect_to": {}, "allow_networks": (), "connect_timeout": 0.3}
    )
    async with Door(strict) as door:
        town.service = replace(town.service, door=door)
        with pytest.raises(SignInRefused) as refused:
            await town.begin(server)
    # Not even to which address: strangers would learn what private names resolve to.
    assert not any(part in str(refused.value) for part in ("127.", "10.", "169.", "192."))
    return refused.value.code


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.0.1"])
async def test_a_name_that_resolves_to_a_private_address_is_refused(
    town: Town, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    names = Names([address])
    assert await attempt(town, monkeypatch, names, "evil.example.org") == "invalid_server"
    names = Names(["1.1.1.1", address])
    assert await attempt(town, monkeypatch, names, "other.example.org") == "invalid_server"


async def test_a_name_that_resolves_differently_the_second_time_is_refused(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    async def connect(_loop: object, _socket: socket.socket, address: tuple[str, int]) -> None:
        opened.append(address[0])
        raise ConnectionRefusedError(111, "nobody is there")

    monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_connect", connect)
    names = Names(["1.1.1.1"], ["127.0.0.1"])
    first = await attempt(town, monkeypatch, names, "evil.example.org")
    second = await attempt(town, monkeypatch, names, "evil.example.org")
    assert (first, second) == ("unreachable", "invalid_server")
    assert set(opened) == {"1.1.1.1"}
    assert len(names.asked) >= 2


async def test_a_server_that_redirects_to_a_private_address_leads_nowhere(
    open_town: OpenTown,
) -> None:
    world = build("tiny")
    world.add_host("evil.example", "mastodon", Fault("private"))
    town = await open_town(world)
    assert town.simulator.private_listener
    assert await refusal(town.begin("evil.example")) == "invalid_server"
    assert town.simulator.counters.private_hits == 0


# The browser's way back.


async def test_a_forged_state_is_refused_without_a_request(town: Town) -> None:
    begun = await town.begin()
    back = await town.decide(begun.authorize_url)
    before = town.asked()
    for state in (None, "", "forged", str(back["state"])[:-1], "x" * 10_000, "\0", "\udcff"):
        assert await refusal(town.finish(begun, back | {"state": state})) == "expired"
    assert town.asked() == before
    assert (await town.finish(begun, back)).is_new


async def test_a_state_of_another_browser_is_refused_and_not_spent(town: Town) -> None:
    mine, theirs = await town.begin(), await town.begin()
    back = await town.decide(mine.authorize_url)
    assert await refusal(town.finish(theirs, back)) == "expired"
    for cookie in ("", "x", "x" * 10_000):
        assert await refusal(town.finish(replace(mine, browser_cookie=cookie), back)) == "expired"
    assert (await town.finish(mine, back)).is_new


async def test_a_state_is_good_once(town: Town) -> None:
    begun = await town.begin()
    back = await town.decide(begun.authorize_url)
    again = await town.decide(begun.authorize_url)
    await town.finish(begun, back)
    assert await refusal(town.finish(begun, back)) == "expired"
    assert await refusal(town.finish(begun, again)) == "expired"
    assert len(await town.sql("SELECT FROM sessions")) == 1


async def test_a_state_that_comes_twice_at_once_is_good_once(town: Town) -> None:
    begun = await town.begin()
    back = await town.decide(begun.authorize_url)
    ends = await asyncio.gather(
        *(town.finish(begun, back) for _ in range(5)), return_exceptions=True
    )
    assert Counter(getattr(end, "code", "in") for end in ends) == {"in": 1, "expired": 4}


async def test_a_code_is_good_once(town: Town) -> None:
    begun, other = await town.begin(), await town.begin()
    back = await town.decide(begun.authorize_url)
    unused = await town.decide(other.authorize_url)
    await town.finish(begun, back)
    assert await refusal(town.finish(other, unused | {"code": back["code"]})) == "home_failed"


async def test_a_code_of_another_sign_in_is_refused_by_pkce(town: Town) -> None:
    # Somebody who got hold of a member's code puts it into a sign-in of their own.
    theirs, mine = await town.begin(), await town.begin()
    stolen = (await town.decide(theirs.authorize_url))["code"]
    back = await town.decide(mine.authorize_url, "noor")
    assert await refusal(town.finish(mine, back | {"code": stolen})) == "home_failed"
    assert await town.sql("SELECT FROM members") == []


async def test_a_sign_in_ends_after_ten_minutes(town: Town) -> None:
    begun = await town.begin()
    back = await town.decide(begun.authorize_url)
    await town.sql("UPDATE sign_ins SET expires_at = expires_at - interval '10 minutes'")
    assert await refusal(town.finish(begun, back)) == "expired"
    await town.begin()
    await town.sql("UPDATE sign_ins SET expires_at = expires_at - interval '10 minutes'")
    async with town.database.connection() as conn:
        await purging.drop_expired(conn, datetime.now(UTC))
    assert await town.sql("SELECT FROM sign_ins") == []


async def test_an_odd_code_is_refused(town: Town) -> None:
    odd = (None, "", "x" * 10_000, "\0", "\udcff", "é", "a\r\nb")
    for code in (*odd, "a&client_id=x"):
        begun = await town.begin()
        back = await town.decide(begun.authorize_url)
        word = "expired" if code in odd else "home_failed"
        assert await refusal(town.finish(begun, back | {"code": code})) == word


async def test_a_sign_in_goes_on_only_with_the_key_it_began_with(town: Town) -> None:
    begun = await town.begin()
    back = await town.decide(begun.authorize_url)
    town.service = replace(town.service, sealer=Sealer([new_key()]))
    assert await refusal(town.finish(begun, back)) == "expired"
    assert (await town.sign_in()).is_new


# In numbers.


async def test_of_ten_thousand_attempts_of_one_address_ten_begin(town: Town) -> None:
    async def one(number: int) -> str:
        # From all over one network of IPv6, which is one address.
        address = f"2001:db8:1:2::{number:x}"
        try:
            await town.begin(address=address)
        except TooManyAttempts:
            return "too many"
        return "begun"

    await town.begin(address="192.0.2.1")
    before = town.asked()
    found: Counter[str] = Counter()
    for start in range(0, 10_000, 500):
        found.update(await asyncio.gather(*(one(n) for n in range(start, start + 500))))
    # One more comes back each minute.
    assert 10 <= found["begun"] <= 12
    assert town.asked() == before
    assert len(await town.sql("SELECT FROM sign_ins")) == found["begun"] + 1


async def test_the_rest_are_refused_before_any_host_is_asked(town: Town) -> None:
    for number in range(10):
        await refusal(town.begin(f"nobody{number}.example"))
    before = town.asked()
    for number in range(200):
        with pytest.raises(TooManyAttempts):
            await town.begin(f"other{number}.example")
    assert town.asked() == before


async def test_verifying_and_coming_back_are_limited_too(town: Town) -> None:
    for _ in range(20):
        await sign_in.verify(town.service, "localhost", ADDRESS)
    with pytest.raises(TooManyAttempts):
        await sign_in.verify(town.service, HOME, ADDRESS)
    assert town.asked() == 0
    begun = await town.begin()
    nothing = {"code": "x", "state": "y", "error": None}
    for _ in range(20):
        await refusal(town.finish(begun, nothing))
    with pytest.raises(TooManyAttempts):
        await town.finish(begun, nothing)


async def test_one_home_is_asked_only_so_often_by_many_addresses(town: Town) -> None:
    async def one(number: int) -> None:
        await town.sql("UPDATE hosts SET identified_at = NULL")
        await sign_in.verify(town.service, HOME, f"198.51.100.{number}")

    refused = 0
    for number in range(30):
        try:
            await one(number)
        except TooManyAttempts:
            refused += 1
    assert refused > 20
    assert town.asked() <= 12


# Secrets.


async def test_no_secret_is_stored_logged_or_told(
    town: Town, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as logged:
        begun = await town.begin()
        back = await town.decide(begun.authorize_url)
        under_way = await town.dump()
        done = await town.finish(begun, back)
        other = await town.begin()
        told = await town.decide(other.authorize_url)
        with pytest.raises(SignInRefused) as refused:
            await town.finish(other, told | {"code": "a-forged-code"})
    apps, grants = town.simulator.home.oauth.apps, town.simulator.home.grants
    secrets: dict[str, Any] = {
        **{f"app {n}": app.secret for n, app in enumerate(apps.values())},
        **{f"token {n}": token for n, token in enumerate(grants)},
        "code": back["code"],
        "state": back["state"],
        "cookie": begun.browser_cookie,
        "session": done.session,
        "forged": "a-forged-code",
    }
    output = capsys.readouterr()
    places = {
        "database during": under_way,
        "database after": await town.dump(),
        "logs": json.dumps(logged, default=str) + caplog.text + output.out + output.err,
        "error": repr(refused.value) + repr(refused.value.__cause__),
        "requests": json.dumps(town.simulator.counters.tail(1000)),
        "what is shown of it": repr((town.service.settings, apps, done.member_id)),
    }
    found = [
        (name, place)
        for name, secret in secrets.items()
        for place, text in places.items()
        if secret in text
    ]
    assert found == []
    assert OURS  # the address is no secret


async def test_a_code_that_another_home_made_is_never_handed_to_the_home_of_the_sign_in(
    town: Town,
) -> None:
    # A home that is after members of others sends the browser on to one of these. It comes back
    # to the other home's place, with the state and the cookie of the sign-in at the first one.
    begun = await town.begin()
    back = await town.decide(begun.authorize_url)
    before = town.asked()
    assert await refusal(town.finish(begun, back, home="other.example")) == "expired"
    assert town.asked() == before
    assert await town.sql("SELECT FROM members") == []


async def test_each_home_sends_the_browser_back_to_a_place_of_its_own(town: Town) -> None:
    await town.begin()
    (stored,) = await town.sql("SELECT home, redirect_uri FROM registrations")
    assert stored["redirect_uri"] == f"{OURS}{sign_in.CALLBACK}/{stored['home']}"
