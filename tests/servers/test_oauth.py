"""OAuth with homes, on real sockets: what is sent, what is believed of the answers, what is not."""

from __future__ import annotations

import base64
import hashlib
import json
import traceback
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from pydantic import SecretStr

from tests.servers.pretend import HOST, PretendServer, asker
from toottail.errors import AnswerRefused, Forbidden, Gone, RemoteError, StatusError
from toottail.servers import oauth
from toottail.servers.door import Door
from toottail.servers.oauth import Client

CLIENT = Client("our-id", SecretStr("our-s3cret"))
CODE, VERIFIER, TOKEN = (
    "c0de-of-theirs",
    SecretStr("v3rifier-of-ours"),
    SecretStr("t0ken-of-theirs"),
)
SECRETS = ("our-s3cret", CODE, "v3rifier-of-ours", "t0ken-of-theirs")
METADATA = "/.well-known/oauth-authorization-server"


def sent(server: PretendServer) -> dict[str, str]:
    """The last form that the server got."""
    return dict(parse_qsl(server.heard[-1].body.decode(), keep_blank_values=True))


async def exchange(door: Door) -> oauth.Token:
    return await oauth.exchange(
        asker(door), CLIENT, code=CODE, redirect_uri="https://us.example/back", verifier=VERIFIER
    )


async def test_the_title_is_that_of_the_newer_api_else_of_the_older(
    server: PretendServer, door: Door
) -> None:
    server.on("/api/v1/instance", b'{"title": "Old"}')
    assert await oauth.read_title(asker(door)) == "Old"
    server.on("/api/v2/instance", b'{"title": "New"}')
    assert await oauth.read_title(asker(door)) == "New"


async def test_a_server_without_the_api_has_no_title(server: PretendServer, door: Door) -> None:
    with pytest.raises(Gone):
        await oauth.read_title(asker(door))
    server.on("/api/v2/instance", status="401 Unauthorized")
    assert await oauth.read_title(asker(door)) == ""


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("  A \n\t server ", "A server"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("a\u202egnp.exe\u2066b\u200bc\u0000d\u001b[2J", "agnp.exebcd[2J"),
        ("x" * 5000, "x" * 99 + "…"),
        ("Größe · 東京", "Größe · 東京"),
    ],
)
async def test_a_title_is_one_short_line_without_what_is_invisible(
    server: PretendServer, door: Door, told: str, shown: str
) -> None:
    server.on("/api/v2/instance", json.dumps({"title": told}).encode())
    assert await oauth.read_title(asker(door)) == shown


async def test_metadata_tells_scopes_and_the_path_of_revocation(
    server: PretendServer, door: Door
) -> None:
    told = {
        "scopes_supported": ["read", "profile", 7],
        "revocation_endpoint": f"https://{HOST}/auth/end",
    }
    server.on(METADATA, json.dumps(told).encode())
    found = await oauth.read_metadata(asker(door))
    assert found == oauth.Metadata(frozenset({"read", "profile"}), "/auth/end")


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://two.example/oauth/revoke",
        f"http://{HOST}/oauth/revoke",
        f"https://{HOST}:8443/x",
        f"https://{HOST}/x?y=1",
        f"https://me@{HOST}/x",
        f"https://{HOST}",
        "https://127.0.0.1/x",
        "/x",
        f"https://{HOST}/" + "x" * 3000,
        7,
        None,
    ],
)
async def test_an_endpoint_elsewhere_is_not_believed(
    server: PretendServer, door: Door, endpoint: object
) -> None:
    server.on(METADATA, json.dumps({"revocation_endpoint": endpoint}).encode())
    assert (await oauth.read_metadata(asker(door))).revoke_path == "/oauth/revoke"


@pytest.mark.parametrize(
    ("body", "status", "kind", "headers"),
    [
        (b"{}", "404 Not Found", "application/json", {}),
        (b"{}", "401 Unauthorized", "application/json", {}),
        (b"<html>", "200 OK", "text/html", {}),
        (b"[1, 2", "200 OK", "application/json", {}),
        (b"[]", "200 OK", "application/json", {}),
        (b'{"scopes_supported": "read"}', "200 OK", "application/json", {}),
        (b'{"x": "' + b"x" * 300_000 + b'"}', "200 OK", "application/json", {}),
        (b"{}", "302 Found", "application/json", {"Location": "https://two.example/"}),
    ],
)
async def test_a_home_without_readable_metadata_is_the_usual_one(
    server: PretendServer, door: Door, body: bytes, status: str, kind: str, headers: dict[str, str]
) -> None:
    server.on(METADATA, body, status, kind, **headers)
    assert await oauth.read_metadata(asker(door)) == oauth.Metadata()


async def test_a_client_is_registered_with_a_form(server: PretendServer, door: Door) -> None:
    server.on("/api/v1/apps", b'{"client_id": "a", "client_secret": "b", "vapid_key": ""}')
    made = await oauth.register(
        asker(door),
        name="Us & co",
        redirect_uri="https://us.example/back",
        scopes={"read:statuses", "profile"},
        website="https://us.example",
    )
    assert (made.id, made.secret.get_secret_value()) == ("a", "b")
    assert sent(server) == {
        "client_name": "Us & co",
        "redirect_uris": "https://us.example/back",
        "scopes": "profile read:statuses",
        "website": "https://us.example",
    }


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b"null",
        b"",
        b'{"client_id": "a"}',
        b'{"client_id": "", "client_secret": "b"}',
        b'{"client_id": "a b", "client_secret": "b"}',
        b'{"client_id": "a\\r\\nX: y", "client_secret": "b"}',
        b'{"client_id": 7, "client_secret": "b"}',
        b'{"client_id": "' + b"a" * 600 + b'", "client_secret": "b"}',
        b'{"client_id": "a", "client_secret": "' + b"b" * 300_000 + b'"}',
    ],
)
async def test_a_registration_of_no_use_is_refused(
    server: PretendServer, door: Door, body: bytes
) -> None:
    server.on("/api/v1/apps", body)
    with pytest.raises(AnswerRefused):
        await oauth.register(asker(door), name="x", redirect_uri="y", scopes=["read"], website="z")


