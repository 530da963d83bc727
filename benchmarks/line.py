"""A TCP line on loopback that can be cut or fall silent, for trying what a lost network does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, cast

_State = Literal["whole", "cut", "silent"]


class Line:
    """Passes on what comes to ``port``, to the port or socket ``to``, from a thread of its own.

    `cut` ends all connections at once and refuses new ones. `silence` lets nothing through and ends
    nothing, as a cable that was pulled out: connections of that time stay deaf for good, new ones
    wait for `mend`.
    """

    def __init__(self, to: int | Path) -> None:
        self._to = to
        self.port = 0
        self._state: _State = "whole"
        self._near: set[_Near] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="line", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        opening = self._loop.create_server(lambda: _Near(self), "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(opening, self._loop).result()
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._do(self._server.close)
        self._do(self._end_all)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self) -> None:
        """Ends all connections; new ones are ended as soon as they come."""
        self._change("cut")
        self._do(self._end_all)

    def silence(self) -> None:
        """Nothing gets through any more, and nobody is told."""
        self._change("silent")

    def mend(self) -> None:
        """New connections work again. What the server still held of deaf ones is ended there."""
        self._change("whole")
        self._do(self._let_wait_end)

    def _change(self, state: _State) -> None:
        def change() -> None:
            self._state = state
            if state == "silent":
                for near in self._near:
                    near.deaf = near.far is not None

        self._do(change)

    def _do(self, what: Callable[[], None]) -> None:
        """Runs it in the line's thread, to its end."""
        done = threading.Event()

        def run() -> None:
            try:
                what()
            finally:
                done.set()

        self._loop.call_soon_threadsafe(run)
        done.wait()

    def _end_all(self) -> None:
        for near in list(self._near):
            near.end()

    def _let_wait_end(self) -> None:
        for near in list(self._near):
            if near.deaf and near.far is not None:
                near.far.transport.abort()
                self._near.discard(near)
            elif near.far is None:
                near.lead_on()

    @property
    def state(self) -> _State:
        """For its own connections."""
        return self._state

    async def reach(self, make: Callable[[], _Far]) -> _Far:
        """A connection to the other end. Raises `OSError`."""
        loop = asyncio.get_running_loop()
        if isinstance(self._to, Path):
            _, far = await loop.create_unix_connection(make, str(self._to))
        else:
            _, far = await loop.create_connection(make, "127.0.0.1", self._to)
        return far

    def came(self, near: _Near) -> None:
        """A connection began."""
        self._near.add(near)

    def went(self, near: _Near) -> None:
        """A connection is over."""
        self._near.discard(near)


class _Near(asyncio.Protocol):
    """The side of who connected."""

    transport: asyncio.Transport

    def __init__(self, line: Line) -> None:
        self.deaf = False
        self.far: _Far | None = None
        self._line = line
        self._early: list[bytes] = []
        self._leading: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        if self._line.state == "cut":
            self.transport.abort()
            return
        self._line.came(self)
        if self._line.state == "whole":
            self.lead_on()

    def lead_on(self) -> None:
        """Connects to the other end."""
        if self._leading is None:
            self._leading = asyncio.get_running_loop().create_task(self._lead_on())

    async def _lead_on(self) -> None:
        try:
            far = await self._line.reach(lambda: _Far(self))
        except OSError:
            self.transport.abort()
            return
        if self.transport.is_closing():
            far.transport.abort()
            return
        self.far = far
        self.deaf = self._line.state == "silent"
        for data in self._early:
            self.data_received(data)
        self._early.clear()

    def data_received(self, data: bytes) -> None:
        if self.far is None:
            self._early.append(data)
        elif not self.deaf:
            self.far.transport.write(data)

    def pause_writing(self) -> None:
        if self.far is not None:
            self.far.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.far is not None:
            with suppress(RuntimeError):
                self.far.transport.resume_reading()

    def connection_lost(self, _exc: Exception | None) -> None:
        if self.far is not None and self.deaf:
            return  # The server is not told before the line is whole again.
        self._line.went(self)
        if self.far is not None:
            self.far.transport.close()

    def end(self) -> None:
        """Both sides are told at once."""
        self.deaf = False
        self.transport.abort()
        if self.far is not None:
            self.far.transport.abort()


class _Far(asyncio.Protocol):
    """The side of the server."""

    transport: asyncio.Transport

    def __init__(self, near: _Near) -> None:
        self._near = near

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if not self._near.deaf:
            self._near.transport.write(data)

    def pause_writing(self) -> None:
        self._near.transport.pause_reading()

    def resume_writing(self) -> None:
        with suppress(RuntimeError):
            self._near.transport.resume_reading()

    def connection_lost(self, _exc: Exception | None) -> None:
        if not self._near.deaf:
            self._near.transport.close()
