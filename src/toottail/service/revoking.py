"""Ending tokens at their homes."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from pydantic import SecretStr

from toottail.errors import SettingsError
from toottail.repository import earlier_registrations, registrations
from toottail.repository.earlier_registrations import EarlierClient
from toottail.repository.registrations import Registration
from toottail.servers import oauth
from toottail.servers.oauth import Client
from toottail.service import home_requests
from toottail.service.context import Service

REVOKE_WITHIN = 10.0
"""Seconds that a home has to end a token."""


async def revoke(service: Service, home: str, token_sealed: bytes) -> bool:
    """Ends a token, as far as the home lets itself be reached; whether it confirmed that."""
    async with service.database.connection() as conn:
        present = await registrations.get(conn, home)
        earlier = await earlier_registrations.of_home(conn, home)
    # Only the client that a token was issued to can end it, and which that was is not stored. Of
    # a token that the member made themselves it is none of ours.
    clients: list[Registration | EarlierClient] = [*([present] if present else []), *earlier]
    confirmed = False
    with suppress(SettingsError, TimeoutError):
        token = SecretStr(service.sealer.open(token_sealed))
        async with asyncio.timeout(REVOKE_WITHIN):
            for one in clients:
                client = Client(one.client_id, SecretStr(service.sealer.open(one.secret_sealed)))
                ask = home_requests.asker(service, home, "revoke")
                confirmed |= await oauth.revoke(ask, client, token, one.revoke_path)
    return confirmed
