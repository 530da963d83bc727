"""``toottail import combine-social``: members and clients of the predecessor, taken over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from toottail.cli import loop
from toottail.cli.members_moving import Tally, blocks, store
from toottail.moving import combine_social as translation
from toottail.moving.roster import BadRow, Row
from toottail.repository import combine_social as theirs
from toottail.repository import earlier_registrations
from toottail.repository.database import Connection, Database, open_database
from toottail.repository.earlier_registrations import EarlierClient
from toottail.repository.sealing import Sealer
from toottail.service.opening import open_service
from toottail.settings import Settings, load


def take_over(url: str, config: Path | None) -> int:
    """Does it, and says what became of what; the exit code. Raises `TootTailError`."""
    tally = Tally("token")
    kept, left = loop.run(_take_over(load(config), url, tally))
    code = tally.conclude()
    print(f"{kept} clients at homes taken over, with which these tokens can be revoked")
    if left:
        print(f"{left} clients left out: their host is none, or they cannot be used")
    print("Not taken over:")
    for what, why in translation.NOT_TAKEN:
        print(f"  {what}: {why}")
    return code


async def _take_over(settings: Settings, url: str, tally: Tally) -> tuple[int, int]:
    async with (
        theirs.opened(url) as source,
        open_database(settings) as database,
        open_service(settings, database) as service,
    ):
        async for block in blocks(_members(source)):
            await store(database, service.sealer, block, tally)
        # After the members: a home's clients are kept as long as it has any.
        return await _take_clients(source, database, service.sealer)


async def _members(source: Connection) -> AsyncIterator[Row | BadRow]:
    async for record in theirs.tokens(source):
        yield translation.member(record)


async def _take_clients(source: Connection, database: Database, sealer: Sealer) -> tuple[int, int]:
    kept = left = 0
    async for record in theirs.registrations(source):
        client = translation.client(record)
        if client is None:
            left += 1
            continue
        sealed = sealer.seal(client.secret.get_secret_value())
        async with database.transaction() as conn:
            await earlier_registrations.take_over(
                conn,
                client.home,
                EarlierClient(client.id, sealed),
                redirect_uri=client.redirect_uri,
                scopes=translation.SCOPES,
            )
        kept += 1
    return kept, left
