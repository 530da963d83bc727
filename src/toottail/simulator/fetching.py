"""What the home does by itself: it resolves, fetches ancestors, pulls and crawls replies.

The home's requests to other hosts take no socket here, but they meet the faults of those hosts and
are counted apart from the requests of the program under test.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from toottail.simulator import listing
from toottail.simulator.counters import Counters
from toottail.simulator.faults import LASTING
from toottail.simulator.options import Options
from toottail.simulator.world import Host, Status, World

_HANGS = frozenset({"slow", "drip"})
CRAWL_LIMIT = 1000


def obstacle(world: World, status: Status) -> str | None:
    """Why the home could not fetch ``status`` from its author's host; None where it could."""
    if status.invented:
        return "no such status"
    if world.shut_out(status.host):
        return "author's host: blocked by the home"
    if status.deleted:
        return "deleted"
    if not status.listable:
        return "not public"
    broken = next((f.kind for f in world.hosts[status.host].faults if f.kind in LASTING), None)
    return f"author's host: {broken}" if broken else None


@dataclass(slots=True)
class Crawl:
    """A home's own search for replies: when it began (Unix seconds) and what it found."""

    started: float
    found: int = 0
    running: bool = True


class Fetching:
    """The fetching of one home."""

    def __init__(self, world: World, options: Options, counters: Counters) -> None:
        self._world = world
        self._home = world.home
        self._flavour = world.home_flavour
        self._options = options
        self._counters = counters
        self._tasks: set[asyncio.Task[None]] = set()
        self._crawls: dict[Status, Crawl] = {}

    async def close(self) -> None:
        """Stop all jobs."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def resolve(self, address: str) -> Status | None:
        """Fetch by uri or url as a search does; None where that fails for whatever reason."""
        status = self._world.by_uri.get(address)
        self._counters.resolve(status.uri if status else address)
        if status is not None and status in self._home.known:
            self._counters.resolves_at_home += 1
            again = self._flavour.fetches_known and status.host != self._home.name
            self._counters.home_fetches[status.host] += again
            await self._wait(self._options.resolve if again else self._options.resolve / 4)
            return status
        await self._wait(self._options.resolve)
        if status is None:
            self._counters.home_fetches[urlsplit(address).hostname or ""] += 1
            return None
        if address != status.uri:
            self._counters.home_fetches[status.host] += 1
        if not await self._fetch(status):
            return None
        await self._ingest(status)
        return status

    def start_crawl(self, status: Status) -> Crawl | None:
        """Begin to fetch replies of ``status`` as Mastodon 4.5 does; None where it would not."""
        now = time.time()
        fresh = now - status.at / 1000 < self._options.crawl_min_age
        before = self._crawls.get(status)
        lately = before is not None and now - before.started < self._options.crawl_interval
        own = status.host == self._home.name
        if not self._flavour.fetches_replies or own or fresh or lately or not status.listable:
            return None
        self._crawls[status] = crawl = Crawl(now)
        self._spawn(self._crawl(status, crawl))
        return crawl

    async def _fetch(self, status: Status) -> bool:
        if status in self._home.known:
            return True
        self._counters.home_fetches[status.host] += 1
        if any(fault.kind in _HANGS for fault in self._world.hosts[status.host].faults):
            await self._wait(self._options.give_up)
        return obstacle(self._world, status) is None

    async def _ingest(self, status: Status) -> None:
        if status in self._home.known:
            return
        way = self._flavour.ancestors
        if way == "before":
            await self._climb(status)
        else:
            self._learn(status)
        if status in self._home.orphans and way == "jobs":
            self._spawn(self._fetch_parent(status))
        elif status in self._home.orphans and way == "after":
            self._spawn(self._climb_later(status))
        if self._flavour.pulls_self_replies:
            self._spawn(self._pull(status))

    def _learn(self, status: Status) -> None:
        if status in self._home.known:
            return
        missing = status.parent is not None and status.parent not in self._home.known
        self._home.learn(status, orphan=missing)
        self._counters.arrivals[status.uri] = time.time()
        if self._flavour.ancestors == "never":
            for child in status.children:
                self._home.attach(child)

    async def _fetch_parent(self, status: Status) -> None:
        await self._wait(self._options.job)
        above = status.parent
        if above is None or not await self._fetch(above):
            return
        await self._ingest(above)
        self._home.attach(status)

    async def _climb(self, status: Status) -> None:
        chain = [status]
        for above in status.ancestors():
            if above in self._home.known:
                break
            await self._wait(self._options.job / 5)
            if not await self._fetch(above):
                break
            chain.append(above)
        for one in reversed(chain):
            self._learn(one)
            if one.parent in self._home.known:
                self._home.attach(one)

    async def _climb_later(self, status: Status) -> None:
        await self._wait(self._options.late)
        await self._climb(status)

    async def _pull(self, status: Status) -> None:
        host = self._world.hosts[status.host]
        if host.flavour.replies != "mastodon":
            return
        for child in listing.self_replies(host, status)[: listing.EMBEDDED]:
            if child in self._home.known:
                continue
            await self._wait(self._options.job)
            if await self._fetch(child):
                await self._ingest(child)

    async def _crawl(self, top: Status, crawl: Crawl) -> None:
        queue = deque([top])
        while queue and crawl.found < CRAWL_LIMIT:
            status = queue.popleft()
            await self._wait(self._options.job)
            self._counters.home_fetches[status.host] += 1
            if obstacle(self._world, status) is not None:
                continue
            for child in _crawled_replies(self._world.hosts[status.host], status):
                crawl.found += 1
                if await self._fetch(child):
                    await self._ingest(child)
                queue.append(child)
        crawl.running = False

    async def _wait(self, seconds: float) -> None:
        jitter = self._world.random.uniform(0.75, 1.25)
        await asyncio.sleep(seconds * jitter * self._options.latency_scale)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _crawled_replies(host: Host, status: Status) -> list[Status]:
    """What the crawl gathers at one node: it turns no page once it has five."""
    kind = host.flavour.replies
    if kind == "mastodon":
        own = listing.self_replies(host, status)[: listing.EMBEDDED]
        if len(own) == listing.EMBEDDED:
            return own
        return own + listing.others_replies(host, status)[: listing.PAGE]
    everything = [c for c in host.children_of(status) if c.listable]
    if kind == "inline":
        return everything
    return everything[: listing.PLAIN_PAGE] if kind in ("pages", "gotosocial") else []
