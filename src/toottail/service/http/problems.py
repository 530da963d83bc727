"""Errors as visitors see them: one shape, and never more in it than our own words."""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from starlette.responses import JSONResponse

from toottail.errors import (
    BadRequest,
    HomeFailed,
    InvalidHost,
    NotAllowed,
    NotFound,
    NotPermittedYet,
    NotSignedIn,
    RemoteError,
    ServiceRefused,
    SignInRefused,
    StorageError,
    TokenRefused,
    TooManyAttempts,
)

_log = structlog.get_logger("toottail.http")

_REFUSALS: Mapping[type[ServiceRefused], int] = {
    SignInRefused: 400,
    BadRequest: 400,
    NotSignedIn: 401,
    NotAllowed: 403,
    NotFound: 404,
    TooManyAttempts: 429,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong: an HTTP status, a word for programs, a sentence for people.

    ``retry_after`` is in seconds.
    """

    status: int
    code: str
    message: str
    retry_after: int | None = None

    @property
    def headers(self) -> dict[str, str]:
        """What the answer has to say beside its body."""
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}

    def as_json(self) -> JSONResponse:
        """The one shape of errors."""
        return JSONResponse(
            {"error": {"code": self.code, "message": self.message}}, self.status, self.headers
        )


def problem_of(error: Exception) -> Problem:
    """What a visitor is told of ``error``. What is our own fault is logged, under an id."""
    if isinstance(error, ServiceRefused):
        return _refusal(error)
    if isinstance(error, InvalidHost):
        return Problem(400, "bad_request", str(error))
    if isinstance(error, NotPermittedYet):
        seconds = (error.until - datetime.now(UTC)).total_seconds()
        return Problem(
            429,
            "too_many_attempts",
            f"{error.host} was asked a lot lately. Try again in a while.",
            _whole(seconds),
        )
    if isinstance(error, HomeFailed | RemoteError | TokenRefused):
        return Problem(502, "home_failed", str(error))
    if isinstance(error, StorageError):
        # Its message names the database, which is the operator's business.
        _log.error("the database failed a request", error=str(error))
        return Problem(503, "unavailable", "The service is not ready. Try again in a minute.", 60)
    return fault(error)


def fault(error: Exception) -> Problem:
    """A mistake in TootTail itself; the visitor gets an id under which the log has the rest."""
    number = secrets.token_hex(6)
    _log.error("a request failed by a fault in TootTail itself", id=number, exc_info=error)
    return Problem(
        500,
        "fault",
        f"Something is wrong on our side, sorry. The operator finds it in the log as {number}.",
    )


def _refusal(error: ServiceRefused) -> Problem:
    status = next((code for kind, code in _REFUSALS.items() if isinstance(error, kind)), 400)
    wait = _whole(error.retry_after) if isinstance(error, TooManyAttempts) else None
    return Problem(status, error.code, str(error), wait)


def _whole(seconds: float) -> int:
    return max(1, math.ceil(seconds))
