"""A pretend fediverse on real sockets, a real database, and runs of the whole flow between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from toottail.repository.database import Database, connector, open_pool
from toottail.servers.actor import actor_of
from toottail.servers.signatures import make_key, open_signer
from toottail.settings import Settings, load
from toottail.simulator.options import Options
from toottail.simulator.report import report
from toottail.simulator.scene import change
from toottail.simulator.server import Simulator
from toottail.simulator.world import Account, Status, World
from toottail.types.reports import Report
from toottail.worker.run import fetch

FAST = {"latency_scale": 0.1, "resolve": 0.1, "job": 0.1, "late": 2.0, "limit_scale": 20.0}
"""Short latencies, limits that do not bind: what is tested is the order of things."""
HOME = "home.example"


@dataclass
class Stage:
    """One world being served, and the database of who completes it."""

    simulator: Simulator
    database: Database
    settings: Settings
    reports: list[Report] = field(default_factory=list)

    @property
    def world(self) -> World:
        """What is served."""
        return self.simulator.world

    async def fetch(self, within: float = 60, **more: Any) -> Report:
        """One run, which must end within so many seconds."""
        token = SecretStr(self.simulator.home.token)
        async with asyncio.timeout(within):
            outcome = await fetch(self.settings, self.database, HOME, token, **more)
        self.reports.append(outcome)
        return outcome

    def judge(self) -> dict[str, Any]:
        """The simulator's figures."""
        return report(self.simulator)

    def reset_counters(self) -> None:
        """Forget what was asked so far."""
        self.simulator.counters.reset()

    def change(self, **scene: Any) -> dict[str, Any]:
        """Change the world while it is served."""
        made = change(self.world, scene)
        self.simulator.truth.forget()
        return made

    def has(self, status: Status) -> bool:
        """Whether the home has it, joined to its thread."""
        home = self.world.home
        return home.has(status) and status not in home.orphans

    def resolves(self, status: Status) -> int:
        """How often the home was asked for it by name."""
        return self.simulator.counters.resolves[status.uri]

    def asked(self, host: str, kind: str) -> int:
        """Requests of one kind that one host got."""
        return self.simulator.counters.by_host[host][kind]

    async def sql(self, statement: str, *values: object) -> list[dict[str, Any]]:
        """Rows of the database, or a change of it."""
        async with self.database.connection() as conn:
            return [dict(row.items()) for row in await conn.fetch(statement, *values)]


@asynccontextmanager
async def play(
    world: World,
    database_url: str,
    folder: Path,
    patch: pytest.MonkeyPatch,
    options: dict[str, Any],
    settings: dict[str, str],
) -> AsyncIterator[Stage]:
    """Serve ``world``; ``settings`` are further ``TOOTTAIL_`` variables by their short names.

    ``scopes`` among the ``options`` are those of the member's token; with ``actor`` requests can be
    signed, and the world's hosts know who that is.
    """
    scopes = options.pop("scopes", None)
    actor = an_actor(folder, settings) if options.pop("actor", False) else None
    speed = Options(**(FAST | options))
    async with Simulator(world, folder, options=speed, scopes=scopes, actor=actor) as simulator:
        patch.setenv("SSL_CERT_FILE", str(simulator.ca_file))
        variables = {f"TOOTTAIL_{name.upper()}": value for name, value in settings.items()}
        environ = {
            **simulator.env,
            "TOOTTAIL_DATABASE_URL": database_url,
            "TOOTTAIL_DATA_DIR": str(folder / "data"),
            **variables,
        }
        async with open_pool(connector(database_url), embedded=False) as database:
            yield Stage(simulator, database, load(environ=environ))


def an_actor(folder: Path, settings: dict[str, str]) -> dict[str, Any]:
    """The document of a new actor, whom ``settings`` name from now on."""
    path = folder / "actor.pem"
    make_key(path)
    settings |= {"actor_url": "https://actor.example/actor", "actor_key_file": str(path)}
    told = Settings(actor_url=settings["actor_url"], actor_key_file=path)
    signer = open_signer(told)
    assert signer is not None
    actor = actor_of(told, signer.public_pem)
    assert actor is not None
    return actor.document()


def people(world: World, *hosts: str, flavour: str = "mastodon") -> list[Account]:
    """One author on each host; the hosts are made where they are new."""
    made = []
    for number, name in enumerate(hosts):
        host = world.hosts.get(name) or world.add_host(name, flavour)
        made.append(world.add_account(host, f"author{len(world.accounts)}x{number}"))
    return made


def thread(
    world: World, author: Account, repliers: Sequence[Account], *, deep: bool = False
) -> tuple[Status, list[Status]]:
    """A root two hours old, answered by each of ``repliers``, one below another if ``deep``."""
    root = world.post(author, at=world.now - 7_200_000)
    made: list[Status] = []
    for number, replier in enumerate(repliers, start=1):
        parent = made[-1] if deep and made else root
        made.append(world.post(replier, parent, at=root.at + 60_000 * number))
    world.spread(root)
    return root, made
