"""Why is this reply not there? What is stored answers, whatever came between."""

from __future__ import annotations

from collections import defaultdict
from typing import Any
from uuid import UUID

import pytest

from toottail.errors import UsageError
from toottail.repository import blocks
from toottail.repository.database import Connection, Database
from toottail.service.explanation import gather

HOME, ORIGIN, AUTHOR = "home.example", "origin.example", "author.example"
ROOT = f"https://{ORIGIN}/users/ann/statuses/1"
REPLY = f"https://{AUTHOR}/users/bob/statuses/2"
WORKER = UUID(int=7)

_STORED = (
    "INSERT INTO conversations (root_uri, host, looked_at, next_look_at)"
    " VALUES ($1, $3, now(), now() + interval '1 h')",
    "INSERT INTO watches (home, conversation_id, anchor_uri, anchor_id, stage, compared_at)"
    " SELECT $4, id, $1, '900', 'done', now() FROM conversations",
    "INSERT INTO statuses (uri, conversation_id, host, parent_uri, placed, listed_by, created_at)"
    " SELECT s.uri, id, s.host, s.parent, true, $3, now() FROM conversations,"
    " (VALUES ($1, $3, NULL), ($2, $5, $1)) AS s (uri, host, parent)",
    "INSERT INTO members (home, token_fingerprint, token_sealed, account, served, active_until)"
    " VALUES ($4, 'f', 's', 'mira', true, 'infinity'), ($4, 'g', 's', 'ole', true, 'infinity')",
    "INSERT INTO watchers (member_id, conversation_id) SELECT members.id, conversations.id"
    " FROM members, conversations WHERE account = 'mira'",
    "INSERT INTO hosts (host, answered_at) VALUES ($3, now()), ($5, now())",
)


@pytest.fixture
async def stored(database: Database) -> Database:
    """A conversation of which mira's home lacks one reply, and never was asked for it."""
    values = {"$1": ROOT, "$2": REPLY, "$3": ORIGIN, "$4": HOME, "$5": AUTHOR}
    async with database.transaction() as conn:
        for statement in _STORED:
            for mark, value in values.items():
                statement = statement.replace(mark, f"'{value}'")
            await conn.execute(statement)
    return database


async def told(
    conn: Connection, url: str = REPLY, home: str | None = HOME, account: str | None = None
) -> dict[str, str]:
    """What is said, by heading."""
    found = await gather(conn, url, home, account)
    assert found.status == url
    facts: dict[str, str] = defaultdict(str)
    for fact in found.trail:
        facts[fact.about] += fact.words + "\n"
    return facts


async def unknown(conn: Connection, *asked: Any) -> str:
    """What is said where the status is not known, or not at this home."""
    with pytest.raises(UsageError) as refused:
        await gather(conn, *asked)
    return str(refused.value)


async def deliver(conn: Connection, state: str, **more: object) -> None:
    await conn.execute(
        "INSERT INTO deliveries (home, uri, conversation_id, state, tries, observed, inferred,"
        " next_at) SELECT $1, $2, id, $3, $4, $5, $6, now() + $7::interval FROM conversations",
        HOME,
        REPLY,
        state,
        more.get("tries", 0),
        more.get("observed"),
        more.get("inferred"),
        more.get("again"),
    )


async def test_when_and_by_whom_it_was_found_and_who_saw_the_conversation(
    stored: Database,
) -> None:
    async with stored.connection() as conn:
        facts = await told(conn)
    assert f"named by {ORIGIN}; a reply" in facts["found"]
    assert "by its own server's word" in facts["posted"]
    assert "1 of its members saw the conversation, 1 of them are active" in facts["watched"]
    assert f"{HOME} told what it shows 20" in facts["compared"]
    assert f"{HOME} was never asked for it" in facts["asked"]
    assert "looked at again from 20" in facts["next"]
    assert f"{AUTHOR} answered" in facts["origin"]
    assert f"{ORIGIN} answered" in facts["origin"]
    assert "no worker ever served" in facts["lane"]


async def test_what_the_home_did_when_asked_and_when_it_is_asked_again(stored: Database) -> None:
    async with stored.connection() as conn:
        again = "6 hours"
        await conn.execute("SELECT 1")
        await deliver(
            conn, "not_obtained", tries=2, observed="an empty list", inferred="inferred: dead"
        )
        facts = await told(conn)
        assert "2 times by name; not_obtained, 20" in facts["asked"]
        assert ": an empty list (inferred: dead)" in facts["asked"]
        assert "looked at again" in facts["next"]
        await conn.execute(f"UPDATE deliveries SET next_at = now() + interval '{again}'")
        assert "the home is asked for it from 20" in (await told(conn))["next"]
        await conn.execute("UPDATE deliveries SET next_at = now() - interval '1 m'")
        assert "the home is asked for it now (since 20" in (await told(conn))["next"]
        await conn.execute("UPDATE deliveries SET state = 'delivered', next_at = NULL")
        assert "nothing is left to do" in (await told(conn))["next"]


