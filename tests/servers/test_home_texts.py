"""Posts as a home hands them out, however it does that."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import SecretStr

from tests.servers import pretend
from toottail.errors import AnswerRefused, Gone, ScopeLacking, TokenRefused
from toottail.servers.door import Door
from toottail.servers.home_texts import MOST_POSTS, read_texts
from toottail.servers.homes import HomeClient


def post(number: int, content: object = "<p>hi</p>", **more: Any) -> dict[str, Any]:
    author = {"acct": "ann@far.example", "display_name": "Ann"}
    return {
        "id": str(number),
        "uri": f"https://far.example/{number}",
        "content": content,
        "visibility": "public",
        "account": author,
    } | more


def serve(
    server: pretend.PretendServer, one: object, above: object = (), below: object = ()
) -> None:
    context = {"ancestors": above, "descendants": below}
    server.on("/api/v1/statuses/1", json.dumps(one).encode())
    server.on("/api/v1/statuses/1/context", json.dumps(context).encode())


@pytest.fixture
def client(door: Door) -> HomeClient:
    return HomeClient(pretend.asker(door), SecretStr("very-secret"), "7")


async def test_the_status_itself_and_all_around_it_are_read(
    server: pretend.PretendServer, client: HomeClient
) -> None:
    local = {"acct": "bob", "display_name": "\u202eBob\n\u200b B."}
    serve(
        server,
        post(1, "<p>one</p>", spoiler_text="Careful\u2066!", account=local),
        [post(2, "<p>two</p><p>and</p>", visibility="unlisted")],
        [post(3, "<b>three</b>", account={"username": "u"})],
    )
    texts = await read_texts(client, "1")
    assert list(texts) == [f"https://far.example/{number}" for number in (2, 1, 3)]
    one = texts["https://far.example/1"]
    assert (one.author, one.handle) == ("Bob B.", "@bob@one.example")
    assert (one.text, one.warning) == ("one", "Careful!")
    assert texts["https://far.example/2"].text == "two\n\nand"
    assert texts["https://far.example/2"].handle == "@ann@far.example"
    assert texts["https://far.example/3"].author == "u"
    assert [heard.headers["authorization"] for heard in server.heard] == ["Bearer very-secret"] * 2


async def test_what_is_not_for_everybody_or_cannot_be_read_is_left_out(
    server: pretend.PretendServer, client: HomeClient
) -> None:
    serve(
        server,
        post(1),
        [post(2, visibility="private"), post(3, visibility="direct"), 7, None, {}, [[]]],
        [post(4, content=None, account=None), post(5, uri="http://127.0.0.1/x"), post(6, 7)],
    )
    texts = await read_texts(client, "1")
    assert sorted(texts) == ["https://far.example/1", "https://far.example/4"]
    silent = texts["https://far.example/4"]
    assert (silent.author, silent.handle, silent.text, silent.warning) == ("", "", "", "")


async def test_no_more_than_so_many_posts_are_read(
    server: pretend.PretendServer, client: HomeClient
) -> None:
    serve(server, post(1), [], [post(number) for number in range(2, 900)])
    assert len(await read_texts(client, "1")) == MOST_POSTS


@pytest.mark.parametrize(
    ("status", "error"),
    [("404 Not Found", Gone), ("401 No", TokenRefused), ("403 No", ScopeLacking)],
)
async def test_a_refusal_ends_it_before_more_is_asked(
    server: pretend.PretendServer, client: HomeClient, status: str, error: type[Exception]
) -> None:
    server.on("/api/v1/statuses/1", b"{}", status=status)
    with pytest.raises(error) as refused:
        await read_texts(client, "1")
    assert "very-secret" not in str(refused.value)
    assert len(server.heard) == 1


async def test_an_answer_that_is_no_conversation_is_refused(
    server: pretend.PretendServer, client: HomeClient
) -> None:
    serve(server, post(1))
    server.on("/api/v1/statuses/1/context", b'{"ancestors": "<p>words</p>"}')
    with pytest.raises(AnswerRefused) as refused:
        await read_texts(client, "1")
    assert "words" not in str(refused.value)


@pytest.mark.parametrize("local_id", ["../1", "1/x", "", "1?x"])
async def test_an_id_that_would_lead_elsewhere_is_not_asked_for(
    server: pretend.PretendServer, client: HomeClient, local_id: str
) -> None:
    assert await read_texts(client, local_id) == {}
    assert server.heard == []
