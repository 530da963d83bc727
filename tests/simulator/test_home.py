"""What a home does for its member: timeline, contexts, resolves, and what it fetches by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from toottail.simulator.faults import Fault
from toottail.simulator.world import Status, World

from .scenery import Client, author, chain, empty, root, running

A, B, C = "a.example", "b.example", "c.example"


def _world(home: str = "mastodon", origin: str = "mastodon") -> tuple[World, Status, list[Status]]:
    """A root on A with a chain of four replies over three hosts, none at home."""
    world = empty(home, [(A, origin), (B, origin), (C, origin)])
    top = root(world, A)
    return world, top, chain(world, top, [B, C, A, B])


async def _until(met: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(400):
        if await met():
            return
        await asyncio.sleep(0.005)
    pytest.fail("it never happened")


async def _below(client: Client, top: Status) -> list[str]:
    local = client.simulator.world.home.known[top]
    context = (await client.member(f"/api/v1/statuses/{local}/context")).json()
    return [s["uri"] for s in context["descendants"]]


def _uris(statuses: list[Status]) -> list[str]:
    return [s.uri for s in statuses]


async def test_ancestors_follow_a_resolve_by_jobs(tmp_path: Path) -> None:
    world, top, line = _world()
    async with running(world, tmp_path, latency_scale=0.1) as client:
        found = await client.resolve(line[3].uri)
        assert found[0]["in_reply_to_id"] is None
        assert await _below(client, top) == []

        async def there() -> bool:
            return await _below(client, top) == _uris(line)

        await _until(there)


async def test_a_parent_that_is_there_is_told_in_the_search_answer(tmp_path: Path) -> None:
    world, top, line = _world()
    async with running(world, tmp_path) as client:
        found = await client.resolve(line[0].url)
    assert found[0]["in_reply_to_id"] == world.home.known[top]


async def test_gotosocial_has_all_ancestors_before_it_answers(tmp_path: Path) -> None:
    world, top, line = _world("gotosocial")
    async with running(world, tmp_path) as client:
        found = await client.resolve(line[3].uri)
        assert found[0]["in_reply_to_id"] == world.home.known[line[2]]
        assert await _below(client, top) == _uris(line)


async def test_takahe_has_all_ancestors_some_time_after_the_answer(tmp_path: Path) -> None:
    world, top, line = _world("takahe")
    async with running(world, tmp_path, latency_scale=0.05) as client:
        await client.resolve(line[3].uri)
        assert await _below(client, top) == []

        async def there() -> bool:
            return await _below(client, top) == _uris(line)

        await _until(there)


async def test_takahe_wants_the_whole_read_scope_for_a_search(tmp_path: Path) -> None:
    world, _, line = _world("takahe")
    async with running(world, tmp_path) as client:
        client.simulator.home.grants[client.simulator.home.token].scopes = frozenset(
            {"read:search", "read:statuses"}
        )
        refused = await client.member("/api/v2/search", q=line[0].uri, resolve="true")
    assert refused.status == 403
    assert refused.json()["error"] == "This action is outside the authorized scopes"


async def test_a_home_that_never_fetches_ancestors_joins_a_reply_when_its_parent_comes(
    tmp_path: Path,
) -> None:
    world, top, line = _world("never")
    async with running(world, tmp_path) as client:
        await client.resolve(line[1].uri)
        await asyncio.sleep(0.02)
        assert await _below(client, top) == []
        await client.resolve(line[0].uri)
        assert await _below(client, top) == _uris(line[:2])


async def test_a_dead_middle_leaves_an_orphan_for_good(tmp_path: Path) -> None:
    world, top, line = _world()
    world.hosts[C].faults.append(Fault("dead"))
    async with running(world, tmp_path) as client:
        assert await client.resolve(line[2].uri)
        await asyncio.sleep(0.02)
        world.hosts[C].faults.clear()
        assert await client.resolve(line[1].uri)
        await asyncio.sleep(0.02)
        assert await _below(client, top) == _uris(line[:2])
        again = await client.member(f"/api/v1/statuses/{world.home.known[line[2]]}")
    assert again.json()["in_reply_to_id"] is None


async def test_what_cannot_be_fetched_is_an_empty_list_and_no_error(tmp_path: Path) -> None:
    world, _, line = _world()
    world.hosts[B].faults.append(Fault("5xx"))
    world.delete(line[1])
    world.hide(line[2], "private")
    async with running(world, tmp_path) as client:
        for status in line[:3]:
            assert await client.resolve(status.uri) == []
        assert await client.resolve(f"https://{A}/users/nobody/statuses/1") == []
        fetches = client.simulator.counters.home_fetches
    assert (fetches[A], fetches[B], fetches[C]) == (2, 1, 1)


async def test_a_muted_author_is_hidden_from_the_member_and_is_at_home_all_the_same(
    tmp_path: Path,
) -> None:
    world, top, line = _world()
    world.bring_home(line)
    line[1].author.muted = True
    async with running(world, tmp_path) as client:
        assert await _below(client, top) == _uris([line[0], *line[2:]])
        assert len(await client.resolve(line[1].uri)) == 1
        assert client.simulator.counters.resolves_at_home == 1


async def test_a_newer_mastodon_fetches_some_replies_by_itself_and_stops_short(
    tmp_path: Path,
) -> None:
    world = empty("mastodon45", [(A, "mastodon"), (B, "mastodon")])
    top = root(world, A)
    for number in range(80):
        world.post(author(world, B), top, at=top.at + 1 + number)
    world.spread(top)
    async with running(world, tmp_path) as client:
        path = f"/api/v1/statuses/{world.home.known[top]}/context"
        first = await client.member(path)
        told = first.headers["Mastodon-Async-Refresh"]
        assert told.endswith(", retry=3, result_count=0")

        async def sixty() -> bool:
            return len(await _below(client, top)) == 60

        await _until(sixty)
        await asyncio.sleep(0.02)
        again = await client.member(path)
        assert len(again.json()["descendants"]) == 60
        assert "Mastodon-Async-Refresh" not in again.headers
        needs_read = await client.member(f"/api/v1_alpha/async_refreshes/{told.split(chr(34))[1]}")
    assert needs_read.status == 403


async def test_no_crawl_begins_for_a_post_that_is_fresh_or_local(tmp_path: Path) -> None:
    world = empty("mastodon45", [(A, "mastodon")])
    top, own = root(world, A), root(world, "home.example")
    async with running(world, tmp_path, crawl_min_age=1e10) as client:
        for status in (top, own):
            path = f"/api/v1/statuses/{world.home.known[status]}/context"
            assert "Mastodon-Async-Refresh" not in (await client.member(path)).headers


async def test_a_mastodon_pulls_up_to_five_replies_of_an_author_to_themselves(
    tmp_path: Path,
) -> None:
    world = empty(hosts=[(A, "mastodon"), (B, "mastodon")])
    top = root(world, A)
    first = world.post(author(world, B), top, at=top.at + 1)
    own = [world.post(first.author, first, at=first.at + 1 + n) for n in range(7)]
    world.spread(top)
    async with running(world, tmp_path) as client:
        await client.resolve(first.uri)

        async def five() -> bool:
            return sum(s in world.home.known for s in own) == 5

        await _until(five)


async def test_the_timeline_is_new_to_old_by_time_of_posting_and_boosts_carry_their_original(
    tmp_path: Path,
) -> None:
    world = empty(hosts=[(A, "mastodon")])
    tops = [root(world, A) for _ in range(3)]
    world.show(tops[0], at=world.now, boosted_by=author(world, A, "vera"))
    async with running(world, tmp_path) as client:
        answer = await client.member("/api/v1/timelines/home", limit="2")
        entries: list[Any] = answer.json()
        older = await client.member("/api/v1/timelines/home", max_id=entries[-1]["id"])
    assert entries[0]["reblog"]["uri"] == tops[0].uri
    assert entries[0]["account"]["username"] == "vera"
    assert [e["uri"] for e in older.json()] == [tops[1].uri, tops[0].uri]
    assert 'rel="next"' in answer.headers["Link"]


async def test_a_revoked_token_and_a_feed_under_repair_are_told(tmp_path: Path) -> None:
    async with running(empty(), tmp_path) as client:
        client.simulator.home.rebuilding = 1
        statuses = [(await client.member("/api/v1/timelines/home")).status for _ in range(2)]
        client.simulator.home.grants[client.simulator.home.token].revoked = True
        statuses.append((await client.member("/api/v1/timelines/home")).status)
        statuses.append((await client.get("https://home.example/api/v1/timelines/home")).status)
    assert statuses == [206, 200, 401, 401]


@pytest.mark.parametrize(
    ("home", "asked", "names"),
    [
        ("mastodon", "?timeline[]=home&timeline[]=notifications", {"home", "notifications"}),
        ("gotosocial", "?timeline[]=home", {"home"}),
        ("mastodon", "", set()),
        ("hollo", "?timeline[]=home", {"home", "notifications"}),
    ],
)
async def test_markers_tell_when_their_member_last_read(
    home: str, asked: str, names: set[str], tmp_path: Path
) -> None:
    world, _, _ = _world(home)
    async with running(world, tmp_path, latency_scale=0.1) as client:
        client.simulator.home.read_at["mira"] = 1_700_000_000.0
        found = (await client.member(f"/api/v1/markers{asked}")).json()
        assert set(found) == names
        assert {one["updated_at"][:10] for one in found.values()} <= {"2023-11-14"}
        client.simulator.home.read_at["mira"] = None
        assert (await client.member(f"/api/v1/markers{asked}")).json() == {}


async def test_a_home_without_markers_says_so(tmp_path: Path) -> None:
    world, _, _ = _world("never")
    async with running(world, tmp_path, latency_scale=0.1) as client:
        assert (await client.member("/api/v1/markers?timeline[]=home")).status == 404
