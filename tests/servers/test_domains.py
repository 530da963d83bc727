"""The server behind a name: found in a few requests, and only where the name says so."""

from __future__ import annotations

from typing import Any

import pytest

from tests.servers.dialects.edge import FakeAsker, asker
from toottail.errors import Forbidden, Gone, RedirectedAway, ServerFault, Unreachable
from toottail.servers.domains import Server, find_server
from toottail.servers.nodeinfo import Software

NAME = "example.social"
SERVER = "social.example.org"
REL = "http://nodeinfo.diaspora.software/ns/schema/2.0"


def nodeinfo(host: str) -> dict[str, object]:
    """What is well known at a host that names ``host`` for its nodeinfo."""
    return {
        "/.well-known/nodeinfo": {"links": [{"rel": REL, "href": f"https://{host}/nodeinfo/2.0"}]},
        "/nodeinfo/2.0": {"software": {"name": "Mastodon", "version": "4.5.2"}},
    }


async def find(
    documents: dict[str, object], account: str | None = None
) -> tuple[Server, list[str]]:
    fake: Any = FakeAsker(NAME, documents)
    fake.signs, fake.pause, fake.may = False, lambda: 0.0, lambda *_: True
    return await find_server(asker(fake), account=account), fake.asked


async def test_a_server_under_its_own_name_is_known_with_what_it_runs() -> None:
    found, asked = await find(nodeinfo(NAME))
    assert found == Server(NAME, Software("mastodon", "4.5.2"))
    assert asked == ["/.well-known/nodeinfo", "/nodeinfo/2.0"]


async def test_nodeinfo_of_another_host_names_the_server() -> None:
    found, asked = await find(nodeinfo(SERVER))
    assert found == Server(SERVER)
    assert asked == ["/.well-known/nodeinfo"]


@pytest.mark.parametrize("path", ["nodeinfo", "host-meta", "webfinger"])
async def test_a_redirect_of_what_is_well_known_names_the_server(path: str) -> None:
    away = RedirectedAway(NAME, f"https://{SERVER}/.well-known/{path}")
    found, asked = await find({f"/.well-known/{path}": away}, "@me@example.social")
    assert found.host == SERVER
    assert len(asked) <= 3


async def test_host_meta_names_the_server_in_its_template() -> None:
    xrd = (
        b'<?xml version="1.0"?><XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0"><Link '
        b'rel="lrdd" template="https://social.example.org/.well-known/webfinger?resource={uri}"/>'
    )
    found, asked = await find({"/.well-known/host-meta": xrd + b"</XRD>"})
    assert found.host == SERVER
    assert asked == ["/.well-known/nodeinfo", "/.well-known/host-meta"]


async def test_webfinger_names_the_server_of_an_account() -> None:
    links = [{"rel": 5}, "x", {"rel": "self", "href": f"https://{SERVER}/users/me"}]
    documents: dict[str, object] = {"/.well-known/webfinger": {"links": links}}
    found, asked = await find(documents, "me@example.social")
    assert found.host == SERVER
    assert asked[-1] == "/.well-known/webfinger?resource=acct%3Ame%40example.social"
    found, asked = await find(documents)
    assert found.host == NAME
    assert len(asked) == 2


@pytest.mark.parametrize(
    "answer",
    [
        Forbidden(NAME, 403),
        Gone(NAME, 404),
        RedirectedAway(NAME, "https://10.0.0.1/"),
        RedirectedAway(NAME, "http://social.example.org/"),
        b'template="https://localhost/x{uri}"',
        b'template="https://[/"',
        b"\xff{" * 500,
        b'{"links": [{"rel": "self", "href": "https://192.168.1.1/users/me"}]}',
        b'{"links": {}}',
        b"[" * 50_000,
    ],
)
async def test_a_name_that_leads_to_no_public_server_is_its_own(answer: object) -> None:
    paths = ("nodeinfo", "host-meta", "webfinger")
    documents: dict[str, object] = {f"/.well-known/{path}": answer for path in paths}
    found, asked = await find(documents, "me@example.social")
    assert found.host == NAME
    assert len(asked) <= 3


@pytest.mark.parametrize("error", [Unreachable(NAME, "is down"), ServerFault(NAME, 503)])
async def test_a_name_that_does_not_answer_is_an_error(error: Exception) -> None:
    documents: dict[str, object] = {"/.well-known/nodeinfo": error}
    with pytest.raises(type(error)):
        await find(documents)
    if isinstance(error, ServerFault):
        with pytest.raises(ServerFault):
            await find({"/.well-known/host-meta": error})
