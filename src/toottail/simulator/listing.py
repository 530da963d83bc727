"""What a host lists of a conversation: contexts with their caps, and collections with their pages.

Pure functions over a `Host`; the origins answer with them and `truth` walks them.
"""

from __future__ import annotations

from toottail.simulator.world import Host, Status, shown_id

ANONYMOUS_ANCESTORS, ANONYMOUS_DESCENDANTS, ANONYMOUS_DEPTH = 40, 60, 20
MEMBER_LIMIT = 4096
PAGE = 60
PLAIN_PAGE = 20
EMBEDDED = 5


def ancestors(host: Host, status: Status, limit: int) -> list[Status]:
    """At most ``limit`` statuses above ``status`` as ``host`` sees them, the topmost first."""
    found: list[Status] = []
    above = host.parent_of(status)
    while above is not None and len(found) < limit:
        found.append(above)
        above = host.parent_of(above)
    found.reverse()
    return found


def descendants(host: Host, status: Status, limit: int, depth: int) -> list[Status]:
    """The first ``limit`` statuses below ``status``, at most ``depth`` levels down.

    Depth first, children by id: the order of Mastodon's query, which cuts before it filters what
    the reader may not see.
    """
    found: list[Status] = []
    stack = [(child, 1) for child in reversed(host.children_of(status))]
    while stack and len(found) < limit:
        top, level = stack.pop()
        found.append(top)
        if level < depth:
            stack.extend((child, level + 1) for child in reversed(host.children_of(top)))
    return found


def anonymous_context(host: Host, status: Status) -> tuple[list[Status], list[Status]]:
    """Ancestors and descendants that ``host`` shows without a token."""
    if host.flavour.capped:
        above = ancestors(host, status, ANONYMOUS_ANCESTORS)
        below = descendants(host, status, ANONYMOUS_DESCENDANTS, ANONYMOUS_DEPTH)
    else:
        above = ancestors(host, status, MEMBER_LIMIT)
        below = descendants(host, status, MEMBER_LIMIT, MEMBER_LIMIT)
    return [s for s in above if s.listable], promoted([s for s in below if s.listable])


def is_cut(host: Host, status: Status) -> bool:
    """Whether the anonymous caps hide something below ``status``."""
    shown = descendants(host, status, ANONYMOUS_DESCENDANTS, ANONYMOUS_DEPTH)
    return len(shown) < len(descendants(host, status, ANONYMOUS_DESCENDANTS + 1, 1 << 30))


def promoted(statuses: list[Status]) -> list[Status]:
    """Mastodon moves replies of authors to themselves to the top; the order stays otherwise."""
    own = [s for s in statuses if s.parent is not None and s.parent.author is s.author]
    return own + [s for s in statuses if s.parent is None or s.parent.author is not s.author]


def self_replies(host: Host, status: Status) -> list[Status]:
    """Direct replies by the author of ``status``, oldest first."""
    return [c for c in host.children_of(status) if c.listable and c.author is status.author]


def others_replies(host: Host, status: Status) -> list[Status]:
    """Direct replies by everybody else, oldest first."""
    return [c for c in host.children_of(status) if c.listable and c.author is not status.author]


def page_after(host: Host, statuses: list[Status], min_id: str, size: int) -> list[Status]:
    """The first ``size`` of ``statuses`` whose local id at ``host`` is above ``min_id``."""
    key = (len(min_id), min_id)
    after = [s for s in statuses if _id_key(host, s) > key]
    return after[:size]


def _id_key(host: Host, status: Status) -> tuple[int, str]:
    local = shown_id(host, status)
    return len(local), local


def thread(host: Host, root: Status) -> list[Status]:
    """All public statuses of a conversation in the order of their ids: its FEP-7888 collection."""
    everything = [s for s in [root, *descendants(host, root, 1 << 30, 1 << 30)] if s.listable]
    everything.sort(key=lambda s: _id_key(host, s))
    return everything
