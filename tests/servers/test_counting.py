"""What the door counts of its requests, for monitors."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from tests.servers.pretend import PretendServer, answering, asker, permit
from toottail.errors import NotPermittedYet, RemoteError
from toottail.servers.asker import Asker
from toottail.servers.door import Door
from toottail.types.counts import Spread, status_word


async def test_each_request_is_counted_once_by_whom_it_asks_and_what_came(
    server: PretendServer, door: Door
) -> None:
    server.on("/good", b'{"a": 1}')
    server.on("/page", b"<html>", kind="text/html")
    server.on("/moved", b"", "302 Found", Location="/good")
    server.on("/busy", b"{}", "503 Busy")
    server.on("/no", b"{}", "403 No")
    server.scripts["/silent"] = _hangs_up
    ask = asker(door)
    for path in ("/good", "/page", "/moved", "/busy", "/no", "/gone", "/silent"):
        with suppress(RemoteError):
            await ask.get(path)
    await Asker(door, permit(), home="home.example").get("/good")
    await asker(door).get("/good", token=SecretStr("t"))
    told = {key: number for key, number in door.counts.requests.items() if number}
    assert told == {
        ("origin", "2xx"): 3,
        ("origin", "3xx"): 1,
        ("origin", "403"): 1,
        ("origin", "404"): 1,
        ("origin", "5xx"): 1,
        ("origin", "none"): 1,
        ("home", "2xx"): 2,
    }
    assert sum(door.counts.request_seconds["origin"].counts) == 8
    assert door.counts.body_bytes["home"] == 16
    # A connection that breaks before an answer is tried once more by the library itself.
    assert len([heard for heard in server.heard if heard.target != "/silent"]) == 9


async def _hangs_up(_heard: object, writer: object) -> None:
    writer.close()  # type: ignore[attr-defined]


async def test_a_stream_that_cannot_be_opened_is_counted_too(
    server: PretendServer, door: Door
) -> None:
    server.scripts["/events"] = _hangs_up
    url = "https://home.example/events"
    more: dict[str, Any] = {"token": SecretStr("t"), "home": "home.example", "silence": 1.0}
    with pytest.raises((aiohttp.ClientError, TimeoutError)):
        await door.open_events("home.example", url, **more).__aenter__()
    with pytest.raises((aiohttp.ClientError, TimeoutError)):
        await door.open_socket("home.example", url, most=1000, **more).__aenter__()
    assert door.counts.requests["stream", "none"] == 2


async def test_what_the_budget_puts_off_is_counted_by_why_and_not_as_a_request(
    server: PretendServer, door: Door
) -> None:
    server.scripts["/busy"] = answering(b"{}", "429 Slower", Retry_After="90")
    server.on("/broken", b"{}", "500 Oops")
    busy, broken = asker(door), asker(door)
    for ask, path in ((busy, "/busy"), (broken, "/broken"), (broken, "/broken")):
        with pytest.raises(RemoteError):
            await ask.get(path)
    for ask in (busy, broken):
        with pytest.raises(NotPermittedYet):
            await ask.get("/good")
    assert (door.counts.waits["asked"], door.counts.waits["failing"]) == (1, 1)
    assert door.counts.requests["origin", "429"] == 1
    assert sum(door.counts.requests.values()) == 3


def test_whatever_a_server_answers_the_labels_are_few() -> None:
    assert {status_word(number) for number in range(-5, 2000)} == {
        *("1xx", "2xx", "3xx", "4xx", "5xx", "401", "403", "404", "410", "429", "other"),
    }


def test_buckets_add_up_as_prometheus_has_them() -> None:
    spread = Spread((1.0, 2.5))
    for seconds in (0.5, 1.0, 2.0, 9.0):
        spread.note(seconds)
    assert spread.buckets() == [("1", 2), ("2.5", 3), ("+Inf", 4)]
    assert spread.total == 12.5
