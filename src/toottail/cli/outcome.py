"""The end of a run: a table for people, or one JSON object for programs."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from toottail.types.reports import Progress, Report

COUNTS = (
    "statuses_read",
    "conversations",
    "replies_found",
    "already_there",
    "delivered",
    "unattached",
    "not_obtained",
    "unreachable",
    "requests",
    "requests_home",
    "requests_remote",
    "hosts_failed",
    "seconds",
)
"""Keys of the JSON object whose values are numbers, or null where a failed run cannot tell."""


def as_json(report: Report, *, dry: bool) -> dict[str, Any]:
    """The object that ``fetch --json`` prints for a run that came to its end."""
    found: dict[str, Any] = {
        "home": report.home,
        "account": report.account,
        "finished": report.finished,
        "problem": report.problem,
    }
    found |= {name: getattr(report, name) for name in COUNTS}
    found["hosts_failed"] = len(report.hosts_failed)
    found["failed_hosts"] = failed_hosts(report)
    if dry:
        found["would_resolve"] = list(report.would_resolve)
    return found


def failed_hosts(report: Report) -> dict[str, str]:
    """Each host that told nothing, and why, without its name said twice."""
    return {host: why.removeprefix(f"{host}: ") for host, why in report.hosts_failed.items()}


def failure_as_json(home: str, problem: str, progress: Progress | None) -> dict[str, Any]:
    """The same for a run that ended early: what is not known is null."""
    found: dict[str, Any] = {"home": home, "account": None, "finished": False, "problem": problem}
    found |= dict.fromkeys(COUNTS)
    if progress is not None:
        found |= {
            "statuses_read": progress.statuses_read,
            "conversations": progress.conversations,
            "replies_found": progress.found,
            "delivered": progress.delivered,
        }
    return found


def print_json(value: dict[str, Any]) -> None:
    """Prints ``value`` as one line on standard output."""
    print(json.dumps(value), flush=True)


def print_table(report: Report, *, dry: bool) -> None:
    """Prints what the run brought, for people, on standard output."""
    console = Console(soft_wrap=True, highlight=False)
    if dry:
        for uri in report.would_resolve:
            print(uri)
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right")
    table.add_column()
    for number, words in _rows(report, dry=dry):
        table.add_row(str(number), words)
    title = Text(report.home, style="bold")
    title.append(f": {_headline(report, dry=dry)}", style="green" if report.finished else "yellow")
    console.print(title)
    console.print(table)
    for host, why in failed_hosts(report).items():
        console.print(Text.assemble("  ", (host, "yellow"), f": {why}"))
    if report.problem is not None:
        console.print(Text(report.problem, style="yellow"))


def _headline(report: Report, *, dry: bool) -> str:
    if not report.finished:
        return "not finished"
    return "looked, and nothing was resolved" if dry else "finished"


def _rows(report: Report, *, dry: bool) -> list[tuple[int | float, str]]:
    rows: list[tuple[int | float, str]] = [
        (report.statuses_read, "statuses of the timeline read"),
        (report.conversations, "conversations in them"),
        (report.replies_found, "replies found"),
        (report.already_there, "were at home already"),
    ]
    if dry:
        rows.append((len(report.would_resolve), "statuses would be resolved (listed above)"))
    else:
        rows += [
            (report.delivered, "delivered"),
            (report.unattached, "brought home, but not shown below their conversation"),
            (report.not_obtained, "asked for, and not obtained by the home"),
            (report.unreachable, "out of reach (toottail explain URL tells why)"),
        ]
    rows += [
        (report.requests_home, f"requests to {report.home}"),
        (report.requests_remote, "requests to other servers"),
        (round(report.seconds, 1), "seconds"),
        (len(report.hosts_failed), "servers told nothing" + (":" if report.hosts_failed else "")),
    ]
    return rows