async def test_which_worker_served_the_home_and_why_its_budget_makes_it_wait(
    stored: Database,
) -> None:
    async with stored.connection() as conn:
        number = await conn.fetchval("SELECT id FROM members WHERE account = 'mira'")
        await conn.execute(
            "INSERT INTO lanes (key, epoch, budget) VALUES ($1, 3, jsonb_build_object("
            "'allowances', '{}'::jsonb, 'circuit', '[0, 0]'::jsonb, 'refusals', 1, 'last_sent', 0,"
            "'ahead', 0, 'at', 0, 'clock_ahead', NULL, 'waits', jsonb_build_object($2::text,"
            " extract(epoch FROM now() + interval '4 m'))))",
            HOME,
            f"token:{number}",
        )
        await conn.execute(
            "INSERT INTO visits (key, epoch, worker, ended_at, requests)"
            " VALUES ($1, 3, $2, now(), 5)",
            HOME,
            WORKER,
        )
        facts = await told(conn)
        assert f"worker {WORKER} served {HOME} last, from 20" in facts["lane"]
        assert "with 5 requests; 0 replies are due there now" in facts["lane"]
        assert "can be asked again from 20" in facts["budget"]
        assert "it asked us to wait" in facts["budget"]
        await conn.execute(
            "UPDATE lanes SET holder = $1, lease_until = now() + interval '9 s',"
            " budget = jsonb_set(budget, '{waits}', '{}')",
            WORKER,
        )
        facts = await told(conn)
        assert f"worker {WORKER} serves {HOME} now" in facts["lane"]
        assert f"{HOME} can be asked now" in facts["budget"]


async def test_hosts_that_are_left_alone_refuse_or_are_silent_are_named(stored: Database) -> None:
    async with stored.connection() as conn:
        await blocks.block(conn, AUTHOR, "it spams")
        await conn.execute(
            "UPDATE hosts SET refused = 'answered 403', refused_until = now() + interval '1 d',"
            " problem = 'did not answer in time', problem_at = now(), notes = '{api-off}'"
            " WHERE host = $1",
            ORIGIN,
        )
        facts = await told(conn)
        assert f"{AUTHOR} is left alone: blocked by the operator: it spams" in facts["origin"]
        assert f"{ORIGIN} refuses us (answered 403), asked again from 20" in facts["origin"]
        assert f"{ORIGIN} does not answer as it should: did not answer in time" in facts["origin"]
        assert "its API is closed" in facts["origin"]


async def test_a_home_that_blocks_the_author_is_named(stored: Database) -> None:
    async with stored.connection() as conn:
        assert not (await told(conn))["refused"]
        await conn.execute(
            "WITH list AS (INSERT INTO domain_lists (kind, name, key) VALUES ('home', $1, 'k')"
            " RETURNING id) INSERT INTO domain_rules (list_id, digest, domain, severity)"
            " SELECT id, sha256(convert_to($2, 'UTF8')), $2, 'suspend' FROM list",
            HOME,
            AUTHOR,
        )
        assert f"{HOME} blocks {AUTHOR}" in (await told(conn))["refused"]


async def test_questions_that_are_still_open_and_steps_that_are_due_are_told(
    stored: Database,
) -> None:
    async with stored.connection() as conn:
        await conn.execute(
            "INSERT INTO looks (conversation_id, host, uri, named_by, problem, next_at)"
            " SELECT id, $1, $2, $1, 'its limit is used up', now() + interval '5 m'"
            " FROM conversations",
            ORIGIN,
            ROOT,
        )
        facts = await told(conn)
        assert f"{ORIGIN} has 1 questions to answer yet" in facts["looked"]
        assert "(its limit is used up)" in facts["looked"]
        assert "a look at the conversation is due from 20" in facts["next"]
        await conn.execute("UPDATE watches SET stage = 'verify', next_at = now()")
        assert "the step 'verify' of the conversation is due now" in (await told(conn))["next"]


async def test_the_member_who_misses_it_is_told_of_their_own_state(stored: Database) -> None:
    async with stored.connection() as conn:
        assert (await told(conn))["member"] == ""
        assert (
            "@mira@home.example; a timeline of theirs showed it"
            in ((await told(conn, account="mira"))["member"])
        )
        assert "no timeline of theirs showed it" in (await told(conn, account="ole"))["member"]
        assert (
            "no member @li@home.example is known here"
            in ((await told(conn, account="li"))["member"])
        )
        await conn.execute(
            "UPDATE members SET paused_why = 'token', problem = 'answered 401', active_until = NULL"
        )
        facts = await told(conn, account="mira")
        assert "the home refuses the token (answered 401)" in facts["member"]
        assert "no active member saw the conversation" in facts["next"]


async def test_of_a_status_that_nobody_knows_it_says_what_may_be_the_cause(
    stored: Database,
) -> None:
    strange = f"https://{ORIGIN}/users/ann/statuses/99"
    async with stored.connection() as conn:
        await conn.execute(
            "UPDATE hosts SET refused = 'answered 403', refused_until = now() + interval '1 d'"
            " WHERE host = $1",
            ORIGIN,
        )
        said = await unknown(conn, strange, None)
        assert "Only what a member's timeline showed is watched" in said
        assert f"- {ORIGIN} refuses us (answered 403)" in said
        said = await unknown(conn, strange, HOME, "mira")
        assert "- @mira@home.example; no timeline of theirs showed it" in said
        said = await unknown(conn, "https://never.example/1", "other.example")
        assert "never.example: nothing was ever asked there" in said
        assert "no member of other.example is known here" in said


async def test_of_a_conversation_that_this_home_does_not_watch_it_says_so(
    stored: Database,
) -> None:
    async with stored.connection() as conn:
        said = await unknown(conn, REPLY, "other.example")
    assert "nobody at other.example saw this conversation; at home.example it is known" in said
    assert "no member of other.example is known here" in said
