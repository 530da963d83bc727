"""What an answer, or its absence, means: for the host's budget, and as an error for people.

A host has failed when it cannot be reached, breaks off, takes too long or answers 5xx; some of
these in a row open its circuit. Whatever else it answers (404, 401, 429, garbage), it is alive.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import aiohttp
from pydantic import SecretStr

from toottail.errors import (
    AnswerRefused,
    Forbidden,
    Gone,
    RemoteError,
    ServerFault,
    StatusError,
    TooManyRequests,
    Unreachable,
)
from toottail.servers.permit import Permit

_LONGEST_TEXT = 200


def refusal(
    permit: Permit, names: Sequence[str], status: int, headers: Mapping[str, str], said: str
) -> RemoteError:
    """The error for a status that is no success; the budget waits where it should."""
    now = permit.clock()
    if status >= 500:
        permit.budget.failed(now)
    elif status != 429:
        permit.budget.succeeded(now)
    asked = permit.budget.asked_to_wait(headers, now) if status in (429, 503) else None
    if status == 429:
        told = asked is not None or "X-RateLimit-Reset" in headers
        return TooManyRequests(permit.host, permit.budget.refused(names, asked, now), told=told)
    if asked is not None:
        permit.budget.rest(asked, now)
    what = f"answered {status}" + (f": {said}" if said else "")
    if status in (401, 403):
        return Forbidden(permit.host, status, what)
    if status in (404, 410):
        return Gone(permit.host, status, what)
    return (ServerFault if status >= 500 else StatusError)(permit.host, status, what)


def status_of(error: RemoteError) -> int | None:
    """The status that an error stands for; None where no answer came."""
    if isinstance(error, StatusError):
        return error.status
    if isinstance(error, TooManyRequests):
        return 429
    return None if isinstance(error, Unreachable) else 200  # an answer that we would not read


def check_type(host: str, accept: str, headers: Mapping[str, str]) -> None:
    """Raise `AnswerRefused` unless the body is JSON, or anything else was welcome (``*/*``)."""
    if "*/*" in accept:
        return
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind not in ("application/json", "text/json") and not (
        kind.startswith("application/") and kind.endswith("+json")
    ):
        raise AnswerRefused(host, f"answered {kind[:60] or 'something without a type'}, no data")


def error_text(headers: Mapping[str, str], body: bytes) -> str:
    """The server's own words in the JSON of an error, on one line; empty where it has none."""
    if "json" not in headers.get("Content-Type", ""):
        return ""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    said = said if type(said) is dict else {}
    words = [said.get(key) for key in ("error", "error_description")]
    if type(said.get("error")) is dict:  # as Misskey has it
        words = [said["error"].get(key) for key in ("code", "message")]
    text = "; ".join(word for word in words if isinstance(word, str))
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:_LONGEST_TEXT]


def without(token: SecretStr | None, text: str) -> str:
    """``text`` without the token, should a server echo it."""
    secret = token.get_secret_value() if token else ""
    return text.replace(secret, "…") if secret else text


def explain(host: str, error: Exception) -> RemoteError:
    """What went wrong below HTTP, in words for people."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return Unreachable(host, "shows a TLS certificate that is not valid for it")
        case aiohttp.ClientConnectorDNSError():
            return Unreachable(host, "has no address: its name does not resolve")
        case aiohttp.ClientConnectorSSLError():
            return Unreachable(host, "does not speak TLS as it should")
        case aiohttp.ConnectionTimeoutError():
            return Unreachable(host, "did not accept a connection in time")
        case TimeoutError():
            return Unreachable(host, "did not answer in time")
        case aiohttp.ClientConnectorError():
            return Unreachable(host, f"cannot be connected to ({error.os_error.strerror})")
        case aiohttp.ClientResponseError():
            return AnswerRefused(host, "answered something that is not HTTP as we read it")
        case aiohttp.ClientPayloadError():
            return Unreachable(host, "broke off in the middle of its answer")
        case aiohttp.ClientConnectionError():
            return Unreachable(host, "closed the connection")
        case _:
            return AnswerRefused(host, "cannot be asked for this address")
