"""The door's promises, on real TLS sockets."""

from __future__ import annotations

import asyncio
import traceback
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from pydantic import SecretStr

from tests.servers import pretend
from tests.servers.pretend import HOST, Heard, PretendServer, asker, permit
from toottail.errors import (
    AddressRefused,
    AnswerRefused,
    Forbidden,
    Gone,
    LaneLost,
    NotPermittedYet,
    RedirectedAway,
    RobotsRefused,
    ServerFault,
    StatusError,
    TooManyRequests,
    Unreachable,
)
from toottail.servers.door import Door, Request
from toottail.servers.robots import Robots

SECRET = "s3cret-token-of-a-member"


async def test_an_answer_brings_status_headers_body_and_url(
    server: PretendServer, door: Door
) -> None:
    server.on("/api", b'{"a": 1}', X_Something="yes")
    answer = await asker(door).get("/api", params={"q": "a b"})
    assert (answer.host, answer.status, answer.body) == (HOST, 200, b'{"a": 1}')
    assert answer.headers["x-SOMETHING"] == "yes"
    assert answer.url == f"https://{HOST}/api?q=a+b"
    assert server.heard[0].headers["user-agent"].startswith("TootTail/")


async def test_a_path_goes_out_as_it_was_given(server: PretendServer, door: Door) -> None:
    await _fails(asker(door).get(f"https://{HOST}/a%2Fb/%7euser?x=%20"), Gone)
    assert server.heard[0].target == "/a%2Fb/%7euser?x=%20"


async def test_a_form_is_posted_with_the_token(server: PretendServer, door: Door) -> None:
    server.on("/apps")
    await asker(door).post("/apps", form={"name": "me"}, token=SecretStr(SECRET))
    heard = server.heard[0]
    assert (heard.method, heard.body) == ("POST", b"name=me")
    assert heard.headers["authorization"] == f"Bearer {SECRET}"


async def test_a_url_of_another_host_is_not_asked(server: PretendServer, door: Door) -> None:
    with pytest.raises(RedirectedAway):
        await asker(door).get("https://two.example/")
    with pytest.raises(RedirectedAway):
        await door.send(permit(), Request("https://two.example/"))
    assert server.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        "http://one.example/",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::1]/",
        "https://localhost/",
        "https://one.example:8443/",
        "https://me@one.example/",
        "https://one.example\\@two.example/",
        "file:///etc/passwd",
        "/relative",
    ],
)
async def test_what_is_no_public_https_url_is_not_asked(
    url: str, server: PretendServer, door: Door
) -> None:
    with pytest.raises(AddressRefused):
        await door.send(permit(), Request(url))
    assert server.connections == 0


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("401 Unauthorized", Forbidden),
        ("403 Forbidden", Forbidden),
        ("404 Not Found", Gone),
        ("410 Gone", Gone),
        ("422 Unprocessable", StatusError),
        ("500 Oops", ServerFault),
        ("503 Busy", ServerFault),
        ("304 Not Modified", StatusError),
    ],
)
async def test_each_status_has_its_error(
    status: str, kind: type[StatusError], server: PretendServer, door: Door
) -> None:
    server.on("/x", b"" if status.startswith("304") else b'{"error": "so it is"}', status)
    with pytest.raises(kind) as caught:
        await asker(door).get("/x")
    assert type(caught.value) is kind
    assert caught.value.status == int(status[:3])


async def test_an_error_tells_the_servers_own_words_but_never_the_token(
    server: PretendServer, door: Door
) -> None:
    server.on("/x", b'{"error": "bad\\n %s"}' % SECRET.encode(), "403 Forbidden")
    with pytest.raises(Forbidden) as caught:
        await asker(door).get("/x", token=SecretStr(SECRET))
    assert caught.value.what == "answered 403: bad …"
    _assert_secret_kept(caught.value)


