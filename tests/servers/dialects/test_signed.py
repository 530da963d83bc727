"""A document is asked for unsigned where that does, and signed where it must be."""

from __future__ import annotations

from typing import Any

import pytest

from tests.servers.dialects.edge import FakeAsker, Reader, asker
from toottail.errors import Forbidden, Gone, RobotsRefused
from toottail.servers.dialects import base
from toottail.servers.dialects.signed import get_document
from toottail.servers.nodeinfo import Software
from toottail.simulator.worlds import build

HOST = "one.example"
NOTE = f"https://{HOST}/posts/1"
PLAIN = Software("smallpub", "1")
GOTOSOCIAL = Software("gotosocial", "0.20")


class Keeper(FakeAsker):
    """A host that shows its note to ``to``: anybody, signed, or nobody (with ``status``)."""

    def __init__(self, to: str, *, signs: bool = True, status: int = 401) -> None:
        super().__init__(HOST, {"/posts/1": {"id": NOTE}})
        self.signs = signs
        self._to = to
        self._status = status

    async def get(self, path_or_url: str, *, signed: bool = False, **options: Any) -> Any:
        if not self.may(path_or_url, signed=signed):
            raise RobotsRefused(HOST, "its robots.txt disallows /posts/1")
        answer = await super().get(path_or_url, signed=signed, **options)
        if self._to == "anybody" or (self._to == "signed" and signed):
            if signed:
                self.signature = "cavage"
            return answer
        raise Forbidden(HOST, self._status)

    @property
    def ways(self) -> list[bool]:
        """Of each request whether it was signed."""
        return [options["signed"] for options in self.options]


async def test_a_thread_of_300_on_gotosocial_becomes_whole_at_a_page_for_each_reply() -> None:
    world = build("levels", seed=1, now=1.7e9, replies=300, origin="gotosocial")
    root = world.timeline[0].status.root
    reader = Reader(world, signs=True)
    await reader.read(root)
    assert {s.uri for s in root.branch() if s is not root} <= set(reader.known)
    assert reader.requests.total() <= 1.05 * 300


async def ask(host: Keeper, software: Software = PLAIN) -> None:
    await get_document(asker(host), NOTE, software)


async def test_what_anybody_may_read_is_not_signed() -> None:
    host = Keeper("anybody")
    await ask(host)
    assert host.ways == [False]
    assert host.signature is None


async def test_after_a_refusal_everything_is_signed() -> None:
    host = Keeper("signed")
    await ask(host)
    await ask(host)
    assert host.ways == [False, True, True]


async def test_software_that_wants_signatures_is_asked_signed_at_once() -> None:
    host = Keeper("signed")
    await ask(host, GOTOSOCIAL)
    assert host.ways == [True]


async def test_where_robots_turn_crawlers_away_a_signed_request_goes_at_once() -> None:
    host = Keeper("anybody")
    host.forbidden = ("/posts/",)
    await ask(host)
    assert host.ways == [True]


async def test_without_an_actor_nothing_is_asked_of_software_that_wants_signatures() -> None:
    host = Keeper("signed", signs=False)
    with pytest.raises(Forbidden) as caught:
        await ask(host, GOTOSOCIAL)
    assert caught.value.what == base.NEEDS_SIGNATURE
    assert host.ways == []


async def test_without_an_actor_a_host_that_wants_signatures_is_asked_once() -> None:
    host = Keeper("signed", signs=False)
    for _ in range(3):
        with pytest.raises(Forbidden, match="TOOTTAIL_ACTOR_URL"):
            await ask(host)
    assert host.ways == [False]
    assert host.signature == "wanted"


async def test_without_an_actor_a_robots_refusal_says_what_would_help() -> None:
    host = Keeper("anybody", signs=False)
    host.forbidden = ("/posts/",)
    with pytest.raises(RobotsRefused, match=r"disallows /posts/1; .*toottail actor"):
        await ask(host)
    assert host.ways == []


async def test_a_host_that_refuses_signatures_too_is_left_alone() -> None:
    host = Keeper("nobody")
    for _ in range(3):
        with pytest.raises(Forbidden) as caught:
            await ask(host)
        assert caught.value.what == base.SIGNATURE_REFUSED
    assert host.ways == [False, True]
    assert host.signature == "refused"


async def test_one_post_that_is_shown_to_nobody_says_nothing_of_the_others() -> None:
    host = Keeper("nobody", status=403)
    with pytest.raises(Forbidden):
        await ask(host)
    assert host.signature is None


async def test_a_refusal_after_our_signature_was_taken_is_about_that_post() -> None:
    host = Keeper("nobody", status=403)
    host.signature = "cavage"
    with pytest.raises(Forbidden, match="answered 403"):
        await ask(host)
    assert host.signature == "cavage"


async def test_what_is_gone_is_not_asked_for_again_with_a_signature() -> None:
    host = Keeper("anybody")
    host.documents = {}
    with pytest.raises(Gone):
        await ask(host)
    assert host.ways == [False]
