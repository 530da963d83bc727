"""Everything that can go wrong on purpose, as one tree.

    TootTailError
    ├── UsageError               bad input of the person at the shell: exit code 2
    │   ├── SettingsError        a setting or the configuration file is wrong
    │   ├── InvalidHost          not the name of a server
    │   └── TokenRefused         the home does not take the token, or it lacks a scope
    │       └── ScopeLacking     the home says that something is outside the token's scopes
    ├── ServiceRefused           the service does not do what a visitor asked for
    │   ├── SignInRefused        a sign-in that cannot be; `code` says why, for programs
    │   ├── NotSignedIn          no session, or one that has ended
    │   ├── NotAllowed           signed in, but this is not for them; or a forged request
    │   ├── NotFound             there is no such thing, or it belongs to another member
    │   ├── BadRequest           what was sent cannot be understood
    │   └── TooManyAttempts      an allowance of ours is used up; `retry_after` says for how long
    ├── HomeFailed               the home does not answer, or is no server we can serve: exit code 1
    ├── StorageError             the database, or the disk below it: exit code 1
    │   ├── DatabaseUnavailable  cannot be started or reached
    │   ├── SchemaMismatch       was made by another version of TootTail
    │   ├── DiskFull
    │   └── StorageConflict      two transactions were in each other's way: try again
    ├── LaneLost                 another worker holds the lane now: stop, store nothing
    ├── NotPermittedYet          the budget or the circuit says: not before a given time
    └── RemoteError              one request to another server brought nothing
        ├── Unreachable          no answer: DNS, TCP, TLS, a time limit
        ├── AddressRefused       its address is private, or its name is no public one
        ├── RobotsRefused        its robots.txt does not want us
        ├── HostBarred           our operator wants it left alone, or it refused us before
        ├── TooManyRequests      429
        ├── AnswerRefused        an answer we will not read: too large, no JSON, a redirect loop
        │   └── RedirectedAway   a redirect to another host, whose lane must ask
        └── StatusError          an HTTP status that is no success
            ├── Forbidden        401 or 403
            ├── Gone             404 or 410
            └── ServerFault      5xx

Messages are for people: they say what happened and what to do, and never hold a token.
"""

from __future__ import annotations

from datetime import datetime


class TootTailError(Exception):
    """The root of the tree."""


class UsageError(TootTailError):
    """The person at the shell asked for something that cannot be done as asked."""


class SettingsError(UsageError):
    """A setting is wrong; the message names the file or variable, the line and the key."""


class InvalidHost(UsageError):
    """What was given is not the name of a server."""


class TokenRefused(UsageError):
    """The home does not take the token, or the token lacks a scope; the message names it."""


class ScopeLacking(TokenRefused):
    """The home answered that something is outside the token's scopes; ``scope`` covers it."""

    def __init__(self, message: str, scope: str) -> None:
        super().__init__(message)
        self.scope = scope


class ServiceRefused(TootTailError):
    """The service does not do what a visitor asked for; ``code`` says why, for programs."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class SignInRefused(ServiceRefused):
    """A sign-in that cannot be.

    Codes: invalid_server, unreachable, not_a_home, unsupported, home_not_listed, blocked, closed,
    invite_needed, invite_invalid, full, denied (by the member at home), expired (or forged: the
    state or the browser's cookie does not fit), scopes (the home gave too few), home_failed.
    """


class NotSignedIn(ServiceRefused):
    """There is no session, or it has ended."""

    def __init__(self, message: str = "Sign in first.") -> None:
        super().__init__(message, "not_signed_in")


class NotAllowed(ServiceRefused):
    """The visitor may not do this, or the request did not come from one of our own pages."""

    def __init__(self, message: str, code: str = "not_allowed") -> None:
        super().__init__(message, code)


class NotFound(ServiceRefused):
    """There is no such thing, or it is another member's, which is the same to whoever asks."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "not_found")


class BadRequest(ServiceRefused):
    """What was sent cannot be understood; the message says what was expected."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "bad_request")


class TooManyAttempts(ServiceRefused):
    """Too often; ``retry_after`` is in seconds."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message, "too_many_attempts")
        self.retry_after = retry_after


class HomeFailed(TootTailError):
    """The home does not answer, or is no server that TootTail can serve."""


class StorageError(TootTailError):
    """The database, or the disk below it, does not do its part."""


class DatabaseUnavailable(StorageError):
    """The database cannot be started or reached."""


class SchemaMismatch(StorageError):
    """The database was made by an older or newer version; the message says what to run."""


class DiskFull(StorageError):
    """No space is left where the database lives."""


class StorageConflict(StorageError):
    """Two transactions were in each other's way and this one was ended: try the step again."""


class LaneLost(TootTailError):
    """The visit no longer owns its lane: nothing more may be sent or stored."""


class NotPermittedYet(TootTailError):
    """The host's budget, or its circuit, allows no request before ``until``."""

    def __init__(self, host: str, until: datetime, why: str) -> None:
        super().__init__(f"{host}: no request before {until:%H:%M:%S} UTC ({why})")
        self.host = host
        self.until = until
        self.why = why


class RemoteError(TootTailError):
    """One request to another server brought nothing; ``host`` says which server."""

    def __init__(self, host: str, what: str) -> None:
        super().__init__(f"{host}: {what}")
        self.host = host
        self.what = what


class Unreachable(RemoteError):
    """No answer came: DNS, TCP, TLS or a time limit, as ``what`` says."""


class AddressRefused(RemoteError):
    """The name or its address is not one on the public internet."""


class RobotsRefused(RemoteError):
    """The host's robots.txt disallows this path to us."""


class HostBarred(RemoteError):
    """The host is left alone: by our operator's wish, or because it refused us; nothing is sent."""


class TooManyRequests(RemoteError):
    """429; ``until`` is when to come back, ``told`` whether the host itself named that time."""

    def __init__(self, host: str, until: datetime | None, *, told: bool = True) -> None:
        super().__init__(host, "answered 429, too many requests")
        self.until = until
        self.told = told


class AnswerRefused(RemoteError):
    """An answer we will not read: too large, not JSON, a redirect loop, a broken encoding."""


class RedirectedAway(AnswerRefused):
    """A redirect to ``url`` on another host; asking there is that host's lane's business."""

    def __init__(self, host: str, url: str) -> None:
        super().__init__(host, f"redirects to {url}")
        self.url = url


class StatusError(RemoteError):
    """An HTTP status that is no success; ``status`` is its number."""

    def __init__(self, host: str, status: int, what: str = "") -> None:
        super().__init__(host, what or f"answered {status}")
        self.status = status


class Forbidden(StatusError):
    """401 or 403: the host does not let us see this."""


class Gone(StatusError):
    """404 or 410: not there, or no longer."""


class ServerFault(StatusError):
    """5xx: the host has a problem of its own."""
