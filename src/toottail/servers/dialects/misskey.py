"""Misskey's own API, which its forks have too, asked without a token. All requests are POSTs.

What was read in the servers' source (Misskey 2024.10 and 2025.11 as in forks close to it, taiyme's
and CherryPick 4.17; Sharkey 2024.9 and 2025.12; Firefish 1.0.3):

- ``notes/show`` tells a note, how many replies the server has, and what it replies to. It is asked
  first, since it is also where servers and authors say that they do not show notes to visitors:
  400 `CONTENT_RESTRICTED_BY_SERVER`, `CONTENT_RESTRICTED_BY_USER` or `SIGNIN_REQUIRED`. Other
  endpoints do not check that, and are not used to get around it. 401 is a Firefish in private mode.
- ``notes/replies`` lists direct replies, the newest first, at most 100, and pages by ``untilId``.
  ``notes/children`` is the same with quotes among them.
- Firefish and its relatives answer ``notes/children`` with the whole tree below
  a note, 100 levels deep on demand, 99 replies and quotes of each note in no certain order.
- Sharkey lets an address ask ``notes/children`` 25 times and then four times a second (quotes can
  be left out there), the other endpoints ten times in 5 s, ``notes/show`` twice a second. Misskey
  and Firefish limit none of these.
- ``notes/conversation`` lists what is above a note, the nearest first, at most 100.

Since April 2026 Misskey's robots.txt keeps crawlers out of ``/api`` (pull request 17165). What
remains is ActivityPub, where only Sharkey lists replies. The Mastodon APIs that some forks have
tell less without a token.

A thread takes a request for the root, one for each note with replies, and one for each further
hundred of its replies; on the relatives of Firefish two in all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import msgspec

from toottail.errors import AnswerRefused, Forbidden, Gone, RobotsRefused, StatusError
from toottail.servers.asker import Asker
from toottail.servers.dialects import base
from toottail.servers.dialects.activitypub import ActivityPub
from toottail.servers.dialects.note_trees import (
    BRANCH,
    MANY,
    NEARLY_FULL,
    Place,
    Tree,
    branch,
    left_of,
)
from toottail.servers.dialects.notes import Note, note_id, notes_of, read_note
from toottail.servers.entities import decode_list, is_local_id
from toottail.servers.nodeinfo import Software
from toottail.types.hosts import host_of
from toottail.types.statuses import FoundStatus, LookTarget, Reading

LISTS_TREES = frozenset({"firefish", "calckey", "foundkey", "iceshrimp", "catodon", "rosekey"})
"""Software whose ``notes/children`` tells whole trees."""
COUNTS_CALLS = frozenset({"sharkey"})
"""Software with Sharkey's limits, whose ActivityPub has collections of replies."""
OTHERS = frozenset(
    {"misskey", "cherrypick", "meisskey", "groundpolis", "dolphin", "nexkey", "tanukey", "hajkey"}
)

ABOVE = "notes:above"
"""What is above the note ``uri``; the hint is its id, how often that was asked going up, and the
URI below which more is wanted, if any."""

PAGE = 100
_CLIMBS_AT_MOST = 20
_DEEP = 100


class Misskey:
    """Reads hosts that run Misskey or a fork of it."""

    name = "misskey"

    def __init__(self) -> None:
        self._activitypub = ActivityPub()

    def speaks(self, software: Software) -> bool:
        """True for Misskey and the forks that kept its API."""
        return software.name in LISTS_TREES | COUNTS_CALLS | OTHERS

    async def look(self, ask: Asker, target: LookTarget, software: Software) -> Reading:
        """One look; see `toottail.servers.dialects.base`."""
        if target.how == BRANCH or (target.how == base.REPLIES and Place.parse(target.hint)):
            return await _look_below(ask, target, software)
        if target.how == ABOVE:
            return await _look_above(ask, target, software)
        own_id = note_id(target.uri) if host_of(target.uri) == ask.host else None
        if target.how not in (base.BEGIN, base.AROUND) or own_id is None:
            return await self._activitypub.look(ask, target, software)
        if target.how == base.AROUND:
            return await _look_around(ask, target, software, own_id)
        return await _begin(ask, target, software, own_id)


