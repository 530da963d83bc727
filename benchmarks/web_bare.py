"""The yardstick: Starlette alone, which answers the bytes that it was given on standard input.

``python -m benchmarks.web_bare``: the input is one line of JSON, a list of
``{"path", "status", "headers", "body"}`` with the body in base64. It prints its port, and ends with
its standard input. The server below is set up as TootTail's own is.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def _route(given: dict[str, Any]) -> Route:
    return Route(given["path"], _endpoint(given), methods=["GET", "POST"])


def _endpoint(given: dict[str, Any]) -> Callable[[Request], Awaitable[Response]]:
    body = base64.b64decode(given["body"])

    async def answer(request: Request) -> Response:
        await request.body()
        response = Response(body, given["status"])
        for name, value in given["headers"]:
            response.headers.append(name, value)
        return response

    return answer


async def _serve(answers: list[dict[str, Any]]) -> None:
    app = Starlette(routes=[_route(given) for given in answers])
    config = uvicorn.Config(
        app,
        loop="none",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=20,
    )
    server = uvicorn.Server(config)
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), _watch_stdin, server)
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        print(listener.getsockname()[1], flush=True)
        await server.serve([listener])


def _watch_stdin(server: uvicorn.Server) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        server.should_exit = True


if __name__ == "__main__":
    answers = json.loads(sys.stdin.readline())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(answers))
