"""Back-fill: the newest posts of accounts, and with hashtags, brought home.

A feed is read at its own host once for all homes that want it. Then each home is told what it lacks
of it: where more than one post may be missing, its own listing of the account says which are there.
"""

from __future__ import annotations

from toottail.errors import (
    AnswerRefused,
    Gone,
    RemoteError,
    ScopeLacking,
    ServerFault,
    StatusError,
    TooManyRequests,
    Unreachable,
)
from toottail.flow.shown import as_seen
from toottail.flow.visit import HOST_FAILS_AFTER, Visit
from toottail.repository import feeds, hosts, members, missing, timelines
from toottail.repository.feeds import DueFeed, DueFeedWatch
from toottail.servers.home_sources import read_page
from toottail.servers.homes import HomeStatus
from toottail.servers.profiles import MOST, Feed, read_hashtag, read_profile

_MOST_TRIES = 2


async def read(visit: Visit, due: DueFeed) -> None:
    """Reads one feed at its host and lets the homes that want it go on."""
    try:
        if due.kind == "hashtag":
            found = await read_hashtag(visit.ask(), due.name)
        else:
            found = await read_profile(visit.ask(), due.name, due.uri, visit.software)
    except (Unreachable, ServerFault, TooManyRequests) as error:
        await _try_later(visit, due, error)
    except RemoteError as error:
        await _store(visit, due, Feed(refused=error.what))
    else:
        await _store(visit, due, found)


async def _store(visit: Visit, due: DueFeed, found: Feed) -> None:
    async with visit.fenced() as conn:
        await feeds.spend(conn, due.id, visit.host, visit.sent())
        await hosts.note_answer(conn, visit.host, visit.now())
        if found.opted_out:
            await feeds.end(conn, due.id, "opted_out", "asks not to be read", visit.now())
        elif found.refused is not None:
            await feeds.end(conn, due.id, "failed", found.refused, visit.now())
        else:
            homes = await feeds.store_posts(conn, due.id, found.posts, visit.now())
            await visit.wake(conn, homes)


async def _try_later(visit: Visit, due: DueFeed, error: RemoteError) -> None:
    async with visit.fenced() as conn:
        await feeds.spend(conn, due.id, visit.host, visit.sent())
        if due.tries < _MOST_TRIES or isinstance(error, TooManyRequests):
            await feeds.retry(conn, due.id, visit.retry_at(), error.what)
        else:
            await feeds.end(conn, due.id, "failed", error.what, visit.now())
        if visit.failures() >= HOST_FAILS_AFTER:
            await feeds.give_up_host(conn, visit.host, error.what)


async def bring(visit: Visit, due: DueFeedWatch) -> None:
    """Makes what the home lacks of a feed due to be brought there."""
    async with visit.connection() as conn:
        lacking = await feeds.lacking(conn, visit.host, due.feed_id, due.posts)
    shown = await _shown(visit, due) if len(lacking) > 1 else {}
    there = [as_seen(shown[post.uri]) for post in lacking if post.uri in shown]
    wanted = [post for post in lacking if post.uri not in shown]
    async with visit.fenced() as conn:
        await members.spend_for_member(conn, due.member_id, visit.sent())
        woken = await missing.store(
            conn,
            visit.host,
            due.member_id,
            wanted,
            due.host,
            whole=due.whole,
            watch_for=visit.watch_for,
        )
        if due.whole:
            woken += await timelines.store_seen(
                conn, visit.host, due.member_id, there, watch_for=visit.watch_for
            )
        await feeds.finish(conn, visit.host, due.feed_id)
        await visit.wake(conn, {visit.host, *woken})


async def _shown(visit: Visit, due: DueFeedWatch) -> dict[str, HomeStatus]:
    """What the home shows of the account's posts, by URI; nothing where it does not tell."""
    if due.local_id is None:
        return {}
    _, client = await visit.home([due.member_id])
    try:
        page = await read_page(client, "profile", due.local_id, limit=MOST)
    except (ScopeLacking, Gone, AnswerRefused):
        return {}
    except StatusError as error:
        if isinstance(error, ServerFault):
            raise
        return {}
    return {status.uri: status for status in page.statuses}
