"""``toottail actor serve``: a small web server for the actor's documents."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

from aiohttp import web

from toottail.cli import loop
from toottail.errors import UsageError
from toottail.servers.actor import Actor

_MOST_BYTES = 64 << 10


def serve(actor: Actor, listen: str, certificate: Path | None, key: Path | None) -> int:
    """Serves until it is stopped. Raises `UsageError` or `Interrupted`."""
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise UsageError(f"--listen {listen}: expected HOST:PORT, as in 127.0.0.1:8085")
    loop.run(_serve(actor, host.strip("[]"), int(port), _tls(certificate, key)))
    return 0


def _tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if certificate is None:
        if key is not None:
            raise UsageError("--key is of no use without --certificate")
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:
        raise UsageError(f"{certificate}: is no certificate with its key ({error})") from None
    return context


async def _serve(actor: Actor, host: str, port: int, tls: ssl.SSLContext | None) -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        served = actor.answer(
            request.method, request.rel_url.raw_path_qs, request.headers.get("Accept", "")
        )
        if served is None:
            return web.Response(status=404, text="not found\n")
        headers = {"Content-Type": served.kind, **served.headers}
        return web.Response(status=served.status, body=served.body.encode(), headers=headers)

    server = web.Server(answer, access_log=None, max_line_size=_MOST_BYTES)
    running = asyncio.get_running_loop()
    try:
        listening = await running.create_server(server, host, port, ssl=tls)
    except OSError as error:
        raise UsageError(f"cannot listen on {host}:{port} ({error.strerror})") from None
    try:
        at = listening.sockets[0].getsockname()[1]
        print(f"serving {actor.url} on {host}:{at}; Ctrl-C ends it", flush=True)
        await asyncio.Event().wait()
    finally:
        listening.close()
        await server.shutdown(timeout=1)
