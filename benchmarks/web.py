"""The service's pages and API under load: ``python -m benchmarks.web``, about three minutes.

`toottail serve`, its database, pretend homes and the load share this machine. Beside it, in turns,
bare Starlette answers the same bytes (`benchmarks.web_bare`).
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table

from benchmarks import web_rows
from benchmarks.common import ROOT, clean_environment, data_dir, say, table
from benchmarks.web_homes import names
from benchmarks.web_load import Answer, Timed, ask, load, request
from toottail.repository.database import open_database
from toottail.repository.sealing import open_sealer
from toottail.servers.door import Door
from toottail.service.context import Service
from toottail.settings import Settings

_CONNECTIONS = (1, 8, 32)
_SECONDS, _BARE_SECONDS = 3.0, 1.0
_ADDRESSES = 2_000
_PER_HOME = 10
"""Sign-ins of one home in a row: each ends with two requests, of which a home gets 20 at once."""
_CALLBACKS = (40, 80, 120)
_HOMES = sum(_CALLBACKS) // _PER_HOME
_HEADS = (
    "what", "connections", "requests/s", "median ms", "99 % ms", "bare requests/s", "× bare ms"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """Something that is asked for, the status of the answer, and where it leads.

    ``requests``, where they cannot be asked twice, are one list for each number of connections.
    """

    what: str
    path: str
    status: int
    requests: Mapping[int, Sequence[bytes]]
    once: bool = False
    location: str = ""


@contextmanager
def _process(
    module: str, *arguments: str, env: Mapping[str, str] | None = None, told: str = ""
) -> Iterator[str]:
    """A module of ours as a process; gives the first line that it says."""
    with subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={**clean_environment(), **(env or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(told)
            process.stdin.flush()
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"{module} did not start; its message is on standard error")
            yield line
        finally:
            process.stdin.close()
            process.terminate()
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()


class Bench:
    """The service at ``port``, and what is asked of it."""

    def __init__(self, port: int, homes: Mapping[str, Any]) -> None:
        self.port = port
        self.host = f"localhost:{port}"
        self._homes = homes
        self._visitors = 0

    def get(self, what: str, path: str, **headers: str) -> Case:
        """The same over and over, as by many visitors: each address may ask only so often."""
        asked = [
            request(self.host, path, X_Forwarded_For=f"203.0.{n // 250}.{1 + n % 250}", **headers)
            for n in range(_ADDRESSES)
        ]
        return Case(what, path, 200, dict.fromkeys(_CONNECTIONS, asked))

    def forged(self) -> Case:
        """A form of another site, in the name of a visitor."""
        asked = request(
            self.host,
            "/sign-in",
            method="POST",
            body="server=h0.example",
            Origin="https://evil.example",
            Content_Type="application/x-www-form-urlencoded",
        )
        again = {connections: [asked] for connections in _CONNECTIONS}
        return Case("forged form", "/sign-in", 403, again)

    async def callbacks(self) -> Case:
        """Sign-ins, each begun by a visitor of its own and said yes to at home."""
        homes = [name for name in names(_HOMES) for _ in range(_PER_HOME)]
        made = [await self._begun(home, number) for number, home in enumerate(homes)]
        of: dict[int, Sequence[bytes]] = {}
        for connections, count in zip(_CONNECTIONS, _CALLBACKS, strict=True):
            of[connections], made = made[:count], made[count:]
        return Case(
            "sign-in callback", "/api/v1/sign-in/callback", 303, of, True, f"http://{self.host}/me"
        )

    async def _begun(self, home: str, number: int) -> bytes:
        # Each visitor has an address of their own, as a proxy would tell it.
        address = f"198.51.{100 + number // 250}.{1 + number % 250}"
        answer = await ask(
            self.port,
            request(
                self.host,
                "/api/v1/sign-in",
                method="POST",
                body=json.dumps({"server": home}),
                Origin=f"http://{self.host}",
                Content_Type="application/json",
                X_Forwarded_For=address,
            ),
        )
        if answer.status != 200:
            raise RuntimeError(f"a sign-in at {home} did not begin: {answer}")
        cookie = answer.header("set-cookie").partition(";")[0]
        query = urlsplit(json.loads(answer.body)["authorize_url"]).query
        user = ("mira", "noor", "otto")[number % 3]
        yes = request(
            f"localhost:{self._homes['port']}",
            f"/{self._homes['home']}/oauth/authorize?{query}",
            method="POST",
            body=f"user={user}&decision=allow",
            Content_Type="application/x-www-form-urlencoded",
        )
        back = urlsplit((await ask(self._homes["port"], yes)).header("location"))
        return request(
            self.host, f"{back.path}?{back.query}", Cookie=cookie, X_Forwarded_For=address
        )


async def _cases(bench: Bench, cookies: Mapping[str, str]) -> list[Case]:
    over, on = ({"Cookie": f"toottail={cookies[name]}"} for name in ("over", "on"))
    page = await ask(bench.port, request(bench.host, "/"))
    found = re.search(rb"/static/style\.[0-9a-f]+\.css", _plain(page))
    assert found is not None
    return [
        bench.get("front page", "/"),
        bench.get("member's page", "/me", **over),
        bench.get("member's page, first run on", "/me", **on),
        bench.get("GET /api/v1/me", "/api/v1/me", **over),
        bench.get("GET /api/v1/me, first run on", "/api/v1/me", **on),
        bench.get("static file", found.group().decode()),
        bench.forged(),
        await bench.callbacks(),
    ]


def _plain(answer: Answer) -> bytes:
    return gzip.decompress(answer.body) if answer.header("content-encoding") else answer.body


async def _measure(bench: Bench, cookies: Mapping[str, str]) -> list[list[str]]:
    rows = []
    for case in await _cases(bench, cookies):
        if case.once:
            # Not to be had twice: what a refused one answers has the same size to within a cookie.
            sample = await ask(bench.port, request(bench.host, case.path + "?state=x&code=y"))
        else:
            sample = await ask(bench.port, case.requests[1][0])
        with _process("benchmarks.web_bare", told=_as_told(case.path, sample)) as port:
            for connections in _CONNECTIONS:
                rows.append(await _row(case, connections, bench.port, int(port)))
                print(" · ".join(rows[-1]), file=sys.stderr, flush=True)
    return rows


async def _row(case: Case, connections: int, ours: int, bare: int) -> list[str]:
    asked = case.requests[connections]
    expected = (case.status, case.location)
    found = await load(
        ours, asked, connections=connections, expected=expected, seconds=_SECONDS, once=case.once
    )
    if found.unlike:
        count = f"{len(found.unlike)} of {len(found.waits)}"
        raise RuntimeError(f"{case.what}: {count} were not as expected, as {found.unlike[0]}")
    other = await load(
        bare, asked, connections=connections, expected=expected, seconds=_BARE_SECONDS
    )
    return [case.what, str(connections), *_figures(found, other)]


def _figures(found: Timed, other: Timed) -> list[str]:
    return [
        f"{found.rate:.0f}",
        f"{found.middle:.1f}",
        f"{found.late:.1f}",
        f"{other.rate:.0f}",
        f"{found.middle / other.middle:.1f}",
    ]


def _as_told(path: str, sample: Answer) -> str:
    # These the server puts there itself.
    kept = [(n, v) for n, v in sample.headers if n not in ("date", "content-length", "connection")]
    body = base64.b64encode(sample.body).decode()
    told = {"path": path, "status": sample.status, "headers": kept, "body": body}
    return json.dumps([told]) + "\n"


async def _fill(folder: Path) -> dict[str, str]:
    settings = Settings(data_dir=folder)
    async with open_database(settings) as database:
        service = Service(settings, database, Door(settings), open_sealer(settings))
        return await web_rows.fill(database, service)


def _run(folder: Path) -> list[list[str]]:
    with ExitStack() as stack:
        pretended = folder.parent / "homes"
        line = stack.enter_context(_process("benchmarks.web_homes", str(_HOMES), str(pretended)))
        homes = json.loads(line)
        cookies = asyncio.run(_fill(folder))
        env = {
            **homes["env"],
            "TOOTTAIL_DATA_DIR": str(folder),
            "TOOTTAIL_LISTEN": "127.0.0.1:0",
            "TOOTTAIL_TRUSTED_PROXIES": "127.0.0.1/32",
            "TOOTTAIL_MOST_MEMBERS": "0",
        }
        said = stack.enter_context(_process("toottail", "serve", env=env))
        found = re.search(r"listening on 127\.0\.0\.1:(\d+)", said)
        assert found is not None
        return asyncio.run(_measure(Bench(int(found[1]), homes), cookies))


def main() -> None:
    """Runs it; prints a table for people and the same in Markdown."""
    began = time.monotonic()
    with data_dir() as folder:
        rows = _run(folder)
    shown = Table(*_HEADS)
    for row in rows:
        shown.add_row(*row)
    Console().print(shown)
    say(table(_HEADS, rows))
    say(f"{time.monotonic() - began:.0f} s in all")


if __name__ == "__main__":
    main()
