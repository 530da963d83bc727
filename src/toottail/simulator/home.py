"""The home's client API, as far as a program that completes conversations needs it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

import msgspec
from multidict import MultiMapping

from toottail.simulator import home_sources, listing, origin, shapes, throttles
from toottail.simulator.fetching import Crawl, Fetching
from toottail.simulator.grants import Grant
from toottail.simulator.oauth import OAuth
from toottail.simulator.question import Reply, document, error
from toottail.simulator.world import Account, Status, TimelineEntry, World

_encode = msgspec.json.encode
PAGING = ("page", "min_id", "max_id", "since_id")
Query = Mapping[str, str]


class Home:
    """One home: tokens, timeline, contexts, search."""

    def __init__(self, world: World, fetching: Fetching, scopes: str) -> None:
        self.world = world
        self.fetching = fetching
        self.token = f"simulated-{secrets.token_hex(20)}"
        granted = frozenset(scopes.split())
        self.grants = {self.token: Grant(self.token, world.member, granted)}
        for member in world.crowd.members if world.crowd else ():
            token = token_of(member)
            self.grants[token] = Grant(token, member, granted)
        self.oauth = OAuth(world, self.grants)
        self.rebuilding = 0
        self.read_at: dict[str, float | None] = {}
        """When members last read, by their names; None: their apps keep no markers."""
        self._refreshes: dict[str, Crawl] = {}

    def grant_of(self, authorization: str) -> Grant | None:
        """The grant that an Authorization header names; None for an unknown or revoked one."""
        grant = self.grants.get(authorization.removeprefix("Bearer "))
        return None if grant is None or grant.revoked else grant

    def rules(
        self, grant: Grant | None, query: Query, address: str
    ) -> list[tuple[throttles.Rule, str]]:
        """The limits that a request counts against."""
        limits = self.world.home_flavour.limits
        if limits == "none":
            return []
        if limits == "address":
            return [(throttles.ANONYMOUS, address)]
        paging = any(name in query for name in PAGING)
        if grant is None:
            applied = [(throttles.ANONYMOUS, address)]
            return applied + [(throttles.ANONYMOUS_PAGING, address)] * paging
        applied = [(throttles.TOKEN, grant.token), (throttles.USER, grant.user.name)]
        return applied + [(throttles.USER_PAGING, grant.user.name)] * paging

    async def answer(self, path: str, query: Query, grant: Grant) -> Reply:
        """What an authorised GET brings."""
        parts = path.strip("/").split("/")
        if parts[:3] == ["api", "v1", "statuses"]:
            return self._refusal(grant, "read:statuses") or self._status(parts[3:])
        if parts[:3] == ["api", "v1_alpha", "async_refreshes"] and len(parts) == 4:
            return self._refusal(grant, "read") or self._refresh(parts[3])
        if path == "/api/v2/search":
            scope = self.world.home_flavour.search_scope
            return self._refusal(grant, scope) or await self._search(query)
        needed = home_sources.scope_of(path)
        if needed is not None:
            refusal = self._refusal(grant, needed)
            return refusal or home_sources.answer(self.world, path, query)
        found = _ROUTES.get(path)
        if found is None:
            return error(404, origin.NOT_FOUND)
        scope, handler = found
        if scope == "read:accounts" and "profile" in grant.scopes:
            return handler(self, query, grant)
        return self._refusal(grant, scope) or handler(self, query, grant)

    def _refusal(self, grant: Grant, scope: str) -> Reply | None:
        exact = scope == "read" and "read" not in grant.scopes
        if scope and (exact or not grant.covers(scope)):
            return error(403, "This action is outside the authorized scopes")
        return None

    def _instance(self, api: str) -> Reply:
        return origin.instance(self.world, self.world.home, api)

    def _account(self, grant: Grant) -> Reply:
        shown = shapes.account_object(grant.user, local=True)
        shown["source"] = {
            "privacy": "public",
            "sensitive": False,
            "language": "en",
            "note": "",
            "fields": [],
            "follow_requests_count": 0,
        }
        return document(shown)

    def _app(self, grant: Grant) -> Reply:
        app: dict[str, Any] = {"id": "1", "name": "TootTail", "website": None, "redirect_uris": []}
        return document(app | {"scopes": sorted(grant.scopes), "vapid_key": ""})

    def _markers(self, query: Query, grant: Grant) -> Reply:
        """Where a member is in their timelines; who was not said to be away reads just now."""
        kept = self.world.home_flavour.markers
        if kept == "none":
            return error(404, origin.NOT_FOUND)
        read_at = self.read_at.get(grant.user.name, time.time())
        if read_at is None:
            return document({})
        timeline = self.world.timeline_of(grant.user)
        moved = shapes.instant(int(read_at * 1000))
        at = {"last_read_id": timeline[0].id if timeline else "0", "version": 1}
        names = ["home", "notifications"]
        if kept == "asked":
            asked = query.getall("timeline[]", []) if isinstance(query, MultiMapping) else []
            names = [name for name in names if name in asked]
        return document({name: at | {"updated_at": moved} for name in names})

    def _blocks(self) -> Reply:
        blocks = self.world.home_blocks
        if blocks is None:
            return error(404, origin.NOT_FOUND)
        return document(
            [
                {
                    "domain": domain[:2] + "*" * len(domain[2:-2]) + domain[-2:],
                    "digest": sha256(domain.encode()).hexdigest(),
                    "severity": severity,
                    "comment": None,
                }
                for domain, severity in blocks.items()
            ]
        )

    def _timeline(self, query: Query, grant: Grant) -> Reply:
        limit = min(40, _number(query.get("limit"), 20))
        entries = _page(self.world.timeline_of(grant.user), query, limit)
        reply = Reply(200, b"[" + b",".join(self._entry_json(e) for e in entries) + b"]")
        if entries:
            base = f"https://{self.world.home.name}/api/v1/timelines/home?limit={limit}"
            links = [f'<{base}&min_id={entries[0].id}>; rel="prev"']
            if len(entries) == limit:
                links.insert(0, f'<{base}&max_id={entries[-1].id}>; rel="next"')
            reply.headers["Link"] = ", ".join(links)
        if self.rebuilding > 0:
            self.rebuilding -= 1
            reply.status = 206
        return reply

    def _entry_json(self, entry: TimelineEntry) -> bytes:
        home = self.world.home
        if entry.boosted_by is None:
            return shapes.status_json(home, entry.status)
        return shapes.boost_json(home, entry.id, entry.at, entry.boosted_by, entry.status)

    async def _search(self, query: Query) -> Reply:
        found: Status | None = None
        address = query.get("q", "").strip()
        if query.get("resolve", "") in ("true", "1", "True") and "://" in address:
            found = await self.fetching.resolve(address)
        home = self.world.home
        statuses = shapes.status_json(home, found) if found is not None else b""
        return Reply(200, b'{"accounts":[],"hashtags":[],"statuses":[' + statuses + b"]}")

    def _status(self, parts: list[str]) -> Reply:
        home = self.world.home
        status = home.by_id.get(parts[0]) if parts else None
        if status is None or not home.has(status) or len(parts) > 2:
            return error(404, origin.NOT_FOUND)
        if len(parts) == 1:
            return Reply(200, shapes.status_json(home, status))
        return self._context(status) if parts[1] == "context" else error(404, origin.NOT_FOUND)

    def _context(self, status: Status) -> Reply:
        home = self.world.home
        above = listing.ancestors(home, status, listing.MEMBER_LIMIT)
        below = listing.descendants(home, status, listing.MEMBER_LIMIT, listing.MEMBER_LIMIT)
        reply = Reply(
            200,
            shapes.context_json(
                home,
                [s for s in above if not s.author.muted],
                listing.promoted([s for s in below if not s.author.muted]),
            ),
        )
        crawl = self.fetching.start_crawl(status)
        if crawl is not None:
            refresh = secrets.token_urlsafe(12)
            self._refreshes[refresh] = crawl
            reply.headers["Mastodon-Async-Refresh"] = f'id="{refresh}", retry=3, result_count=0'
        return reply

    def _refresh(self, refresh: str) -> Reply:
        crawl = self._refreshes.get(refresh)
        if crawl is None:
            return error(404, origin.NOT_FOUND)
        state = {"id": refresh, "status": "running" if crawl.running else "finished"}
        return document({"async_refresh": state | {"result_count": crawl.found}})


def token_of(member: Account) -> str:
    """The token of one member of many: the same at every start."""
    return "simulated-" + sha256(f"{member.name}@{member.host}".encode()).hexdigest()[:40]


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdigit() and int(text) > 0 else default


def _page(timeline: list[TimelineEntry], query: Query, limit: int) -> list[TimelineEntry]:
    def key(text: str) -> tuple[int, str]:
        return len(text), text

    found = timeline
    if "max_id" in query:
        found = [e for e in found if key(e.id) < key(query["max_id"])]
    if "since_id" in query:
        found = [e for e in found if key(e.id) > key(query["since_id"])]
    if "min_id" in query:
        return [e for e in found if key(e.id) > key(query["min_id"])][-limit:]
    return found[:limit]


_ROUTES: dict[str, tuple[str, Callable[[Home, Query, Grant], Reply]]] = {
    "/api/v1/instance": ("", lambda home, _query, _grant: home._instance("v1")),
    "/api/v2/instance": ("", lambda home, _query, _grant: home._instance("v2")),
    "/api/v1/accounts/verify_credentials": (
        "read:accounts",
        lambda home, _query, grant: home._account(grant),
    ),
    "/api/v1/apps/verify_credentials": ("", lambda home, _query, grant: home._app(grant)),
    "/api/v1/instance/domain_blocks": ("", lambda home, _query, _grant: home._blocks()),
    "/api/v1/markers": (
        "read:statuses",
        lambda home, query, grant: home._markers(query, grant),
    ),
    "/api/v1/timelines/home": (
        "read:statuses",
        lambda home, query, grant: home._timeline(query, grant),
    ),
}
