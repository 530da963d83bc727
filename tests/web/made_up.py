"""A service that exists only as values: pages are tried on it without any server behind them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from toottail.errors import NotAllowed, NotFound
from toottail.flow.verdicts import Kind, Verdict
from toottail.repository.explanations import Asked, Details, WatchedConversation
from toottail.service import account, conversations, operating, public, sessions
from toottail.service.context import Service
from toottail.service.explanation import Explanation
from toottail.settings import Settings
from toottail.types.delays import DelayRow
from toottail.types.reports import Progress
from toottail.types.service import (
    ConversationPage,
    ConversationRow,
    DayCount,
    FirstRun,
    HomeRow,
    LaneRow,
    MemberView,
    OperatorView,
    OptOut,
    Overview,
    PublicStatus,
    RefusingHost,
    Session,
    SourceSetting,
    StatusText,
    Totals,
)
from toottail.types.sources import KINDS
from toottail.types.trees import Node

NOW = datetime(2026, 11, 25, 18, 30, tzinfo=UTC)
COOKIE = "c" * 43
OURS = "http://localhost:8080"

MEMBER = MemberView(7, "home.example", "@mira@home.example", "working", NOW - timedelta(days=40))
_BROUGHT = (0, 0, 31, 84, 52, 40, 61, 12, 9, 48, 77, 90, 66, 58, 20, 14, 71, 83, 64, 49)
DAYS = tuple(
    DayCount((NOW - timedelta(days=29 - number)).date(), _BROUGHT[number % len(_BROUGHT)])
    for number in range(30)
)
HOSTS = (
    RefusingHost("quiet.example", "robots.txt does not want us", 3, None),
    RefusingHost("tired.example", "no answer: timed out", 1, NOW + timedelta(hours=2)),
)
SOURCES = tuple(
    SourceSetting(
        kind.word,
        kind.word,
        "",
        kind.what,
        kind.gives,
        kind.word in ("home", "lists"),
        kind.entries,
        lacks=("read:bookmarks",) if kind.word == "bookmarks" else (),
        read_at=NOW - timedelta(minutes=4) if kind.word in ("home", "lists") else None,
        told="home.example answered 404" if kind.word == "lists" else None,
        off_until=NOW + timedelta(days=1) if kind.word == "lists" else None,
    )
    for kind in KINDS.values()
    if not kind.needs_name and kind.word != "hashtags"
)
OVERVIEW = Overview(MEMBER, None, Totals(212, 187, 2904, 731, 2040, 18), DAYS, HOSTS, SOURCES)
RUN = FirstRun(
    Progress(
        collected=True,
        statuses_read=200,
        conversations=118,
        looked=80,
        finished=64,
        found=1630,
        delivered=912,
        waiting_for=(("slow.example", NOW + timedelta(minutes=2)),),
    ),
    NOW - timedelta(minutes=1),
)


def row(number: int, **more: Any) -> ConversationRow:
    """A conversation in the list."""
    made = ConversationRow(
        id=number,
        host="art.example",
        url=f"https://art.example/@ann/{number}",
        local_url=f"https://home.example/@ann@art.example/{number}",
        seen_at=NOW - timedelta(minutes=7 * number),
        total=40,
        were_here=12,
        here=40,
        waiting=0,
        not_obtained=0,
        out_of_reach=0,
        working=False,
        looked_at=NOW,
        next_look_at=NOW + timedelta(hours=1),
    )
    return replace(made, **more)


ROWS = (
    row(1),
    row(2, host="garden.example", total=9, were_here=3, here=6, waiting=3, working=True),
    row(3, host="night.example", total=212, were_here=11, here=204, not_obtained=3, out_of_reach=5),
    row(4, host="tiny.example", total=4, were_here=4, here=4),
    row(5, host="words.example", total=58, were_here=1, here=57, out_of_reach=1, local_url=None),
)
PAGE = ConversationPage(ROWS, "next")
PUBLIC = PublicStatus("0.4.0", "open", 84, 31, 9_412, 410, 8_630, 42.0, 2)
OPERATOR = OperatorView(
    public=PUBLIC,
    homes=(
        HomeRow("home.example", "mastodon 4.5.2", 40, 1, 3120, None),
        HomeRow("small.example", "gotosocial 0.20", 2, 0, 96, "answered 502"),
    ),
    lanes=(
        LaneRow("home.example", "worker-1", NOW, 120, 3.2),
        LaneRow("art.example", None, None, 4, 61.0),
    ),
    delays=(DelayRow("look", 1, 412, 1.4, 28.0), DelayRow("reply", 24, 9_120, 41.0, 1_800.0)),
    hosts_with_errors=HOSTS,
    opt_outs=(OptOut(3, "calm.example", "admin@calm.example", "Please leave us alone.", NOW),),
    members=(
        MEMBER,
        MemberView(8, "small.example", "@bo@small.example", "paused", NOW),
        MemberView(9, "old.example", "@cy@old.example", "token_refused", NOW, "answered 401", NOW),
    ),
    oldest_due=61.0,
    requests_day=51_000,
    database_bytes=412_000_000,
    monthly_cost=4.0,
    cost_per_member=0.05,
)

_TREE: tuple[tuple[str, str | None, Kind, str, str], ...] = (
    ("1", None, "at_home", "Ann", "What is the smallest thing that made your week better?"),
    ("2", "1", "delivered", "Bo", "A neighbour left a bag of quinces at our door."),
    ("3", "2", "delivered", "Cy", "Quinces! Jelly, or with cheese?"),
    ("4", "3", "delivered", "Bo", "Both. There were a lot of quinces."),
    ("5", "1", "at_home", "Dee", "My bus driver waited for me."),
    ("6", "5", "not_yet", "Eli", ""),
    ("7", "1", "delivered", "Fay", "Finished a scarf that I began in 2019."),
    ("8", "7", "not_obtained", "Gus", ""),
    ("9", "7", "unreachable", "Hal", ""),
    ("10", "1", "opted_out", "Ida", ""),
    ("11", "1", "unattached", "Joe", ""),
)


def _uri(key: str) -> str:
    return f"https://{'art' if key in '15' else f'host{key}'}.example/s/{key}"


def explanation() -> Explanation:
    """A conversation with one status of each verdict."""
    nodes, verdicts, details = [], {}, {}
    for number, (key, parent, kind, _, _) in enumerate(_TREE):
        uri = _uri(key)
        host = uri.split("/")[2]
        nodes.append(Node(uri, _uri(parent) if parent else None, host))
        verdicts[uri] = Verdict(kind, f"{kind}: what is known", "answered 200, empty list")
        at = NOW - timedelta(hours=3) + timedelta(minutes=9 * number)
        details[uri] = Details(uri, uri, at, "its host is silent", NOW, NOW + timedelta(hours=6))
    root = nodes[0].uri
    watched = WatchedConversation(
        1, root, "art.example", NOW, NOW, "rest", None, None, 0, "mastodon", "4.5.2", None
    )
    asked = (
        Asked("art.example", 3, 0, None),
        Asked("host9.example", 0, 1, "host9.example: answered 502"),
    )
    return Explanation("home.example", watched, nodes, verdicts, details, asked)


def texts() -> dict[str, StatusText]:
    """What those at home say."""
    return {
        _uri(key): StatusText(
            name, f"@{name.lower()}@host{key}.example", words, "Old wool" if key == "7" else ""
        )
        for key, _, kind, name, words in _TREE
        if kind in ("at_home", "delivered")
    }


def made_service(**settings: Any) -> Service:
    """A service of which pages need nothing but the settings."""
    nothing = cast(Any, None)
    return Service(
        Settings(service_url=OURS, **settings), database=nothing, door=nothing, sealer=nothing
    )


def changed(value: Any, change: Callable[[str], str]) -> Any:
    """``value`` with each text in it changed, but for words that are ours."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, tuple | list):
        return type(value)(changed(one, change) for one in value)
    if isinstance(value, dict):
        return {key: changed(one, change) for key, one in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        ours = ("kind", "state", "spec", "sign_ups", "uri", "parent_uri", "gives")
        told = {one.name: getattr(value, one.name) for one in fields(value)}
        return replace(
            value, **{k: v if k in ours else changed(v, change) for k, v in told.items()}
        )
    return value


class Answers:
    """What the service answers; tests change it."""

    def __init__(self) -> None:
        self.overview: Any = OVERVIEW
        self.listed: Any = PAGE
        self.explained: Any = explanation()
        self.texts: Any = texts()
        self.public: Any = PUBLIC
        self.operator: Any = OPERATOR
        self.is_operator = True
        self.calls: list[tuple[Any, ...]] = []

    def put_in_place(self, patch: pytest.MonkeyPatch) -> None:
        """The functions that pages call, answering with these values."""

        async def find_session(service: Service, cookie: str | None) -> Session:
            return Session(7, self.overview.member.handle, "token-of-csrf", self.is_operator)

        def check(session: Session, given: str | None) -> None:
            if given != "token-of-csrf":
                raise NotAllowed("Reload the page.", "csrf")

        patch.setattr(sessions, "find", find_session)
        patch.setattr(sessions, "check_csrf", check)
        patch.setattr(account, "overview", self._answer(lambda: self.overview))
        patch.setattr(account, "export", self._answer(lambda: {"account": "@mira@home.example"}))
        for name in ("choose", "pause", "resume"):
            patch.setattr(account, name, self._answer(lambda: None, name))
        patch.setattr(account, "leave", self._answer(lambda: True, "leave"))
        patch.setattr(sessions, "end", self._answer(lambda: None, "end"))
        patch.setattr(sessions, "end_all", self._answer(lambda: None, "end_all"))
        patch.setattr(conversations, "listed", self._answer(lambda: self.listed))
        patch.setattr(conversations, "explained", self._answer(lambda: self.explained))
        patch.setattr(conversations, "texts", self._answer(lambda: self.texts))
        patch.setattr(conversations, "find", self._answer(lambda: 1))
        patch.setattr(public, "status", self._answer(lambda: self.public))
        patch.setattr(public, "opt_out", self._answer(lambda: "asked", "opt_out"))
        patch.setattr(operating, "view", self._answer(lambda: self.operator))
        patch.setattr(operating, "invite", self._answer(lambda: "maple-otter-1234", "invite"))
        patch.setattr(operating, "decide_opt_out", self._answer(lambda: None, "decide"))

    def _answer(self, value: Callable[[], Any], name: str = "") -> Callable[..., Any]:
        async def answer(service: Service, *given: Any, **more: Any) -> Any:
            if name:
                self.calls.append((name, *given, more))
            found = value()
            if isinstance(found, Exception):
                raise found
            return found

        return answer


NOWHERE = NotFound("There is no such conversation among yours.")
