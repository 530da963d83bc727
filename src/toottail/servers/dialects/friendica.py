"""What is Friendica's own in its Mastodon API: a post's id, and how much of a context is listed.

Read in Friendica 2024.09-rc (October 2024). The API's ids are numbers that no address holds. The
page of a public post (``/display/GUID`` for the URI ``/objects/GUID``) names its Atom feed in its
head, and that name holds the number; robots.txt lets everybody read these pages. A context lists 40
statuses unless ``limit`` asks for more, and knows no paging that keeps the tree together. Two
requests bring a whole conversation; by ActivityPub it shows no replies at all.
"""

from __future__ import annotations

import re

from toottail.errors import AnswerRefused, Forbidden, Gone, RedirectedAway
from toottail.servers.asker import Asker

ALL_OF_IT = {"limit": "2000"}
"""Asked of Friendica with a context; others do not know the word."""
_HEAD_AT_MOST = 128 << 10
_FEED = re.compile(rb'<link\s[^<>]{0,200}?display/feed-item/([0-9]{1,20})\.atom"')


async def id_on_page(ask: Asker, uri: str) -> str | None:
    """The API's id of the post ``uri`` of the asked host, None where its page does not tell."""
    shown = uri.replace("/objects/", "/display/", 1)
    try:
        page = await ask.get(shown, accept="text/html, */*;q=0.1", max_body=_HEAD_AT_MOST, cut=True)
    except RedirectedAway:
        raise
    except (AnswerRefused, Forbidden, Gone):
        return None
    found = _FEED.search(page.body)
    return found[1].decode() if found else None
