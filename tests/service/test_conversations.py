"""A member's conversations: counted, listed, found and explained, and nobody else's."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.service import stand
from toottail.errors import BadRequest, NotFound
from toottail.repository import listings, overviews
from toottail.repository.database import Connection, Database
from toottail.service import conversations
from toottail.service.conversations import Which
from toottail.types.service import ConversationRow

STATES = (
    "already_there",
    "delivered",
    "resolved",
    "unattached",
    "not_obtained",
    "given_up",
    "pending",
    "expected",
    None,
)


async def only_row(database: Database, member_id: int) -> ConversationRow:
    page = await conversations.listed(stand.service(database), member_id)
    (row,) = page.rows
    assert row.here + row.waiting + row.not_obtained + row.out_of_reach == row.total
    return row


@pytest.mark.parametrize(
    ("stage", "waiting", "out_of_reach"), [("plan", 3, 1), ("done", 0, 4), ("failed", 0, 4)]
)
async def test_each_status_is_counted_once_by_what_became_of_it(
    database: Database, stage: str, waiting: int, out_of_reach: int
) -> None:
    async with database.connection() as conn:
        mira = await stand.member(conn)
        await stand.conversation(conn, mira, "one", STATES, stage=stage)
    row = await only_row(database, mira)
    assert (row.total, row.were_here, row.here, row.not_obtained) == (9, 1, 3, 2)
    assert (row.waiting, row.out_of_reach) == (waiting, out_of_reach)
    assert row.working is (stage == "plan")


async def test_a_look_at_a_whole_conversation_leaves_it_whole_until_it_brings_something(
    database: Database,
) -> None:
    async with database.connection() as conn:
        mira = await stand.member(conn)
        await stand.conversation(conn, mira, "one", ("already_there", None), stage="look")
        assert (await only_row(database, mira)).working
        await conn.execute("UPDATE watches SET ended = 'done'")
        row = await only_row(database, mira)
        assert (row.working, row.out_of_reach) == (False, 1)
        whole = await conversations.listed(stand.service(database), mira, which="whole")
        assert len(whole.rows) == 1
        await conn.execute("UPDATE watches SET stage = 'compare'")
        assert (await only_row(database, mira)).waiting == 1


async def test_what_was_posted_at_the_home_itself_is_there(database: Database) -> None:
    async with database.connection() as conn:
        mira = await stand.member(conn)
        await stand.conversation(conn, mira, "one", (None, "already_there", None), host=stand.HOME)
    row = await only_row(database, mira)
    assert (row.were_here, row.here, row.total) == (3, 3, 3)


async def test_of_posts_brought_by_themselves_only_those_that_were_wanted_count(
    database: Database,
) -> None:
    async with database.connection() as conn:
        mira = await stand.member(conn)
        await stand.conversation(conn, mira, "one", ("delivered", None, None), alone=True)
    row = await only_row(database, mira)
    assert (row.here, row.total) == (1, 1)


async def test_pages_follow_each_other_without_gap_or_repetition(database: Database) -> None:
    async with database.connection() as conn:
        mira = await stand.member(conn)
        at = stand.now()
        made = [
            # Three at a time were seen at the same moment.
            await stand.conversation(conn, mira, f"c{n}", seen=at - timedelta(seconds=n // 3))
            for n in range(8)
        ]
    service = stand.service(database)
    found: list[ConversationRow] = []
    after = None
    for size in (3, 3, 2):
        page = await conversations.listed(service, mira, after=after, limit=3)
        assert len(page.rows) == size
        found += page.rows
        after = page.next
    assert after is None
    assert sorted(row.id for row in found) == made
    assert [(r.seen_at, r.id) for r in found] == sorted(
        ((r.seen_at, r.id) for r in found), reverse=True
    )


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        ("all", {"whole", "far", "lost", "failed", "busy"}),
        ("working", {"busy"}),
        ("gaps", {"far", "lost", "failed"}),
        ("whole", {"whole", "far"}),
    ],
)
async def test_the_list_can_be_narrowed(
    database: Database, which: Which, expected: set[str]
) -> None:
    async with database.connection() as conn:
        mira = await stand.member(conn)
        for name, states, stage in (
            ("whole", ("already_there", "delivered"), "done"),
            ("far", ("already_there", None), "done"),
            ("lost", ("already_there", "given_up"), "done"),
            ("failed", ("already_there",), "failed"),
            ("busy", ("already_there", None), "compare"),
        ):
            await stand.conversation(conn, mira, name, states, stage=stage)
    page = await conversations.listed(stand.service(database), mira, which=which)
    assert {row.url.split("/")[3] for row in page.rows} == expected


async def test_a_page_at_home_is_named_only_where_it_is_known(database: Database) -> None:
    async with database.connection() as conn:
        mira = await stand.member(conn)
        await stand.conversation(conn, mira, "there")
        await stand.conversation(conn, mira, "here", host=stand.HOME)
        await conn.execute(
            "UPDATE statuses SET url = replace(uri, '/0', '/page') WHERE uri LIKE '%/0'"
        )
    here, there = (await conversations.listed(stand.service(database), mira)).rows
    assert here.local_url == here.url == "https://home.example/here/page"
    assert there.url == "https://a.example/there/page"
    assert there.local_url is None


@pytest.mark.parametrize(
    "cursor",
    ["x", "é", "a" * 500, "MQ", "MS4y====", "LTEuLTE", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OS4x"],
)
async def test_a_cursor_that_was_never_given_out_is_refused(
    database: Database, cursor: str
) -> None:
    with pytest.raises(BadRequest):
        await conversations.listed(stand.service(database), 1, after=cursor)


@pytest.mark.parametrize("limit", [0, -1, 101])
async def test_no_page_is_larger_than_allowed(database: Database, limit: int) -> None:
    with pytest.raises(BadRequest):
        await conversations.listed(stand.service(database), 1, limit=limit)


async def test_nobody_sees_a_conversation_of_somebody_else(database: Database) -> None:
    async with database.connection() as conn:
        mira = await stand.member(conn)
        noor = await stand.member(conn, "noor")
        ovid = await stand.member(conn, "ovid", "other.example")
        mine = await stand.conversation(conn, mira, "mine")
        await stand.conversation(conn, noor, "hers")
        # What another home watches is not this member's either.
        await stand.watch(conn, ovid, mine)
    service = stand.service(database)
    for other in (noor, ovid, 4711):
        rows = (await conversations.listed(service, other)).rows
        assert mine not in [row.id for row in rows]
        for wanted in (mine, 4711, -1, 1 << 80):
            with pytest.raises(NotFound) as refused:
                await conversations.explained(service, other, wanted)
            with pytest.raises(NotFound) as refused_texts:
                await conversations.texts(service, other, wanted)
            assert str(refused.value) == str(refused_texts.value)
        for url in ("https://a.example/mine/0", "https://home.example/@x/mine-0"):
            with pytest.raises(NotFound):
                await conversations.find(service, other, url)
    assert (await conversations.explained(service, mira, mine)).conversation.id == mine


async def test_a_conversation_is_found_by_uri_page_and_page_at_home(database: Database) -> None:
    async with database.connection() as conn:
        mira = await stand.member(conn)
        number = await stand.conversation(conn, mira, "mine", ("already_there", "delivered"))
        await conn.execute("UPDATE statuses SET url = 'https://a.example/@a/1' WHERE uri LIKE '%1'")
    service = stand.service(database)
    for url in (
        "https://a.example/mine/0",
        " https://a.example/@a/1 ",
        "https://home.example/@a@a.example/mine-1",
    ):
        assert await conversations.find(service, mira, url) == number
    for url in ("", "x\0y", "https://a.example/" + "x" * 3000, "https://b.example/@a/mine-1"):
        with pytest.raises(NotFound):
            await conversations.find(service, mira, url)


async def test_a_conversation_is_explained_reply_by_reply(database: Database) -> None:
    async with database.connection() as conn:
        mira = await stand.member(conn)
        number = await stand.conversation(conn, mira, "one", ("already_there", "delivered", None))
    found = await conversations.explained(stand.service(database), mira, number)
    assert found.home == stand.HOME
    assert [found.verdicts[node.uri].kind for node in found.nodes][:2] == ["at_home", "delivered"]


async def scans_of(conn: Connection, statement: str, *values: object) -> list[tuple[str, str]]:
    """(how, of which table or index) each table of a statement is read."""
    answer: str = await conn.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *values)
    found: list[tuple[str, str]] = []

    def walk(node: dict[str, Any]) -> None:
        if "Relation Name" in node:
            found.append((node["Node Type"], node.get("Index Name", node["Relation Name"])))
        for below in node.get("Plans", []):
            walk(below)

    walk(json.loads(answer)[0]["Plan"])
    return found


async def test_a_thousand_conversations_are_counted_from_indexes(database: Database) -> None:
    async with database.connection() as conn:
        mira = await stand.member(conn)
        await stand.many(conn, mira, 1000, 40)
        await conn.execute("VACUUM ANALYZE conversations, statuses, deliveries, watches, watchers")
        for statement, values in (
            (overviews._TOTALS, (mira,)),
            (overviews._DAYS, (mira, stand.now() - timedelta(days=30))),
            (listings._LISTED, (mira, None, None, "all", 41)),
            (listings._LISTED, (mira, None, None, "working", 41)),
        ):
            scans = await scans_of(conn, statement, *values)
            assert ("Index Only Scan", "deliveries_conversation") in scans
            # All of these tables is this member's, and still none is read as a whole.
            assert not {("Seq Scan", "statuses"), ("Seq Scan", "deliveries")} & set(scans)
    page = await conversations.listed(stand.service(database), mira, which="gaps", limit=40)
    assert len(page.rows) == 40
    assert page.next is not None
