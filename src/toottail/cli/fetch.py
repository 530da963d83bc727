"""``toottail fetch``: the conversations of one account, or of those in a file, made whole, once.

What the run itself needs is imported when everything typed was found good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from toottail.cli import outcome
from toottail.cli.accounts import Account, named_in, read_accounts
from toottail.cli.interrupts import Interrupted
from toottail.cli.progress import Display, display
from toottail.cli.prompts import find_token, read_token
from toottail.errors import TokenRefused, TootTailError, UsageError
from toottail.settings import Settings, load
from toottail.types.hosts import parse_host
from toottail.types.reports import Report
from toottail.types.sources import Choices, Source, parse_sources


@dataclass(frozen=True, slots=True)
class Options:
    """What was chosen at the shell; None where nothing was said."""

    limit: int | None = None
    sources: Sequence[str] | None = None
    profile_posts: int | None = None
    profile_again: timedelta | None = None
    with_conversations: bool | None = None
    tag_servers: Sequence[str] | None = None

    def over(self, choices: Choices) -> Choices:
        """``choices``, with what was said at the shell in place of what they say."""
        said: dict[str, Any] = {
            "profile_posts": self.profile_posts,
            "profile_again": self.profile_again,
            "with_conversations": self.with_conversations,
            "sources": parse_sources(self.sources) if self.sources else None,
            "tag_servers": tuple(map(parse_host, self.tag_servers)) if self.tag_servers else None,
        }
        found = replace(choices, **{key: value for key, value in said.items() if value is not None})
        if self.limit is None:
            return found
        deep = Source("home", entries=self.limit)
        return replace(found, sources=tuple(deep if s.kind == "home" else s for s in found.sources))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for at the shell; ``max_wait`` is in seconds.

    ``quiet``: no progress, and no table of a run that went well (what was asked for is told:
    ``json``, and the list of ``dry``).
    """

    home: str | None
    dry: bool
    json: bool
    strict: bool
    max_wait: float
    token_file: Path | None
    config: Path | None
    options: Options = Options()
    quiet: bool = False


Ended = Report | TootTailError


def fetch(wanted: Wanted) -> int:
    """Does it, tells it, and returns the exit code. Raises `TootTailError` or `Interrupted`."""
    shown: Display | None = None
    try:
        settings = load(wanted.config)
        accounts = _accounts(wanted)
        many = wanted.home is None or len(accounts) > 1
        tokens = [_token(account, lenient=many) for account in accounts]
        from toottail.cli import loop

        with display([account.home for account in accounts], quiet=wanted.quiet) as shown:
            work = _work(wanted, settings, accounts, tokens, shown)
            ended = loop.run(work, on_stop=shown.stopping)
        if not many and not isinstance(ended[0], Report):
            raise ended[0]
    except (TootTailError, Interrupted) as error:
        if wanted.json:
            progress = shown.latest if shown is not None else None
            outcome.print_json(outcome.failure_as_json(wanted.home or "", str(error), progress))
        raise
    code = max(_exit_code(one, strict=wanted.strict) for one in ended)
    if code or not wanted.quiet or wanted.dry or wanted.json:
        _tell(wanted, accounts, ended, many=many)
    return code


def _accounts(wanted: Wanted) -> list[Account]:
    """The accounts to serve: those of the file, or the one at the shell."""
    options = wanted.options
    listed = [
        replace(account, choices=options.over(account.choices))
        for account in read_accounts(wanted.config)
    ]
    if wanted.home is None:
        if not listed:
            raise UsageError(
                "name your server (toottail fetch example.social), or a file with [[account]] "
                "tables (toottail fetch --config FILE)"
            )
        if wanted.token_file is not None:
            raise UsageError(
                "--token-file is for a server that is named at the shell; in the file each "
                "[[account]] has a token_file of its own"
            )
        return listed
    home, named = parse_host(wanted.home), named_in(wanted.home)
    chosen = [a for a in listed if a.home == home and named in (None, a.named)]
    if chosen and wanted.token_file is None:
        return chosen
    return [Account(home, named, wanted.token_file, None, options.over(Choices()))]


def _token(account: Account, *, lenient: bool) -> SecretStr | UsageError:
    """The account's token; ``lenient``: an account without one does not stop the others."""
    if account.token_env is None and (account.token_file is None or not lenient):
        return find_token(account.home, account.token_file)
    try:
        return read_token(account.home, account.token_file, account.token_env)
    except UsageError as error:
        if not lenient:
            raise
        return error


async def _work(
    wanted: Wanted,
    settings: Settings,
    accounts: Sequence[Account],
    tokens: Sequence[SecretStr | UsageError],
    shown: Display,
) -> list[Ended]:
    from toottail.repository.database import open_database
    from toottail.worker import run as worker

    orders = {
        number: worker.Order(account.home, token, account.choices, account.named)
        for number, (account, token) in enumerate(zip(accounts, tokens, strict=True))
        if isinstance(token, SecretStr)
    }
    brought: list[Ended] = []
    if orders:
        async with open_database(settings) as database:
            brought += await worker.fetch_all(
                settings,
                database,
                list(orders.values()),
                dry=wanted.dry,
                max_wait=wanted.max_wait,
                show=shown.show,
            )
    by_number: dict[int, Ended] = dict(zip(orders, brought, strict=True))
    return [
        token if isinstance(token, UsageError) else by_number[number]
        for number, token in enumerate(tokens)
    ]


def _tell(
    wanted: Wanted, accounts: Sequence[Account], ended: Sequence[Ended], *, many: bool
) -> None:
    dry = wanted.dry
    if not many:
        (report,) = (one for one in ended if isinstance(one, Report))
        if wanted.json:
            outcome.print_json(outcome.as_json(report, dry=dry))
        else:
            outcome.print_table(report, dry=dry)
        return
    pairs = [
        (f"{account.named}@{account.home}" if account.named else account.home, one)
        for account, one in zip(accounts, ended, strict=True)
    ]
    if wanted.json:
        outcome.print_json(outcome.all_as_json(pairs, dry=dry))
        return
    for name, one in pairs:
        if isinstance(one, Report):
            outcome.print_table(one, dry=dry)
        else:
            outcome.print_failure(name, one)
    outcome.print_total(pairs)


def _exit_code(one: Ended, *, strict: bool) -> int:
    if isinstance(one, UsageError | TokenRefused):
        return 2
    if not isinstance(one, Report) or not one.finished:
        return 1
    return 1 if strict and one.hosts_failed else 0
