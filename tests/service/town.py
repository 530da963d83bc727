"""A service beside a pretend home, with a browser that says yes there: for tests of sign-ins."""

from __future__ import annotations

import base64
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest

from toottail.repository.database import Database, connector, open_pool
from toottail.repository.sealing import Sealer
from toottail.servers.door import Door
from toottail.service import sign_in
from toottail.service.context import Service
from toottail.service.sign_in import Wish
from toottail.settings import Settings, load
from toottail.simulator.options import Options
from toottail.simulator.server import Simulator
from toottail.simulator.world import World
from toottail.types.service import Begun, SignedIn

HOME = "home.example"
OURS = "http://localhost:8080"
ADDRESS = "192.0.2.7"


def new_key() -> str:
    """A secret key as settings have it."""
    return base64.b64encode(os.urandom(32)).decode()


@dataclass
class Town:
    """A service, the pretend fediverse beside it, and what people do there."""

    simulator: Simulator
    service: Service

    @property
    def database(self) -> Database:
        """The service's database."""
        return self.service.database

    @property
    def oauth(self) -> dict[str, Any]:
        """What the home saw of sign-ins."""
        return self.simulator.home.oauth.seen()

    def change(self, **settings: Any) -> None:
        """Other settings from now on."""
        self.service = replace(
            self.service, settings=self.service.settings.model_copy(update=settings)
        )

    def asked(self) -> int:
        """Requests that any pretend host got."""
        return sum(sum(kinds.values()) for kinds in self.simulator.counters.by_host.values())

    async def begin(self, server: str = HOME, address: str = ADDRESS, **wish: Any) -> Begun:
        """A visitor types the name of their server."""
        return await sign_in.begin(self.service, Wish(server, **wish), address)

    async def decide(
        self, url: str, user: str = "mira", decision: str = "allow"
    ) -> dict[str, str | None]:
        """What the home sends the browser back with, as `finish` takes it."""
        form = {"user": user, "decision": decision}
        async with aiohttp.ClientSession() as browser:
            async with browser.get(url) as page:
                assert page.status == 200, await page.text()
            async with browser.post(url, data=form, allow_redirects=False) as response:
                assert response.status == 302, await response.text()
                location = response.headers["Location"]
        assert location.startswith(f"{OURS}{sign_in.CALLBACK}/{HOME}?")
        told = dict(parse_qsl(urlsplit(location).query))
        return {key: told.get(key) for key in ("code", "state", "error")}

    async def finish(
        self,
        begun: Begun,
        back: dict[str, str | None],
        address: str = ADDRESS,
        home: str = HOME,
    ) -> SignedIn:
        """The browser that began it comes back."""
        return await sign_in.finish(
            self.service,
            home,
            code=back["code"],
            state=back["state"],
            error=back["error"],
            browser_cookie=begun.browser_cookie,
            address=address,
        )

    async def sign_in(self, user: str = "mira", **wish: Any) -> SignedIn:
        """All of it."""
        begun = await self.begin(**wish)
        return await self.finish(begun, await self.decide(begun.authorize_url, user))

    async def rest(self) -> None:
        """So much time goes by that all allowances are whole again."""
        await self.sql("DELETE FROM allowances")

    async def sql(self, statement: str, *values: object) -> list[dict[str, Any]]:
        """Rows of the database, or a change of it."""
        async with self.database.connection() as conn:
            return [dict(row.items()) for row in await conn.fetch(statement, *values)]

    async def dump(self) -> str:
        """Every row of every table, as text."""
        tables = await self.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        found = []
        for table in tables:
            rows = await self.sql(f'SELECT t::text AS row FROM "{table["tablename"]}" AS t')
            found += [row["row"] for row in rows]
        return "\n".join(found)


@asynccontextmanager
async def living(
    world: World,
    database_url: str,
    folder: Path,
    patch: pytest.MonkeyPatch,
    settings: dict[str, Any] | None = None,
    **options: Any,
) -> AsyncIterator[Town]:
    """Serve ``world``, and a service with further ``settings`` beside it."""
    speed = Options(**({"latency_scale": 0.0, "limit_scale": 20.0} | options))
    async with Simulator(world, folder, options=speed) as simulator:
        patch.setenv("SSL_CERT_FILE", str(simulator.ca_file))
        environ = {
            **simulator.env,
            "TOOTTAIL_DATABASE_URL": database_url,
            "TOOTTAIL_DATA_DIR": str(folder / "data"),
            "TOOTTAIL_SERVICE_URL": OURS,
        }
        chosen: Settings = load(environ=environ).model_copy(update=settings or {})
        async with (
            open_pool(connector(database_url), embedded=False) as database,
            Door(chosen) as door,
        ):
            yield Town(simulator, Service(chosen, database, door, Sealer([new_key()])))
