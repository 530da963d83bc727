"""What our actor signs, others can verify: programs and libraries that nobody here wrote."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from http_message_signatures import (
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    InvalidSignature,
    algorithms,
)
from httpsig.verify import HeaderVerifier
from yarl import URL

from tests.servers import pretend
from tests.servers.pretend import HOST, Heard, PretendServer, Script, answering, asker, permit
from toottail.errors import Forbidden, RobotsRefused, SettingsError
from toottail.servers.budgets import HostBudget, Limit, standard_limits
from toottail.servers.door import Door, Request
from toottail.servers.robots import Robots
from toottail.servers.signatures import Scheme, Signer, make_key, open_signer
from toottail.settings import Settings

ACTOR = "https://actor.example/actor"
PATH = "/users/bob/statuses/1/replies?page=2&min_id=%C3%A9"


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("actor") / "actor.pem"
    assert make_key(path)
    return path


@pytest.fixture
def signer(key_file: Path) -> Signer:
    made = open_signer(Settings(actor_url=ACTOR, actor_key_file=key_file))
    assert made is not None
    return made


def signing(server: PretendServer, key_file: Path) -> Door:
    return Door(pretend.settings(server.port, actor_url=ACTOR, actor_key_file=key_file))


def by_cavage(heard: Heard, signer: Signer, path: str | None = None) -> bool:
    """The verdict of a library on draft-cavage signatures."""
    verdict: bool = HeaderVerifier(
        heard.headers,
        signer.public_pem,
        required_headers=["(request-target)", "host", "date"],
        method=heard.method,
        path=path or heard.target,
        sign_header="signature",
    ).verify()
    return verdict


class _Keys(HTTPSignatureKeyResolver):
    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def resolve_public_key(self, key_id: str) -> Any:
        assert key_id == f"{ACTOR}#main-key"
        return serialization.load_pem_public_key(self._signer.public_pem.encode())


class _Message:
    def __init__(self, heard: Heard, path: str) -> None:
        self.method = heard.method
        self.url = str(URL(f"https://{HOST}{path}", encoded=True))
        self.headers: Mapping[str, str] = heard.headers


def by_rfc9421(heard: Heard, signer: Signer, path: str | None = None) -> bool:
    """The verdict of a library on RFC 9421 signatures, on what Mastodon wants covered."""
    verifier = HTTPMessageVerifier(
        signature_algorithm=algorithms.RSA_V1_5_SHA256, key_resolver=_Keys(signer)
    )
    try:
        (found,) = verifier.verify(_Message(heard, path or heard.target))
    except InvalidSignature:
        return False
    return {'"@method"', '"@target-uri"'} <= set(found.covered_components)


VERDICTS = {"cavage": by_cavage, "rfc9421": by_rfc9421}


@pytest.mark.parametrize("scheme", ["cavage", "rfc9421"])
async def test_what_goes_out_is_signed_as_a_foreign_library_verifies_it(
    server: PretendServer, key_file: Path, signer: Signer, scheme: Scheme
) -> None:
    server.on("/users/bob/statuses/1/replies")
    async with signing(server, key_file) as door:
        await asker(door).get(PATH, signed=scheme)
    (heard,) = server.heard
    assert heard.target == PATH
    assert heard.headers["host"] == HOST
    assert VERDICTS[scheme](heard, signer)
    assert not VERDICTS[scheme](heard, signer, "/users/bob/statuses/2/replies?page=2")


@pytest.mark.parametrize("scheme", ["cavage", "rfc9421"])
async def test_each_hop_of_a_redirect_is_signed_for_its_own_path(
    server: PretendServer, key_file: Path, signer: Signer, scheme: Scheme
) -> None:
    server.on("/old", status="302 Found", Location="/new?x=1")
    server.on("/new")
    async with signing(server, key_file) as door:
        await asker(door).get("/old", signed=scheme)
    assert [heard.target for heard in server.heard] == ["/old", "/new?x=1"]
    assert all(VERDICTS[scheme](heard, signer) for heard in server.heard)


async def test_nothing_is_signed_unless_asked_for(server: PretendServer, key_file: Path) -> None:
    server.on("/x")
    async with signing(server, key_file) as door:
        await asker(door).get("/x")
    assert not server.heard[0].headers.keys() & {"signature", "signature-input"}


def taking(only: str) -> Script:
    """A host that takes one way of signing, and answers 401 to all others."""

    async def script(heard: Heard, writer: asyncio.StreamWriter) -> None:
        way = "rfc9421" if "signature-input" in heard.headers else "cavage"
        good = "signature" in heard.headers and way == only
        await answering(b"{}", "200 OK" if good else "401 Unauthorized")(heard, writer)

    return script


async def test_a_host_that_refuses_one_way_is_asked_in_the_other_from_then_on(
    server: PretendServer, key_file: Path
) -> None:
    server.scripts["/x"] = taking("rfc9421")
    leave = permit()
    async with signing(server, key_file) as door:
        for _ in range(3):
            await asker(door, leave).get("/x", signed=True)
    assert ["signature-input" in heard.headers for heard in server.heard] == [False] + [True] * 3
    assert leave.signature == "rfc9421"
    assert leave.sent == 4, "the refused one counts against the budget too"


async def test_a_host_that_refuses_both_ways_has_heard_each_once(
    server: PretendServer, key_file: Path
) -> None:
    server.scripts["/x"] = taking("neither")
    leave = permit()
    async with signing(server, key_file) as door:
        with pytest.raises(Forbidden):
            await asker(door, leave).get("/x", signed=True)
    assert len(server.heard) == 2
    assert leave.signature is None


async def test_a_host_meets_our_actor_in_one_request_alone(
    server: PretendServer, key_file: Path
) -> None:
    """GoToSocial stores the actor at the first one, and fails at a second that comes meanwhile."""

    async def slow(heard: Heard, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.05)
        await answering(b"{}")(heard, writer)

    server.scripts["/x"] = slow
    leave = permit(in_flight=4)
    async with signing(server, key_file) as door:
        first = [asyncio.create_task(asker(door, leave).get("/x", signed=True)) for _ in range(4)]
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        assert server.most_at_once == 1
        await asyncio.gather(*first)
    assert server.most_at_once > 1


async def test_rules_for_all_crawlers_bind_only_what_is_not_signed(
    server: PretendServer, key_file: Path
) -> None:
    server.on("/x")
    leave = permit(robots=Robots("User-agent: *\nCrawl-delay: 500\nDisallow: /\n"))
    async with signing(server, key_file) as door:
        for _ in range(3):
            await asker(door, leave).get("/x", signed="cavage")
        with pytest.raises(RobotsRefused):
            await asker(door, leave).get("/x")
    assert len(server.heard) == 3


async def test_a_group_that_names_us_binds_what_is_signed_too(
    server: PretendServer, key_file: Path
) -> None:
    server.on("/x")
    text = "User-agent: *\nAllow: /\n\nUser-agent: toottail\nDisallow: /x\nCrawl-delay: 7\n"
    leave = permit(robots=Robots(text))
    async with signing(server, key_file) as door:
        with pytest.raises(RobotsRefused):
            await asker(door, leave).get("/x", signed="cavage")
    assert server.heard == []
    assert leave.budget.paced(["signed"]) == 7


def test_signed_requests_have_an_allowance_of_their_own() -> None:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    budget = HostBudget(HOST, defaults={**standard_limits(), "anonymous": Limit(1, 60)})
    budget.spend(["anonymous"], now)
    assert budget.earliest(["anonymous"], now) > now
    assert budget.earliest(["signed"], now) == now
    for _ in range(120):
        budget.spend(["signed"], now)
    assert budget.earliest(["signed"], now) > now, "as careful as with anonymous ones"


async def test_a_failing_hosts_circuit_stops_signed_requests_as_well(
    server: PretendServer, key_file: Path
) -> None:
    leave = permit()
    for _ in range(3):
        leave.budget.failed(leave.clock())
    assert leave.budget.earliest(["signed"], leave.clock()) > leave.clock()


def test_the_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "actor.pem"
    assert make_key(path)
    first = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert not make_key(path)
    assert path.read_bytes() == first
    assert [p.name for p in tmp_path.iterdir()] == ["actor.pem"]


def test_the_private_key_is_in_no_text_of_the_signer(signer: Signer, key_file: Path) -> None:
    secret = key_file.read_text().splitlines()[1]
    shown = [repr(signer), str(vars(signer)), repr(Request("https://a.example/", sign="cavage"))]
    assert secret not in "".join(shown) + signer.public_pem


@pytest.mark.parametrize("content", [b"", b"no key", b"\xff\xfe"])
def test_a_file_that_holds_no_key_is_a_wrong_setting(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "actor.pem"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match="holds no RSA key"):
        open_signer(Settings(actor_url=ACTOR, actor_key_file=path))


def test_an_actor_without_a_key_is_told_how_to_make_one(tmp_path: Path) -> None:
    settings = Settings(actor_url=ACTOR, actor_key_file=tmp_path / "actor.pem")
    with pytest.raises(SettingsError, match="toottail actor makes it"):
        open_signer(settings)
    with pytest.raises(SettingsError):
        Door(settings)
    assert open_signer(Settings()) is None
