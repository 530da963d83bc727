"""A member's first run as it happens: server-sent events."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import TypeAdapter
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from toottail.errors import NotSignedIn, StorageError, TooManyAttempts
from toottail.service import account, sessions
from toottail.service.context import Service
from toottail.service.http.problems import problem_of
from toottail.types.service import FirstRun, Session

EACH = 1.0
"""Seconds between two looks at the run, and so until a stream sees that its session has ended."""
QUIET = 15.0
"""Seconds after which a comment shows that the line still holds."""
LONGEST = 600.0
"""Seconds after which a stream ends; browsers then ask for another."""
MOST_PER_SESSION = 3
MOST_PER_ADDRESS = 24
"""A household, or a small office, behind one address."""
_RUN = TypeAdapter(FirstRun)
_CALM = 60_000
"""Milliseconds after which a browser that was told "done" may ask again."""
EVENT: dict[str, Any] = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "event": {"enum": ["progress", "done"]},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {
                "anyOf": [{"$ref": "#/components/schemas/FirstRun"}, {"type": "null"}]
            },
        },
        "retry": {"type": "integer"},
    },
}
"""An event as the description has it; ``data`` is null where there is no run to tell of."""


class Streams:
    """The streams that are open in this process."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    def is_any_open(self) -> bool:
        """Whether anybody is being told anything."""
        return self._open.total() > 0

    @contextmanager
    def one_more(self, limits: Iterable[tuple[str, int]]) -> Iterator[None]:
        """Counts a stream against each (whom, limit). Raises `TooManyAttempts`."""
        taken = list(limits)
        if any(self._open[whom] >= most for whom, most in taken):
            raise TooManyAttempts("Too many pages of yours are open here. Close one.", QUIET)
        names = [whom for whom, _ in taken]
        self._open.update(names)
        try:
            yield
        finally:
            self._open.subtract(names)
            self._open += Counter()


class EventsResponse(Response):
    """The stream as an answer; its place among the open ones is taken when it begins."""

    media_type = "text/event-stream"

    def __init__(
        self, service: Service, session: Session, cookie: str, address: str, streams: Streams
    ) -> None:
        super().__init__()
        self._events = _events(service, session, cookie)
        digest = hashlib.sha256(cookie.encode()).hexdigest()
        self._limits = [(digest, MOST_PER_SESSION), (address, MOST_PER_ADDRESS)]
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with self._streams.one_more(self._limits):
                stream = StreamingResponse(
                    self._events,
                    media_type=self.media_type,
                    # Else nginx would hold events back until there are many.
                    headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store"},
                )
                await stream(scope, receive, send)
        except TooManyAttempts as error:
            await problem_of(error).as_json()(scope, receive, send)
        finally:
            await self._events.aclose()


async def _events(service: Service, session: Session, cookie: str) -> AsyncGenerator[str, None]:
    clock = asyncio.get_running_loop().time
    begun = told_at = clock()
    told: str | None = None
    yield ": TootTail tells how the first run goes on\n\n"
    while clock() - begun < LONGEST:
        try:
            run = await account.first_run(service, session.member_id)
        except (NotSignedIn, StorageError):
            return
        data = None if run is None else json.dumps(_RUN.dump_python(run, mode="json"))
        if data is not None and data != told:
            yield f"event: progress\ndata: {data}\n\n"
            told, told_at = data, clock()
        if run is None or run.ended_at is not None:
            yield f"event: done\nretry: {_CALM}\ndata: {data or 'null'}\n\n"
            return
        if clock() - told_at >= QUIET:
            yield ": still here\n\n"
            told_at = clock()
        await asyncio.sleep(EACH)
        if not await _goes_on(service, cookie):
            return


async def _goes_on(service: Service, cookie: str) -> bool:
    try:
        await sessions.find(service, cookie)
    except (NotSignedIn, StorageError):
        return False
    return True
