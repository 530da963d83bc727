"""The end of a run: a table for people, or one JSON object for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from toottail.errors import TootTailError
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
    "profiles",
    "profiles_opted_out",
    "hashtags",
    "posts_delivered",
    "posts_not_obtained",
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
    found["sources"] = [
        {"source": one.source, "entries": one.entries, "problem": one.problem}
        for one in report.sources
    ]
    found["failed_profiles"] = dict(report.feeds_failed)
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


Ended = Report | TootTailError


def all_as_json(accounts: Sequence[tuple[str, Ended]], *, dry: bool) -> dict[str, Any]:
    """The object for several accounts: each by itself, and the sums of their counts."""
    reports = [one for _, one in accounts if isinstance(one, Report)]
    shown = [
        as_json(one, dry=dry) if isinstance(one, Report) else failure_as_json(name, str(one), None)
        for name, one in accounts
    ]
    found: dict[str, Any] = {
        "finished": len(reports) == len(accounts) and all(report.finished for report in reports),
        "accounts": shown,
    }
    return found | {
        name: sum(one[name] for one in shown if one[name] is not None)
        for name in COUNTS
        if name != "seconds"
    }


def print_failure(name: str, error: TootTailError) -> None:
    """Prints why one of several accounts was not served."""
    console = Console(soft_wrap=True, highlight=False)
    console.print(Text.assemble((name, "bold"), (": failed", "red")))
    console.print(Text(f"  {error}", style="yellow"))


def print_total(accounts: Sequence[tuple[str, Ended]]) -> None:
    """Prints what several accounts came to."""
    reports = [one for _, one in accounts if isinstance(one, Report)]
    delivered = sum(report.delivered + report.posts_delivered for report in reports)
    asked = sum(report.requests for report in reports)
    done = sum(report.finished for report in reports)
    print(
        f"{done} of {len(accounts)} accounts finished, {delivered} statuses delivered, "
        f"{asked} requests counted for them"
    )


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
    for source in report.sources:
        if source.problem is not None:
            words = f" was not read: {source.problem}"
            console.print(Text.assemble("  the source ", (source.source, "yellow"), words))
    for name, why in report.feeds_failed.items():
        console.print(Text.assemble("  ", (name, "yellow"), f" could not be read: {why}"))
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
    rows += _feed_rows(report)
    rows += [
        (report.requests_home, f"requests to {report.home}"),
        (report.requests_remote, "requests to other servers"),
        (round(report.seconds, 1), "seconds"),
        (len(report.hosts_failed), "servers told nothing" + (":" if report.hosts_failed else "")),
    ]
    return rows


def _feed_rows(report: Report) -> list[tuple[int | float, str]]:
    """Lines about profiles and hashtags, where any were wanted."""
    rows: list[tuple[int | float, str]] = []
    if report.profiles:
        rows.append((report.profiles, "profiles looked at"))
    if report.profiles_opted_out:
        rows.append((report.profiles_opted_out, "of them ask not to be read"))
    if report.hashtags:
        rows.append((report.hashtags, "hashtags read at other servers"))
    if report.profiles or report.hashtags:
        rows.append((report.posts_delivered, "posts of theirs delivered"))
        rows.append((report.posts_not_obtained, "not obtained by the home"))
    return rows
