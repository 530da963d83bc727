"""What origins list: contexts with Mastodon's caps, collections with its pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from toottail.simulator import listing
from toottail.simulator.world import Host, Status, World

from .scenery import ACTIVITY, Client, author, chain, empty, root, running

A, B = "a.example", "b.example"


def _thread(flavour: str, replies: int) -> tuple[World, Host, Status]:
    """A root on A with that many direct replies from B."""
    world = empty(hosts=[(A, flavour), (B, "mastodon")])
    top = root(world, A)
    for number in range(replies):
        world.post(author(world, B), top, at=top.at + 1000 * (number + 1))
    world.spread(top)
    return world, world.hosts[A], top


def test_an_anonymous_context_ends_after_sixty_descendants() -> None:
    _, host, top = _thread("mastodon", 100)
    assert listing.anonymous_context(host, top)[1] == top.children[:60]


def test_an_anonymous_context_ends_twenty_levels_down_and_forty_up() -> None:
    world = empty(hosts=[(A, "mastodon")])
    top = root(world, A)
    line = chain(world, top, [A] * 50)
    host = world.hosts[A]
    assert listing.anonymous_context(host, top)[1] == line[:20]
    assert listing.anonymous_context(host, line[49])[0] == line[9:49]


def test_a_context_goes_depth_first_by_id_and_cuts_before_it_hides() -> None:
    world, host, top = _thread("mastodon", 59)
    first = top.children[0]
    deep = world.post(author(world, B), first, at=top.at + 999_000)
    hidden = world.post(author(world, B), first, at=top.at + 998_000, visibility="private")
    world.spread(top)
    below = listing.anonymous_context(host, top)[1]
    assert sorted(below[:2], key=lambda s: s.number) == [first, deep]
    assert hidden not in below
    assert len(below) == 59


def test_an_origin_without_caps_lists_a_whole_thread() -> None:
    for flavour in ("hollo", "pleroma"):
        _, host, top = _thread(flavour, 100)
        assert listing.anonymous_context(host, top)[1] == top.children


def test_a_host_lists_only_what_was_delivered_to_it() -> None:
    world = empty(hosts=[(A, "mastodon"), (B, "mastodon"), ("c.example", "mastodon")])
    top = root(world, A)
    line = chain(world, top, [B, "c.example"])
    aside = world.post(author(world, "c.example"), top, at=top.at + 9000)
    world.spread(top)
    assert listing.anonymous_context(world.hosts[B], top)[1] == line
    assert aside in listing.anonymous_context(world.hosts[A], top)[1]


async def _pages(client: Client, url: str) -> list[list[Any]]:
    """The items of each page of a collection of replies, from the note on."""
    note = (await client.get(url, ACTIVITY)).json()
    first = note["replies"]
    if isinstance(first, str):
        first = (await client.get(first, ACTIVITY)).json()
    page = first["first"]
    pages = [page["items"]]
    while "next" in page:
        page = (await client.get(page["next"], ACTIVITY)).json()
        pages.append(page["items"])
    return pages


async def test_replies_of_mastodon_come_own_first_then_others_in_pages_of_sixty(
    tmp_path: Path,
) -> None:
    world, _, top = _thread("mastodon", 70)
    own = [world.post(top.author, top, at=top.at + 500 + n) for n in range(7)]
    world.spread(top)
    others = [s for s in top.children if s not in own]
    async with running(world, tmp_path) as client:
        pages = await _pages(client, top.uri)
    assert pages[0] == [s.uri for s in own[:5]]
    assert [note["id"] for note in pages[1]] == [s.uri for s in own[5:]]
    assert pages[2:] == [[s.uri for s in others[:60]], [s.uri for s in others[60:]]]


async def test_plain_replies_come_in_pages_of_twenty(tmp_path: Path) -> None:
    world, _, top = _thread("activitypub", 45)
    async with running(world, tmp_path) as client:
        pages = await _pages(client, top.uri)
    assert [len(page) for page in pages] == [20, 20, 5]


async def test_hollo_lists_all_direct_replies_inside_the_note(tmp_path: Path) -> None:
    world, _, top = _thread("hollo", 70)
    async with running(world, tmp_path) as client:
        note = (await client.get(top.uri, ACTIVITY)).json()
    assert note["replies"]["items"] == [s.uri for s in top.children]


async def test_a_newer_mastodon_lists_the_whole_thread_of_its_own(tmp_path: Path) -> None:
    world, _, top = _thread("mastodon45", 70)
    foreign = world.post(author(world, B), at=top.at)
    world.post(author(world, A), foreign, at=top.at + 5)
    world.spread(foreign)
    async with running(world, tmp_path) as client:
        note = (await client.get(top.uri, ACTIVITY)).json()
        page = (await client.get(note["context"], ACTIVITY)).json()["first"]
        found = page["items"]
        while "next" in page:
            page = (await client.get(page["next"], ACTIVITY)).json()
            found += page["items"]
        reply = (await client.get(foreign.children[0].uri, ACTIVITY)).json()
    assert found == [top.uri, *(s.uri for s in top.children)]
    assert "context" not in reply


async def test_a_deleted_reply_is_gone_at_home_and_still_listed_by_the_origin(
    tmp_path: Path,
) -> None:
    world, host, top = _thread("mastodon", 2)
    gone = top.children[0]
    world.delete(gone)
    async with running(world, tmp_path) as client:
        assert (await client.get(gone.uri, ACTIVITY)).status == 410
        context = await client.get(f"https://{A}/api/v1/statuses/{host.known[top]}/context")
    assert gone.uri in [s["uri"] for s in context.json()["descendants"]]


def test_a_deleted_reply_counts_no_more_at_its_own_host() -> None:
    world = empty(hosts=[(A, "mastodon"), (B, "mastodon")])
    top = root(world, A)
    line = chain(world, top, [A])
    world.delete(line[0])
    assert world.hosts[A].counts[top] == 0
    assert listing.anonymous_context(world.hosts[A], top)[1] == []


async def test_each_flavour_opens_what_it_opens_in_reality(tmp_path: Path) -> None:
    doors = {
        "mastodon": (200, 200),
        "mastodon45": (200, 200),
        "api-off": (401, 200),
        "activitypub": (404, 200),
        "takahe-like": (401, 200),
        "hollo": (200, 200),
        "gotosocial": (401, 401),
        "pleroma": (200, 200),
    }
    world = empty(hosts=[(f"{name}.example", name) for name in doors])
    tops = {name: root(world, f"{name}.example") for name in doors}
    async with running(world, tmp_path) as client:
        for name, expected in doors.items():
            host, top = world.hosts[f"{name}.example"], tops[name]
            rest = await client.get(f"https://{host.name}/api/v1/statuses/{host.known[top]}")
            note = await client.get(top.uri, ACTIVITY)
            assert (rest.status, note.status) == expected, name
            info = (await client.get(f"https://{host.name}/.well-known/nodeinfo")).json()
            software = (await client.get(info["links"][0]["href"])).json()["software"]
            assert software["name"] == host.flavour.software
            robots = await client.get(f"https://{host.name}/robots.txt")
            assert robots.status == (404 if name == "hollo" else 200)


async def test_objects_of_pleroma_redirect_people_to_the_notice(tmp_path: Path) -> None:
    world, _, top = _thread("pleroma", 1)
    async with running(world, tmp_path) as client:
        page = await client.get(top.uri, "text/html")
    assert (page.status, page.headers["Location"]) == (302, top.url)
    assert "/notice/" in top.url


async def test_statuses_have_the_size_and_counts_of_real_ones(tmp_path: Path) -> None:
    world, host, top = _thread("mastodon", 30)
    async with running(world, tmp_path) as client:
        answer = await client.get(f"https://{A}/api/v1/statuses/{host.known[top]}/context")
        asked = await client.get(f"https://{A}/api/v1/statuses/{host.known[top]}")
    assert 3000 < len(answer.body) / 30 < 4500
    assert asked.json()["replies_count"] == 30
    first = answer.json()["descendants"][0]
    assert first["in_reply_to_id"] == host.known[top]
    assert first["account"]["acct"] == f"ada@{B}"