async def test_the_token_is_in_no_error_of_a_broken_connection(
    server: PretendServer, door: Door
) -> None:
    async def hang_up(heard: Heard, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server.scripts["/x"] = hang_up
    with pytest.raises(Unreachable) as caught:
        await asker(door).get("/x", token=SecretStr(SECRET))
    _assert_secret_kept(caught.value)
    assert caught.value.__context__ is None
    assert SECRET not in repr(Request("https://one.example/", token=SecretStr(SECRET)))
    assert SECRET not in repr(Request("https://one.example/", form={"secret": SECRET}))


async def test_a_redirect_on_the_host_is_followed_and_counted(
    server: PretendServer, door: Door
) -> None:
    server.on("/a", b"", "302 Found", Location="/b")
    server.on("/b", b"[]")
    leave = permit()
    answer = await asker(door, leave).get("/a", token=SecretStr(SECRET))
    assert (answer.url, answer.body, leave.sent) == (f"https://{HOST}/b", b"[]", 2)


async def test_a_redirect_to_another_host_is_handed_back_and_gets_no_token(
    server: PretendServer, door: Door
) -> None:
    server.on("/a", b"", "301 Moved", Location="https://two.example/b")
    with pytest.raises(RedirectedAway) as caught:
        await asker(door).get("/a", token=SecretStr(SECRET))
    assert caught.value.url == "https://two.example/b"
    assert len(server.heard) == 1


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/",
        "https://127.0.0.1/",
        "https://[::ffff:127.0.0.1]/",
        "http://one.example/plain",
        "//localhost/",
        "https://[bad",
    ],
)
async def test_a_redirect_to_a_private_address_ends_there(
    location: str, server: PretendServer, door: Door
) -> None:
    server.on("/a", b"", "302 Found", Location=location)
    with pytest.raises((AddressRefused, AnswerRefused)):
        await asker(door).get("/a")
    assert len(server.heard) == 1


async def test_redirects_in_a_circle_end(server: PretendServer, door: Door) -> None:
    server.on("/a", b"", "302 Found", Location="/b")
    server.on("/b", b"", "302 Found", Location="/a")
    await _fails(asker(door).get("/a"), AnswerRefused)
    assert len(server.heard) == 2


async def test_endless_new_redirects_end_after_four(server: PretendServer, door: Door) -> None:
    for step in range(9):
        server.on(f"/{step}", b"", "302 Found", Location=f"/{step + 1}")
    await _fails(asker(door).get("/0"), AnswerRefused)
    assert len(server.heard) == 5


async def test_each_hop_of_a_redirect_is_held_to_robots(server: PretendServer, door: Door) -> None:
    server.on("/a", b"", "302 Found", Location="/private/b")
    leave = permit(robots=Robots("User-agent: *\nDisallow: /private/"))
    await _fails(asker(door, leave).get("/a"), RobotsRefused)
    await _fails(asker(door, leave).get("/private/c"), RobotsRefused)
    assert [heard.target for heard in server.heard] == ["/a"]
    await _fails(asker(door, leave).get("/private/c", robots=False), Gone)


async def test_a_post_is_never_sent_twice(server: PretendServer, door: Door) -> None:
    server.on("/a", b"", "307 Again", Location="/b")
    await _fails(asker(door).post("/a", form={"x": "1"}), AnswerRefused)
    assert len(server.heard) == 1


@pytest.mark.parametrize("kind", ["text/html", "image/png", "application/jsonp", ""])
async def test_what_is_no_data_is_not_read(kind: str, server: PretendServer, door: Door) -> None:
    server.on("/x", b"{}", kind=kind)
    await _fails(asker(door).get("/x"), AnswerRefused)


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "application/activity+json", "application/ld+json"]
)
async def test_the_json_family_is_read(kind: str, server: PretendServer, door: Door) -> None:
    server.on("/x", b"{}", kind=kind)
    assert (await asker(door).get("/x")).body == b"{}"


async def test_cookies_are_not_kept(server: PretendServer, door: Door) -> None:
    server.on("/x", Set_Cookie="a=b; Path=/")
    for _ in range(2):
        await asker(door).get("/x")
    assert "cookie" not in server.heard[1].headers