def test_the_authorize_url_has_all_that_binds_the_answer_to_us() -> None:
    url = oauth.authorize_url(
        "https://home.example",
        "our id&",
        redirect_uri="https://us.example/back",
        scopes={"read:search", "profile"},
        state="s-t_a",
        verifier=VERIFIER,
    )
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc, parts.path) == ("https", "home.example", "/oauth/authorize")
    digest = hashlib.sha256(VERIFIER.get_secret_value().encode()).digest()
    assert parse_qs(parts.query) == {
        "response_type": ["code"],
        "client_id": ["our id&"],
        "redirect_uri": ["https://us.example/back"],
        "scope": ["profile read:search"],
        "state": ["s-t_a"],
        "code_challenge": [base64.urlsafe_b64encode(digest).decode().rstrip("=")],
        "code_challenge_method": ["S256"],
    }
    assert VERIFIER.get_secret_value() not in url


async def test_a_code_becomes_a_token(server: PretendServer, door: Door) -> None:
    server.on("/oauth/token", b'{"access_token": "t", "scope": "read profile", "created_at": 1}')
    token = await exchange(door)
    assert (token.secret.get_secret_value(), token.scopes) == ("t", frozenset({"read", "profile"}))
    assert sent(server) == {
        "grant_type": "authorization_code",
        "code": CODE,
        "client_id": "our-id",
        "client_secret": "our-s3cret",
        "redirect_uri": "https://us.example/back",
        "code_verifier": "v3rifier-of-ours",
    }
    assert "t'" not in repr(token)


@pytest.mark.parametrize("scope", [b"null", b'""', b"7", b"[]"])
async def test_scopes_that_are_not_told_are_as_asked(
    server: PretendServer, door: Door, scope: bytes
) -> None:
    server.on("/oauth/token", b'{"access_token": "t", "scope": ' + scope + b"}")
    assert (await exchange(door)).scopes is None


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b"",
        b'{"access_token": ""}',
        b'{"access_token": null}',
        b'{"access_token": "a b"}',
        b'{"access_token": "a\\nb"}',
        b'{"access_token": "\\u00fc"}',
        b'{"access_token": "' + b"a" * 5000 + b'"}',
        b'{"access_token": "' + b"a" * 300_000 + b'"}',
    ],
)
async def test_a_token_of_no_use_is_refused(server: PretendServer, door: Door, body: bytes) -> None:
    server.on("/oauth/token", body)
    with pytest.raises(AnswerRefused):
        await exchange(door)


@pytest.mark.parametrize(
    ("word", "knows"),
    [
        ("invalid_client", False),
        ("unauthorized_client", False),
        ("invalid_client_id", False),
        ("invalid_grant", True),
        ("access_denied", True),
        ("Invalid credentials", True),
    ],
)
async def test_a_client_that_the_home_forgot_is_told_from_a_bad_code(
    server: PretendServer, door: Door, word: str, knows: bool
) -> None:
    server.on("/oauth/token", json.dumps({"error": word}).encode(), "401 Unauthorized")
    with pytest.raises(Forbidden) as refusal:
        await exchange(door)
    assert oauth.knows_client(refusal.value) is knows


async def test_an_error_repeats_nothing_that_we_sent(server: PretendServer, door: Door) -> None:
    echo = {"error": "invalid_grant", "error_description": " ".join(SECRETS)}
    server.on("/oauth/token", json.dumps(echo).encode(), "400 Bad Request")
    with pytest.raises(StatusError, match="invalid_grant") as refusal:
        await exchange(door)
    shown = "".join(traceback.format_exception(refusal.value))
    assert not [secret for secret in SECRETS if secret in shown]


async def test_a_form_is_never_sent_on_to_where_it_is_redirected(
    server: PretendServer, door: Door
) -> None:
    for target in (f"https://{HOST}/other", "https://two.example/oauth/token"):
        server.on("/oauth/token", status="307 Temporary Redirect", Location=target)
        with pytest.raises(RemoteError):
            await exchange(door)
    assert [heard.target for heard in server.heard] == ["/oauth/token"] * 2


@pytest.mark.parametrize(
    ("body", "status", "kind", "done"),
    [
        (b"{}", "200 OK", "application/json", True),
        (b"", "200 OK", "text/html", True),
        (b"", "204 No Content", "text/plain", True),
        (b"{}", "403 Forbidden", "application/json", False),
        (b"{}", "404 Not Found", "application/json", False),
        (b"", "500 Internal Server Error", "text/html", False),
        (b"", "302 Found", "text/html", False),
    ],
)
async def test_a_revocation_is_done_when_the_home_says_so(
    server: PretendServer, door: Door, body: bytes, status: str, kind: str, done: bool
) -> None:
    server.on("/auth/end", body, status, kind)
    assert await oauth.revoke(asker(door), CLIENT, TOKEN, "/auth/end") is done
    assert sent(server) == {
        "client_id": "our-id",
        "client_secret": "our-s3cret",
        "token": "t0ken-of-theirs",
    }


def test_a_broad_scope_covers_the_narrow_ones() -> None:
    assert oauth.covers({"read"}, "read:search")
    assert oauth.covers({"read:search"}, "read:search")
    assert not oauth.covers({"read:search"}, "read")
    assert not oauth.covers({"write", "profile"}, "read:search")
