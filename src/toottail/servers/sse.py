"""Server-sent events, cut out of bytes as they come, holding no more than one event at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from toottail.errors import AnswerRefused


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its name, and its data as it came."""

    name: str
    data: bytes


class EventReader:
    """Cuts a stream of ``host`` into events of at most ``cap`` bytes each."""

    __slots__ = ("_cap", "_data", "_host", "_line", "_name", "_size")

    def __init__(self, host: str, cap: int) -> None:
        self._host = host
        self._cap = cap
        self._line = bytearray()
        self._name = b""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events that ``chunk`` completes. Raises `AnswerRefused` for one that is too long."""
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            self._add(line)
            whole = bytes(self._line).removesuffix(b"\r")
            self._line.clear()
            event = self._end(whole)
            if event is not None:
                yield event
        self._add(rest)

    def _add(self, part: bytes) -> None:
        self._line += part
        if len(self._line) + self._size > self._cap:
            raise AnswerRefused(self._host, f"sent an event of more than {self._cap >> 10} KiB")

    def _end(self, line: bytes) -> Event | None:
        """What the end of ``line`` completes."""
        if not line:
            return self._dispatch()
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"event":
            self._name = value
        elif name == b"data":
            self._data.append(value)
            self._size += len(value) + 1
        return None

    def _dispatch(self) -> Event | None:
        event = Event(self._name.decode("utf-8", "replace"), b"\n".join(self._data))
        found = event if self._data else None
        self._name, self._data, self._size = b"", [], 0
        return found
