"""What goes in and out as JSON, as far as the nouns of `types.service` do not say it themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from toottail.flow.verdicts import Kind
from toottail.types.service import Overview

_LINE = r"^[^\x00-\x1f\x7f]*$"
_LINES = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"

Number = Annotated[int, Field(ge=1, le=2**63 - 1)]
"""The number of a row."""
Source = Annotated[str, Field(min_length=1, max_length=300, pattern=_LINE)]
Sources = Annotated[list[Source], Field(max_length=50)]


class Sent(BaseModel):
    """What is sent to us: nothing else than what is described."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Told(BaseModel):
    """What we answer."""

    model_config = ConfigDict(frozen=True)


class ErrorDetail(Told):
    """`code` is for programs and stays as it is; `message` is for people."""

    code: str
    message: str


class Error(Told):
    """The one shape of all errors."""

    error: ErrorDetail


class ServerName(Sent):
    """A server as people write it: `example.social`, `@me@example.social` or a URL."""

    server: str = Field(max_length=500, pattern=_LINE, examples=["example.social"])


class SignInWish(ServerName):
    """Whom to sign in, and what to read for them (words as in docs/sources.md)."""

    sources: Sources = Field(default=["home"], examples=[["home", "notifications"]])
    invite: str = Field(default="", max_length=200, pattern=_LINE)


class SignInBegun(Told):
    """Where the browser goes to say yes; the answer also sets the sign-in's cookie."""

    authorize_url: str


class Me(Told):
    """The signed-in member. `csrf` goes into the header X-CSRF-Token of what changes something."""

    handle: str
    csrf: str
    is_operator: bool
    overview: Overview


class SourcesWish(Sent):
    """The member's sources from now on; all others are off."""

    sources: Sources = Field(examples=[["home", "bookmarks=100"]])


class LeaveWish(Sent):
    """Leaving cannot be undone, so it is spelled out."""

    confirm: Literal["leave"]


class Left(Told):
    """The rows are gone in any case; `token_ended`: the home confirmed that it forgot our token."""

    token_ended: bool


class Found(Told):
    """The number of the conversation with a status."""

    id: int


class ExplainedStatus(Told):
    """A status of a conversation and what became of it at the member's home.

    `depth` is 0 at the root and counts levels below it. `kind` is for programs, `words` for people;
    `observed` is what the home did, `inferred` what we make of it, `next_at` its next try.
    """

    uri: str
    url: str | None
    parent_uri: str | None
    depth: int
    host: str
    kind: Kind
    words: str
    observed: str | None
    inferred: str | None
    created_at: datetime | None
    changed_at: datetime | None
    next_at: datetime | None


class AskedHost(Told):
    """A host that was asked about a conversation: questions it answered, and those still open."""

    host: str
    answered: int
    open: int
    problem: str | None


class Conversation(Told):
    """A conversation explained: its tree in reading order, each status after the one it replies to.

    A list and not a nest: threads can be deeper than parsers of JSON go.
    """

    id: int
    host: str
    root_uri: str
    home: str
    stage: str
    looked_at: datetime | None
    next_look_at: datetime | None
    problem: str | None
    statuses: list[ExplainedStatus]
    asked: list[AskedHost]


class OptOutWish(Sent):
    """An admin wants a server left alone."""

    host: str = Field(max_length=500, pattern=_LINE, examples=["example.social"])
    contact: str = Field(default="", max_length=300, pattern=_LINE)
    words: str = Field(default="", max_length=2000, pattern=_LINES)


class OptOutTaken(Told):
    """`done`: proven by the server itself, in force now. `asked`: the operator decides."""

    result: Literal["done", "asked"]


class Decision(Sent):
    """Whether the server is blocked; otherwise the wish is declined."""

    block: bool


class InviteWish(Sent):
    """An invite code: how many may use it, and for how many days."""

    uses: int = Field(default=1, ge=1, le=10_000)
    days: int | None = Field(default=30, ge=1, le=3650)
    note: str = Field(default="", max_length=300, pattern=_LINE)


class Invite(Told):
    """The code; it is shown here and never again."""

    code: str


class Health(Told):
    """That the process answers, or that all it needs is there."""

    status: Literal["ok"] = "ok"
