"""Whatever a server says can be stored, or is left out: nothing of it breaks a transaction."""

from __future__ import annotations

import json

import msgspec

from tests.repository.rows import locked, watch
from toottail.repository import conversations, looks
from toottail.repository.database import Connection, Database
from toottail.servers.entities import ApiStatus, count_of, found_status
from toottail.types.hosts import host_of
from toottail.types.statuses import FoundStatus, LookTarget

ROOT = "https://a.example/1"


async def _kept(conn: Connection, uri: str) -> bool:
    return bool(await conn.fetchval("SELECT true FROM statuses WHERE uri = $1", uri))


async def test_a_count_beyond_all_reason_is_none(database: Database) -> None:
    said = {"id": "2", "uri": "https://a.example/2", "visibility": "public"}
    data = json.dumps(said | {"replies_count": 2**40}).encode()
    reply = found_status(msgspec.json.decode(data, type=ApiStatus), ROOT)
    assert reply is not None
    async with database.transaction() as conn:
        number = await watch(conn, ROOT, "1")
        await conversations.store_found(conn, await locked(conn, number), [reply], "a.example")
        assert await _kept(conn, reply.uri)
    assert (count_of(2**31 - 1), count_of(2**31)) == (2**31 - 1, None)


async def test_every_uri_that_counts_as_one_can_be_stored(database: Database) -> None:
    signs = "".join(chr(0x4E00 + n * 7919 % 20_000) for n in range(2_000))
    for uri in (f"https://a.example/{signs[:n]}" for n in (600, 2_000)):
        if (host := host_of(uri)) is None:
            continue
        async with database.transaction() as conn:
            number = await watch(conn, ROOT, "1")
            found = FoundStatus(uri, host, parent_uri=ROOT, is_reply=True)
            await conversations.store_found(conn, await locked(conn, number), [found], "a.example")
            assert await _kept(conn, uri)


async def test_a_question_too_long_to_be_told_from_others_is_not_asked(database: Database) -> None:
    signs = "".join(f"{n * 7919 % 99_991:05d}" for n in range(700))
    uri = f"https://a.example/{signs[:2_000]}"
    page = f"https://a.example/{signs[1_000:3_000]}"
    async with database.transaction() as conn:
        number = await watch(conn, ROOT, "1")
        targets = [
            LookTarget(uri, "a.example", "replies", page),
            LookTarget(uri, "a.example", "", page),
            LookTarget(ROOT, "a.example", "replies", page),
        ]
        await looks.add(conn, number, "a.example", targets, 99)
        rows = await conn.fetch("SELECT uri, how FROM looks ORDER BY id")
        assert [tuple(row) for row in rows] == [(ROOT, ""), (uri, ""), (ROOT, "replies")]
