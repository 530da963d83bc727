"""What members and operators do, from the name of a server until nothing of them is left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
import pytest_asyncio

from tests.api.conftest import OpenStand
from tests.api.stand import TOKEN, Browser, Stand, standing_over
from tests.service.stand import conversation
from tests.service.town import HOME, Town, living
from toottail.repository import blocks
from toottail.service.sign_in import CALLBACK
from toottail.simulator.worlds import build


@pytest_asyncio.fixture
async def town(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Town]:
    """A pretend fediverse with a home for members."""
    async with living(build("tiny"), database_url, tmp_path, monkeypatch) as made:
        yield made


@pytest_asyncio.fixture
async def beside(town: Town) -> AsyncIterator[Stand]:
    """The API beside that fediverse."""
    async with standing_over(town.service) as stand:
        yield stand


async def say_yes(url: str, decision: str = "allow") -> str:
    """What the home does with a browser whose user says yes: where it sends it to."""
    form = {"user": "mira", "decision": decision}
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=form, allow_redirects=False) as response,
    ):
        assert response.status == 302, await response.text()
        return response.headers["Location"]


async def begin(browser: Browser, **wish: Any) -> str:
    """Where the browser is to go."""
    answer = await browser.ask("POST", "/api/v1/sign-in", body={"server": HOME, **wish})
    assert answer.status == 200, answer.body
    morsel = answer.cookies["toottail-sign-in"]
    assert morsel["httponly"]
    assert morsel["samesite"] == "lax"
    browser.cookies["toottail-sign-in"] = morsel.value
    return str(answer.json()["authorize_url"])


async def come_back(browser: Browser, location: str) -> str:
    """Where we send the browser after the home sent it to us; a new session is kept."""
    parts = urlsplit(location)
    assert location.startswith(browser.origin + CALLBACK)
    answer = await browser.ask("GET", f"{parts.path}?{parts.query}")
    assert answer.status == 303
    assert answer.cookies["toottail-sign-in"]["max-age"] == "0"
    if "toottail" in answer.cookies:
        browser.cookies = {"toottail": answer.cookies["toottail"].value}
    return answer.headers["Location"].removeprefix(browser.origin)


async def test_from_the_name_of_a_server_to_leaving_without_a_trace(
    town: Town, beside: Stand
) -> None:
    browser = beside.stranger()
    check = await browser.ask("POST", "/api/v1/servers/verify", body={"server": f"@mira@{HOME}"})
    assert check.json()["can_serve"] is True
    url = await begin(browser, sources=["home", "bookmarks"])
    assert await come_back(browser, await say_yes(url)) == "/me"

    me = (await browser.ask("GET", "/api/v1/me")).json()
    assert me["handle"] == f"@mira@{HOME}"
    assert me["overview"]["member"]["state"] == "working"
    browser.csrf = me["csrf"]
    assert (await browser.ask("POST", "/api/v1/me/pause")).status == 204
    me = (await browser.ask("GET", "/api/v1/me")).json()
    assert me["overview"]["member"]["state"] == "paused"
    assert (await browser.ask("POST", "/api/v1/me/resume")).status == 204
    answer = await browser.ask("PUT", "/api/v1/me/sources", body={"sources": ["home=100"]})
    chosen = [(one["kind"], one["entries"]) for one in answer.json() if one["enabled"]]
    assert chosen == [("home", 100)]
    answer = await browser.ask("PUT", "/api/v1/me/sources", body={"sources": ["nonsense"]})
    assert (answer.status, answer.code) == (400, "bad_request")

    for confirm in ({}, {"confirm": "yes"}, {"confirm": "leave", "x": 1}):
        answer = await browser.ask("POST", "/api/v1/me/leave", body=confirm)
        assert (answer.status, answer.code) == (400, "bad_request")
    answer = await browser.ask("POST", "/api/v1/me/leave", body={"confirm": "leave"})
    assert answer.json() == {"token_ended": True}
    assert answer.cookies["toottail"]["max-age"] == "0"
    assert (await browser.ask("GET", "/api/v1/me")).code == "not_signed_in"
    assert await town.sql("SELECT FROM members") == []
    assert "mira" not in await town.dump()


async def test_a_sign_in_is_for_one_browser_once(beside: Stand) -> None:
    browser, thief = beside.stranger(), beside.stranger()
    location = await say_yes(await begin(browser))
    assert await come_back(thief, location) == "/?problem=expired"
    thief.cookies["toottail-sign-in"] = "A" * 43
    assert await come_back(thief, location) == "/?problem=expired"
    again = dict(browser.cookies)
    assert await come_back(browser, location) == "/me"
    browser.cookies = again
    assert await come_back(browser, location) == "/?problem=expired"


async def test_who_says_no_at_home_is_told_so(beside: Stand) -> None:
    browser = beside.stranger()
    location = await say_yes(await begin(browser), "deny")
    assert await come_back(browser, location) == "/?problem=denied"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "code=a&state=b",
        "code=%0d%0aSet-Cookie:%20a=b&state=%0d%0aX:%20y",
        "error=%0d%0aLocation:%20https://evil.example&state=b",
        "error=access_denied&state=https://evil.example",
        f"code={'a' * 20_000}&state=b",
        "code=a&code=b&state=c&state=%00",
        "code=%ff%fe&state=%ed%a0%80",
        "code=\u202egnihtemos&state=\U0001f40d",
    ],
)
async def test_whatever_comes_to_the_callback_leads_to_our_front_page(
    stand: Stand, query: str
) -> None:
    browser = stand.stranger()
    browser.cookies["toottail-sign-in"] = "A" * 43
    answer = await browser.ask("GET", f"{CALLBACK}/{HOME}?{query}")
    assert answer.status == 303
    assert answer.headers["Location"] == f"{stand.origin}/?problem=expired"
    assert "evil" not in str(answer.headers)
    assert [name for name, morsel in answer.cookies.items() if morsel.value] == []


@pytest.mark.parametrize(
    "server",
    ["127.0.0.1", "[::1]", "169.254.169.254", "localhost", "a", "https://user:pw@10.0.0.1/", "é"],
)
async def test_what_is_no_public_server_is_no_home(stand: Stand, server: str) -> None:
    browser = stand.stranger()
    check = await browser.ask("POST", "/api/v1/servers/verify", body={"server": server})
    assert check.json()["can_serve"] is False
    assert check.json()["code"] == "invalid_server"
    answer = await browser.ask("POST", "/api/v1/sign-in", body={"server": server})
    assert (answer.status, answer.code) == (400, "invalid_server")


async def test_conversations_are_listed_explained_and_nobody_elses(stand: Stand) -> None:
    mira, ole = await stand.signed_in(), await stand.signed_in(await stand.member("ole"))
    states = ("already_there", "delivered", "not_obtained", None)
    async with stand.service.database.transaction() as conn:
        hers = await conversation(conn, mira.member_id, "hers", states)
        his = await conversation(conn, ole.member_id, "his", states)
    page = (await mira.ask("GET", "/api/v1/me/conversations?limit=1")).json()
    assert [row["id"] for row in page["rows"]] == [hers]
    assert page["next"] is None

    told = (await mira.ask("GET", f"/api/v1/me/conversations/{hers}")).json()
    assert [s["depth"] for s in told["statuses"]] == [0, 1, 1, 1]
    kinds = [s["kind"] for s in told["statuses"]]
    assert kinds == ["at_home", "delivered", "not_obtained", kinds[3]]
    found = await mira.ask("GET", f"/api/v1/me/conversations/find?url={told['root_uri']}")
    assert found.json() == {"id": hers}

    theirs = (await ole.ask("GET", f"/api/v1/me/conversations/{his}")).json()
    for path in (str(his), f"{his}/texts", f"find?url={theirs['root_uri']}", str(2**63 - 1)):
        answer = await mira.ask("GET", f"/api/v1/me/conversations/{path}")
        assert (answer.status, answer.code) == (404, "not_found"), path


@pytest.mark.parametrize(
    "query",
    [
        "after=nonsense",
        "after=%00",
        "after=" + "a" * 101,
        "limit=0",
        "limit=101",
        "limit=1e9",
        "which=mine",
        "which=all%0d%0aX:y",
    ],
)
async def test_a_page_that_is_none_is_told_so(stand: Stand, query: str) -> None:
    browser = await stand.signed_in()
    answer = await browser.ask("GET", f"/api/v1/me/conversations?{query}")
    assert (answer.status, answer.code) == (400, "bad_request")


@pytest.mark.parametrize("number", ["0", "-1", str(2**63), "1e3", "x", "%00", "1;--"])
async def test_a_number_that_is_none_is_told_so(stand: Stand, number: str) -> None:
    browser = await stand.signed_in()
    answer = await browser.ask("GET", f"/api/v1/me/conversations/{number}")
    assert (answer.status, answer.code) == (400, "bad_request")


async def test_the_export_is_a_file_that_holds_no_secret(stand: Stand) -> None:
    browser = await stand.signed_in()
    answer = await browser.ask("GET", "/api/v1/me/export")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="toottail.json"'
    assert answer.json()["account"] == "@mira@home.example"
    assert TOKEN not in answer.body.decode()
    assert browser.cookies["toottail"] not in answer.body.decode()


async def test_signing_out_ends_the_session_and_not_just_the_cookie(stand: Stand) -> None:
    browser = await stand.signed_in()
    elsewhere = await stand.signed_in(browser.member_id)
    answer = await browser.ask("POST", "/api/v1/sign-out")
    assert answer.status == 204
    assert answer.cookies["toottail"]["max-age"] == "0"
    assert (await browser.ask("GET", "/api/v1/me")).code == "not_signed_in"
    assert (await elsewhere.ask("GET", "/api/v1/me")).status == 200


async def test_the_operator_sees_and_decides(open_stand: OpenStand) -> None:
    stand = await open_stand(operators="@mira@home.example")
    boss, ole = await stand.signed_in(), await stand.signed_in(await stand.member("ole"))
    assert (await boss.ask("GET", "/api/v1/operator")).json()["public"]["members"] == 2
    answer = await boss.ask("POST", "/api/v1/operator/invites", body={"uses": 2, "note": "friends"})
    assert answer.status == 201
    assert len(answer.json()["code"]) >= 43

    answer = await boss.ask("POST", f"/api/v1/operator/members/{ole.member_id}/pause")
    assert answer.status == 204
    answer = await ole.ask("POST", "/api/v1/me/resume")
    assert (answer.status, answer.code) == (403, "not_allowed")
    for what in ("resume", "remove"):
        path = f"/api/v1/operator/members/{ole.member_id}/{what}"
        assert (await boss.ask("POST", path)).status == 204
    assert (await ole.ask("GET", "/api/v1/me")).code == "not_signed_in"
    for what in ("pause", "resume", "remove"):
        answer = await boss.ask("POST", f"/api/v1/operator/members/{ole.member_id}/{what}")
        assert (answer.status, answer.code) == (404, "not_found")


async def test_a_wish_to_be_left_alone_waits_for_the_operator(open_stand: OpenStand) -> None:
    stand = await open_stand(operators="@mira@home.example", connect_to={"": "127.0.0.1:9"})
    boss, admin = await stand.signed_in(), stand.stranger()
    wish = {"host": "alone.example", "contact": "admin@alone.example", "words": "please\nstop"}
    answer = await admin.ask("POST", "/api/v1/opt-outs", body=wish)
    assert answer.json() == {"result": "asked"}
    (waiting,) = (await boss.ask("GET", "/api/v1/operator")).json()["opt_outs"]
    assert waiting["host"] == "alone.example"
    path = f"/api/v1/operator/opt-outs/{waiting['id']}"
    assert (await boss.ask("POST", path, body={"block": True})).status == 204
    assert (await boss.ask("POST", path, body={"block": True})).code == "not_found"
    async with stand.service.database.connection() as conn:
        barred = await blocks.barred(conn, "alone.example")
    assert barred == "blocked by the operator: its admin asked"
