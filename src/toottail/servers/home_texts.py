"""What the statuses of a conversation say, as a member's home shows them: read for one page.

Nothing of it is kept: it goes from the answer to the page. Statuses come from the home as it has
them, so somebody's posts for followers only may be among them; they are left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

import msgspec

from toottail.servers.entities import PUBLIC_VISIBILITIES, ApiContext, decode, is_local_id
from toottail.servers.homes import HomeClient
from toottail.servers.plain_text import one_line, plain
from toottail.types.hosts import host_of
from toottail.types.service import StatusText

MOST_POSTS = 500
_CONTEXT_BYTES = 24 << 20
_STATUS_BYTES = 1 << 20
_NAME_AT_MOST = 100
_HANDLE_AT_MOST = 200
_WARNING_AT_MOST = 500


class _Author(msgspec.Struct):
    acct: str = ""
    username: str = ""
    display_name: str | None = None


class _Said(msgspec.Struct):
    uri: str
    content: str | None = None
    spoiler_text: str | None = None
    visibility: str = ""
    account: _Author | None = None


_SAID = msgspec.json.Decoder(_Said)


async def read_texts(client: HomeClient, local_id: str) -> Mapping[str, StatusText]:
    """What the statuses around one say, by URI: that one, those above it, and at most
    `MOST_POSTS` in all.

    ``local_id`` is the home's own id. Takes two requests: a context does not hold the status it is
    asked for. Raises what `HomeClient.get` raises.
    """
    if not is_local_id(local_id):
        return {}
    path = f"/api/v1/statuses/{local_id}"
    one = await client.get(path, scope="read:statuses", max_body=_STATUS_BYTES)
    around = await client.get(f"{path}/context", scope="read:statuses", max_body=_CONTEXT_BYTES)
    context = decode(client.host, around.body, ApiContext)
    items = [*context.ancestors, msgspec.Raw(one.body), *context.descendants]
    # Reading five hundred posts takes long enough for other visitors to notice.
    return await asyncio.to_thread(_texts, items[:MOST_POSTS], client.host)


def _texts(items: Iterable[msgspec.Raw], home: str) -> dict[str, StatusText]:
    found = {}
    for item in items:
        try:
            said = _SAID.decode(item)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            continue
        if said.visibility in PUBLIC_VISIBILITIES and host_of(said.uri) is not None:
            found[said.uri] = _text(said, home)
    return found


def _text(said: _Said, home: str) -> StatusText:
    author = said.account or _Author()
    acct = one_line(author.acct or author.username, _HANDLE_AT_MOST)
    handle = f"@{acct}" if "@" in acct else f"@{acct}@{home}"
    return StatusText(
        author=one_line(author.display_name or author.username or acct, _NAME_AT_MOST),
        handle=handle if acct else "",
        text=plain(said.content or ""),
        warning=one_line(said.spoiler_text or "", _WARNING_AT_MOST),
    )
