"""What the operator sees, and decides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.service import stand
from toottail.errors import BadRequest, NotFound
from toottail.repository import blocks, delays, invites, looks, opt_outs
from toottail.repository.database import Database
from toottail.service import operating
from toottail.service.sessions import digest_of


async def test_the_view_of_an_empty_service_is_empty(database: Database) -> None:
    view = await operating.view(stand.service(database, monthly_cost=5.0))
    lists = (view.homes, view.lanes, view.hosts_with_errors, view.opt_outs, view.members)
    assert not any(lists)
    assert view.oldest_due == 0
    assert view.requests_day == 0
    assert view.database_bytes > 0
    assert view.cost_per_member is None


async def test_homes_members_and_costs_are_told(database: Database) -> None:
    async with database.connection() as conn:
        mira = await stand.member(conn)
        await stand.member(conn, "noor", paused_why="member")
        failing = await stand.member(
            conn, "ovid", "other.example", paused_why="token", problem="other.example answered 401"
        )
        # Who runs `toottail fetch` on this database is no member of the service.
        await stand.member(conn, "shell", served=False)
        await stand.conversation(conn, mira, "one", ("already_there", "delivered", "resolved"))
        await conn.execute("UPDATE deliveries SET changed_at = now() WHERE state <> 'resolved'")
        await conn.execute(
            "UPDATE deliveries SET changed_at = now() - interval '2 days' WHERE state = 'resolved'"
        )
        await conn.execute(
            "INSERT INTO hosts (host, software, version) VALUES ($1, 'Mastodon', '4.5.0')",
            stand.HOME,
        )
    view = await operating.view(stand.service(database, monthly_cost=6.0))
    home, other = view.homes
    assert (home.home, home.software, home.members, home.paused) == (
        stand.HOME,
        "Mastodon 4.5.0",
        2,
        1,
    )
    assert home.delivered_day == 1
    assert (other.home, other.software, other.paused) == ("other.example", "unknown", 1)
    first = view.members[0]
    assert (first.id, first.state) == (failing, "token_refused")
    assert "Sign in again" in (first.told or "")
    assert "401" in (first.told or "")
    assert {member.handle for member in view.members} == {
        "@mira@home.example",
        "@noor@home.example",
        "@ovid@other.example",
    }
    assert view.public.members == 3
    assert view.cost_per_member == 2.0


async def test_lanes_say_who_serves_them_what_is_due_and_how_late(database: Database) -> None:
    worker = uuid4()
    async with database.connection() as conn:
        mira = await stand.member(conn)
        paused = await stand.member(conn, "noor", "other.example", paused_why="member")
        await conn.execute("UPDATE members SET active_until = NULL WHERE id = $1", paused)
        for member, home in ((mira, stand.HOME), (paused, "other.example")):
            await conn.execute(
                "INSERT INTO sources (member_id, kind, home, entries, collect_at)"
                " VALUES ($1, 'home', $2, 40, now() - interval '1 minute')",
                member,
                home,
            )
        number = await stand.conversation(conn, mira, "one")
        await conn.execute(
            "INSERT INTO looks (conversation_id, host, uri, named_by, next_at)"
            " VALUES ($1, 'a.example', 'x', $2, now() - interval '1 hour'),"
            " ($1, 'b.example', 'y', $2, now() + interval '1 hour')",
            number,
            stand.HOME,
        )
        await conn.execute(
            "INSERT INTO lanes (key, epoch, holder, lease_until) VALUES"
            " ('home.example', 3, $1, now() + interval '1 minute'),"
            " ('c.example', 1, $1, now() + interval '1 minute'),"
            " ('gone.example', 1, $1, now() - interval '1 minute')",
            worker,
        )
        await conn.execute(
            "INSERT INTO visits (key, epoch, worker, requests) VALUES ('home.example', 3, $1, 7)",
            worker,
        )
    view = await operating.view(stand.service(database))
    assert [lane.key for lane in view.lanes] == ["a.example", stand.HOME, "c.example"]
    late, held, idle = view.lanes
    assert (late.worker, late.since, late.due) == (None, None, 1)
    assert 3600 <= late.late < 3700
    assert (held.worker, held.due) == (str(worker), 1)
    assert held.since is not None
    assert (idle.due, idle.late) == (0, 0)
    assert view.oldest_due == late.late
    assert view.requests_day == 7


async def test_a_lane_is_as_late_as_its_work_was_before_a_budget_put_it_off(
    database: Database,
) -> None:
    async with database.connection() as conn:
        mira = await stand.member(conn)
        number = await stand.conversation(conn, mira, "one")
        await conn.execute(
            "INSERT INTO looks (conversation_id, host, uri, named_by, next_at)"
            " VALUES ($1, 'a.example', 'x', $2, now() - interval '1 hour')",
            number,
            stand.HOME,
        )
        await looks.postpone(conn, "a.example", datetime.now(UTC) - timedelta(minutes=1))
        await delays.add(conn, datetime.now(UTC), {("look", 60.0): 1})
    view = await operating.view(stand.service(database))
    assert 3600 <= view.oldest_due < 3700
    assert [(row.kind, row.hours) for row in view.delays] == [("look", 1), ("look", 24)]


async def test_hosts_with_errors_come_with_what_waits_for_them(database: Database) -> None:
    async with database.connection() as conn:
        mira = await stand.member(conn)
        number = await stand.conversation(conn, mira, "one")
        await conn.execute(
            "INSERT INTO hosts (host, problem, problem_at, refused, refused_until) VALUES"
            " ('down.example', 'no answer', now(), NULL, NULL),"
            " ('no.example', NULL, NULL, 'answers 403 to everything', now() + interval '6 hours'),"
            " ('well.example', NULL, NULL, NULL, NULL)"
        )
        await conn.execute(
            "INSERT INTO looks (conversation_id, host, uri, named_by)"
            " VALUES ($1, 'down.example', 'x', $2)",
            number,
            stand.HOME,
        )
    view = await operating.view(stand.service(database))
    found = {host.host: host for host in view.hosts_with_errors}
    assert set(found) == {"down.example", "no.example"}
    assert (found["down.example"].problem, found["down.example"].conversations) == ("no answer", 1)
    assert found["down.example"].again_at is None
    again = found["no.example"].again_at
    assert again is not None
    assert again > stand.now() + timedelta(hours=5)


@pytest.mark.parametrize("block", [True, False])
async def test_a_wish_is_decided_once(database: Database, block: bool) -> None:
    async with database.connection() as conn:
        await opt_outs.ask(conn, "a.example", "ann@a.example", "please")
        await opt_outs.ask(conn, "a.example", "ann@a.example", "please!")
    service = stand.service(database)
    (wish,) = (await operating.view(service)).opt_outs
    assert (wish.host, wish.words) == ("a.example", "please!")
    await operating.decide_opt_out(service, wish.id, block=block)
    assert (await operating.view(service)).opt_outs == ()
    async with database.connection() as conn:
        assert (await blocks.barred(conn, "x.a.example") is not None) is block
    for number in (wish.id, 4711, 0, 1 << 70):
        with pytest.raises(NotFound):
            await operating.decide_opt_out(service, number, block=True)


async def test_an_invite_is_stored_as_a_digest_only(database: Database) -> None:
    service = stand.service(database)
    code = await operating.invite(service, uses=2, days=7, note="for\nNoor")
    async with database.connection() as conn:
        assert await invites.is_good(conn, digest_of(code))
        (row,) = await conn.fetch("SELECT * FROM invites")
    assert code not in str(row)
    assert (row["note"], row["uses_left"]) == ("for Noor", 2)
    assert await operating.invite(service, uses=1, days=None, note="") != code


@pytest.mark.parametrize(("uses", "days"), [(0, 1), (1001, 1), (1, 0), (1, 99_999)])
async def test_an_invite_without_end_or_use_is_refused(
    database: Database, uses: int, days: int
) -> None:
    with pytest.raises(BadRequest):
        await operating.invite(stand.service(database), uses=uses, days=days, note="")
