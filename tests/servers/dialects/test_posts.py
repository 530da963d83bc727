"""Servers whose posts lead only upwards, and servers that were closed by their admins."""

from __future__ import annotations

from typing import Any

import pytest

from tests.servers.dialects.edge import Canned, FakeAsker, Reader, asker
from tests.servers.dialects.test_whole_threads import replies_of
from toottail.errors import Forbidden, Gone
from toottail.servers.dialects import base, choose
from toottail.servers.door import Answer
from toottail.servers.nodeinfo import Software
from toottail.simulator import worlds
from toottail.types.statuses import LookTarget, Reading

HOST = "a.example"
TAKAHE = Software("takahe", "0.11.0")
UUID = "3a2f1c9e-7b1d-4f43-9a58-5f1d2c3b4a59"
OBJECT = f"https://a.example/objects/{UUID}"
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"


def note(uri: str, **more: Any) -> dict[str, Any]:
    return {"id": uri, "type": "Note", "attributedTo": "https://a.example/u", "to": [PUBLIC]} | more


async def look(
    documents: Canned, target: LookTarget, software: Software = TAKAHE, *, api_off: bool = False
) -> Reading:
    dialect = choose(software, {base.NOTE_API_OFF} if api_off else ())
    return await dialect.look(asker(FakeAsker(HOST, documents)), target, software)


async def test_takahe_tells_of_a_root_that_it_lists_no_replies() -> None:
    uri = "https://a.example/@ada@a.example/posts/1/"
    reading = await look({"/@ada@a.example/posts/1/": note(uri)}, LookTarget(uri, HOST))
    assert reading.refused
    assert [s.uri for s in reading.statuses] == [uri]


@pytest.mark.parametrize("above", ["https://b.example/1", "https://127.0.0.1/1"])
async def test_a_reply_on_takahe_leads_upwards_where_it_can(above: str) -> None:
    uri = "https://a.example/@ada@a.example/posts/1/"
    documents = {"/@ada@a.example/posts/1/": note(uri, inReplyTo=above)}
    reading = await look(documents, LookTarget(uri, HOST))
    assert reading.refused is None
    (status,) = reading.statuses
    assert (status.is_reply, status.parent_uri) == (True, above if "b.ex" in above else None)


@pytest.mark.parametrize("software", [Software("pleroma", "2.9.1"), Software("akkoma", "3.16.0")])
class TestClosed:
    """``public: false`` and ``restrict_unauthenticated``, as both programs answer then."""

    async def test_the_api_refuses_and_what_is_denied_then_is_no_proof_of_a_deletion(
        self, software: Software
    ) -> None:
        documents = {
            f"/objects/{UUID}": Gone(HOST, 404),
            "/api/v1/statuses/AbCdEfGhIj12/context": Forbidden(HOST, 403),
        }
        first = LookTarget(OBJECT, HOST, base.CONTEXT, "AbCdEfGhIj12")
        reading = await look(documents, first, software)
        assert base.NOTE_API_OFF in reading.notes
        assert (reading.gone, reading.refused) == (False, base.NEEDS_SIGNATURE)
        assert reading.further == ()
        again = await look(documents, LookTarget(OBJECT, HOST), software, api_off=True)
        assert (again.gone, again.refused) == (False, base.NEEDS_SIGNATURE)

    async def test_where_only_the_api_is_closed_the_post_itself_is_read(
        self, software: Software
    ) -> None:
        documents = {
            f"/objects/{UUID}": note(OBJECT, replies=f"{OBJECT}/replies"),
            "/api/v1/statuses/AbCdEfGhIj12/context": Forbidden(HOST, 403),
        }
        first = LookTarget(OBJECT, HOST, base.CONTEXT, "AbCdEfGhIj12")
        reading = await look(documents, first, software)
        assert [s.uri for s in reading.statuses] == [OBJECT]
        assert [t.how for t in reading.further] == [base.AP_REPLIES]

    async def test_where_the_api_is_open_the_same_answer_means_a_deletion(
        self, software: Software
    ) -> None:
        first = LookTarget(OBJECT, HOST, base.CONTEXT, "AbCdEfGhIj12")
        (document,) = (await look({}, first, software)).further
        assert (await look({}, document, software)).gone

    async def test_a_signed_request_is_shown_what_an_unsigned_one_is_not(
        self, software: Software
    ) -> None:
        fake = SignedOnly(HOST, {f"/objects/{UUID}": note(OBJECT)})
        target = LookTarget(OBJECT, HOST, base.AP)
        reading = await choose(software, {base.NOTE_API_OFF}).look(asker(fake), target, software)
        assert [s.uri for s in reading.statuses] == [OBJECT]
        fake.documents = {}
        reading = await choose(software, {base.NOTE_API_OFF}).look(asker(fake), target, software)
        assert reading.gone


class SignedOnly(FakeAsker):
    """Denies everything to who does not sign."""

    def __init__(self, host: str, documents: Canned) -> None:
        super().__init__(host, documents)
        self.signs = True

    async def get(self, path_or_url: str, **options: Any) -> Answer:
        """As `Asker.get`."""
        if not options.get("signed"):
            raise Gone(self.host, 404)
        return await super().get(path_or_url, **options)


@pytest.mark.parametrize("origin", ["pleroma", "akkoma"])
async def test_a_thread_of_three_levels_becomes_whole_with_the_first_answer(origin: str) -> None:
    world = worlds.build("levels", now=1.7e9, replies=300, origin=origin)
    root = world.timeline[0].status.root
    reader = Reader(world)
    await reader.read(root)
    assert replies_of(root) <= set(reader.known)
    # The object leads to the page, the page's id to the whole conversation.
    assert reader.requests.total() <= 3
