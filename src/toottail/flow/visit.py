"""What a step of the flow is given: one lane, held for as long as the step runs.

Steps do not import each other and keep nothing in memory: each reads rows, asks its host, stores
an outcome and a next time in one fenced transaction, and ends. They meet in the repository.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Protocol

from toottail.repository.database import Connection
from toottail.repository.hosts import HostRow
from toottail.servers.allowance import Limit
from toottail.servers.asker import Asker
from toottail.servers.homes import HomeClient
from toottail.servers.nodeinfo import Software
from toottail.types.counts import VisitCounts

HOST_FAILS_AFTER = 4
"""After so many failures in a row a host is left alone, and its first looks end."""
HOST_REFUSES_AFTER = 4
"""After so many 429 in a row that name no time, too."""


class Visit(Protocol):
    """The lane of ``host``, ours until a transaction raises `LaneLost`."""

    host: str
    row: HostRow
    software: Software
    one_at_a_time: asyncio.Lock
    """Held by a step that asks the home for what all of its steps need."""
    counts: VisitCounts
    """What is counted of it, for monitors and the log."""
    watch_for: timedelta
    """So long a conversation is watched after a member saw it, or a reply arrived in it."""

    def now(self) -> datetime:
        """The time, UTC."""
        ...

    def ask(self) -> Asker:
        """Anonymous requests to the host."""
        ...

    async def home(self, of: Sequence[int]) -> tuple[int, HomeClient]:
        """The member in ``of`` whose budget allows most now, and requests as that member.

        Raises `TokenRefused` when none of them is active any more.
        """
        ...

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """For reading rows."""
        ...

    def fenced(self) -> AbstractAsyncContextManager[Connection]:
        """A transaction that counts only while the lane is ours. Raises `LaneLost`."""
        ...

    async def wake(self, conn: Connection, hosts: Iterable[str]) -> None:
        """Makes work for other lanes known, when the transaction of ``conn`` is through."""
        ...

    def shared_limit(self) -> Limit | None:
        """What the home allows to all its members together; None where it counts each by itself."""
        ...

    def refusals(self) -> int:
        """How many answers of the host in a row were 429."""
        ...

    def failures(self) -> int:
        """How many requests to the host failed in a row."""
        ...

    def retry_at(self) -> datetime:
        """When a failed request to the host may be tried again."""
        ...

    def sent(self) -> int:
        """Requests that this step sent since it last asked; to be counted in its transaction."""
        ...