async def test_a_proxy_in_the_environment_is_not_used(
    server: PretendServer, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    server.on("/x")
    assert (await asker(door).get("/x")).status == 200


async def test_connections_are_used_again(server: PretendServer, door: Door) -> None:
    server.on("/x")
    for _ in range(3):
        await asker(door).get("/x")
        await _fails(asker(door).get("/missing"), Gone)
    assert server.connections == 1


async def test_no_more_requests_are_in_flight_than_permitted(
    server: PretendServer, door: Door
) -> None:
    async def slow(heard: Heard, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.02)
        await pretend.answering(b"{}")(heard, writer)

    server.scripts["/x"] = slow
    ask = asker(door, permit(in_flight=3))
    await asyncio.gather(*(ask.get("/x") for _ in range(12)))
    assert server.most_at_once == 3


async def test_a_lost_lane_sends_nothing(server: PretendServer, door: Door) -> None:
    async def lost() -> None:
        raise LaneLost("gone")

    leave = permit(before_send=lost)
    await _fails(asker(door, leave).get("/x"), LaneLost)
    assert (server.connections, leave.sent, leave.flying) == (0, 0, 0)


async def test_a_429_is_obeyed_by_the_next_request(server: PretendServer, door: Door) -> None:
    reset = (datetime.now(UTC) + timedelta(seconds=90)).isoformat()
    server.on(
        "/x",
        b"{}",
        "429 Slow",
        X_RateLimit_Limit="300",
        X_RateLimit_Remaining="0",
        X_RateLimit_Reset=reset,
    )
    ask = asker(door)
    with pytest.raises(TooManyRequests) as caught:
        await ask.get("/x")
    assert caught.value.until is not None
    with pytest.raises(NotPermittedYet) as later:
        await ask.get("/x")
    assert later.value.until > datetime.now(UTC) + timedelta(seconds=80)
    assert len(server.heard) == 1


async def test_retry_after_of_a_busy_server_is_obeyed(server: PretendServer, door: Door) -> None:
    server.on("/x", b"{}", "503 Busy", Retry_After="120")
    ask = asker(door)
    await _fails(ask.get("/x"), ServerFault)
    await _fails(ask.get("/y"), NotPermittedYet)
    assert len(server.heard) == 1


async def test_two_failures_in_a_row_open_the_circuit(server: PretendServer, door: Door) -> None:
    server.on("/x", b"{}", "500 Oops")
    ask = asker(door)
    for _ in range(2):
        await _fails(ask.get("/x"), ServerFault)
    await _fails(ask.get("/y"), NotPermittedYet)


async def test_a_redirect_is_the_answer_itself_where_it_is_not_to_be_followed(
    server: PretendServer, door: Door
) -> None:
    server.on("/objects/1", b"", "302 Found", Location="/notice/9")
    answer = await asker(door).get("/objects/1", accept="*/*", follow=False)
    assert (answer.status, answer.headers["Location"]) == (302, "/notice/9")
    assert len(server.heard) == 1


async def test_missing_pages_are_no_failure_of_the_host(server: PretendServer, door: Door) -> None:
    server.on("/x", b"{}", "401 No")
    ask = asker(door)
    for _ in range(4):
        await _fails(ask.get("/missing"), Gone)
        await _fails(ask.get("/x"), Forbidden)
    assert len(server.heard) == 8


async def test_a_certificate_of_nobody_we_trust_is_refused(
    server: PretendServer, tmp_path: Path
) -> None:
    other, _path = pretend.authority(tmp_path)
    for context in (
        pretend.certificate(other, "one.example", "two.example"),
        pretend.certificate(trustme.CA(), "one.example", "two.example"),
    ):
        async with (
            PretendServer(context) as bad,
            Door(pretend.settings(bad.port)) as opened,
        ):
            with pytest.raises(Unreachable, match="certificate"):
                await asker(opened).get("/x")
            assert not bad.heard


async def test_a_certificate_for_another_name_is_refused(
    own_authority: tuple[trustme.CA, Path], server: PretendServer
) -> None:
    context = pretend.certificate(own_authority[0], "two.example")
    async with PretendServer(context) as bad, Door(pretend.settings(bad.port)) as opened:
        with pytest.raises(Unreachable, match="certificate"):
            await asker(opened).get("/x")


async def test_a_server_without_tls_is_unreachable() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with Door(pretend.settings(port)) as opened:
        with pytest.raises(Unreachable, match="TLS"):
            await asker(opened).get("/x")
    server.close()


async def test_a_host_where_nobody_listens_is_unreachable_and_then_left_alone() -> None:
    async with PretendServer(None) as gone:
        port = gone.port
    async with Door(pretend.settings(port)) as opened:
        leave = permit()
        for _ in range(2):
            with pytest.raises(Unreachable, match="cannot be connected to"):
                await asker(opened, leave).get("/x")
        await _fails(asker(opened, leave).get("/x"), NotPermittedYet)


async def test_requests_that_never_went_out_are_given_their_place_back(
    server: PretendServer, door: Door
) -> None:
    leave = permit(in_flight=1)
    for _ in range(3):
        await _fails(asker(door, leave).get("/missing"), Gone)
    assert leave.flying == 0


def _assert_secret_kept(error: BaseException) -> None:
    told = "".join(traceback.format_exception(error)) + repr(error)
    assert SECRET not in told


async def _fails(waited: object, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        await waited  # type: ignore[misc]
