"""When a member last read, by what their home tells of their markers, whatever it sends."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.servers.dialects.edge import FakeAsker
from tests.servers.test_homes import HOME, client
from toottail.errors import AnswerRefused
from toottail.servers.home_markers import last_read

PATH = "/api/v1/markers"
OLD = {"last_read_id": "7", "version": 3, "updated_at": "2026-11-01T08:00:00.000Z"}
NEW = OLD | {"updated_at": "2026-11-02T09:30:00.000Z"}
# Pleroma writes no zone.
BARE = {"last_read_id": "", "version": 0, "updated_at": "2026-11-03T10:00:00"}


@pytest.mark.parametrize(
    ("told", "day"),
    [
        ({"home": OLD, "notifications": NEW}, 2),
        ({"home": NEW, "notifications": OLD}, 2),
        ({"notifications": OLD}, 1),
        ({"home": BARE}, 3),
        ({"home": OLD, "notifications": {"updated_at": "yesterday"}}, 1),
        ({"home": OLD, "elsewhere": BARE}, 1),
        ({}, None),
        ({"home": None, "notifications": ["2026-11-01"]}, None),
        ({"home": {"last_read_id": "7"}}, None),
    ],
)
async def test_the_newest_of_both_markers_counts(told: Any, day: int | None) -> None:
    fake = FakeAsker(HOME, {PATH: told})
    found = await last_read(client(fake))
    assert (found.day if found is not None else None) == day
    assert found is None or found.tzinfo == UTC
    assert fake.asked == [f"{PATH}?timeline%5B%5D=home&timeline%5B%5D=notifications"]
    assert fake.options[0]["allowances"] == ["token:7"]


@pytest.mark.parametrize("told", [[OLD], "gone", 7])
async def test_what_is_no_object_of_markers_is_refused(told: Any) -> None:
    with pytest.raises(AnswerRefused):
        await last_read(client(FakeAsker(HOME, {PATH: told})))


async def test_a_marker_of_the_time_to_come_is_passed_on_as_told() -> None:
    far = {"home": OLD | {"updated_at": "9999-12-31T23:59:59Z"}}
    found = await last_read(client(FakeAsker(HOME, {PATH: far})))
    assert found == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
