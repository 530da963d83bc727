"""Collect, the part about hashtags: which are read at which of the named servers."""

from __future__ import annotations

from toottail.flow import presence
from toottail.flow.visit import Visit
from toottail.repository import feeds, members, sources
from toottail.repository.feeds import HASHTAG_AGAIN, WantedFeed
from toottail.repository.sources import DueSource
from toottail.servers.home_sources import read_followed_tags
from toottail.servers.profiles import MOST

_NO_SERVERS = "no servers are named to read hashtags from (--tag-servers, or tag_servers = [...])"


async def collect(visit: Visit, due: DueSource) -> None:
    """Wants the followed hashtags, or the named one, from each of the member's tag servers."""
    servers = [server for server in due.tag_servers if server != visit.host]
    if not servers:
        async with visit.fenced() as conn:
            await sources.switch_off(
                conn, due, _NO_SERVERS, visit.now(), await presence.again(conn, visit, due)
            )
        return
    tags, posts = [due.name], due.wanted
    if due.kind == "hashtags":
        _, client = await visit.home([due.member_id])
        tags, posts = await read_followed_tags(client, due.wanted), MOST
    wanted = [WantedFeed(server, tag) for server in servers for tag in tags]
    async with visit.fenced() as conn:
        hosts = await feeds.want(
            conn,
            visit.host,
            due.member_id,
            due.run_ids,
            "hashtag",
            wanted,
            visit.now(),
            again=HASHTAG_AGAIN,
            posts=posts,
        )
        await sources.count_read(conn, due, len(tags), 0)
        await sources.set_collected(conn, due, again_at=await presence.again(conn, visit, due))
        await members.spend_for_member(conn, due.member_id, visit.sent())
        await visit.wake(conn, hosts)
