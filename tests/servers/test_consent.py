"""Who opted out, and for how long a host that refuses us is left alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from toottail.servers.consent import (
    actor_opts_out_of_backfill,
    forbids,
    leave_alone_until,
    opts_out_of_backfill,
    shuts_out,
)
from toottail.servers.entities import ApiAccount
from toottail.servers.robots import Robots

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

PROFILES = [
    ({"note": "<p>Hello</p>"}, False),
    ({"note": "<p>Hello</p>", "indexable": True, "discoverable": True}, False),
    ({"note": "", "indexable": None, "discoverable": None}, False),
    ({"note": "<p>#<span>nobot</span></p>", "indexable": True}, True),
    ({"note": "NoBot please"}, True),
    ({"note": "I study nobotany"}, False),
    ({"indexable": False}, True),
    ({"discoverable": False, "indexable": True}, True),
]


@pytest.mark.parametrize(("profile", "out"), PROFILES)
def test_a_profile_that_says_no_is_not_backfilled(profile: dict[str, Any], out: bool) -> None:
    account = msgspec.json.decode(json.dumps(profile).encode(), type=ApiAccount)
    assert opts_out_of_backfill(account) is out
    actor = {"summary" if key == "note" else key: value for key, value in profile.items()}
    assert actor_opts_out_of_backfill(actor) is out


def test_a_malformed_actor_opts_out_of_nothing() -> None:
    assert not actor_opts_out_of_backfill({"summary": 7, "indexable": "false", "discoverable": 0})


def test_each_refusal_in_a_row_doubles_the_time_up_to_a_week() -> None:
    hours = [
        (leave_alone_until(NOW, "forbidden", n) - NOW) / timedelta(hours=1) for n in range(1, 8)
    ]
    assert hours == [6, 12, 24, 48, 96, 168, 168]
    assert leave_alone_until(NOW, "too many", 1) == NOW + timedelta(hours=1)
    assert leave_alone_until(NOW, "too many", 10_000) == NOW + timedelta(days=7)


def test_a_host_that_refused_before_is_believed_sooner() -> None:
    assert [n for n in range(9) if forbids(n, 0)] == [6, 7, 8]
    assert [n for n in range(9) if forbids(n, 1)] == [3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize(
    ("text", "out"),
    [
        ("User-agent: *\nDisallow: /", True),
        ("User-agent: TootTail\nDisallow: /", True),
        ("User-agent: Other\nDisallow: /", False),
        ("User-agent: *\nDisallow: /api/\nDisallow: /users/", False),
        ("User-agent: *\nDisallow: /\n\nUser-agent: TootTail\nAllow: /", False),
    ],
)
def test_only_a_robots_txt_that_forbids_all_we_ask_for_shuts_us_out(text: str, out: bool) -> None:
    assert shuts_out(Robots(text)) is out
