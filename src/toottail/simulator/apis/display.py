"""A name that another host serves: it leads there, and has nothing else.

As GoToSocial's guide tells admins to set it up, the name that accounts carry redirects what is well
known to the server: here to the member's home. A name for which there is a host called
``social.NAME`` was the server's own once: it redirects everything there.
"""

from __future__ import annotations

from collections.abc import Iterator

from toottail.simulator.apis.base import Api
from toottail.simulator.question import Question, Reply, error
from toottail.simulator.world import Host, Status, World

_LEADS_ON = ("/.well-known/host-meta", "/.well-known/nodeinfo", "/.well-known/webfinger")


def _answer(world: World, host: Host, question: Question) -> Reply | None:
    server = world.hosts.get(f"social.{host.name}")
    if question.path == "/robots.txt" or (server is None and question.path not in _LEADS_ON):
        return error(404, "Not Found")
    query = f"?{question.query}" if question.query else ""
    there = f"https://{(server or world.home).name}{question.path}{query}"
    return Reply(301, b"", "text/html; charset=utf-8", {"Location": there})


def _listings(host: Host, status: Status) -> Iterator[tuple[Status, bool]]:
    del host, status
    return iter(())


def _requests(host: Host, root: Status) -> int:
    del host, root
    return 0


API = Api(answer=_answer, listings=_listings, requests=_requests)
