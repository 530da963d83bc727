"""The Mastodon client API, as anonymous readers may use it.

One ``context`` lists the ancestors of a status and the replies below it. Mastodon caps it (see
`cuts`); Hollo, Pleroma, Akkoma, Mitra and Friendica list all they have. What is asked for a thread
of n replies:

- up to 60 replies, none deeper than 20: **one** request, the context;
- deeper: one context for each status at depth 20 with replies, neighbours joined where one answer
  can hold both;
- more than 60: contexts at the end of what was listed, each bringing 30 to 60 new replies, so about
  n / 45; and for the asked status (and others whose listing would repeat) its ActivityPub
  ``replies``: the note, then 60 a page. From Mastodon 4.5 on the note leads to the flat listing of
  the thread, 60 a page, which shows when every reply is placed: then its many direct replies that
  have none themselves need no request of their own. Before 4.5 each named reply is asked for at its
  own host, or, where one host wrote three or more on a page, by that host's view of the parent,
  which lists them together.

Where the API is closed to anonymous readers the same is asked through ActivityPub; so it is where
robots.txt closes it to crawlers and we can sign what we ask.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from urllib.parse import urljoin

import msgspec

from toottail.errors import AnswerRefused, Forbidden, Gone, RedirectedAway, RobotsRefused
from toottail.servers.asker import Asker
from toottail.servers.dialects import base
from toottail.servers.dialects.activitypub import ActivityPub
from toottail.servers.dialects.collections import usual_replies
from toottail.servers.dialects.cuts import Caps, find_gaps
from toottail.servers.dialects.friendica import ALL_OF_IT, id_on_page
from toottail.servers.dialects.local_ids import local_id_of, own_id_of, redirects_to_id
from toottail.servers.dialects.software import CAPPED, DENYING, way_of
from toottail.servers.entities import (
    ApiContext,
    ApiStatus,
    decode,
    found_status,
    is_local_id,
    is_public,
    statuses_of,
)
from toottail.servers.nodeinfo import Software
from toottail.types.hosts import host_of
from toottail.types.statuses import FoundStatus, LookTarget, Reading


class Mastodon:
    """Reads hosts that answer ``/api/v1/statuses/:id/context`` without a token."""

    name = "mastodon"

    def __init__(self) -> None:
        self._closed_api = ActivityPub()
        self._denied = ActivityPub(closed=True)
        self._collections = ActivityPub(api=True)

    def speaks(self, software: Software) -> bool:
        """True for the software that is known to answer contexts to anybody."""
        return way_of(software.name).by == "contexts"

    async def look(self, ask: Asker, target: LookTarget, software: Software) -> Reading:
        """One look; see `toottail.servers.dialects.base`."""
        if target.how.startswith(base.AP):
            return await self._closed_api.look(ask, target, software)
        if target.how in (base.REPLIES, base.THREAD):
            return await self._collections.look(ask, target, software)
        if target.how == base.AROUND:
            return await _look_around(ask, target, software)
        local_id = await _local_id(ask, target, software)
        if local_id is None:
            return await self._closed_api.look(ask, _by_activitypub(target), software)
        try:
            context = await _context(ask, local_id, software)
        except Forbidden:
            if software.name in DENYING and host_of(target.uri) == ask.host:
                # Most likely its posts are denied too, and only a look that brings nothing at all
                # makes others be asked.
                reading = await self._denied.look(ask, _by_activitypub(target), software)
                return replace(reading, notes=(*reading.notes, base.NOTE_API_OFF))
            return _api_off(ask.host, target)
        except RobotsRefused:
            if not ask.signs or host_of(target.uri) != ask.host:
                raise
            return Reading(further=(_by_activitypub(target),))
        except Gone as error:
            return _not_there(ask.host, target, software, error)
        return _read(ask.host, target, local_id, context, software)


async def _look_around(ask: Asker, target: LookTarget, software: Software) -> Reading:
    """Two requests: the host's own status leads to the topmost one it knows, and that to all.

    Such a view is partial whatever is asked next, so nothing further follows from it.
    """
    local_id = await _local_id(ask, target, software)
    if local_id is None:
        return Reading()
    context = await _context(ask, local_id, software)
    near = Reading(_read(ask.host, target, local_id, context, software).statuses)
    above = _public(context.ancestors)
    if not above or host_of(above[0].uri) is None or not is_local_id(above[0].id):
        return near
    top = above[0]
    context = await _context(ask, top.id, software)
    whole = _read(ask.host, LookTarget(top.uri, ask.host), top.id, context, software)
    return Reading(statuses=(*near.statuses, *whole.statuses))


async def _context(ask: Asker, local_id: str, software: Software) -> ApiContext:
    params = ALL_OF_IT if software.name == "friendica" else None
    answer = await ask.get(f"/api/v1/statuses/{local_id}/context", params=params)
    return decode(ask.host, answer.body, ApiContext)


async def _local_id(ask: Asker, target: LookTarget, software: Software) -> str | None:
    """The id at the asked host, None where it cannot be had."""
    if target.how == base.CONTEXT and is_local_id(target.hint):
        return target.hint
    if host_of(target.uri) != ask.host:
        return None
    if software.name == "friendica":
        return await id_on_page(ask, target.uri)
    if (own := own_id_of(target.uri, software.name)) is not None:
        return own
    if host_of(target.hint) == ask.host and (by_page := local_id_of(target.hint)):
        return by_page
    if not redirects_to_id(target.uri):
        return local_id_of(target.uri)
    try:
        answer = await ask.get(target.uri, accept="*/*", follow=False)
    except (AnswerRefused, Gone) as error:
        if isinstance(error, RedirectedAway):
            raise
        return None
    page = urljoin(answer.url, answer.headers.get("Location", ""))
    if host_of(page) not in (None, ask.host):
        raise RedirectedAway(ask.host, page)
    return local_id_of(page)


def _by_activitypub(target: LookTarget) -> LookTarget:
    return LookTarget(target.uri, target.host, base.AP)


def _api_off(host: str, target: LookTarget) -> Reading:
    if host_of(target.uri) != host:
        return Reading(notes=(base.NOTE_API_OFF,))
    return Reading(further=(_by_activitypub(target),), notes=(base.NOTE_API_OFF,))


def _not_there(host: str, target: LookTarget, software: Software, error: Gone) -> Reading:
    """A status that the API does not have: gone, unless the host hides its API behind 404s."""
    if host_of(target.uri) != host:
        return Reading()
    if error.status == 410 or software.name in CAPPED:
        return Reading(gone=True)
    return Reading(further=(_by_activitypub(target),))


def _read(
    host: str, target: LookTarget, local_id: str, context: ApiContext, software: Software
) -> Reading:
    caps = way_of(software.name).caps
    ancestors, descendants = _public(context.ancestors), _public(context.descendants)
    uris = {status.id: status.uri for status in (*ancestors, *descendants)}
    uris[local_id] = target.uri
    found = {status.uri: status for status in _found((*ancestors, *descendants), uris)}
    parent = _parent_of_asked(ancestors, sure=caps is not None)
    if parent is not None and target.uri not in found:
        found[target.uri] = _asked(target, local_id, parent)

    listed = {status.id: status for status in descendants if status.uri in found}
    gaps = find_gaps(local_id, listed.values(), caps)
    root = ancestors[0].uri if ancestors else target.uri
    began_here = host_of(root) == host
    further = [
        LookTarget(uris[node], host, base.CONTEXT, node)
        for node in gaps.contexts
        if began_here or host_of(uris[node]) == host
    ]
    further += [_direct_replies(uris[node], host, software) for node in gaps.replies]
    further += _upwards(host, target, ancestors, parent, caps)
    if not began_here:
        above = {status.uri for status in ancestors} | {target.uri}
        foreign = {s.uri: s.host for s in found.values() if s.host != host and s.uri not in above}
        further += base.ask_at_home(foreign, root)
    return Reading(
        statuses=tuple(found.values()),
        further=tuple(dict.fromkeys(t for t in further if host_of(t.uri) is not None)),
        cut_at=tuple(uris[node] for node in gaps.disagreeing),
    )


def _found(statuses: tuple[ApiStatus, ...], uris: dict[str, str]) -> list[FoundStatus]:
    found = []
    for status in statuses:
        above = status.in_reply_to_id
        parent_uri = uris.get(above) if above is not None else None
        one = found_status(status, parent_uri if parent_uri and host_of(parent_uri) else None)
        if one is not None:
            found.append(one)
    return found


def _public(items: list[msgspec.Raw]) -> list[ApiStatus]:
    return [status for status in statuses_of(items) if is_public(status)]


def _parent_of_asked(ancestors: list[ApiStatus], *, sure: bool) -> ApiStatus | None:
    """The last ancestor, where it is surely the parent.

    Mastodon lists the chain above a status. Pleroma lists everything older, so there the last one
    is the parent only where all of them form a chain.
    """
    chained = sure or all(lower.in_reply_to_id == upper.id for upper, lower in pairwise(ancestors))
    return ancestors[-1] if ancestors and chained and host_of(ancestors[-1].uri) else None


def _asked(target: LookTarget, local_id: str, parent: ApiStatus) -> FoundStatus:
    host = host_of(target.uri) or target.host
    return FoundStatus(
        uri=target.uri, host=host, parent_uri=parent.uri, is_reply=True, local_id=local_id
    )


def _direct_replies(uri: str, host: str, software: Software) -> LookTarget:
    """A question for the direct replies to ``uri``: its own host knows them best.

    Where the note itself could lead to a flat listing it is read first.
    """
    home = host_of(uri)
    if home is not None and home != host:
        return LookTarget(uri, home, base.BEGIN)
    flat = software.at_least(4, 5)
    page = "" if flat else f"{usual_replies(uri)}?page=true"
    return LookTarget(uri, host, base.REPLIES, page)


def _upwards(
    host: str,
    target: LookTarget,
    ancestors: list[ApiStatus],
    parent: ApiStatus | None,
    caps: Caps | None,
) -> list[LookTarget]:
    """Questions about what is above: the rest of a capped climb, the parent of a wanted sibling."""
    if not ancestors:
        return []
    top = ancestors[0]
    if parent is None:
        return [LookTarget(top.uri, host, base.CONTEXT, top.id)]
    further = []
    if caps is not None and len(ancestors) >= caps.ancestors and top.in_reply_to_id is not None:
        further.append(LookTarget(top.uri, host, base.CONTEXT, top.id))
    wanted = base.below_what(target.hint)
    further += [
        LookTarget(above.uri, host, base.CONTEXT, above.id)
        for above in ancestors
        if above.uri == wanted and host_of(wanted) != host
    ]
    return further
