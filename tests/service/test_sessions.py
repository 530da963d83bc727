"""A session belongs to whoever has its cookie, for thirty days after its last use."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.service.town import Town
from toottail.errors import NotAllowed, NotSignedIn
from toottail.repository import purging
from toottail.service import sessions


async def later(town: Town, days: float) -> None:
    """So much time goes by."""
    await town.sql(
        "UPDATE sessions SET seen_at = seen_at - $1 * interval '1 day',"
        " expires_at = expires_at - $1 * interval '1 day'",
        days,
    )


async def test_a_session_ends_thirty_days_after_its_last_use(town: Town) -> None:
    cookie = (await town.sign_in()).session
    for _ in range(3):
        await later(town, 29)
        await sessions.find(town.service, cookie)
    await later(town, 30)
    with pytest.raises(NotSignedIn):
        await sessions.find(town.service, cookie)


async def test_a_use_is_noted_at_most_once_an_hour(town: Town) -> None:
    cookie = (await town.sign_in()).session
    (before,) = await town.sql("SELECT seen_at, expires_at FROM sessions")
    await sessions.find(town.service, cookie)
    assert await town.sql("SELECT seen_at, expires_at FROM sessions") == [before]
    await later(town, 0.1)
    await town.sql("UPDATE members SET seen_at = NULL")
    await sessions.find(town.service, cookie)
    (after,) = await town.sql("SELECT seen_at, expires_at FROM sessions")
    assert after["expires_at"] > before["expires_at"]
    assert await town.sql("SELECT FROM members WHERE seen_at IS NOT NULL") != []


async def test_a_visit_makes_work_go_on_that_had_stopped_while_the_member_was_away(
    town: Town,
) -> None:
    cookie = (await town.sign_in()).session
    await later(town, 2)
    await town.sql(
        "UPDATE members SET paused_why = 'idle', active_until = NULL, seen_at = NULL,"
        " read_at = now() - interval '70 days'"
    )
    await sessions.find(town.service, cookie)
    (row,) = await town.sql("SELECT paused_why, active_until::text AS active FROM members")
    assert row == {"paused_why": None, "active": "infinity"}
    # Somebody who was away for a fortnight is read for at once, not next week.
    await later(town, 2)
    await town.sql("UPDATE sources SET collect_at = now() + interval '6 days'")
    await town.sql("UPDATE members SET seen_at = NULL, read_at = now() - interval '15 days'")
    await sessions.find(town.service, cookie)
    assert await town.sql("SELECT FROM sources WHERE collect_at > now()") == []


@pytest.mark.parametrize("cookie", [None, "", "x", "\udcff", "é" * 20, "a" * 100_000])
async def test_other_cookies_are_nobodys(town: Town, cookie: str | None) -> None:
    await town.sign_in()
    with pytest.raises(NotSignedIn):
        await sessions.find(town.service, cookie)
    await sessions.end(town.service, cookie)


async def test_an_ended_session_is_over_and_others_of_the_member_are_not(town: Town) -> None:
    first, second = (await town.sign_in()).session, (await town.sign_in()).session
    await sessions.end(town.service, first)
    with pytest.raises(NotSignedIn):
        await sessions.find(town.service, first)
    member = (await sessions.find(town.service, second)).member_id
    await sessions.end_all(town.service, member)
    with pytest.raises(NotSignedIn):
        await sessions.find(town.service, second)


async def test_ending_all_sessions_leaves_those_of_others(town: Town) -> None:
    mira, noor = await town.sign_in("mira"), await town.sign_in("noor")
    await sessions.end_all(town.service, mira.member_id)
    assert (await sessions.find(town.service, noor.session)).handle == "@noor@home.example"


async def test_a_forged_form_is_refused(town: Town) -> None:
    mira = await sessions.find(town.service, (await town.sign_in("mira")).session)
    noor = await sessions.find(town.service, (await town.sign_in("noor")).session)
    sessions.check_csrf(mira, mira.csrf)
    for forged in (None, "", noor.csrf, mira.csrf[:-1], "\udcff", "é"):
        with pytest.raises(NotAllowed) as refusal:
            sessions.check_csrf(mira, forged)
        assert refusal.value.code == "csrf"


async def test_operators_are_those_whom_the_settings_name(town: Town) -> None:
    town.change(operators=("@Noor@home.example", "mira@elsewhere.example"))
    mira, noor = await town.sign_in("mira"), await town.sign_in("noor")
    assert not (await sessions.find(town.service, mira.session)).is_operator
    assert (await sessions.find(town.service, noor.session)).is_operator


async def test_a_home_cannot_make_its_member_an_operator_of_another_home(town: Town) -> None:
    town.change(operators=("@boss@elsewhere.example",))
    done = await town.sign_in()
    for claim in ("boss@elsewhere.example", "@boss@elsewhere.example"):
        await town.sql("UPDATE members SET account = $1, named = $1", claim)
        session = await sessions.find(town.service, done.session)
        assert not session.is_operator
        assert session.handle == "@boss@home.example"


async def test_neither_cookies_nor_csrf_values_are_stored(town: Town) -> None:
    cookie = (await town.sign_in()).session
    csrf = (await sessions.find(town.service, cookie)).csrf
    dump = await town.dump()
    assert cookie not in dump
    assert csrf not in dump


async def test_ended_sessions_are_forgotten(town: Town) -> None:
    await town.sign_in()
    await later(town, 31)
    async with town.database.connection() as conn:
        await purging.drop_expired(conn, datetime.now(UTC))
    assert await town.sql("SELECT FROM sessions") == []
