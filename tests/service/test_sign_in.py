"""From the name of a server to a member with a session, or to a word that says why not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.service.conftest import OpenTown
from tests.service.town import ADDRESS, HOME, OURS, Town
from toottail.errors import BadRequest, SignInRefused, TooManyAttempts
from toottail.repository import blocks, invites
from toottail.service import sessions, sign_in
from toottail.simulator.control import play
from toottail.simulator.faults import Fault
from toottail.simulator.worlds import build


async def refusal(attempt: Awaitable[object]) -> str:
    """The word for programs with which an attempt is refused."""
    with pytest.raises(SignInRefused) as refused:
        await attempt
    assert str(refused.value).endswith((".", "!"))
    return refused.value.code


async def test_a_visitor_becomes_a_member_with_a_session_and_a_first_run(town: Town) -> None:
    done = await town.sign_in()
    assert done.is_new
    session = await sessions.find(town.service, done.session)
    assert (session.member_id, session.handle) == (done.member_id, f"@mira@{HOME}")
    (member,) = await town.sql("SELECT * FROM members")
    assert member["served"]
    assert member["active_until"].year > 3000 or str(member["active_until"]) == "infinity"
    assert [row["kind"] for row in await town.sql("SELECT kind FROM sources")] == ["home"]
    assert len(await town.sql("SELECT FROM runs WHERE ended_at IS NULL")) == 1


async def test_the_browser_is_sent_to_the_home_with_the_least_scopes_state_and_pkce(
    town: Town,
) -> None:
    begun = await town.begin()
    parts = urlsplit(begun.authorize_url)
    asked = dict(parse_qsl(parts.query))
    assert parts.path == f"/{HOME}/oauth/authorize"
    assert asked["scope"].split() == ["profile", "read:search", "read:statuses"]
    assert asked["redirect_uri"] == f"{OURS}{sign_in.CALLBACK}/{HOME}"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["state"]) >= 43
    assert begun.browser_cookie not in begun.authorize_url


async def test_homes_that_want_it_all_are_asked_for_read_alone(open_town: OpenTown) -> None:
    town = await open_town(build("tiny", home="takahe"))
    begun = await town.begin()
    assert dict(parse_qsl(urlsplit(begun.authorize_url).query))["scope"] == "read"
    assert (await town.finish(begun, await town.decide(begun.authorize_url))).is_new


async def test_sources_decide_the_scopes(town: Town) -> None:
    begun = await town.begin(sources=("home", "lists", "bookmarks=10", "followers"))
    scopes = dict(parse_qsl(urlsplit(begun.authorize_url).query))["scope"].split()
    assert set(scopes) == {
        *("profile", "read:search", "read:statuses"),
        *("read:lists", "read:bookmarks", "read:accounts"),
    }
    done = await town.finish(begun, await town.decide(begun.authorize_url))
    stored = await town.sql(
        "SELECT kind, entries FROM sources WHERE member_id = $1 ORDER BY kind", done.member_id
    )
    assert [(row["kind"], row["entries"]) for row in stored] == [
        ("bookmarks", 10),
        ("followers", 80),
        ("home", 200),
        ("lists", 100),
    ]
    (member,) = await town.sql("SELECT scopes FROM members")
    assert member["scopes"].split() == sorted(scopes)


async def test_a_source_that_is_none_is_said(town: Town) -> None:
    for sources in (("nonsense",), ("list",), ("home=0",), ("home",) * 51):
        with pytest.raises(BadRequest):
            await town.begin(sources=sources)
    assert town.asked() == 0


async def test_two_members_of_one_home_share_its_registration(town: Town) -> None:
    mira, noor = await town.sign_in("mira"), await town.sign_in("noor")
    assert mira.member_id != noor.member_id
    assert town.oauth["apps"] == 1
    assert {token["user"] for token in town.oauth["live_tokens"]} == {"mira", "noor"}
    assert len(await town.sql("SELECT FROM registrations")) == 1


async def test_signing_in_again_is_the_same_member_with_their_sources(town: Town) -> None:
    first = await town.sign_in(sources=("home", "lists"))
    again = await town.sign_in()
    assert (again.member_id, again.is_new) == (first.member_id, False)
    assert again.session != first.session
    kinds = await town.sql("SELECT kind FROM sources ORDER BY kind")
    assert [row["kind"] for row in kinds] == ["home", "lists"]
    assert len(await town.sql("SELECT FROM runs")) == 1


async def test_a_token_that_may_do_more_is_kept_and_the_new_one_given_back(town: Town) -> None:
    await town.sign_in(sources=("home", "lists"))
    await town.sign_in()
    (member,) = await town.sql("SELECT scopes FROM members")
    assert "read:lists" in member["scopes"]
    (token,) = town.oauth["live_tokens"]
    assert "read:lists" in token["scopes"]


async def test_other_sources_make_a_new_token_with_their_scopes(town: Town) -> None:
    first = await town.sign_in()
    again = await town.sign_in(sources=("home", "bookmarks"))
    assert again.member_id == first.member_id
    (member,) = await town.sql("SELECT scopes FROM members")
    assert "read:bookmarks" in member["scopes"]
    kinds = await town.sql("SELECT kind FROM sources WHERE enabled ORDER BY kind")
    assert [row["kind"] for row in kinds] == ["bookmarks", "home"]
    (token,) = town.oauth["live_tokens"]
    assert "read:bookmarks" in token["scopes"], "the earlier one is ended"


async def test_a_home_cannot_say_that_its_member_is_one_of_another(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(town.simulator.world.member, "name", "boss@elsewhere.example")
    begun = await town.begin()
    done = await town.finish(begun, await town.decide(begun.authorize_url))
    assert (await sessions.find(town.service, done.session)).handle == f"@boss@{HOME}"
    assert "elsewhere.example" not in await town.dump()


async def test_a_token_that_was_refused_is_replaced_by_signing_in_again(town: Town) -> None:
    first = await town.sign_in()
    (before,) = await town.sql("SELECT token_sealed FROM members")
    play(town.simulator, {"revoke": True})
    await town.sql(
        "UPDATE members SET paused_why = 'token', active_until = NULL, problem = 'x',"
        " delete_at = now()"
    )
    again = await town.sign_in()
    (after,) = await town.sql("SELECT * FROM members")
    assert again.member_id == first.member_id
    assert after["token_sealed"] != before["token_sealed"]
    assert (after["paused_why"], after["delete_at"], after["problem"]) == (None, None, None)
    assert after["active_until"] is not None


async def test_who_is_paused_stays_so_after_signing_in(town: Town) -> None:
    await town.sign_in()
    for why in ("member", "operator"):
        await town.sql("UPDATE members SET paused_why = $1, active_until = NULL", why)
        await town.sign_in()
        (member,) = await town.sql("SELECT paused_why, active_until FROM members")
        assert dict(member) == {"paused_why": why, "active_until": None}


async def test_a_server_is_verified_with_its_title_and_software(town: Town) -> None:
    town.simulator.world.home.title = "Home \u202eof\u202c all"
    for typed in ("home.example", " @mira@HOME.example ", "https://home.example/@mira"):
        found = await sign_in.verify(town.service, typed, ADDRESS)
        assert found.can_serve
        assert (found.host, found.software, found.version) == (HOME, "mastodon", "4.3.8")
        assert found.title == "Home of all"
        assert (found.code, found.why_not) == (None, None)


async def test_what_is_known_of_a_server_is_not_asked_again(town: Town) -> None:
    await sign_in.verify(town.service, HOME, ADDRESS)
    before = town.asked()
    await town.begin()
    assert town.asked() - before == 2  # metadata and registration
    await town.begin()
    assert town.asked() - before == 2


async def test_a_name_that_leads_to_another_server_is_that_server(open_town: OpenTown) -> None:
    world = build("tiny")
    world.add_host("people.example", "display")
    town = await open_town(world)
    found = await sign_in.verify(town.service, "@mira@people.example", ADDRESS)
    assert (found.host, found.can_serve) == (HOME, True)
    begun = await town.begin("people.example")
    await town.finish(begun, await town.decide(begun.authorize_url))
    assert [row["home"] for row in await town.sql("SELECT home FROM members")] == [HOME]


async def test_an_old_home_is_asked_for_read_accounts_instead_of_profile(
    open_town: OpenTown,
) -> None:
    town = await open_town(build("tiny", home="gotosocial"))
    begun = await town.begin()
    scopes = dict(parse_qsl(urlsplit(begun.authorize_url).query))["scope"].split()
    assert scopes == ["read:accounts", "read:search", "read:statuses"]
    assert (await town.finish(begun, await town.decide(begun.authorize_url))).is_new


# Registrations.


async def test_two_who_register_at_once_keep_one(town: Town) -> None:
    first, second = await asyncio.gather(town.begin(), town.begin())
    assert town.oauth["apps"] <= 2
    assert len(await town.sql("SELECT FROM registrations")) == 1
    for begun, user in ((first, "mira"), (second, "noor")):
        assert (await town.finish(begun, await town.decide(begun.authorize_url, user))).is_new


async def test_a_home_that_forgot_us_is_registered_with_anew(town: Town) -> None:
    begun = await town.begin()
    back = await town.decide(begun.authorize_url)
    play(town.simulator, {"forget_apps": True})
    assert await refusal(town.finish(begun, back)) == "home_failed"
    assert await town.sql("SELECT FROM registrations") == []
    assert (await town.sign_in()).is_new


async def test_a_bad_code_does_not_cost_the_registration(town: Town) -> None:
    begun = await town.begin()
    back = await town.decide(begun.authorize_url)
    assert await refusal(town.finish(begun, back | {"code": "forged"})) == "home_failed"
    assert len(await town.sql("SELECT FROM registrations")) == 1


async def test_a_registration_that_nobody_uses_is_made_anew_after_an_hour(town: Town) -> None:
    await town.begin()
    await town.sql("UPDATE registrations SET created_at = created_at - interval '59 minutes'")
    await town.begin()
    assert town.oauth["apps"] == 1
    await town.sql("UPDATE registrations SET created_at = created_at - interval '2 minutes'")
    await town.sign_in()
    assert town.oauth["apps"] == 2
    await town.sql("UPDATE registrations SET created_at = created_at - interval '9 days'")
    await town.sign_in("noor")
    assert town.oauth["apps"] == 2
    await town.sql("UPDATE members SET paused_why = 'token'")
    await town.rest()
    await town.sign_in("noor")
    assert town.oauth["apps"] == 3


async def test_a_registration_that_does_not_fit_is_made_anew(town: Town) -> None:
    await town.sign_in()
    await town.sql("UPDATE registrations SET scopes = 'read:statuses'")
    await town.sign_in("noor")
    assert town.oauth["apps"] == 2
    town.change(service_url="http://127.0.0.1:9090")
    await town.rest()
    begun = await town.begin()
    asked = dict(parse_qsl(urlsplit(begun.authorize_url).query))
    assert asked["redirect_uri"] == f"http://127.0.0.1:9090{sign_in.CALLBACK}/{HOME}"
    assert town.oauth["apps"] == 3


async def test_a_home_is_never_asked_to_register_us_often(town: Town) -> None:
    for _ in range(2):
        await town.begin()
        await town.sql("DELETE FROM registrations")
    for _ in range(4):
        with pytest.raises(TooManyAttempts) as refused:
            await town.begin()
        assert refused.value.retry_after > 200
    assert town.oauth["apps"] == 2


# Words that say why not.


@pytest.mark.parametrize(
    ("software", "code"),
    [
        ("misskey", "unsupported"),
        ("lemmy", "unsupported"),
        ("pixelfed", "unsupported"),
        ("peertube", "unsupported"),
        ("activitypub", "not_a_home"),
        ("rfc9421", "not_a_home"),
    ],
)
async def test_a_server_that_is_no_home_is_told_apart(
    open_town: OpenTown, software: str, code: str
) -> None:
    world = build("tiny")
    world.add_host("other.example", software)
    town = await open_town(world)
    found = await sign_in.verify(town.service, "other.example", ADDRESS)
    assert (found.can_serve, found.code) == (False, code)
    assert found.why_not
    assert "other.example" in found.why_not
    assert await refusal(town.begin("other.example")) == code


async def test_a_server_that_does_not_answer_is_unreachable(open_town: OpenTown) -> None:
    world = build("tiny")
    world.add_host("down.example", "mastodon", Fault("5xx"))
    world.add_host("tls.example", "mastodon", Fault("bad-tls"))
    town = await open_town(world)
    assert await refusal(town.begin("down.example")) == "unreachable"
    assert await refusal(town.begin("tls.example")) == "unreachable"
    found = await sign_in.verify(town.service, "tls.example", ADDRESS)
    assert found.code == "unreachable"
    assert "certificate" in str(found.why_not)


async def test_a_blocked_server_is_neither_asked_nor_served(town: Town) -> None:
    async with town.database.connection() as conn:
        await blocks.block(conn, "example", "a private reason")
    assert await refusal(town.begin()) == "blocked"
    found = await sign_in.verify(town.service, HOME, ADDRESS)
    assert found.code == "blocked"
    assert "private reason" not in str(found.why_not)
    assert town.asked() == 0


async def test_only_listed_homes_are_served_where_there_is_a_list(town: Town) -> None:
    town.change(homes=("elsewhere.example",))
    assert await refusal(town.begin()) == "home_not_listed"
    assert town.asked() == 0
    town.change(homes=("Home.example",))
    assert (await town.sign_in()).is_new


async def test_who_says_no_at_home_is_no_member(town: Town) -> None:
    begun = await town.begin()
    back = await town.decide(begun.authorize_url, decision="deny")
    assert await refusal(town.finish(begun, back)) == "denied"
    assert await town.sql("SELECT FROM members") == []
    assert await town.sql("SELECT FROM sign_ins") == []


async def test_who_says_no_at_a_home_that_tells_no_state_is_told_the_same(town: Town) -> None:
    begun = await town.begin()
    back = {"code": None, "state": None, "error": "access_denied"}
    assert await refusal(town.finish(begun, back)) == "denied"


async def test_another_error_of_the_home_is_not_repeated(town: Town) -> None:
    begun = await town.begin()
    back = await town.decide(begun.authorize_url)
    with pytest.raises(SignInRefused) as refused:
        await town.finish(begun, {"state": back["state"], "code": None, "error": "<b>buy</b>"})
    assert refused.value.code == "home_failed"
    assert "buy" not in str(refused.value)


async def test_too_few_scopes_are_refused_and_the_token_given_back(town: Town) -> None:
    play(town.simulator, {"withhold": ["read:search"]})
    with pytest.raises(SignInRefused, match="read:search") as refused:
        await town.sign_in()
    assert refused.value.code == "scopes"
    assert [event["event"] for event in town.oauth["events"]] == ["registered", "issued", "revoked"]
    assert town.oauth["live_tokens"] == []
    assert await town.sql("SELECT FROM members") == []


async def test_a_closed_service_lets_only_members_in(town: Town) -> None:
    town.change(sign_ups="closed")
    assert await refusal(town.begin()) == "closed"
    assert town.asked() <= 2
    town.change(sign_ups="open")
    await town.sign_in("mira")
    town.change(sign_ups="closed")
    assert not (await town.sign_in("mira")).is_new
    assert await refusal(town.sign_in("noor")) == "closed"
    assert [token["user"] for token in town.oauth["live_tokens"]] == ["mira"]
    assert len(await town.sql("SELECT FROM members")) == 1


async def test_a_full_service_lets_only_members_in(town: Town) -> None:
    town.change(most_members=1)
    await town.sign_in("mira")
    assert await refusal(town.sign_in("noor")) == "full"
    await town.rest()
    assert not (await town.sign_in("mira")).is_new
    town.change(most_members=0)
    assert (await town.sign_in("noor")).is_new


async def test_a_full_service_is_told_before_the_home_is_asked_for_a_client(town: Town) -> None:
    town.change(most_members=1)
    await town.sign_in("mira")
    await town.sql("UPDATE members SET home = 'elsewhere.example'")
    await town.sql("DELETE FROM registrations")
    assert await refusal(town.begin()) == "full"
    assert town.oauth["apps"] == 1


async def test_the_last_place_is_given_once(town: Town) -> None:
    town.change(most_members=1)
    begun = [await town.begin() for _ in range(3)]
    back = [
        await town.decide(one.authorize_url, user)
        for one, user in zip(begun, ("mira", "noor", "otto"), strict=True)
    ]
    ends = await asyncio.gather(
        *(town.finish(one, told) for one, told in zip(begun, back, strict=True)),
        return_exceptions=True,
    )
    assert sorted(getattr(end, "code", "in") for end in ends) == ["full", "full", "in"]
    assert len(town.oauth["live_tokens"]) == 1


async def an_invite(town: Town, code: str = "come-in", uses: int = 1, days: int = 1) -> None:
    async with town.database.connection() as conn:
        until = datetime.now(UTC) + timedelta(days=days)
        await invites.make(conn, sessions.digest_of(code), "", uses, until)


async def test_an_invite_lets_as_many_in_as_it_says(town: Town) -> None:
    town.change(sign_ups="invite")
    await an_invite(town)
    assert await refusal(town.begin()) == "invite_needed"
    assert await refusal(town.begin(invite="another")) == "invite_invalid"
    assert (await town.sign_in("mira", invite=" come-in ")).is_new
    assert not (await town.sign_in("mira")).is_new
    assert await refusal(town.sign_in("noor")) == "invite_needed"
    assert await refusal(town.sign_in("noor", invite="come-in")) == "invite_invalid"
    assert [token["user"] for token in town.oauth["live_tokens"]] == ["mira"]
    assert "come-in" not in await town.dump()


async def test_an_invite_ends_with_its_time(town: Town) -> None:
    town.change(sign_ups="invite")
    await an_invite(town, days=-1)
    assert await refusal(town.begin(invite="come-in")) == "invite_invalid"


async def test_an_invite_is_not_spent_on_who_does_not_come_in(town: Town) -> None:
    town.change(sign_ups="invite")
    await an_invite(town)
    play(town.simulator, {"withhold": ["read:search"]})
    assert await refusal(town.sign_in(invite="come-in")) == "scopes"
    play(town.simulator, {"withhold": []})
    assert (await town.sign_in(invite="come-in")).is_new


async def test_an_open_service_spends_no_invites(town: Town) -> None:
    await an_invite(town)
    await town.sign_in(invite="come-in")
    (invite,) = await town.sql("SELECT uses_left FROM invites")
    assert invite["uses_left"] == 1


async def test_a_member_keeps_their_token_when_a_second_sign_in_fails(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Mastodon gives the same token again: to give it back would end the one in use.
    await town.sign_in()
    town.simulator.world.hosts[HOME].faults = []
    begun = await town.begin()
    back = await town.decide(begun.authorize_url)
    town.change(operators=())
    monkeypatch.setattr(town.simulator.world.member, "name", "")
    assert await refusal(town.finish(begun, back)) == "home_failed"
    assert len(town.oauth["live_tokens"]) == 1
