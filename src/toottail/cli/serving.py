"""``toottail serve``, ``api``, ``web``, ``worker``: the service, or a part of it, until stopped."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace

import structlog
import uvicorn

from toottail.cli import until_stopped
from toottail.cli.listening import Server, listening, server_config
from toottail.cli.metrics_endpoint import metrics_served, place_for_metrics
from toottail.cli.root_app import RootApp
from toottail.cli.serving_checks import check, in_force
from toottail.errors import SettingsError
from toottail.repository.database import Database, open_database
from toottail.service.context import Service
from toottail.service.monitoring import Monitoring
from toottail.service.opening import open_service
from toottail.service.stored_figures import StoredFigures
from toottail.settings import Settings

log = structlog.get_logger(__name__)

_STREAMS_END_WITHIN = 3
"""Seconds for answers under way when the process stops."""
_CONNECTIONS = 1_000
_CERTIFICATE_EVERY = 60.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What this process does of all that the service does."""

    api: bool = False
    web: bool = False
    worker: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """What it does, by the commands' names."""
        return tuple(name for name in ("api", "web", "worker") if getattr(self, name))


def serve(parts: Parts, settings: Settings) -> int:
    """Serves ``parts`` until a signal comes; the exit code. Raises `TootTailError`."""
    if not (parts.api or parts.web):
        with place_for_metrics(settings) as told_at:
            return until_stopped.run(lambda stop: _work_only(settings, told_at, stop))
    check(settings)
    _check_certificate(settings)
    hint = "--listen HOST:PORT names another place"
    with (
        listening(settings.listen, settings.listen_at, hint) as listener,
        place_for_metrics(settings) as told_at,
    ):
        settings = in_force(settings, listener.getsockname()[1])
        sockets = (listener, told_at)
        return until_stopped.run(lambda stop: _serve(parts, settings, sockets, stop))


def _check_certificate(settings: Settings) -> None:
    if settings.certificate is not None:
        _load_certificate(ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), settings)


def _load_certificate(context: ssl.SSLContext, settings: Settings) -> None:
    assert settings.certificate is not None
    for file in filter(None, (settings.certificate, settings.certificate_key)):
        try:
            file.read_bytes()
        except OSError as error:
            raise SettingsError(f"{file}: cannot be read ({error.strerror})") from None
    try:
        # Without a password OpenSSL would ask at the terminal for that of a sealed key.
        context.load_cert_chain(settings.certificate, settings.certificate_key, password="")
    except OSError as error:
        raise SettingsError(_of_no_use(settings, error)) from None


def _of_no_use(settings: Settings, error: OSError) -> str:
    if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
        where = settings.certificate_key or settings.certificate
        return f"{where}: the key is not that of the first certificate in {settings.certificate}"
    if settings.certificate_key is not None:
        return (
            f"{settings.certificate} is no certificate chain in PEM, or "
            f"{settings.certificate_key} no private key in PEM without a password ({error})"
        )
    return (
        f"{settings.certificate}: is no certificate in PEM with its key in the same file, without "
        f"a password ({error}); --certificate-key names the key in another one"
    )


async def _renew_certificate(context: ssl.SSLContext, settings: Settings) -> None:
    """New connections get a renewed certificate without a restart."""
    assert settings.certificate is not None
    known = settings.certificate.stat().st_mtime
    while True:
        await asyncio.sleep(_CERTIFICATE_EVERY)
        with suppress(OSError):
            if (now := settings.certificate.stat().st_mtime) == known:
                continue
            try:
                _load_certificate(context, settings)
            except SettingsError as error:
                # Half of it is written yet, or it is broken: the old one goes on.
                log.warning("the certificate cannot be renewed", why=str(error))
            else:
                known = now


async def _serve(
    parts: Parts,
    settings: Settings,
    sockets: tuple[socket.socket, socket.socket | None],
    stop: asyncio.Event,
) -> None:
    listener, told_at = sockets
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(settings))
        service = await stack.enter_async_context(open_service(settings, database))
        # Connections of its own: pages must not wait for those of the lanes.
        lanes = await stack.enter_async_context(open_database(settings)) if parts.worker else None
        monitoring = _monitoring(parts, service, lanes)
        app = _app(service, parts, monitoring)
        config = _uvicorn_config(app, settings)
        config.load()
        announcement = _announcement(settings, listener)
        server = Server(config, lambda: print(announcement, flush=True))
        await stack.enter_async_context(metrics_served(told_at, monitoring))
        tasks = [asyncio.create_task(server.serve([listener]), name="server")]
        if lanes is not None:
            for_lanes = replace(service, database=lanes)
            tasks.append(asyncio.create_task(_work(for_lanes, stop), name="worker"))
        if config.ssl is not None:
            renewing = asyncio.create_task(_renew_certificate(config.ssl, settings))
            stack.callback(renewing.cancel)
        await _until_one_ends(tasks, stop)
        stop.set()
        app.stopping.set()
        server.should_exit = True
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in tasks:
            task.result()


def _monitoring(parts: Parts, service: Service, lanes: Database | None) -> Monitoring:
    """What this process tells monitors: of the whole service where it has the API."""
    pools = {"service": service.database.use} if parts.api or parts.web else {}
    if lanes is not None:
        pools["lanes"] = lanes.use
    folder = service.settings.data_dir if service.database.embedded else None
    return Monitoring(
        service.settings,
        service.door.counts,
        parts.names,
        pools,
        StoredFigures(service.database, folder) if parts.api else None,
    )


def _announcement(settings: Settings, listener: socket.socket) -> str:
    host, port = settings.listen_at[0], listener.getsockname()[1]
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return f"TootTail: {settings.service_url} (listening on {place})"


async def _until_one_ends(tasks: list[asyncio.Task[None]], stop: asyncio.Event) -> None:
    waiting = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((*tasks, waiting), return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()


def _app(service: Service, parts: Parts, monitoring: Monitoring) -> RootApp:
    from toottail.api import create_api
    from toottail.web import create_web

    return RootApp(
        service,
        api=create_api(service, monitoring=monitoring) if parts.api else None,
        web=create_web(service) if parts.web else None,
        counts=service.door.counts,
    )


async def _work_only(
    settings: Settings, told_at: socket.socket | None, stop: asyncio.Event
) -> None:
    async with open_database(settings) as database, open_service(settings, database) as service:
        monitoring = _monitoring(Parts(worker=True), service, database)
        async with metrics_served(told_at, monitoring):
            print("TootTail: working", flush=True)
            await _work(service, stop)


async def _work(service: Service, stop: asyncio.Event) -> None:
    from toottail.worker.serve import serve as serve_lanes

    await serve_lanes(service.settings, service.database, service.door, service.sealer, stop)


def _uvicorn_config(app: RootApp, settings: Settings) -> uvicorn.Config:
    return server_config(
        app,
        most=_CONNECTIONS,
        ends_within=_STREAMS_END_WITHIN,
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.certificate_key,
    )
