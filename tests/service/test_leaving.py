"""Leaving: the token ends at the home, and no row is left."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from tests.service.town import HOME, Town
from toottail.errors import NotSignedIn, TooManyAttempts
from toottail.repository import leaving
from toottail.repository.database import Database
from toottail.service import account, allowances, revoking, sessions
from toottail.simulator.faults import Fault


async def is_gone(town: Town, member_id: int) -> bool:
    """Whether nothing is left of the only member, their home included."""
    with pytest.raises(NotSignedIn):
        await account.overview(town.service, member_id)
    tables = ("members", "sessions", "sources", "runs", "watchers", "watches", "registrations")
    rows = [await town.sql(f"SELECT * FROM {table}") for table in tables]
    assert "mira" not in await town.dump()
    return not any(rows)


async def test_who_leaves_is_gone_and_their_token_with_them(town: Town) -> None:
    done = await town.sign_in()
    assert await account.leave(town.service, done.member_id)
    assert await is_gone(town, done.member_id)
    assert [event["event"] for event in town.oauth["events"]].count("revoked") == 1
    assert town.oauth["live_tokens"] == []
    with pytest.raises(NotSignedIn):
        await sessions.find(town.service, done.session)


async def test_others_of_the_same_home_stay(town: Town) -> None:
    mira = await town.sign_in()
    noor = await town.sign_in("noor")
    assert await account.leave(town.service, mira.member_id)
    assert (await account.overview(town.service, noor.member_id)).member.state == "working"
    assert (await sessions.find(town.service, noor.session)).member_id == noor.member_id
    assert [token["user"] for token in town.oauth["live_tokens"]] == ["noor"]
    assert len(await town.sql("SELECT FROM registrations")) == 1


async def test_a_home_that_does_not_confirm_keeps_nobody_from_leaving(town: Town) -> None:
    done = await town.sign_in()
    town.simulator.world.home.faults.append(Fault("5xx"))
    assert not await account.leave(town.service, done.member_id)
    assert await is_gone(town, done.member_id)


async def test_a_home_that_is_silent_is_not_waited_for(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revoking, "REVOKE_WITHIN", 0.3)
    done = await town.sign_in()
    town.simulator.world.home.faults.append(Fault("slow"))
    assert not await account.leave(town.service, done.member_id)
    assert await is_gone(town, done.member_id)


async def test_a_home_where_many_sign_in_still_hears_that_a_token_ends(town: Town) -> None:
    done = await town.sign_in()
    for _ in range(100):
        with suppress(TooManyAttempts):
            await allowances.use(town.service, "home", HOME, allowances.HOME_REQUESTS, "")
    assert await account.leave(town.service, done.member_id)


async def test_no_worker_may_use_the_token_while_it_is_given_back(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revoking, "REVOKE_WITHIN", 2.0)
    done = await town.sign_in()
    town.simulator.world.home.faults.append(Fault("slow"))
    asked = town.asked()
    leaving_now = asyncio.create_task(account.leave(town.service, done.member_id))
    for _ in range(3000):
        if town.asked() > asked:
            break
        await asyncio.sleep(0.01)
    (row,) = await town.sql("SELECT active_until FROM members")
    assert row["active_until"] is None
    await leaving_now


@pytest.mark.parametrize("paused", [False, True])
async def test_who_was_leaving_when_the_process_ended_is_swept_up(
    town: Town, monkeypatch: pytest.MonkeyPatch, paused: bool
) -> None:
    done = await town.sign_in()
    if paused:
        await account.pause(town.service, done.member_id, by_operator=True)

    async def remove(database: Database, member_id: int) -> list[str]:
        raise ConnectionError("the process ends here")

    monkeypatch.setattr(leaving, "remove", remove)
    with pytest.raises(ConnectionError):
        await account.leave(town.service, done.member_id)
    (row,) = await town.sql("SELECT active_until, delete_at <= now() AS due FROM members")
    assert (row["active_until"], row["due"]) == (None, True)
