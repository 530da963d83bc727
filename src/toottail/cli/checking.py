"""``--check`` of ``serve``, ``api``, ``web`` and ``worker``: whether that part lives.

For the health checks of containers, whose images hold no other program that could ask.
"""

from __future__ import annotations

import ssl
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection

from toottail.service.http.origins import LIVES
from toottail.settings import Settings
from toottail.worker.heart import FRESH, is_fresh

_PATIENCE = 5.0
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
"""Where to ask who listens on all addresses."""


def check(settings: Settings, *, listens: bool, works: bool) -> int:
    """0 where all that this process is said to do is done, else 1; prints what was found."""
    found = [
        *([_answers(settings)] if listens else []),
        *([_works(settings)] if works else []),
    ]
    for _, words in found:
        print(words)
    return 0 if all(fine for fine, _ in found) else 1


def _works(settings: Settings) -> tuple[bool, str]:
    """Whether the worker of this data folder ran and reached its database lately."""
    fine = is_fresh(settings.alive_file)
    told = "the worker works" if fine else f"no sign of life within {FRESH:.0f} s"
    return fine, f"{settings.alive_file}: {told}"


def _answers(settings: Settings) -> tuple[bool, str]:
    """Whether somebody answers where this process is to listen."""
    try:
        with closing(_connection(settings)) as connection:
            # A name that every service goes by to monitors, whatever its own.
            connection.request("GET", LIVES, headers={"Host": "localhost"})
            status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        return False, f"{settings.listen}: does not answer ({error})"
    return status == 200, f"{settings.listen}: answers {status}"


def _connection(settings: Settings) -> HTTPConnection:
    host, port = settings.listen_at
    host = _ANYWHERE.get(host, host)
    if settings.certificate is None:
        return HTTPConnection(host, port, timeout=_PATIENCE)
    # It is this machine, and no secret is told: the certificate is for another name.
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    return HTTPSConnection(host, port, timeout=_PATIENCE, context=trusting)
