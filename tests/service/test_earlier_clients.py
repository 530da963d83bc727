"""A token can be revoked by the client that it was issued to, however many came after that."""

from __future__ import annotations

import pytest

from tests.service.town import HOME, Town
from toottail.service import account

REPLACED = "UPDATE registrations SET client_id = 'later', secret_sealed = $1 RETURNING home"
EARLIER = "SELECT home, client_id FROM earlier_registrations"


@pytest.mark.parametrize("forgotten", [False, True])
async def test_who_leaves_after_our_client_was_replaced_leaves_no_token(
    town: Town, forgotten: bool
) -> None:
    signed = await town.sign_in()
    if forgotten:
        await town.sql("DELETE FROM registrations RETURNING home")
    else:
        await town.sql(REPLACED, town.service.sealer.seal("another secret"))
    (kept,) = await town.sql(EARLIER)
    assert kept["home"] == HOME
    assert await account.leave(town.service, signed.member_id)
    assert town.oauth["live_tokens"] == []
    assert await town.sql(EARLIER) == []


async def test_a_client_that_nobody_has_a_token_of_is_not_kept(town: Town) -> None:
    await town.begin()
    await town.sql("DELETE FROM registrations RETURNING home")
    assert await town.sql(EARLIER) == []
