"""What the APIs of Lemmy, PieFed and Mbin share: a thread as a post and the comments below it."""

from __future__ import annotations

from collections.abc import Iterator

from toottail.simulator import activity
from toottail.simulator.question import ACTIVITY, Question, Reply, document
from toottail.simulator.world import Host, Status

COMMUNITY = "talk"
"""The one community of every host; a thread is in that of its post's host."""


def below(host: Host, status: Status) -> list[Status]:
    """The comments right below ``status``, the oldest first; deleted ones keep their place."""
    return [c for c in status.children if c in host.known and c not in host.orphans and c.listable]


def comments(host: Host, status: Status) -> list[Status]:
    """All comments below ``status``, parents before children."""
    found: list[Status] = []
    stack = below(host, status)[::-1]
    while stack:
        top = stack.pop()
        found.append(top)
        stack += below(host, top)[::-1]
    return found


def path(host: Host, status: Status) -> list[int]:
    """The local ids from the topmost comment to ``status``."""
    chain = [status, *status.ancestors()]
    return [int(host.known[one]) for one in reversed(chain[:-1])]


def is_deleted(host: Host, status: Status) -> bool:
    """Whether ``host`` shows it as deleted by its author."""
    return status.deleted and status.host == host.name


def on_host(host: Host, local: str, *, comment: bool) -> Status | None:
    """The post or comment with that local id, where ``host`` can show its thread."""
    status = host.by_id.get(local)
    if status is None or not status.listable or (status.parent is not None) is not comment:
        return None
    return status if all(above in host.known for above in status.ancestors()) else None


def community_uri(status: Status) -> str:
    """The id of the community that the thread is in."""
    return f"https://{status.root.host}/c/{COMMUNITY}"


def as_object(host: Host, status: Status, question: Question) -> Reply | None:
    """A post of ``host`` as a Page and a comment as a Note, both in their community."""
    if "json" not in question.accept or status.deleted or not status.listable:
        return None
    note = activity.note(host, status)
    note["audience"] = community_uri(status)
    if status.parent is None:
        note |= {"type": "Page", "name": "A post"}
    return document(note, ACTIVITY)


def listings(host: Host, status: Status) -> Iterator[tuple[Status, bool]]:
    """The whole thread, as far as the host has it."""
    root = status.root
    if not all(above in host.known for above in status.ancestors()) or not root.listable:
        return
    yield root, False
    for comment in comments(host, root):
        if not is_deleted(host, comment):
            yield comment, False
