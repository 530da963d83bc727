"""Hosts as a table, or one of them in full; plain where the output is no terminal."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from toottail.cli.host_reports import HostReport, HostReports
from toottail.repository.blocks import DomainList

_PIPED_WIDTH = 4_000
_KINDS = {"hand": "by hand", "block": "block list", "allow": "allow list", "home": "blocks of"}


def print_hosts(found: HostReports) -> None:
    """Prints a line for each host, then the lists that count."""
    console = _console()
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for title in ("HOST", "SOFTWARE", "TODAY", "TOTAL", "TOLD", "NEXT", "WHY"):
        table.add_column(title, justify="right" if title in ("TODAY", "TOTAL") else "left")
    for host in found.hosts:
        table.add_row(
            Text(host.host + (" (home)" if host.is_home else ""), _style(host)),
            Text(host.software or "?"),
            str(host.asked_today),
            str(host.asked),
            Text(_told(host)),
            Text(_when(host.next_at)),
            Text("; ".join(dict.fromkeys((*host.problems, host.next_why)))),
        )
    if found.hosts:
        console.print(table)
    else:
        console.print("no hosts")
    for known in found.lists:
        if known.kind != "hand" or known.domains:
            console.print(_list_line(known))


def print_host(host: HostReport) -> None:
    """Prints everything about one host."""
    console = _console()
    table = Table.grid(padding=(0, 2))
    home = "yes" if host.is_home else "no"
    rows = [
        ("host", host.host),
        ("home of a member", home),
        ("software", host.software or "not known"),
        ("robots.txt", host.robots),
        ("asked", f"{host.asked_today} requests in 24 h, {host.asked} in all"),
        ("told", _told(host)),
        *(("limit", limit) for limit in host.limits),
        *(("problem", problem) for problem in host.problems),
        *(("blocked by", home) for home in host.blocked_by_homes),
        ("asked next", " ".join(filter(None, (_when(host.next_at), host.next_why)))),
    ]
    for title, words in rows:
        table.add_row(Text(title, "bold"), Text(words))
    console.print(table)


def _console() -> Console:
    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = _PIPED_WIDTH
    return console


def _style(host: HostReport) -> str:
    return "yellow" if host.problems else ""


def _told(host: HostReport) -> str:
    if host.last_answer_at is None:
        return "nothing yet"
    at = f"{host.last_answer_at:%Y-%m-%d %H:%M}"
    return f"{host.last_status}, {at}" if host.last_status is not None else at


def _when(at: datetime | None) -> str:
    if at is None:
        return ""
    return "now" if at <= datetime.now(UTC) else f"{at:%Y-%m-%d %H:%M}"


def _list_line(known: DomainList) -> Text:
    line = Text(f"{_KINDS[known.kind]} {known.name}".rstrip(), "bold")
    line.append(f": {known.domains} domains", "")
    if known.read_at is not None:
        line.append(f", read {known.read_at:%Y-%m-%d %H:%M}", "")
    if known.problem is not None:
        line.append(f"; could not be read again: {known.problem}", "yellow")
    return line
