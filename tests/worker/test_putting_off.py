"""What one member must wait for holds up nobody else at the home."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from tests.flow.conftest import OpenStage
from tests.flow.stage import HOME, Stage
from tests.repository.rows import now
from tests.worker.services import served, until
from tests.worker.test_slices import a_large_home, bound, know_software, take_in_members
from toottail.repository import lanes
from toottail.servers.budgets import HostBudget, standard_limits


async def _must_wait(stage: Stage, names: tuple[str, ...], for_: timedelta) -> datetime:
    """The home has asked to wait with some requests until a time, which is returned."""
    budget = HostBudget(HOME, defaults=standard_limits())
    until_ = budget.refused(names, now() + for_, now())
    async with stage.database.connection() as conn:
        taken = await lanes.take(conn, HOME, uuid4(), timedelta(minutes=1))
        assert taken is not None
        await lanes.release(conn, HOME, taken.epoch, budget.state(), requests=0)
    return until_


async def _due_later(stage: Stage, after: timedelta, *, but_for: int) -> None:
    await stage.sql(
        "UPDATE sources SET collect_at = now() + $1::interval WHERE member_id <> $2", after, but_for
    )


async def test_a_member_whose_limit_is_used_up_is_waited_for_and_the_others_are_read(
    open_stage: OpenStage,
) -> None:
    stage = await open_stage(a_large_home(), bound(100))
    await know_software(stage)
    await take_in_members(stage, 0, 6)
    first = (await stage.sql("SELECT min(id) AS id FROM members"))[0]["id"]
    await _due_later(stage, timedelta(seconds=3), but_for=first)
    waits_until = await _must_wait(stage, (f"token:{first}",), timedelta(minutes=10))
    async with served(stage):

        async def others_are_read() -> bool:
            return not await stage.sql(
                "SELECT FROM sources WHERE member_id <> $1 AND read_at IS NULL", first
            )

        await until(others_are_read)

        async def put_off() -> bool:
            (row,) = await stage.sql("SELECT collect_at FROM sources WHERE member_id = $1", first)
            at: datetime = row["collect_at"]
            return at > datetime.now(UTC) + timedelta(minutes=9)

        await until(put_off)
    (row,) = await stage.sql("SELECT * FROM sources WHERE member_id = $1", first)
    assert row["read_at"] is None
    assert abs(row["collect_at"] - waits_until) < timedelta(seconds=1)
    rows = await stage.sql("SELECT collect_at FROM sources WHERE member_id <> $1", first)
    assert all(row["collect_at"] < now() + timedelta(minutes=8) for row in rows)


async def test_while_the_home_itself_wants_to_be_left_alone_all_its_members_wait(
    open_stage: OpenStage,
) -> None:
    stage = await open_stage(a_large_home(), bound(100))
    await know_software(stage)
    await take_in_members(stage, 0, 6)
    first = (await stage.sql("SELECT min(id) AS id FROM members"))[0]["id"]
    await _due_later(stage, timedelta(minutes=5), but_for=first)
    waits_until = await _must_wait(stage, (), timedelta(minutes=10))
    async with served(stage):

        async def all_put_off() -> bool:
            return not await stage.sql(
                "SELECT FROM sources WHERE collect_at < now() + interval '9 minutes'"
            )

        await until(all_put_off)
    rows = await stage.sql("SELECT collect_at FROM sources")
    assert all(abs(row["collect_at"] - waits_until) < timedelta(seconds=1) for row in rows)
    assert stage.judge()["requests_home"] == 0
