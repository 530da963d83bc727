"""How a host answers anonymous readers, and other servers with or without a signature."""

from __future__ import annotations

from urllib.parse import parse_qsl

from toottail.simulator import activity, listing, profiles, shapes
from toottail.simulator.apis import APIS
from toottail.simulator.question import ACTIVITY, Question, Reply, document, error
from toottail.simulator.world import Host, Status, World

NOT_FOUND = "Record not found"


def answer(world: World, host: Host, question: Question) -> Reply:
    """What ``host`` answers to an anonymous request."""
    path = question.path
    if path == "/robots.txt":
        return _robots(host)
    if host.flavour.api is not None:
        reply = APIS[host.flavour.api].answer(world, host, question)
        if reply is not None:
            return reply
    if path.startswith(("/.well-known/nodeinfo", "/nodeinfo/")):
        return _nodeinfo(world, host, path)
    if path == "/.well-known/webfinger":
        return profiles.webfinger(world, host, question.query)
    if question.method not in ("GET", "HEAD"):
        return error(404, NOT_FOUND)
    if path.startswith("/api/"):
        return _rest(world, host, question)
    return _activitypub(world, host, question)


def _robots(host: Host) -> Reply:
    faults = {fault.kind: fault for fault in host.faults}
    if "robots" in faults:
        text = "User-agent: *\nDisallow: /\n"
    elif "crawl-delay" in faults:
        text = f"User-agent: *\nCrawl-delay: {faults['crawl-delay'].seconds:g}\n"
    elif host.flavour.robots is None:
        return error(404, "Not Found")
    else:
        text = host.flavour.robots
    return Reply(200, text.encode(), "text/plain; charset=utf-8")


def _nodeinfo(world: World, host: Host, path: str) -> Reply:
    flavour = host.flavour
    slash = "/" if flavour.software == "takahe" else ""
    if path.startswith("/.well-known/"):
        href = f"https://{host.name}/nodeinfo/2.0{slash}"
        rel = "http://nodeinfo.diaspora.software/ns/schema/2.0"
        return document({"links": [{"rel": rel, "href": href}]})
    if path.rstrip("/") != "/nodeinfo/2.0":
        return error(404, "Not Found")
    software, version = flavour.software, flavour.version
    if host is world.home:
        software, version = world.home_flavour.software, world.home_flavour.version
    return document(
        {
            "version": "2.0",
            "software": {"name": software, "version": version},
            "protocols": ["activitypub"],
            "services": {"outbound": [], "inbound": []},
            "usage": {"users": {"total": 42, "activeMonth": 20, "activeHalfyear": 30}},
            "openRegistrations": False,
            "metadata": {},
        }
    )


def instance(world: World, host: Host, api: str) -> Reply:
    """`GET /api/v1/instance` or, with ``api`` "v2", its successor."""
    version = host.flavour.version
    if host is world.home:
        version = world.home_flavour.version
    shared = {
        "title": host.title or host.name,
        "version": version,
        "languages": ["en"],
        "rules": [],
    }
    if api == "v1":
        details = {
            "uri": host.name,
            "short_description": "",
            "description": "",
            "email": f"admin@{host.name}",
            "urls": {"streaming_api": f"wss://{host.name}"},
            "stats": {"user_count": 42, "status_count": 4242, "domain_count": 300},
        }
        return document(shared | details)
    details = {
        "domain": host.name,
        "source_url": "https://github.com/mastodon/mastodon",
        "description": "",
        "usage": {"users": {"active_month": 20}},
        "thumbnail": {"url": f"https://{host.name}/thumbnail.png"},
        "configuration": {"urls": {"streaming": f"wss://{host.name}"}},
        "registrations": {"enabled": False, "approval_required": False, "message": None},
        "contact": {"email": f"admin@{host.name}", "account": None},
        "api_versions": {"mastodon": 6},
    }
    return document(shared | details)


def _rest(world: World, host: Host, question: Question) -> Reply:
    path = question.path
    refusal = host.flavour.rest
    if refusal == 404:
        return error(404, "Not Found")
    parts = path.strip("/").split("/")
    if parts[2:] == ["instance"]:
        return instance(world, host, parts[1])
    if refusal != 200:
        return error(refusal, "This method requires an authenticated user")
    listed = profiles.rest(world, host, path, dict(parse_qsl(question.query)))
    if listed is not None:
        return listed
    if parts[:3] != ["api", "v1", "statuses"] or len(parts) not in (4, 5):
        return error(404, NOT_FOUND)
    status = host.by_id.get(parts[3])
    if status is None or not host.has(status) or not status.listable:
        return error(404, NOT_FOUND)
    if len(parts) == 4:
        return Reply(200, shapes.status_json(host, status))
    if parts[4] != "context":
        return error(404, NOT_FOUND)
    return Reply(200, shapes.context_json(host, *listing.anonymous_context(host, status)))


def _activitypub(world: World, host: Host, question: Question) -> Reply:
    wants_document = "json" in question.accept
    if wants_document and host.flavour.ap != 200 and question.signed not in host.flavour.signatures:
        return error(host.flavour.ap, "Unauthorized: http request wasn't signed")
    path, parts = question.path, question.parts
    if parts[0] == "contexts" and host.flavour.threads:
        return _thread(world, host, parts, question.query)
    wants_replies = parts[-1] == "replies" and host.flavour.replies not in ("inline", "none")
    status = host.by_path.get(path.removesuffix("/replies") if wants_replies else path)
    if status is not None:
        return _post(host, status, question, wants_replies)
    if len(parts) == 2 and parts[0] == "users":
        author = world.by_handle.get((host.name, parts[1]))
        if author is not None:
            return document(activity.actor(author), ACTIVITY)
    if len(parts) == 3 and parts[0] == "users" and parts[2] == "outbox":
        author = world.by_handle.get((host.name, parts[1]))
        if author is not None:
            return profiles.outbox(host, author, question.query)
    return error(404, NOT_FOUND)


def _post(host: Host, status: Status, question: Question, wants_replies: bool) -> Reply:
    if status.deleted:
        return error(410, "Gone")
    if not status.listable:
        return error(404, NOT_FOUND)
    if wants_replies:
        return document(activity.replies(host, status, question.query), ACTIVITY)
    if "json" in question.accept:
        return document(activity.note(host, status), ACTIVITY)
    if host.flavour.software in ("pleroma", "akkoma") and question.parts[0] == "objects":
        return Reply(302, b"", "text/html", {"Location": status.url})
    return Reply(200, b"<!DOCTYPE html><title>A post</title>", "text/html; charset=utf-8")


def _thread(world: World, host: Host, parts: list[str], query: str) -> Reply:
    author, _, number = parts[1].partition("-")
    if not number.isdigit() or not 0 < int(number) <= len(world.statuses):
        return error(404, NOT_FOUND)
    root = world.statuses[int(number) - 1]
    if root.host != host.name or str(root.author.number) != author or not root.listable:
        return error(404, NOT_FOUND)
    if parts[2:] == ["items"] and not query:
        query = "page=true"
    return document(activity.thread(host, root, query), ACTIVITY)