async def _begin(ask: Asker, target: LookTarget, software: Software, own_id: str) -> Reading:
    try:
        answer = await _ask(ask, software, "notes/show", {"noteId": own_id})
    except Forbidden:
        by_activitypub = LookTarget(target.uri, target.host, base.AP)
        return Reading(further=(by_activitypub,), notes=(base.NOTE_API_OFF,))
    except RobotsRefused:
        return _by_activitypub(target, software, "its robots.txt keeps crawlers out of its API")
    except Gone:
        return _by_activitypub(target, software, "it has no API where Misskey has it")
    except StatusError as error:
        if error.status != 400:
            raise
        return _refused(target, software, error)
    note = read_note(ask.host, msgspec.Raw(answer))
    if note is None or note.host != ask.host:
        raise AnswerRefused(ask.host, "answered with no note of its own")
    if not note.shown:
        return Reading(notes=("not public",))
    return _read_one(target, replace(note, id=own_id, uri=target.uri))


def _refused(target: LookTarget, software: Software, error: StatusError) -> Reading:
    if "NO_SUCH_NOTE" in error.what:
        return Reading(gone=True)
    return _by_activitypub(target, software, f"does not show it to visitors ({error.what})")


def _by_activitypub(target: LookTarget, software: Software, why: str) -> Reading:
    """ActivityPub instead; where that lists no replies either, it is said why."""
    further = (LookTarget(target.uri, target.host, base.AP),)
    if software.name in COUNTS_CALLS:
        return Reading(further=further, notes=(why,))
    return Reading(further=further, refused=f"{why}, and it lists no replies in ActivityPub")


def _read_one(target: LookTarget, note: Note) -> Reading:
    """The note that was asked for, what it replies to, and where to go on from there."""
    host, above = target.host, note.reply if note.reply is not None and note.reply.shown else None
    statuses = [note.found(above.uri if above else None)]
    further = []
    if note.replies_count != 0:
        root = note if note.reply_id is None else above
        began_here = root is not None and root.reply_id is None and root.host == host
        place = Place(note.id, left_of(note), began_here)
        further.append(LookTarget(target.uri, host, BRANCH, str(place)))
    wanted = base.below_what(target.hint) or ""
    if above is not None:
        statuses.append(above.found(None))
        if above.uri == wanted and above.host != host:
            further.append(branch(above, host, whole=False))
        elif above.reply_id is not None:
            further.append(LookTarget(target.uri, host, ABOVE, f"{note.id} 0 {wanted}".strip()))
    return Reading(tuple(statuses), tuple(further))


async def _look_above(ask: Asker, target: LookTarget, software: Software) -> Reading:
    own_id, climbed, wanted, *_ = (*target.hint.split(" "), "", "")
    if not is_local_id(own_id) or not climbed.isdecimal():
        return Reading(notes=("no hint of its place",))
    chain = await _chain(ask, software, own_id)
    if not chain:
        return Reading()
    statuses = [_asked(target, own_id, chain[0])]
    statuses += [
        note.found(above.uri if above else None)
        for note, above in zip(chain, (*chain[1:], None), strict=True)
    ]
    further = [
        branch(note, ask.host, whole=False)
        for note in chain
        if note.uri == wanted and note.host != ask.host
    ]
    top, again = chain[-1], int(climbed[:9]) + 1
    if len(chain) >= PAGE and top.reply_id is not None and again < _CLIMBS_AT_MOST:
        hint = f"{top.id} {again} {wanted}".strip()
        further.append(LookTarget(top.uri, ask.host, ABOVE, hint))
    return Reading(tuple(statuses), tuple(further))


