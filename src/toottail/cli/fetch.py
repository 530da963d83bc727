"""``toottail fetch``: one account's conversations made whole, once.

What the run itself needs is imported when everything typed was found good.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from toottail.cli import outcome
from toottail.cli.interrupts import Interrupted
from toottail.cli.progress import Display, display
from toottail.cli.prompts import find_token
from toottail.errors import TootTailError
from toottail.settings import Settings, load
from toottail.types.hosts import parse_host
from toottail.types.reports import Report


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for at the shell; ``max_wait`` is in seconds."""

    home: str
    limit: int
    dry: bool
    json: bool
    strict: bool
    max_wait: float
    token_file: Path | None
    config: Path | None


def fetch(wanted: Wanted) -> int:
    """Does it, tells it, and returns the exit code. Raises `TootTailError` or `Interrupted`."""
    shown: Display | None = None
    try:
        home = parse_host(wanted.home)
        settings = load(wanted.config)
        token = find_token(home, wanted.token_file)
        from toottail.cli import loop

        with display(home) as shown:
            work = _work(wanted, settings, home, token, shown)
            report = loop.run(work, on_stop=shown.stopping)
    except (TootTailError, Interrupted) as error:
        if wanted.json:
            progress = shown.latest if shown is not None else None
            outcome.print_json(outcome.failure_as_json(wanted.home, str(error), progress))
        raise
    if wanted.json:
        outcome.print_json(outcome.as_json(report, dry=wanted.dry))
    else:
        outcome.print_table(report, dry=wanted.dry)
    return _exit_code(report, strict=wanted.strict)


async def _work(
    wanted: Wanted, settings: Settings, home: str, token: SecretStr, shown: Display
) -> Report:
    from toottail.repository.database import open_database
    from toottail.worker import run as worker

    async with open_database(settings) as database:
        return await worker.fetch(
            settings,
            database,
            home,
            token,
            limit=wanted.limit,
            dry=wanted.dry,
            max_wait=wanted.max_wait,
            show=shown.show,
        )


def _exit_code(report: Report, *, strict: bool) -> int:
    if not report.finished:
        return 1
    return 1 if strict and report.hosts_failed else 0
