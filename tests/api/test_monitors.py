"""What monitors ask, and who may."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.api.conftest import OpenStand
from tests.api.stand import Stand
from toottail.errors import DatabaseUnavailable
from toottail.repository import delays
from toottail.service import public


async def figures(stand: Stand) -> dict[str, float]:
    answer = await stand.stranger().ask("GET", "/metrics")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = [line for line in answer.body.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


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
    found = await figures(stand)
    assert found['toottail_members{state="working"}'] == 2
    assert found['toottail_members{state="paused_token"}'] == 1
    assert found["toottail_homes"] == 2
    assert found['toottail_deliveries_last_hour{outcome="delivered"}'] == 1
    assert found['toottail_deliveries_last_hour{outcome="not_obtained"}'] == 1
    assert found["toottail_lanes_due"] == found["toottail_lanes_late"] == 2
    assert found["toottail_oldest_due_seconds"] >= 300


async def test_how_late_the_work_of_the_last_hour_was_is_told(stand: Stand) -> None:
    async with stand.service.database.connection() as conn:
        for hours, up_to in ((0, 10.0), (5, 3_600.0)):
            at = datetime.now(UTC) - timedelta(hours=hours)
            await delays.add(conn, at, {("look", up_to): 2})
    found = await figures(stand)
    assert found['toottail_work_last_hour{work="look"}'] == 2
    assert 5 < found['toottail_delay_seconds{quantile="0.5",work="look"}'] < 10
    assert 9 < found['toottail_delay_seconds{quantile="0.95",work="look"}'] <= 10


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