def _asked(target: LookTarget, own_id: str, parent: Note) -> FoundStatus:
    host = host_of(target.uri) or target.host
    return FoundStatus(
        uri=target.uri, host=host, parent_uri=parent.uri, is_reply=True, local_id=own_id
    )


async def _chain(ask: Asker, software: Software, own_id: str) -> list[Note]:
    """What is above a note, the nearest first, as far up as everybody may see it."""
    items = await _listed(ask, software, "notes/conversation", {"noteId": own_id, "limit": PAGE})
    chain: list[Note] = []
    for note in notes_of(ask.host, items):
        if not note.shown or (chain and chain[-1].reply_id != note.id):
            break
        chain.append(note)
    return chain


async def _look_around(ask: Asker, target: LookTarget, software: Software, own_id: str) -> Reading:
    chain = await _chain(ask, software, own_id)
    if not chain:
        place = Place(own_id, MANY, whole=True)
        return Reading(further=(LookTarget(target.uri, ask.host, BRANCH, str(place)),))
    found = [note.found(above.uri) for note, above in pairwise(chain)]
    return Reading(
        statuses=(_asked(target, own_id, chain[0]), *found, chain[-1].found(None)),
        further=(branch(chain[-1], ask.host, whole=True),),
    )


async def _look_below(ask: Asker, target: LookTarget, software: Software) -> Reading:
    place = Place.parse(target.hint)
    if place is None or host_of(target.uri) is None:
        return Reading(notes=("no hint of its place",))
    as_tree = software.name in LISTS_TREES and not place.paged
    try:
        items = await _list_below(ask, software, place, as_tree=as_tree)
    except AnswerRefused:
        if not as_tree:
            raise
        # A tree too large to be read: by pages, each reply's own tree is asked for.
        return Reading(further=(replace(target, hint=str(replace(place, paged=True))),))
    tree = Tree(target.uri, place, notes_of(ask.host, items))
    further = tree.branches(ask.host)
    again: list[Place] = []
    if place.paged:
        # The tree was read before, and most of these replies with it: those are needless then.
        further = [replace(one, how=base.REPLIES) for one in further]
    if as_tree:
        again = tree.crowded()
    elif len(items) >= NEARLY_FULL:
        again = tree.next_page()
    further += [replace(target, hint=str(one)) for one in again]
    if not place.whole:
        foreign = {s.uri: s.host for s in tree.found if s.host != ask.host}
        further += base.ask_at_home(foreign, target.uri)
    return Reading(tuple(tree.found), tuple(dict.fromkeys(further)))


async def _list_below(
    ask: Asker, software: Software, place: Place, *, as_tree: bool
) -> list[msgspec.Raw]:
    parameters: dict[str, object] = {"noteId": place.id, "limit": PAGE}
    if place.until:
        parameters["untilId"] = place.until
    if as_tree:
        return await _listed(ask, software, "notes/children", parameters | {"depth": _DEEP})
    if software.name in COUNTS_CALLS:
        return await _listed(ask, software, "notes/children", parameters | {"showQuotes": False})
    return await _listed(ask, software, "notes/replies", parameters)


async def _listed(
    ask: Asker, software: Software, endpoint: str, parameters: Mapping[str, object]
) -> list[msgspec.Raw]:
    """The items of a listing; none where the note is not there any more."""
    try:
        return decode_list(ask.host, await _ask(ask, software, endpoint, parameters))
    except Gone as error:
        raise AnswerRefused(ask.host, f"has no {endpoint} ({error.what})") from None
    except StatusError as error:
        if "NO_SUCH_NOTE" in error.what:
            return []
        raise


async def _ask(
    ask: Asker, software: Software, endpoint: str, parameters: Mapping[str, object]
) -> bytes:
    allowances = ["anonymous"]
    if software.name in COUNTS_CALLS:
        allowances.append(f"sharkey:{endpoint.removeprefix('notes/')}")
    answer = await ask.post(f"/api/{endpoint}", json=parameters, allowances=allowances)
    return answer.body
