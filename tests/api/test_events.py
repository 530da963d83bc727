"""The first run as it happens, and when telling of it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest

from tests.api.conftest import OpenStand
from tests.api.stand import Browser, Stand
from toottail.api import events
from toottail.repository import members
from toottail.service import account, sessions

EVENTS = "/api/v1/me/events"
Event = tuple[str, Any]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks at the run twenty times a second."""
    monkeypatch.setattr(events, "EACH", 0.05)


async def begin_run(stand: Stand, member_id: int) -> UUID:
    run_id = uuid4()
    async with stand.service.database.transaction() as conn:
        await members.start_run(conn, run_id, member_id, dry=False)
    return run_id


async def told(response: aiohttp.ClientResponse) -> AsyncIterator[Event]:
    """The events of a stream: comments are called "comment"."""
    name, data = "", ""
    async for line in response.content:
        word, _, value = line.decode().rstrip("\n").partition(": ")
        if word == "event":
            name = value
        elif word == "data":
            data = value
        elif not word and value:
            yield "comment", value
        elif not word and name:
            yield name, json.loads(data)
            name, data = "", ""


async def after_opening(browser: Browser, stream: AsyncIterator[Event]) -> Event:
    assert (await anext(stream))[0] == "comment"
    return await anext(stream)


async def test_progress_is_told_when_it_changes_and_done_at_the_end(stand: Stand) -> None:
    browser = await stand.signed_in()
    run_id = await begin_run(stand, browser.member_id)
    async with asyncio.timeout(20), browser.open("GET", EVENTS) as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        stream = told(response)
        name, data = await after_opening(browser, stream)
        assert name == "progress"
        assert data["ended_at"] is None
        assert data["progress"]["delivered"] == 0
        async with stand.service.database.connection() as conn:
            await conn.execute("UPDATE runs SET ended_at = now() WHERE id = $1", run_id)
        rest = [event async for event in stream]
    assert [name for name, _ in rest] == ["progress", "done"]
    assert rest[-1][1]["ended_at"] is not None


async def test_without_a_run_it_is_done_at_once(stand: Stand) -> None:
    browser = await stand.signed_in()
    answer = await browser.ask("GET", EVENTS)
    assert b"event: done\nretry: 60000\ndata: null\n\n" in answer.body


@pytest.mark.parametrize("how", ["sign out", "leave", "revoked"])
async def test_it_ends_with_the_session(stand: Stand, how: str) -> None:
    browser = await stand.signed_in()
    await begin_run(stand, browser.member_id)
    async with asyncio.timeout(20), browser.open("GET", EVENTS) as response:
        stream = told(response)
        await after_opening(browser, stream)
        if how == "sign out":
            assert (await browser.ask("POST", "/api/v1/sign-out")).status == 204
        elif how == "leave":
            async with stand.service.database.connection() as conn:
                await conn.execute("DELETE FROM members WHERE id = $1", browser.member_id)
        else:
            await sessions.end_all(stand.service, browser.member_id)
        assert [event async for event in stream] == []
    assert (await browser.ask("GET", EVENTS)).code == "not_signed_in"


async def test_a_fourth_stream_of_a_session_is_one_too_many(stand: Stand) -> None:
    browser = await stand.signed_in()
    await begin_run(stand, browser.member_id)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        done = asyncio.Event()
        opened = asyncio.Semaphore(0)

        async def one() -> None:
            async with browser.open("GET", EVENTS) as response:
                await after_opening(browser, told(response))
                opened.release()
                await done.wait()

        tasks = [group.create_task(one()) for _ in range(events.MOST_PER_SESSION)]
        for _ in tasks:
            await opened.acquire()
        answer = await browser.ask("GET", EVENTS)
        assert (answer.status, answer.code) == (429, "too_many_attempts")
        assert int(answer.headers["Retry-After"]) > 0
        other = await stand.signed_in(browser.member_id)
        async with other.open("GET", EVENTS) as response:
            assert response.status == 200
        done.set()
    await _until(lambda: not stand.app.state.streams.is_any_open())
    assert (await _opens(browser)) == 200


async def test_an_address_has_a_limit_over_all_its_sessions(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "MOST_PER_ADDRESS", 1)
    mira, ole = await stand.signed_in(), await stand.signed_in(await stand.member("ole"))
    for browser in (mira, ole):
        await begin_run(stand, browser.member_id)
    async with asyncio.timeout(20), mira.open("GET", EVENTS) as response:
        await after_opening(mira, told(response))
        answer = await ole.ask("GET", EVENTS, headers={"X-Forwarded-For": "198.51.100.7"})
        assert (answer.status, answer.code) == (429, "too_many_attempts")
        ole.address = "127.0.0.2"
        assert (await _opens(ole)) == 200


async def test_a_quiet_line_is_kept_and_a_long_one_ended(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "QUIET", 0.1)
    monkeypatch.setattr(events, "LONGEST", 0.5)
    browser = await stand.signed_in()
    await begin_run(stand, browser.member_id)
    async with asyncio.timeout(20), browser.open("GET", EVENTS) as response:
        heard = [event async for event in told(response)]
    assert ("comment", "still here") in heard
    assert "done" not in [name for name, _ in heard]


async def test_streams_hold_no_connection_of_the_database(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "EACH", 60.0)
    browser = await stand.signed_in()
    await begin_run(stand, browser.member_id)
    pool = stand.service.database.pool
    async with asyncio.timeout(20), browser.open("GET", EVENTS) as response:
        await after_opening(browser, told(response))
        await _until(lambda: pool.get_idle_size() == pool.get_size())


async def test_a_stream_that_nobody_hears_is_given_up(
    open_stand: OpenStand, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0
    real = account.first_run

    async def counted(*arguments: Any) -> Any:
        nonlocal asked
        asked += 1
        return await real(*arguments)

    monkeypatch.setattr(account, "first_run", counted)
    stand = await open_stand()
    browser = await stand.signed_in()
    await begin_run(stand, browser.member_id)
    async with asyncio.timeout(20):
        async with browser.open("GET", EVENTS) as response:
            await after_opening(browser, told(response))
        await _until(lambda: not stand.app.state.streams.is_any_open())
        before = asked
        await asyncio.sleep(0.3)
    assert asked == before


async def _opens(browser: Browser) -> int:
    async with browser.open("GET", EVENTS) as response:
        return response.status


async def _until(holds: Any) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.02)
