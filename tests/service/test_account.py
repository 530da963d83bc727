"""A member's page, their sources, pausing, and what is stored about them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import uuid4

import pytest

from tests.service import stand
from toottail.errors import BadRequest, NotAllowed, NotSignedIn
from toottail.repository import members, sources
from toottail.repository.database import Connection, Database
from toottail.service import account
from toottail.types.service import SourceSetting
from toottail.types.sources import Source

READ = "read:statuses read:search read:accounts"


async def stored(conn: Connection, member_id: int) -> dict[str, dict[str, Any]]:
    """The sources of a member as they are in the database."""
    rows = await conn.fetch("SELECT * FROM sources WHERE member_id = $1", member_id)
    return {str(Source(r["kind"], r["name"])): dict(r.items()) for r in rows}


async def shown(database: Database, member_id: int) -> dict[str, SourceSetting]:
    overview = await account.overview(stand.service(database), member_id)
    return {setting.spec: setting for setting in overview.sources}


async def test_the_page_of_a_new_member_is_empty_but_complete(database: Database) -> None:
    async with database.connection() as conn:
        mira = await stand.member(conn)
    overview = await account.overview(stand.service(database), mira)
    assert (overview.member.handle, overview.member.state) == ("@mira@home.example", "working")
    assert overview.member.told is None
    assert overview.first_run is None
    assert overview.totals.conversations == overview.totals.replies == 0
    assert overview.hosts == ()
    today = datetime.now(UTC).date()
    assert [count.day for count in overview.days] == [
        today - timedelta(days=number) for number in range(29, -1, -1)
    ]
    assert all(count.delivered == 0 for count in overview.days)


async def test_totals_and_days_are_those_of_the_list(database: Database) -> None:
    now = stand.now()
    async with database.connection() as conn:
        mira = await stand.member(conn)
        noor = await stand.member(conn, "noor")
        await stand.conversation(conn, mira, "one", ("already_there", "delivered", "resolved"))
        await stand.conversation(
            conn,
            mira,
            "two",
            ("already_there", "delivered", "not_obtained", None),
            seen=now - timedelta(days=3),
        )
        await stand.conversation(
            conn, mira, "old", ("already_there", "delivered"), seen=now - timedelta(days=40)
        )
        await stand.conversation(conn, noor, "hers", ("already_there", "delivered"))
    overview = await account.overview(stand.service(database), mira)
    totals = overview.totals
    assert (totals.conversations, totals.whole, totals.replies) == (3, 2, 9)
    assert (totals.were_here, totals.delivered, totals.not_obtained) == (3, 4, 1)
    by_day = {count.day: count.delivered for count in overview.days if count.delivered}
    assert by_day == {now.date(): 2, (now - timedelta(days=3)).date(): 1}


async def test_hosts_that_told_nothing_are_named_with_the_time_of_the_next_try(
    database: Database,
) -> None:
    now = stand.now()
    later = now + timedelta(hours=5)
    async with database.connection() as conn:
        mira = await stand.member(conn)
        noor = await stand.member(conn, "noor")
        one = await stand.conversation(conn, mira, "one")
        two = await stand.conversation(conn, mira, "two")
        hers = await stand.conversation(conn, noor, "hers")
        for number, host, state, problem, at in (
            (one, "closed.example", "failed", "answered 403", now),
            (two, "closed.example", "failed", "answered 403", now),
            (one, "down.example", "due", "no answer", later),
            (one, "resting.example", "due", "no answer", now),
            (one, "well.example", "failed", "it is gone", now),
            (two, "well.example", "done", None, now),
            (one, "new.example", "due", None, now),
            (one, "deleted.example", "failed", "it is gone", now),
            (one, stand.HOME, "failed", "answered 403", now),
            (hers, "hers.example", "failed", "answered 403", now),
        ):
            await conn.execute(
                "INSERT INTO looks (conversation_id, host, uri, named_by, state, problem, next_at)"
                " VALUES ($1, $2, 'x', 'y', $3, $4, $5)",
                number,
                host,
                state,
                problem,
                at,
            )
        await conn.execute(
            "INSERT INTO hosts (host, refused, refused_until)"
            " VALUES ('closed.example', 'refuses everything', $1)",
            later,
        )
        await conn.execute(
            "INSERT INTO lanes (key, budget) VALUES ('resting.example', $1)",
            json.dumps({"circuit": [4, later.timestamp()]}),
        )
    found = (await account.overview(stand.service(database), mira)).hosts
    assert [(host.host, host.conversations) for host in found] == [
        ("closed.example", 2),
        ("down.example", 1),
        ("resting.example", 1),
    ]
    assert found[0].problem == "refuses everything"
    for refusing in found:
        assert refusing.again_at is not None
        assert abs(refusing.again_at - later) < timedelta(seconds=1)


async def test_the_first_run_is_the_newest_one_and_its_end_is_told(database: Database) -> None:
    service = stand.service(database)
    async with database.connection() as conn:
        mira = await stand.member(conn)
        noor = await stand.member(conn, "noor")
        old, new = uuid4(), uuid4()
        await members.start_run(conn, old, mira, dry=False)
        await members.end_run(conn, old)
        await members.start_run(conn, new, mira, dry=False)
        await sources.choose(conn, mira, new, [Source("home")], stand.now())
        number = await stand.conversation(conn, mira, "one", ("already_there", "delivered"))
        await conn.execute("INSERT INTO run_conversations VALUES ($1, $2)", new, number)
        await conn.execute("UPDATE deliveries SET changed_at = now() + interval '1 s'")
    assert await account.first_run(service, noor) is None
    run = await account.first_run(service, mira)
    assert run is not None
    assert run.ended_at is None
    assert (run.progress.collected, run.progress.found, run.progress.delivered) == (False, 2, 1)
    async with database.connection() as conn:
        # The rhythm by which the home is read again is nothing that the run waits for.
        await conn.execute("UPDATE sources SET collect_at = now() + interval '1 hour'")
        waits = await account.first_run(service, mira)
        await conn.execute("UPDATE run_sources SET collected = true")
        rests = await account.first_run(service, mira)
    assert waits is not None
    assert rests is not None
    assert [host for host, _ in waits.progress.waiting_for] == [stand.HOME]
    assert rests.progress.waiting_for == ()
    async with database.connection() as conn:
        await members.end_run(conn, new)
    ended = await account.first_run(service, mira)
    assert ended is not None
    assert ended.ended_at is not None


async def test_settings_show_every_kind_that_can_be_switched_on(database: Database) -> None:
    async with database.connection() as conn:
        mira = await stand.member(conn, scopes=READ)
        await conn.execute(
            "INSERT INTO sources (member_id, kind, name, home, entries, enabled, told, off_until)"
            " VALUES ($1, 'home', '', 'home.example', 400, true, NULL, NULL),"
            " ($1, 'list', 'Friends', 'home.example', 100, true, 'it is gone', now()),"
            " ($1, 'list', 'Old', 'home.example', 100, false, NULL, NULL),"
            " ($1, 'followers', '', 'home.example', 7, false, 'no', NULL)",
            mira,
        )
    settings = await shown(database, mira)
    assert list(settings)[:2] == ["home", "lists"]
    assert "list:Old" not in settings
    assert "list" not in settings
    assert "hashtags" not in settings, "no servers are named to read hashtags from"
    assert (settings["home"].enabled, settings["home"].entries) == (True, 400)
    assert settings["home"].lacks == ()
    assert (settings["list:Friends"].told, settings["list:Friends"].enabled) == ("it is gone", True)
    assert settings["list:Friends"].lacks == ("read:lists",)
    # What is switched off is offered afresh.
    assert (settings["followers"].enabled, settings["followers"].told) == (False, None)
    assert settings["followers"].entries == 80
    assert settings["bookmarks"].lacks == ("read:bookmarks",)


async def test_scopes_that_the_home_does_not_tell_are_not_missed(database: Database) -> None:
    async with database.connection() as conn:
        mira = await stand.member(conn)
    assert all(setting.lacks == () for setting in (await shown(database, mira)).values())


async def test_what_is_newly_chosen_is_due_at_once_and_the_rest_keeps_its_rhythm(
    database: Database,
) -> None:
    service = stand.service(database)
    later = stand.now() + timedelta(hours=1)
    async with database.connection() as conn:
        mira = await stand.member(conn, scopes=READ)
        noor = await stand.member(conn, "noor")
        for member in (mira, noor):
            await conn.execute(
                "INSERT INTO sources (member_id, kind, home, entries, collect_at, tries)"
                " VALUES ($1, 'home', 'home.example', 40, $2, 1),"
                " ($1, 'notifications', 'home.example', 40, $2, 1)",
                member,
                later,
            )
    await account.choose(service, mira, ["home=300", "followers", "mentioned"])
    async with database.connection() as conn:
        mine, hers = await stored(conn, mira), await stored(conn, noor)
    assert mine["home"]["collect_at"] == later
    assert mine["home"]["entries"] == 300
    assert mine["followers"]["collect_at"] < stand.now() + timedelta(seconds=1)
    assert mine["mentioned"]["collect_at"] is None
    assert (mine["notifications"]["enabled"], mine["notifications"]["collect_at"]) == (False, None)
    assert hers["notifications"]["enabled"]
    assert "followers" not in hers


async def test_a_source_without_a_scope_is_stored_and_told_but_not_read(
    database: Database,
) -> None:
    service = stand.service(database)
    async with database.connection() as conn:
        mira = await stand.member(conn, scopes=READ)
    await account.choose(service, mira, ["home", "bookmarks"])
    setting = (await shown(database, mira))["bookmarks"]
    assert setting.enabled
    assert setting.lacks == ("read:bookmarks",)
    assert "sign in again" in (setting.told or "")
    async with database.connection() as conn:
        assert (await stored(conn, mira))["bookmarks"]["collect_at"] is None
        await conn.execute("UPDATE members SET scopes = 'read'")
    await account.choose(service, mira, ["home", "bookmarks"])
    setting = (await shown(database, mira))["bookmarks"]
    assert (setting.lacks, setting.told) == ((), None)
    async with database.connection() as conn:
        assert (await stored(conn, mira))["bookmarks"]["collect_at"] is not None


async def test_what_the_home_refused_is_not_asked_before_its_time_by_switching_it_on(
    database: Database,
) -> None:
    service = stand.service(database)
    later = stand.now() + timedelta(hours=9)
    async with database.connection() as conn:
        mira = await stand.member(conn)
        await conn.execute(
            "INSERT INTO sources (member_id, kind, home, entries, enabled, told, off_until)"
            " VALUES ($1, 'bookmarks', 'home.example', 40, false, 'answered 403', $2)",
            mira,
            later,
        )
    await account.choose(service, mira, ["bookmarks"])
    async with database.connection() as conn:
        assert (await stored(conn, mira))["bookmarks"]["collect_at"] == later
    setting = (await shown(database, mira))["bookmarks"]
    assert (setting.told, setting.off_until) == ("answered 403", later)


async def test_a_run_does_not_wait_for_what_was_switched_off(database: Database) -> None:
    service = stand.service(database)
    async with database.connection() as conn:
        mira = await stand.member(conn)
        run = uuid4()
        await members.start_run(conn, run, mira, dry=False)
        await sources.choose(conn, mira, run, [Source("home"), Source("lists")], stand.now())
    await account.choose(service, mira, ["home"])
    async with database.connection() as conn:
        waiting = await conn.fetch(
            "SELECT kind FROM run_sources WHERE run_id = $1 AND NOT collected", run
        )
    assert [row["kind"] for row in waiting] == ["home"]


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["nonsense"],
        ["home=0"],
        ["home=99999"],
        ["home:x"],
        ["list"],
        ["account:nobody"],
        ["hashtags"],
        ["hashtag:caturday"],
        ["list:" + "x" * 300],
        ["list:a\x00b"],
        [f"list:{number}" for number in range(60)],
    ],
)
async def test_what_is_no_source_is_refused_in_words_and_changes_nothing(
    database: Database, words: list[str]
) -> None:
    service = stand.service(database)
    async with database.connection() as conn:
        mira = await stand.member(conn)
    await account.choose(service, mira, ["home"])
    with pytest.raises(BadRequest):
        await account.choose(service, mira, words)
    async with database.connection() as conn:
        assert [spec for spec, row in (await stored(conn, mira)).items() if row["enabled"]] == [
            "home"
        ]


async def test_a_pause_ends_when_the_member_wants(database: Database) -> None:
    service = stand.service(database)
    async with database.connection() as conn:
        mira = await stand.member(conn)
        noor = await stand.member(conn, "noor")
    await account.choose(service, mira, ["home"])
    await account.pause(service, mira)
    await account.pause(service, mira)
    assert (await account.overview(service, mira)).member.state == "paused"
    assert (await account.overview(service, noor)).member.state == "working"
    async with database.connection() as conn:
        assert await members.sealed_tokens(conn, stand.HOME, [noor], stand.now()) != {}
        assert await members.sealed_tokens(conn, stand.HOME, [mira], stand.now()) == {}
    await account.resume(service, mira)
    await account.resume(service, mira)
    assert (await account.overview(service, mira)).member.state == "working"


async def test_a_pause_by_the_operator_is_the_operators_to_end(database: Database) -> None:
    service = stand.service(database)
    async with database.connection() as conn:
        mira = await stand.member(conn)
    await account.pause(service, mira, by_operator=True)
    await account.pause(service, mira)
    view = (await account.overview(service, mira)).member
    assert (view.state, view.paused_by_operator) == ("paused", True)
    with pytest.raises(NotAllowed):
        await account.resume(service, mira)
    await account.resume(service, mira, by_operator=True)
    assert (await account.overview(service, mira)).member.state == "working"


async def test_a_token_that_was_refused_needs_a_new_sign_in(database: Database) -> None:
    service = stand.service(database)
    gone = stand.now() + timedelta(days=9)
    async with database.connection() as conn:
        mira = await stand.member(
            conn, paused_why="token", problem="home.example answered 401", delete_at=gone
        )
    await account.pause(service, mira)
    view = (await account.overview(service, mira)).member
    assert (view.state, view.delete_at) == ("token_refused", gone)
    assert "401" in (view.told or "")
    with pytest.raises(NotAllowed) as refused:
        await account.resume(service, mira)
    assert refused.value.code == "sign_in_again"


async def test_an_export_holds_everything_but_secrets_and_nothing_of_others(
    database: Database,
) -> None:
    service = stand.service(database)
    async with database.connection() as conn:
        mira = await stand.member(conn, scopes=READ)
        noor = await stand.member(conn, "noor")
        await stand.conversation(conn, mira, "mine")
        await stand.conversation(conn, noor, "hers")
        await members.start_run(conn, uuid4(), mira, dry=False)
        await conn.execute(
            "INSERT INTO sessions (digest, member_id, expires_at) VALUES ('\\x01', $1, now())", mira
        )
        await conn.execute(
            "INSERT INTO streams (member_id, home, problem)"
            " SELECT id, home, 'closed on ' || id FROM members"
        )
        sealed = await conn.fetchval("SELECT token_sealed FROM members WHERE id = $1", mira)
    await account.choose(service, mira, ["home"])
    export = await account.export(service, mira)
    text = json.dumps(export)
    assert export["token"] == "stored, encrypted"
    assert export["account"] == "@mira@home.example"
    for part in ("member", "sources", "conversations", "profiles", "runs", "sessions"):
        assert part in export
    assert [one["problem"] for one in cast("Any", export["streams"])] == [f"closed on {mira}"]
    assert "https://a.example/mine/0" in text
    assert "a.example/hers" not in text
    assert "noor" not in text
    assert sealed.decode() not in text
    assert "token of mira" not in text


async def test_who_has_left_is_not_signed_in(database: Database) -> None:
    service = stand.service(database)
    async with database.connection() as conn:
        shell = await stand.member(conn, "shell", served=False)
    for number in (4711, shell):
        for use in (
            account.overview(service, number),
            account.choose(service, number, ["home"]),
            account.pause(service, number),
            account.resume(service, number),
            account.leave(service, number),
            account.export(service, number),
        ):
            with pytest.raises(NotSignedIn):
                await use
    async with database.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM members") == 1
