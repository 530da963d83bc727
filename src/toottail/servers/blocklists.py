"""Lists of domains: Mastodon's export, plain lists, and what homes publish of their blocks.

Read for this: Mastodon's export and import of domain blocks and allows, how it finds the rule for a
host, and its `GET /api/v1/instance/domain_blocks` (source as of 2022 to 2024): the header is
``#domain,#severity,…``, a row without a severity means suspend, the longest domain counts, an allow
is for that domain alone; the public list shows names in part where the admin wants that, beside the
SHA-256 of the whole. GoToSocial (October 2025) answers its own members there, by its source; seen
without a token: 401 there, 404 at Hollo 0.6.18.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from io import StringIO
from pathlib import Path

import msgspec

from toottail.errors import AnswerRefused, RedirectedAway
from toottail.servers.asker import Asker
from toottail.servers.budgets import HostBudget, standard_limits
from toottail.servers.door import Door
from toottail.servers.entities import decode_list
from toottail.servers.permit import Permit
from toottail.types.domains import SEVERITIES, DomainRule, Severity, digest_of
from toottail.types.hosts import host_of

MOST_BYTES = 16 << 20
"""Bytes of one list."""
MOST_DOMAINS = 200_000
"""Domains on one list."""
_MOST_MOVES = 3
_LONGEST_WHY = 200
_BEGINNING = 1000
_NO_LIST = "names no domain: not a list as Mastodon exports it, nor a plain one"


class _Published(msgspec.Struct):
    domain: str
    digest: str | None = None
    severity: str | None = None
    comment: str | None = None


_published = msgspec.json.Decoder(_Published)


def parse(data: bytes) -> tuple[DomainRule, ...]:
    """The rules in a list; of a domain that is there twice, the stricter one.

    Takes Mastodon's CSV export (with or without the ``#`` before the names of its columns), or one
    domain a line, comments after ``#``. Raises `ValueError`, in words for people, where it is no
    such list or too long. Lines that name no domain are left out, unless all do.
    """
    if len(data) > MOST_BYTES:
        raise ValueError(f"is larger than {MOST_BYTES >> 20} MiB")
    text = StringIO(data.decode("utf-8-sig", "replace"), newline="")
    if text.getvalue()[:_BEGINNING].lstrip().startswith("<"):
        # A page for people, of which a line or two may look like domains.
        raise ValueError(_NO_LIST)
    try:
        rows = list(csv.reader(text))
    except csv.Error as error:
        raise ValueError(f"is no list as Mastodon exports it ({error})") from None
    header = [name.strip().lstrip("#").lower() for name in rows[0]] if rows else []
    titled = header[:1] == ["domain"]
    found: dict[str, DomainRule] = {}
    wrong = 0
    for row in _entries(rows[titled:]):
        entry = dict(zip(header if titled else ["domain"], row, strict=False))
        domain = _ascii(entry["domain"])
        if domain is None:
            wrong += 1
            continue
        severity = _severity(entry.get("severity"))
        if domain not in found or severity == "suspend":
            why = _words(entry.get("public_comment"))
            found[domain] = DomainRule(domain, digest_of(domain), severity, why)
        if len(found) > MOST_DOMAINS:
            raise ValueError(f"names more than {MOST_DOMAINS} domains")
    if not found and (wrong or not titled):
        raise ValueError(_NO_LIST)
    return tuple(found.values())


def _entries(rows: Iterable[list[str]]) -> Iterator[list[str]]:
    """The rows that say something, without comments."""
    for row in rows:
        first = row[0].partition("#")[0].strip() if row else ""
        if first:
            yield [first, *row[1:]]


def _ascii(name: str) -> str | None:
    """A domain as hosts are compared, None for what is none; a single label may be a whole TLD."""
    name = name.strip().lower().removeprefix("*.").strip(".")
    try:
        name = name.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    allowed = all(
        label and label.replace("-", "").replace("_", "").isalnum() for label in name.split(".")
    )
    return name if allowed and len(name) <= 253 else None


def _severity(text: str | None) -> Severity:
    """What a list says of a domain; a word it does not know is taken for the strictest."""
    word = (text or "").strip().lower()
    return next((known for known in SEVERITIES if known == word), "suspend")


def _words(text: str | None) -> str | None:
    shown = "".join(c if c.isprintable() else " " for c in text or "")
    return " ".join(shown.split())[:_LONGEST_WHY] or None


def published(host: str, body: bytes) -> tuple[DomainRule, ...]:
    """The rules that ``host`` publishes as JSON; of its entries those that can be read.

    Raises `AnswerRefused` where it is no list.
    """
    found: dict[bytes, DomainRule] = {}
    for item in decode_list(host, body)[:MOST_DOMAINS]:
        try:
            entry = _published.decode(item)
            digest = bytes.fromhex(entry.digest) if entry.digest else None
        except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError):
            continue
        domain = _ascii(entry.domain)
        if digest is None and domain is not None:
            digest = digest_of(domain)
        if digest is not None and len(digest) == 32:
            shown = domain or _words(entry.domain) or "?"
            severity = _severity(entry.severity)
            found[digest] = DomainRule(shown, digest, severity, _words(entry.comment))
    return tuple(found.values())


def read_file(path: Path) -> tuple[DomainRule, ...]:
    """The rules in a file. Raises `ValueError`, in words for people."""
    try:
        with path.expanduser().open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from None
    return parse(data)


async def fetch_list(door: Door, url: str) -> tuple[DomainRule, ...]:
    """The rules at an https URL, followed to other hosts a few times.

    robots.txt is not asked: the operator named this address. Raises a `RemoteError`.
    """
    for _ in range(_MOST_MOVES + 1):
        host = host_of(url) or ""
        budget = HostBudget(host, defaults=standard_limits())
        ask = Asker(door, Permit(host, budget, in_flight=1))
        try:
            answer = await ask.get(
                url,
                accept="text/csv, text/plain, */*;q=0.1",
                max_body=MOST_BYTES,
                robots=False,
            )
        except RedirectedAway as moved:
            url = moved.url
            continue
        try:
            return parse(answer.body)
        except ValueError as error:
            raise AnswerRefused(host, f"gave a list that {error}") from None
    raise AnswerRefused(host, "redirects too often")
