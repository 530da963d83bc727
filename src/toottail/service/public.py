"""What everybody may see and do without signing in."""

from __future__ import annotations

import asyncio
import time
from typing import Literal
from weakref import WeakKeyDictionary

import structlog

from toottail import __version__
from toottail.errors import (
    BadRequest,
    InvalidHost,
    NotPermittedYet,
    RemoteError,
    SettingsError,
    StorageError,
)
from toottail.repository import blocks, figures, opt_outs
from toottail.repository.database import Database
from toottail.servers.asker import Asker
from toottail.servers.budgets import HostBudget, standard_limits
from toottail.servers.opt_outs import says_so
from toottail.servers.permit import Permit
from toottail.servers.plain_text import clean, one_line
from toottail.service import allowances
from toottail.service.allowances import Rate
from toottail.service.context import Service
from toottail.types.hosts import parse_host
from toottail.types.service import PublicStatus

log = structlog.get_logger(__name__)

OptOutResult = Literal["done", "asked"]

FRESH = 5.0
"""Seconds for which the figures are shown without being counted again."""
_PATIENCE = 15.0
_CONTACT_AT_MOST = 200
_WORDS_AT_MOST = 2_000
_HOST_ASKED = Rate(3, 3, 3600)
_UNSURE = "The name of one server was expected, like example.social."


class _Figures:
    """The last figures of one database; who comes while they are counted waits for them."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.at = 0.0
        self.status: PublicStatus | None = None


_figures: WeakKeyDictionary[Database, _Figures] = WeakKeyDictionary()


async def status(service: Service) -> PublicStatus:
    """The service in numbers; read from the database at most every few seconds.

    What ``delay`` counts is told at `figures.delay`. ``sign_ups`` is as in the settings, or
    ``full``.
    """
    known = _figures.setdefault(service.database, _Figures())
    async with known.lock:
        if known.status is None or time.monotonic() - known.at > FRESH:
            known.status = await _count(service)
            known.at = time.monotonic()
        return known.status


async def _count(service: Service) -> PublicStatus:
    settings = service.settings
    async with service.database.connection() as conn:
        counts = await figures.counts(conn)
        delay = await figures.delay(conn)
        workers = await figures.workers(conn)
    full = 0 < settings.most_members <= counts.members
    return PublicStatus(
        version=__version__,
        sign_ups="full" if full and settings.sign_ups != "closed" else settings.sign_ups,
        members=counts.members,
        homes=counts.homes,
        conversations=counts.conversations,
        delivered_hour=counts.delivered_hour,
        delivered_day=counts.delivered_day,
        delay=delay,
        workers=workers,
    )


async def ready(service: Service) -> dict[str, str]:
    """What is not ready, by part, in words; empty where all is well.

    The parts are ``database``, ``worker`` and ``keys``.
    """
    try:
        async with service.database.connection() as conn:
            await figures.check_schema(conn)
            alive = await figures.workers(conn)
            sealed = await figures.sealed(conn)
    except StorageError as error:
        return {"database": str(error)}
    problems = {}
    if not alive:
        problems["worker"] = "No worker is running: nothing is read or brought home."
    try:
        for one in sealed:
            service.sealer.open(one)
    except SettingsError as error:
        problems["keys"] = str(error)
    return problems


async def opt_out(
    service: Service, host: str, contact: str, words: str, address: str
) -> OptOutResult:
    """An admin wants a server left alone.

    ``done`` where the server itself says so, by a robots.txt group for TootTail or a file
    ``/.well-known/toottail-opt-out``: it is blocked from the next request on. Otherwise the wish
    waits for the operator. Raises `BadRequest` or `TooManyAttempts`.
    """
    name = _server(host)
    contact = one_line(contact, _CONTACT_AT_MOST)
    words = clean(words).strip()[:_WORDS_AT_MOST]
    again = "Your wish is stored already, or too many came at once; try again later."
    await allowances.use(service, "opt-out", address, allowances.OPT_OUT, again)
    await allowances.use(service, "opt-out-host", name, _HOST_ASKED, again)
    async with service.database.connection() as conn:
        if await blocks.barred(conn, name) is not None:
            return "done"
    why = await _proof(service, name)
    async with service.database.transaction() as conn:
        if why is None:
            await opt_outs.ask(conn, name, contact, words)
            return "asked"
        await blocks.block(conn, name, f"it asks us to leave it alone: {why}")
        await opt_outs.note_done(conn, name, contact, words)
    log.info("server left alone by its own wish", host=name, why=why)
    return "done"


def _server(text: str) -> str:
    """The server that an admin names, by its name or its address; no account of it."""
    if "@" in text or len(text) > 300:
        raise BadRequest(_UNSURE)
    try:
        return parse_host(text)
    except InvalidHost:
        raise BadRequest(_UNSURE) from None


async def _proof(service: Service, host: str) -> str | None:
    """Where the server says that it wants to be left alone; asked for beside its lane."""
    permit = Permit(host, HostBudget(host, defaults=standard_limits()), in_flight=1)
    try:
        async with asyncio.timeout(_PATIENCE):
            return await says_so(Asker(service.door, permit))
    except (RemoteError, NotPermittedYet, TimeoutError) as error:
        log.info("opt-out could not be proven", host=host, problem=str(error) or "no answer")
        return None
