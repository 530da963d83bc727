"""What monitors ask, and who may."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.conftest import OpenStand
from tests.api.stand import Stand
from toottail.errors import DatabaseUnavailable
from toottail.repository import delays, measures, operations
from toottail.service import public, stored_figures


async def figures(stand: Stand) -> dict[str, float]:
    answer = await stand.stranger().ask("GET", "/metrics")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = [line for line in answer.body.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


@pytest.fixture(autouse=True)
def _always_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_figures, "FRESH", 0.0)
    monkeypatch.setattr(stored_figures, "SETTLED", timedelta(0))


async def test_members_homes_deliveries_and_lanes_are_counted(stand: Stand) -> None:
    for name, home in (("mira", "home.example"), ("ole", "home.example"), ("li", "b.example")):
        await stand.member(name, home)
    async with stand.service.database.connection() as conn:
        await conn.execute("UPDATE members SET paused_why = 'token' WHERE home = 'b.example'")
        await conn.execute("INSERT INTO conversations (root_uri, host) VALUES ('u', 'o.example')")
        for uri, state, when in (
            ("1", "delivered", "now()"),
            ("2", "not_obtained", "now()"),
            ("3", "not_obtained", "now() - interval '2 hours'"),
        ):
            await conn.execute(
                "INSERT INTO deliveries (home, uri, conversation_id, state, changed_at) "
                f"SELECT 'home.example', $1, id, $2, {when} FROM conversations",
                uri,
                state,
            )
        await conn.execute(
            "INSERT INTO sources (member_id, home, kind, name, entries, collect_at) "
            "SELECT id, home, 'home', '', 40, now() - interval '5 minutes' FROM members"
        )
        await conn.execute("INSERT INTO workers (id, over_limit) VALUES (gen_random_uuid(), true)")
        await conn.execute(
            "INSERT INTO runs (id, member_id, moved_at) "
            "SELECT gen_random_uuid(), id, now() - interval '40 minutes' FROM members LIMIT 1"
        )
        await conn.execute(
            "INSERT INTO hosts (host, refused_until) VALUES ('no.example', now() + interval '1 h')"
        )
    found = await figures(stand)
    assert found["toottail_database_up"] == 1
    assert found['toottail_members{state="working"}'] == 2
    assert found['toottail_members{state="paused_token"}'] == 1
    assert found["toottail_homes"] == 2
    assert found['toottail_deliveries_total{outcome="delivered"}'] == 1
    assert found['toottail_deliveries_total{outcome="not_obtained"}'] == 1
    assert found["toottail_lanes_due"] == found['toottail_lanes_late{over="60"}'] == 2
    assert found['toottail_lanes_late{over="900"}'] == 0
    assert found["toottail_oldest_due_seconds"] >= 300
    assert found['toottail_workers{state="full"}'] == 1
    assert found['toottail_first_runs{state="stuck"}'] == 1
    assert found['toottail_hosts{state="refusing"}'] == 1
    assert found["toottail_database_size_bytes"] > 1e6
    assert found["toottail_database_connections"] >= 1


async def test_what_grows_is_counted_once_and_does_not_shrink_with_what_expires(
    stand: Stand,
) -> None:
    async with stand.service.database.connection() as conn:
        await figures(stand)
        await conn.execute(_A_NEW_REPLY)
        found = [await figures(stand)]
        found.append(await figures(stand))
        await conn.execute("DELETE FROM conversations")
        found.append(await figures(stand))
    for one in found:
        assert one['toottail_deliveries_total{outcome="delivered"}'] == 1
        assert one["toottail_reply_delay_seconds_count"] == 1
        assert one['toottail_reply_delay_seconds_bucket{le="30"}'] == 0
        assert one['toottail_reply_delay_seconds_bucket{le="60"}'] == 1
        assert 39 < one["toottail_reply_delay_seconds_sum"] < 60


async def test_a_clock_that_is_ahead_of_the_databases_loses_nothing(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ahead(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + timedelta(minutes=1)

    monkeypatch.setattr(stored_figures, "datetime", Ahead)
    await figures(stand)
    async with stand.service.database.connection() as conn:
        await conn.execute(_A_NEW_REPLY)
    found = await figures(stand)
    assert found['toottail_deliveries_total{outcome="delivered"}'] == 1


_A_NEW_REPLY = """
WITH c AS (
    INSERT INTO conversations (root_uri, host) VALUES ('u', 'o.example') RETURNING id
), w AS (
    INSERT INTO watches (home, conversation_id, anchor_uri, began_at)
    SELECT 'home.example', id, 'u', now() - interval '1 h' FROM c
), s AS (
    INSERT INTO statuses (uri, conversation_id, host, placed, listed_by, created_at)
    SELECT '1', id, 'o.example', true, 'o.example', now() - interval '40 s' FROM c
)
INSERT INTO deliveries (home, uri, conversation_id, state)
SELECT 'home.example', '1', id, 'delivered' FROM c
"""


async def test_too_much_to_count_in_time_hides_nothing_but_the_lanes(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        operations, "_LANE_FIGURES", "SELECT pg_sleep(20), $1::timestamptz, $2::int"
    )
    monkeypatch.setattr(measures, "_LANES_WITHIN", 0.3)
    for _ in range(2):
        found = await figures(stand)
        assert found["toottail_database_up"] == 1
        assert "toottail_homes" in found
        assert "toottail_lanes_due" not in found


async def test_many_who_ask_at_once_cost_the_database_one_reading(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_figures, "FRESH", 60.0)
    readings = 0
    read = measures.read

    async def counted(*args: Any) -> measures.Measures:
        nonlocal readings
        readings += 1
        return await read(*args)

    monkeypatch.setattr(measures, "read", counted)
    await asyncio.gather(*(figures(stand) for _ in range(8)))
    assert readings == 1


async def test_a_database_that_is_away_is_one_of_the_figures(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: object) -> None:
        raise DatabaseUnavailable("postgresql at db.internal: password hunter2 is wrong")

    monkeypatch.setattr(type(stand.service.database), "connection", away)
    found = await figures(stand)
    assert found["toottail_database_up"] == 0
    assert "toottail_lanes_due" not in found
    assert found["process_resident_memory_bytes"] > 0
    assert not any("hunter2" in name for name in found)


async def test_how_late_work_was_is_counted_from_now_on(stand: Stand) -> None:
    async with stand.service.database.connection() as conn:
        now = datetime.now(UTC)
        await delays.add(conn, now, {("look", 10.0): 2})
        before = await figures(stand)
        assert before['toottail_work_delay_seconds_count{work="look"}'] == 0
        await delays.add(conn, now, {("look", 10.0): 3, ("look", 3_600.0): 1})
        found = await figures(stand)
    assert found['toottail_work_delay_seconds_bucket{le="5",work="look"}'] == 0
    assert found['toottail_work_delay_seconds_bucket{le="10",work="look"}'] == 3
    assert found['toottail_work_delay_seconds_count{work="look"}'] == 4


async def test_requests_are_counted_by_declared_route_and_never_by_what_visitors_make_up(
    stand: Stand,
) -> None:
    browser = await stand.signed_in()
    for path in ("/api/v1/me/conversations/1", "/api/v1/me/conversations/2", "/nothing/hunter2"):
        assert (await browser.ask("GET", path)).status == 404
    await browser.ask("HUNTER2", "/healthz")
    found = await figures(stand)
    route = 'route="/api/v1/me/conversations/{number}"'
    assert found[f'toottail_api_requests_total{{method="GET",{route},status="4xx"}}'] == 2
    assert not any("hunter2" in name.lower() for name in found)


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 404),
        ("127.0.0.1", {"Forwarded": "for=127.0.0.1"}, 404),
        ("127.0.0.1", {"Host": "127.0.0.1:9999"}, 200),
        ("127.0.0.1", {"Host": "evil.example"}, 421),
    ],
)
async def test_figures_are_for_those_who_come_directly(
    stand: Stand, address: str, headers: dict[str, str], status: int
) -> None:
    answer = await stand.stranger(address=address).ask("GET", "/metrics", headers=headers)
    assert answer.status == status


async def test_readiness_says_why_not_to_the_operators_monitor_alone(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = await stand.stranger().ask("GET", "/readyz")
    assert (answer.status, answer.code) == (503, "unavailable")
    assert b"No worker is running" in answer.body
    outside = {"X-Forwarded-For": "192.0.2.1"}
    answer = await stand.stranger().ask("GET", "/readyz", headers=outside)
    assert (answer.status, answer.code) == (503, "unavailable")
    assert b"worker" not in answer.body

    async def all_well(_: object) -> dict[str, str]:
        return {}

    monkeypatch.setattr(public, "ready", all_well)
    assert (await stand.stranger().ask("GET", "/readyz")).json() == {"status": "ok"}


async def test_a_database_that_is_away_is_no_fault_of_the_process(
    open_stand: OpenStand, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand = await open_stand()
    browser = await stand.signed_in()

    def away(_: object) -> None:
        raise DatabaseUnavailable("postgresql at db.internal: password hunter2 is wrong")

    monkeypatch.setattr(type(stand.service.database), "connection", away)
    assert (await browser.ask("GET", "/healthz")).status == 200
    for path in ("/readyz", "/metrics", "/api/v1/me", "/api/v1/status"):
        answer = await browser.ask("GET", path, headers={"X-Forwarded-For": "192.0.2.1"})
        if path != "/metrics":
            assert (answer.status, answer.code) == (503, "unavailable"), path
            assert "Retry-After" in answer.headers
        assert b"db.internal" not in answer.body
        assert b"hunter2" not in answer.body
