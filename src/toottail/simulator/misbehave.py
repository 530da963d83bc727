"""Faults acted out on the wire."""

from __future__ import annotations

import asyncio
import time
import zlib
from datetime import UTC, datetime
from functools import cache

from aiohttp import web

from toottail.simulator.faults import WHOLE_HOST, Fault
from toottail.simulator.world import Host

HUGE = 200 << 20
BOMB = 1 << 30
SLOW = 60.0
_CHUNK = 1 << 16
_ZEROS = 8 << 20
PRIVATE_HOST = "127.0.0.66"


async def misbehave(
    host: Host, request: web.BaseRequest, kind: str, port: int
) -> web.StreamResponse | None:
    """The answer of a host with a fault to a request of ``kind``; None where it answers rightly."""
    for fault in host.faults:
        if kind in ("robots", "nodeinfo") and fault.kind not in WHOLE_HOST | {"forbidden"}:
            continue
        response = await _act(fault, host, request, port)
        if response is not None:
            return response
    return None


async def _act(
    fault: Fault, host: Host, request: web.BaseRequest, port: int
) -> web.StreamResponse | None:
    slowly = _AT_LENGTH.get(fault.kind)
    return await slowly(request) if slowly else _at_once(fault, host, request, port)


def _at_once(
    fault: Fault, host: Host, request: web.BaseRequest, port: int
) -> web.StreamResponse | None:
    match fault.kind:
        case "dead":
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        case "5xx":
            return web.Response(status=503, text="<h1>Service Unavailable</h1>")
        case "5xx-first" | "429" | "429-bare":
            return _passing(fault)
        case "forbidden":
            return web.Response(status=403, text="<h1>Forbidden</h1>")
        case "malformed":
            return web.Response(body=b'{"ancestors":[{"id":"1', content_type="application/json")
        case "loop":
            return _redirect(f"https://{host.name}{request.rel_url.path}?again=1")
        case "private":
            return _to_private(fault, port)
        case _:
            return None


def _passing(fault: Fault) -> web.Response | None:
    fault.met += 1
    if fault.met > fault.first:
        return None
    if fault.kind == "5xx-first":
        return web.Response(status=502, text="<h1>Bad Gateway</h1>")
    response = web.json_response({"error": "Too many requests"}, status=429)
    if fault.kind == "429":
        reset = datetime.fromtimestamp(time.time() + fault.seconds, UTC)
        response.headers["X-RateLimit-Limit"] = "300"
        response.headers["X-RateLimit-Remaining"] = "0"
        response.headers["X-RateLimit-Reset"] = reset.isoformat().replace("+00:00", "Z")
    return response


def _redirect(location: str) -> web.Response:
    return web.Response(status=302, headers={"Location": location})


def _to_private(fault: Fault, port: int) -> web.Response:
    targets = (
        f"https://{PRIVATE_HOST}:{port}/api/v1/statuses/1",
        "https://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        f"https://{PRIVATE_HOST}/",
    )
    fault.met += 1
    return _redirect(targets[fault.met % len(targets)])


async def _huge(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"ancestors":[],"descendants":[')
    chunk = b" " * _CHUNK
    for _ in range(HUGE // _CHUNK):
        if await _left(request):
            return response
        await response.write(chunk)
    await response.write_eof(b"]}")
    return response


async def _left(request: web.BaseRequest) -> bool:
    """Whether the reader has hung up: what is written then only fills the log."""
    await asyncio.sleep(0)
    return request.transport is None or request.transport.is_closing()


@cache
def _packed_zeros() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(b"0" * _ZEROS) + packer.flush(zlib.Z_FULL_FLUSH)


async def _bomb(request: web.BaseRequest) -> web.StreamResponse:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    await response.write(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03")
    # Fully flushed deflate blocks may be repeated, so 1 GB costs the work of 8 MB.
    for _ in range(BOMB // _ZEROS):
        if await _left(request):
            return response
        await response.write(_packed_zeros())
    await response.write_eof()
    return response


async def _drip(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    for _ in range(3600):
        await response.write(b" ")
        await asyncio.sleep(1)
    await response.write_eof(b"{}")
    return response


async def _slow(request: web.BaseRequest) -> web.StreamResponse:
    await asyncio.sleep(SLOW)
    return web.Response(status=504, text=f"<h1>{request.host} took too long</h1>")


_AT_LENGTH = {"slow": _slow, "huge": _huge, "bomb": _bomb, "drip": _drip}
