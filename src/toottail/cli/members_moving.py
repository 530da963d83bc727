"""Members into a file and out of one, and out of another service's database.

No token is ever shown: what is said of a row is its number, its account and why.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from toottail.cli import loop
from toottail.cli.new_files import new_file
from toottail.errors import SettingsError, UsageError
from toottail.moving.roster import FIELDS, BadRow, Row, read
from toottail.repository import roster
from toottail.repository.database import Database, open_database
from toottail.repository.roster import Enlisted
from toottail.repository.sealing import Sealer
from toottail.service.opening import open_service
from toottail.service.roster import NewMember, take_in
from toottail.settings import Settings, load

_AT_ONCE = 25
_TELL_EVERY = 1_000


def export_to(file: Path, *, with_tokens: bool, force: bool, config: Path | None) -> int:
    """Writes all members into ``file``; the exit code. Raises `TootTailError` or `Interrupted`."""
    if file.suffix not in (".csv", ".json"):
        raise UsageError(f"{file}: its name should end with .csv or .json, to say which it is")
    settings = load(config)
    with new_file(file, force=force) as binary:
        stream = io.TextIOWrapper(binary, encoding="utf-8", newline="")
        number = loop.run(_export(settings, stream, file.suffix, with_tokens=with_tokens))
        stream.detach()
    print(f"{number} members written to {file}" + (", with their tokens" if with_tokens else ""))
    return 0


async def _export(settings: Settings, stream: TextIO, kind: str, *, with_tokens: bool) -> int:
    number = 0
    async with open_database(settings) as database, open_service(settings, database) as service:
        write = _csv_writer(stream) if kind == ".csv" else _json_writer(stream)
        async with database.connection() as conn:
            async for page in roster.pages(conn):
                sealer = service.sealer if with_tokens else None
                write([_as_dict(one, sealer) for one in page])
                number += len(page)
        if kind == ".json":
            stream.write("\n]\n" if number else "[]\n")
    return number


def _as_dict(one: Enlisted, sealer: Sealer | None) -> dict[str, Any]:
    return {
        "home": one.home,
        "account": one.account,
        "token": sealer.open(one.token_sealed) if sealer is not None else "",
        "sources": list(one.sources),
        "paused": one.paused_why if one.paused_why in ("member", "operator") else "",
    }


def _csv_writer(stream: TextIO) -> Any:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(FIELDS)

    def write(page: Iterable[dict[str, Any]]) -> None:
        for one in page:
            writer.writerow([*(one | {"sources": ";".join(one["sources"])}).values()])

    return write


def _json_writer(stream: TextIO) -> Any:
    before = ["[\n"]

    def write(page: Iterable[dict[str, Any]]) -> None:
        for one in page:
            stream.write(before[0] + json.dumps(one, ensure_ascii=False))
            before[0] = ",\n"

    return write


@dataclass(slots=True)
class Tally:
    """What became of the rows so far."""

    what: str
    done: Counter[str] = field(default_factory=Counter)

    def bad(self, number: int, why: str) -> None:
        """Says of a row that it was left out, and why."""
        self.done["bad"] += 1
        print(f"{self.what} {number}: {why}", file=sys.stderr)

    def show(self) -> None:
        """Says now and then how far it is."""
        total = self.done.total()
        if sys.stderr.isatty():
            print(f"\r{total} read", end="", file=sys.stderr, flush=True)
        elif total % _TELL_EVERY < _AT_ONCE and total >= _TELL_EVERY:
            print(f"{total} read", file=sys.stderr, flush=True)

    def conclude(self) -> int:
        """Says what was done; the exit code, 1 where a row was left out."""
        if sys.stderr.isatty():
            print(file=sys.stderr)
        print(f"{self.done['new']} new members")
        for key, words in (
            ("renewed", "were here with a token of no use and got the new one"),
            ("known", "were here already and stay as they are"),
            ("bad", "were left out, as told above"),
        ):
            if self.done[key]:
                print(f"{self.done[key]} {words}")
        if self.done["new"] + self.done["renewed"]:
            print("their tokens are tried when the worker first reads for them")
        return 1 if self.done["bad"] else 0


def import_from(file: Path, config: Path | None) -> int:
    """Takes in the members in ``file``; the exit code. Raises `TootTailError` or `Interrupted`."""
    settings = load(config)
    tally = Tally("line")
    try:
        with file.open(encoding="utf-8", errors="replace", newline="") as stream:
            loop.run(_import(settings, stream, tally))
    except OSError as error:
        raise UsageError(f"{file}: cannot be read ({error.strerror})") from None
    except SettingsError:
        raise
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from None
    return tally.conclude()


async def _import(settings: Settings, stream: TextIO, tally: Tally) -> None:
    async with open_database(settings) as database, open_service(settings, database) as service:
        rows = read(stream)
        while block := list(islice(rows, _AT_ONCE)):
            await store(database, service.sealer, block, tally)


async def store(
    database: Database, sealer: Sealer, rows: Iterable[Row | BadRow], tally: Tally
) -> None:
    """Stores a block of rows in one transaction, and tells of the bad ones."""
    async with database.transaction() as conn:
        for row in rows:
            if isinstance(row, BadRow):
                tally.bad(row.number, row.why)
                continue
            new = NewMember(
                row.home,
                row.account,
                row.token,
                row.sources,
                scopes=row.scopes,
                paused=row.paused,
            )
            tally.done[await take_in(conn, sealer, new)] += 1
    tally.show()


async def blocks(rows: AsyncIterator[Row | BadRow]) -> AsyncIterator[list[Row | BadRow]]:
    """Rows in blocks of a size that one transaction takes."""
    block: list[Row | BadRow] = []
    async for row in rows:
        block.append(row)
        if len(block) == _AT_ONCE:
            yield block
            block = []
    if block:
        yield block
