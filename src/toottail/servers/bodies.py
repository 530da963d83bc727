"""Bodies of answers, read piece by piece under caps: on the wire, inflated, and all together.

Nothing a server sends makes us hold more than we said: a body ends in `AnswerRefused` as soon as
it passes its cap, whatever its length header or its compression promised.
"""

from __future__ import annotations

import asyncio
import zlib
from collections import deque
from collections.abc import AsyncIterator, Iterator
from types import TracebackType

from toottail.errors import AnswerRefused

_INFLATE_STEP = 256 << 10
_HARMLESS = 1 << 20
_HIGHEST_RATIO = 100


class ByteBudget:
    """Bytes of bodies that may be held at once while they are read, over all requests.

    Who finds it full waits, but the first to wait is served over the limit until its body is done:
    so one body can always finish, and the most ever held is the budget and one body.
    """

    def __init__(self, size: int) -> None:
        self._free = size
        self._favoured: Share | None = None
        self._queue: deque[tuple[Share, int, asyncio.Future[None]]] = deque()

    @property
    def free(self) -> int:
        """Bytes not held by any body; below 0 while a favoured one exceeds the budget."""
        return self._free

    def share(self) -> Share:
        """An empty share for one body; a context manager that gives its bytes back at the end."""
        return Share(self)

    async def _take(self, share: Share, count: int) -> None:
        if share is self._favoured or (count <= self._free and not self._queue):
            self._free -= count
            share.held += count
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((share, count, turn))
        self._serve()
        await turn

    def _give_back(self, share: Share) -> None:
        self._free += share.held
        share.held = 0
        if share is self._favoured:
            self._favoured = None
        self._serve()

    def _serve(self) -> None:
        while self._queue:
            share, count, turn = self._queue[0]
            if not turn.done():
                if count > self._free:
                    if self._favoured is not None:
                        return
                    self._favoured = share
                self._free -= count
                share.held += count
                turn.set_result(None)
            self._queue.popleft()


class Share:
    """What one body holds of the `ByteBudget`."""

    __slots__ = ("_budget", "held")

    def __init__(self, budget: ByteBudget) -> None:
        self._budget = budget
        self.held = 0

    async def grow(self, count: int) -> None:
        """Wait until ``count`` more bytes may be held."""
        await self._budget._take(self, count)

    def __enter__(self) -> Share:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._budget._give_back(self)


async def read_body(
    host: str,
    chunks: AsyncIterator[bytes],
    *,
    encoding: str,
    cap: int,
    budget: ByteBudget,
    cut: bool = False,
) -> bytes:
    """The whole body, inflated, at most ``cap`` bytes.

    ``encoding`` is the Content-Encoding. With ``cut`` a longer body is cut at the cap. Raises
    `AnswerRefused` for one that is longer, inflates without measure, or is broken.
    """
    inflate = _inflater(host, encoding)
    parts: list[bytes] = []
    wire = size = 0
    with budget.share() as share:
        async for chunk in chunks:
            wire += len(chunk)
            for part in (chunk,) if inflate is None else inflate.feed(chunk):
                await share.grow(len(part))
                parts.append(part)
                size += len(part)
                if size > cap and cut:
                    return b"".join(parts)[:cap]
                if size > cap:
                    raise AnswerRefused(host, f"sent more than {_readable(cap)}")
                if size > _HARMLESS and size > wire * _HIGHEST_RATIO:
                    raise AnswerRefused(host, "sent a body that inflates without measure")
            if wire > cap and not cut:
                raise AnswerRefused(host, f"sent more than {_readable(cap)}")
        if inflate is not None:
            inflate.finish()
        return parts[0] if len(parts) == 1 else b"".join(parts)


def _inflater(host: str, encoding: str) -> Inflater | None:
    match encoding.strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip" | "deflate":
            return Inflater(host)
        case other:
            raise AnswerRefused(host, f"sent a body encoded as {other[:40]!r}, never asked for")


class Inflater:
    """Inflates gzip, zlib and raw deflate in steps of bounded size."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._zlib: zlib._Decompress | None = None

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The inflated parts of ``chunk``, each at most a step long."""
        if self._zlib is None and chunk:
            self._zlib = zlib.decompressobj(_window_bits(chunk[0]))
        while chunk:
            assert self._zlib is not None
            if self._zlib.eof:
                raise AnswerRefused(self._host, "sent data behind the end of a compressed body")
            try:
                part = self._zlib.decompress(chunk, _INFLATE_STEP)
            except zlib.error:
                raise AnswerRefused(self._host, "sent a broken compressed body") from None
            chunk = self._zlib.unconsumed_tail or self._zlib.unused_data
            if part:
                yield part

    def finish(self) -> None:
        """Raise `AnswerRefused` if the body ended too early."""
        if self._zlib is not None and not self._zlib.eof:
            raise AnswerRefused(self._host, "sent a compressed body that ends too early")


def _window_bits(first: int) -> int:
    """gzip and zlib announce themselves; some servers send raw deflate under the same name."""
    return zlib.MAX_WBITS | 32 if first in (0x1F, 0x78) else -zlib.MAX_WBITS


def _readable(count: int) -> str:
    return f"{count >> 20} MiB" if count >= 1 << 20 else f"{count >> 10} KiB"
