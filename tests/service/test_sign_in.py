"""From the name of a server to a member with a session, or to a word that says why not."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from tests.service.conftest import OpenTown
from tests.service.town import HOME, OURS, Town
from toottail.service import sessions, sign_in
from toottail.simulator.worlds import build


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
    assert asked["redirect_uri"] == OURS + sign_in.CALLBACK
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["state"]) >= 43
    assert begun.browser_cookie not in begun.authorize_url


async def test_homes_that_want_it_all_are_asked_for_read_alone(open_town: OpenTown) -> None:
    town = await open_town(build("tiny", home="takahe"))
    begun = await town.begin()
    assert dict(parse_qsl(urlsplit(begun.authorize_url).query))["scope"] == "read"
    assert (await town.finish(begun, await town.decide(begun.authorize_url))).is_new
