"""What answers look like, for the description: made of the real nouns, so that they stay true."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pydantic_core import to_jsonable_python

from toottail import __version__
from toottail.api import models
from toottail.types import service as nouns
from toottail.types.delays import DelayRow
from toottail.types.reports import Progress

_NOW = datetime(2026, 11, 25, 20, 15, tzinfo=UTC)
_ROOT = "https://origin.example/users/ann/statuses/1"
_REPLY = "https://third.example/users/ben/statuses/2"

_RUN = nouns.FirstRun(
    Progress(collected=True, statuses_read=200, conversations=80, looked=64, delivered=310),
    started_at=_NOW - timedelta(minutes=2),
)
_MEMBER = nouns.MemberView(1, "example.social", "@mira@example.social", "working", _NOW)
_SOURCE = nouns.SourceSetting(
    "home=200", "home", "", "the home timeline", "conversations", True, 200, read_at=_NOW
)
_REFUSING = nouns.RefusingHost("quiet.example", "its robots.txt does not want us", 3)
_STATUS = nouns.PublicStatus(__version__, "open", 42, 7, 9_000, 180, 4_200, 31.5, 2)

_OVERVIEW = nouns.Overview(
    member=_MEMBER,
    first_run=_RUN,
    totals=nouns.Totals(80, 61, 1_900, 700, 1_150, 50),
    days=(nouns.DayCount(date(2026, 11, 25), 310),),
    hosts=(_REFUSING,),
    sources=(_SOURCE,),
)
_ROW = nouns.ConversationRow(
    id=7,
    host="origin.example",
    url=_ROOT,
    local_url="https://example.social/@ann@origin.example/112",
    seen_at=_NOW,
    total=40,
    were_here=12,
    here=39,
    waiting=0,
    not_obtained=1,
    out_of_reach=0,
    working=False,
    looked_at=_NOW,
    next_look_at=_NOW + timedelta(hours=1),
)


def _explained(uri: str, parent: str | None, depth: int, words: str) -> models.ExplainedStatus:
    return models.ExplainedStatus(
        uri=uri,
        url=None,
        parent_uri=parent,
        depth=depth,
        host=uri.split("/")[2],
        kind="delivered" if parent else "at_home",
        words=words,
        observed=None,
        inferred=None,
        created_at=_NOW,
        changed_at=_NOW,
        next_at=None,
    )


_CONVERSATION = models.Conversation(
    id=7,
    host="origin.example",
    root_uri=_ROOT,
    home="example.social",
    stage="done",
    looked_at=_NOW,
    next_look_at=None,
    problem=None,
    statuses=[
        _explained(_ROOT, None, 0, "at home already"),
        _explained(_REPLY, _ROOT, 1, "delivered"),
    ],
    asked=[models.AskedHost(host="origin.example", answered=2, open=0, problem=None)],
)
_OPERATOR = nouns.OperatorView(
    public=_STATUS,
    homes=(nouns.HomeRow("example.social", "mastodon 4.5.1", 6, 1, 900, None),),
    lanes=(nouns.LaneRow("origin.example", None, None, 3, 12.5),),
    delays=(DelayRow("look", 1, 412, 1.4, 28.0), DelayRow("reply", 1, 37, 41.0, 180.0)),
    hosts_with_errors=(_REFUSING,),
    opt_outs=(nouns.OptOut(3, "alone.example", "admin@alone.example", "Please stop.", _NOW),),
    members=(_MEMBER,),
    oldest_due=12.5,
    requests_day=52_000,
    database_bytes=48_000_000,
    monthly_cost=5.0,
    cost_per_member=0.12,
)

_EXAMPLES: dict[str, object] = {
    "getStatus": _STATUS,
    "verifyServer": nouns.HomeCheck(
        "example.social", True, "mastodon", "4.5.1", "A friendly server"
    ),
    "optOut": models.OptOutTaken(result="asked"),
    "beginSignIn": models.SignInBegun(
        authorize_url="https://example.social/oauth/authorize?client_id=…&state=…"
    ),
    "getMe": models.Me(
        handle="@mira@example.social", csrf="9f86d081…", is_operator=False, overview=_OVERVIEW
    ),
    "watchFirstRun": {"event": "progress", "data": json.dumps(to_jsonable_python(_RUN))},
    "chooseSources": [_SOURCE],
    "exportMe": {"account": "@mira@example.social", "token": "stored, encrypted"},
    "leave": models.Left(token_ended=True),
    "listConversations": nouns.ConversationPage((_ROW,), "eyJ…"),
    "findConversation": models.Found(id=7),
    "explainConversation": _CONVERSATION,
    "readTexts": {_ROOT: nouns.StatusText("Ann", "@ann@origin.example", "Good morning!")},
    "getOperatorView": _OPERATOR,
    "invite": models.Invite(code="q1V…"),
    "getHealth": models.Health(),
    "getReadiness": models.Health(),
    "getMetrics": "toottail_homes 7.0\n",
}


def example_of(operation_id: str) -> Any:
    """What an operation answers, as JSON has it; None for one that answers nothing."""
    return to_jsonable_python(_EXAMPLES.get(operation_id))
