"""The sources of a member as their settings show them, and what may be chosen."""

from __future__ import annotations

from collections.abc import Sequence

from toottail.errors import BadRequest, UsageError
from toottail.repository.overviews import SourceRow
from toottail.types.service import SourceSetting
from toottail.types.sources import KINDS, Source, lacking, parse_sources

MOST_SOURCES = 50
_LONGEST = 200
_NEED_TAG_SERVERS = frozenset({"hashtags", "hashtag"})


def settings_of(
    rows: Sequence[SourceRow],
    *,
    scopes: str | None,
    account: str,
    tag_servers: Sequence[str],
) -> tuple[SourceSetting, ...]:
    """Each kind that takes no name, in the order of `KINDS`, on or off; of the others those that
    are on, with their names."""
    stored = {(row.kind, row.name): row for row in rows}
    found: list[SourceSetting] = []
    for word, kind in KINDS.items():
        if word in _NEED_TAG_SERVERS and not tag_servers:
            continue
        if not kind.needs_name:
            row = stored.get((word, ""))
            found.append(_setting(Source(word, "", kind.entries), row, scopes, account))
        found += [
            _setting(Source(word, row.name, row.entries), row, scopes, account)
            for row in rows
            if row.kind == word and row.name and row.enabled
        ]
    return tuple(found)


def _setting(
    source: Source, row: SourceRow | None, scopes: str | None, account: str
) -> SourceSetting:
    kind = KINDS[source.kind]
    on = row is not None and row.enabled
    return SourceSetting(
        spec=str(source),
        kind=source.kind,
        name=source.name,
        what=kind.what,
        gives=kind.gives,
        enabled=on,
        entries=row.entries if row is not None and on else source.entries,
        lacks=lacks(source.kind, scopes, account),
        told=row.told if row is not None and on else None,
        read_at=row.read_at if row is not None else None,
        off_until=row.off_until if row is not None and on else None,
    )


def lacks(kind: str, scopes: str | None, account: str) -> tuple[str, ...]:
    """The scopes that a token lacks for a kind of source; none where the home does not tell."""
    if scopes is None:
        return ()
    return tuple(lacking(kind, scopes.split(), knows_account=bool(account)))


def parsed(words: Sequence[str], tag_servers: Sequence[str]) -> tuple[Source, ...]:
    """The sources that a member's words name. Raises `BadRequest`."""
    if len(words) > MOST_SOURCES:
        raise BadRequest(f"At most {MOST_SOURCES} sources can be chosen.")
    if any(len(word) > _LONGEST or not word.isprintable() for word in words):
        raise BadRequest(f"A source is at most {_LONGEST} letters and signs.")
    try:
        chosen = parse_sources(words)
    except UsageError as error:
        raise BadRequest(str(error)) from None
    if not chosen:
        raise BadRequest("Choose at least one source; to stop everything, pause.")
    for source in chosen:
        if source.kind in _NEED_TAG_SERVERS and not tag_servers:
            raise BadRequest(
                f"The source {source.kind} needs servers to read hashtags from; this service "
                "has none."
            )
    return chosen
