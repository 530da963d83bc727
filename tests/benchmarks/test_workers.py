"""What the benchmarks of several workers reckon from what they see."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from benchmarks.starvation import Readings
from benchmarks.workers import balance

from toottail.repository.database import Database


def test_the_balance_is_that_of_the_slice_furthest_from_the_mean() -> None:
    lanes: list[dict[str, Any]] = [
        {"key": "large.example#1", "members": 90},
        {"key": "large.example#2", "members": 110},
        {"key": "large.example", "members": None},
        {"key": "even.example#1", "members": 7},
        {"key": "even.example#2", "members": 7},
        {"key": "small.example", "due": 3},
    ]
    assert balance(lanes) == pytest.approx(10)
    assert balance(lanes[-1:]) is None


async def test_a_reading_is_as_late_as_its_row_was_due_before_it_changed(
    database: Database,
) -> None:
    async with database.connection() as conn:
        member = await conn.fetchval(
            "INSERT INTO members (home, token_fingerprint, token_sealed)"
            " VALUES ('a.example', 'one', 'sealed') RETURNING id"
        )
        await conn.execute(
            "INSERT INTO sources (member_id, home, kind, name, entries, collect_at)"
            " VALUES ($1, 'a.example', 'home', '', 40, now() - interval '5 s')",
            member,
        )
    readings = Readings(database, {"a.example"})
    await readings.look()
    assert readings.still_waiting() == [pytest.approx(5, abs=2)]
    async with database.connection() as conn:
        later = datetime.now(UTC) + timedelta(minutes=5)
        await conn.execute("UPDATE sources SET collect_at = $1", later)
    await readings.look()
    assert readings.late == [pytest.approx(5, abs=3)]
    assert readings.still_waiting() == []
