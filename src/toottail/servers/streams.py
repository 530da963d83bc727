"""A member's stream: the home tells what is new in their timeline while it is listened to.

Read in the source of Mastodon's streaming server (server-sent events at ``/api/v1/streaming/user``,
for tokens with ``read:statuses``) and of GoToSocial (a WebSocket at ``/api/v1/streaming``, a ping
every 30 s); both take the token in the usual header. Mastodon's streams may be on another host, as
its page about the server says. The token goes there too, so only one below the home's own name is
believed.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass

import aiohttp
import msgspec
from pydantic import SecretStr

from toottail.errors import AnswerRefused, StatusError, Unreachable
from toottail.servers import outcomes
from toottail.servers.asker import Asker
from toottail.servers.door import Door
from toottail.servers.entities import boostable_of
from toottail.servers.home_traits import Streaming
from toottail.servers.homes import HomeStatus, home_entry
from toottail.servers.sse import EventReader
from toottail.types.hosts import host_of

_UPDATE = "update"
_CONTROL = frozenset({aiohttp.WSMsgType.PING, aiohttp.WSMsgType.PONG})


@dataclass(frozen=True, slots=True)
class Limits:
    """What a stream may cost: bytes of one event, bytes and messages a minute, seconds of silence.

    Homes give a sign of life every 15 to 30 seconds.
    """

    event: int = 256 << 10
    minute: int = 8 << 20
    messages: int = 6_000
    silence: float = 75.0


LIMITS = Limits()


class _Urls(msgspec.Struct):
    streaming: str | None = None
    streaming_api: str | None = None


class _Configuration(msgspec.Struct):
    urls: _Urls | None = None


class _Instance(msgspec.Struct):
    configuration: _Configuration | None = None
    urls: _Urls | None = None


async def find_place(ask: Asker) -> str | None:
    """The host of a home's streams; None where it names none, or one that gets no token of ours.

    Raises what `Asker.get` raises, but no `StatusError` or `AnswerRefused`.
    """
    for path in ("/api/v2/instance", "/api/v1/instance"):
        try:
            answer = await ask.get(path, robots=False)
            told = msgspec.json.decode(answer.body, type=_Instance)
        except (StatusError, AnswerRefused, msgspec.MsgspecError, UnicodeDecodeError):
            continue
        urls = told.configuration.urls if told.configuration else None
        url = (urls.streaming if urls else None) or (told.urls.streaming_api if told.urls else None)
        if url:
            return _believed(ask.host, url)
    return None


def _believed(home: str, url: str) -> str | None:
    place = host_of(url.replace("wss://", "https://", 1))
    if place is None or not (place == home or place.endswith("." + home)):
        return None
    return place


async def listen(
    door: Door,
    home: str,
    place: str,
    way: Streaming,
    token: SecretStr,
    limits: Limits | None = None,
    *,
    opened: Callable[[], None] = lambda: None,
) -> AsyncGenerator[HomeStatus, None]:
    """What comes into a member's timeline, from now on; ``opened`` is called when it is open.

    What is no public https URI, or cannot be read, is left out. It ends only by an error:
    `Forbidden` for a token that is not taken, another `StatusError`, `TooManyRequests`,
    `AnswerRefused` for what breaks the ``limits`` (else `LIMITS`) or is no such stream,
    `AddressRefused`, and `Unreachable` when it is lost.
    """
    events = _events if way == "events" else _messages
    meter = _Meter(place, limits or LIMITS)
    try:
        async for text in events(door, home, place, token, meter, opened):
            entry = boostable_of(text)
            status = home_entry(entry) if entry is not None else None
            if status is not None:
                yield status
    except (aiohttp.ClientError, TimeoutError) as error:
        failure = outcomes.explain(place, error)
    else:
        failure = Unreachable(place, "closed the stream")
    # Raised outside the handler: the library's error knows the token, ours must not.
    raise failure


class _Meter:
    """Counts what a stream sends in each minute."""

    __slots__ = ("_bytes", "_messages", "_until", "host", "limits")

    def __init__(self, host: str, limits: Limits) -> None:
        self.host = host
        self.limits = limits
        self._until = self._bytes = self._messages = 0.0

    def count(self, size: int, messages: int) -> None:
        """Raises `AnswerRefused` where it is too much."""
        now = time.monotonic()
        if now >= self._until:
            self._until, self._bytes, self._messages = now + 60, 0, 0
        self._bytes += size
        self._messages += messages
        if self._bytes > self.limits.minute or self._messages > self.limits.messages:
            raise AnswerRefused(self.host, "sends more than anybody can read")


async def _events(
    door: Door,
    home: str,
    place: str,
    token: SecretStr,
    meter: _Meter,
    opened: Callable[[], None],
) -> AsyncIterator[bytes]:
    """The statuses of a stream of server-sent events, each as JSON."""
    url = f"https://{place}/api/v1/streaming/user"
    async with door.open_events(
        place, url, token=token, home=home, silence=meter.limits.silence
    ) as response:
        opened()
        reader = EventReader(place, meter.limits.event)
        async for chunk in response.content.iter_any():
            meter.count(len(chunk), 0)
            for event in reader.feed(chunk):
                meter.count(0, 1)
                if event.name == _UPDATE:
                    yield event.data


class _Message(msgspec.Struct):
    event: str = ""
    payload: str = ""


async def _messages(
    door: Door,
    home: str,
    place: str,
    token: SecretStr,
    meter: _Meter,
    opened: Callable[[], None],
) -> AsyncIterator[str]:
    """The same of a WebSocket."""
    url = f"https://{place}/api/v1/streaming?stream=user"
    limits = meter.limits
    async with door.open_socket(
        place, url, token=token, home=home, silence=limits.silence, most=limits.event
    ) as socket:
        opened()
        while True:
            message = await socket.receive()
            meter.count(len(message.data) if isinstance(message.data, str | bytes) else 0, 1)
            if message.type == aiohttp.WSMsgType.PING:
                await socket.pong(message.data)
            elif message.type == aiohttp.WSMsgType.TEXT:
                told = _message(message.data)
                if told is not None and told.event == _UPDATE:
                    yield told.payload
            elif message.type == aiohttp.WSMsgType.ERROR:
                raise AnswerRefused(place, "sent what is no message of a WebSocket, or too long")
            elif message.type not in _CONTROL:
                return


def _message(text: str) -> _Message | None:
    try:
        return msgspec.json.decode(text, type=_Message)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
