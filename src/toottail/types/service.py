"""What the service tells its members, its operator and the public. Times are UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from toottail.types.delays import DelayRow
from toottail.types.reports import Progress

MemberState = Literal["working", "paused", "token_refused", "home_fails", "asleep"]
"""``paused`` by the member or the operator; of the next two the member's pages say what to do.

``asleep``: not seen to read for long; their next visit makes it go on."""


@dataclass(frozen=True, slots=True)
class HomeCheck:
    """Whether a server can be a home here; ``why_not`` says in words for people why it cannot.

    ``code`` is the same for programs, one of those of `errors.SignInRefused`. ``title`` is what the
    server calls itself: text of strangers.
    """

    host: str
    can_serve: bool
    software: str = "unknown"
    version: str = ""
    title: str = ""
    code: str | None = None
    why_not: str | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in under way: where the browser goes, and the cookie that it must bring back."""

    authorize_url: str
    browser_cookie: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A finished sign-in; ``session`` is the cookie. ``is_new``: the member was not here before."""

    member_id: int
    session: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Session:
    """Who asks. ``csrf`` must come with everything that changes something."""

    member_id: int
    handle: str
    csrf: str
    is_operator: bool


@dataclass(frozen=True, slots=True)
class MemberView:
    """A member, for the member and for the operator. ``told`` says what is wrong, in words."""

    id: int
    home: str
    handle: str
    state: MemberState
    created_at: datetime
    told: str | None = None
    delete_at: datetime | None = None
    paused_by_operator: bool = False


@dataclass(frozen=True, slots=True)
class SourceSetting:
    """A source as the member's settings show it.

    ``lacks`` are scopes that its token lacks: switching it on needs a new sign-in. ``told`` says
    why it was not read, and ``off_until`` when it is tried again.
    """

    spec: str
    kind: str
    name: str
    what: str
    gives: str
    enabled: bool
    entries: int
    lacks: tuple[str, ...] = ()
    told: str | None = None
    read_at: datetime | None = None
    off_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class FirstRun:
    """The run that began with the sign-in; ``ended_at`` is None while it goes on."""

    progress: Progress
    started_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DayCount:
    """Replies brought home on one day, UTC."""

    day: date
    delivered: int


@dataclass(frozen=True, slots=True)
class RefusingHost:
    """A host that told nothing about conversations of a member, and why."""

    host: str
    problem: str
    conversations: int
    again_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """Over the conversations a member watches; ``whole`` of them lack nothing that can be had."""

    conversations: int
    whole: int
    replies: int
    were_here: int
    delivered: int
    not_obtained: int


@dataclass(frozen=True, slots=True)
class Overview:
    """The member's page. ``days`` are the last thirty, oldest first, none left out."""

    member: MemberView
    first_run: FirstRun | None
    totals: Totals
    days: tuple[DayCount, ...]
    hosts: tuple[RefusingHost, ...]
    sources: tuple[SourceSetting, ...]


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """A conversation in a member's list: of ``total`` statuses ``were_here``, ``here`` now.

    ``waiting`` are on their way, ``not_obtained`` were asked for in vain, ``out_of_reach`` the
    rest. ``url`` is the root's page at its origin, ``local_url`` what the member's home shows.
    """

    id: int
    host: str
    url: str
    local_url: str | None
    seen_at: datetime
    total: int
    were_here: int
    here: int
    waiting: int
    not_obtained: int
    out_of_reach: int
    working: bool
    looked_at: datetime | None
    next_look_at: datetime | None


@dataclass(frozen=True, slots=True)
class ConversationPage:
    """Conversations, the last seen first; ``next`` begins the following page, None at the end."""

    rows: tuple[ConversationRow, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class StatusText:
    """What a status says, read from the member's home for one page and never kept.

    All of it is plain text of strangers. ``warning`` is its content warning.
    """

    author: str
    handle: str
    text: str
    warning: str = ""


@dataclass(frozen=True, slots=True)
class PublicStatus:
    """The service in numbers for everybody; ``delay`` is the median of the last day, in seconds."""

    version: str
    sign_ups: str
    members: int
    homes: int
    conversations: int
    delivered_hour: int
    delivered_day: int
    delay: float | None
    workers: int


@dataclass(frozen=True, slots=True)
class LaneRow:
    """A lane as the operator sees it: who serves it, what is due, how late (seconds).

    ``members`` are those that a slice of a large home collects for; None for any other lane.
    """

    key: str
    worker: str | None
    since: datetime | None
    due: int
    late: float
    members: int | None = None


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """A worker as it last told of itself; ``memory`` is in bytes, 0 where it is not known.

    ``over_limit``: it goes on with the lanes it has and takes no new ones. ``streams`` is how many
    it holds open, None where it takes none.
    """

    id: str
    started_at: datetime
    seen_at: datetime
    alive: bool
    egress: str
    lanes: int
    memory: int
    memory_limit: int
    over_limit: bool
    streams: int | None


@dataclass(frozen=True, slots=True)
class HomeRow:
    """A home as the operator sees it."""

    home: str
    software: str
    members: int
    paused: int
    delivered_day: int
    problem: str | None


@dataclass(frozen=True, slots=True)
class OptOut:
    """An admin's wish to be left alone that waits for the operator."""

    id: int
    host: str
    contact: str
    words: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OperatorView:
    """The operator's page. ``monthly_cost`` is what the operator says the machine costs."""

    public: PublicStatus
    homes: tuple[HomeRow, ...]
    lanes: tuple[LaneRow, ...]
    delays: tuple[DelayRow, ...]
    hosts_with_errors: tuple[RefusingHost, ...]
    opt_outs: tuple[OptOut, ...]
    members: tuple[MemberView, ...]
    oldest_due: float
    """Seconds that the longest waiting work waits."""
    requests_day: int
    database_bytes: int
    monthly_cost: float | None
    cost_per_member: float | None
