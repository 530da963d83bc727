"""What rounds of plans bring to a home, whatever the tree and whoever is dead."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.flow.trees import ROOT, PretendHome, chain, node, root
from toottail.flow.plan import CHUNK
from toottail.types.trees import AT_HOME, Node

HOSTS = [f"h{n}.example" for n in range(5)]


NORMAL, AT_HOME_ALREADY, OPTED_OUT, GONE, NOT_FETCHABLE = range(5)
_fates = st.sampled_from([NORMAL] * 8 + [AT_HOME_ALREADY, OPTED_OUT, GONE, NOT_FETCHABLE])
_calm = st.sampled_from([NORMAL] * 4 + [AT_HOME_ALREADY])


@st.composite
def homes(draw: st.DrawFn, *, troubled: bool = True) -> PretendHome:
    """A tree of up to 25 replies over five hosts, and a home of either kind."""
    fates = _fates if troubled else _calm
    made = draw(
        st.lists(
            st.tuples(st.integers(0, 9), st.sampled_from(HOSTS), fates), min_size=1, max_size=25
        )
    )
    nodes: dict[str, Node] = {ROOT: root(draw(st.sampled_from(["already_there", None])))}
    for number, (back, host, fate) in enumerate(made, start=1):
        above = max(0, number - 1 - back // 2)
        at_home = fate == AT_HOME_ALREADY
        nodes[f"r{number}"] = node(
            f"r{number}",
            f"r{above}" if above else ROOT,
            host=host,
            state="already_there" if at_home else None,
            local_id="1" if at_home else None,
            answers=None,
            opted_out=fate == OPTED_OUT,
            gone=fate == GONE,
        )
    some = st.sets(st.sampled_from(HOSTS), max_size=2) if troubled else st.just(set())
    dead, deaf = draw(some), draw(some)
    lost = {f"r{n}" for n, (_, _, fate) in enumerate(made, start=1) if fate >= GONE}
    return PretendHome(
        nodes,
        fetchable=frozenset(u for u, n in nodes.items() if n.host not in dead and u not in lost),
        answering=frozenset(n.host for n in nodes.values()) - dead - deaf,
        climbs=draw(st.booleans()),
        believed_to_climb=draw(st.booleans()),
    )


@settings(max_examples=300, deadline=None)
@given(homes())
def test_rounds_end_and_bring_all_that_can_come_and_ask_for_nothing_twice(
    home: PretendHome,
) -> None:
    reachable = home.reachable()
    last = home.run(most_rounds=3 * len(home.nodes) + 5)
    assert len(home.asked) == len(set(home.asked))
    assert not any(home.nodes[uri].opted_out or home.nodes[uri].gone for uri in home.asked)
    assert not home.at_start & set(home.asked)
    assert {uri for uri in reachable if not home.joined(uri)} == set()
    assert not {uri for uri in last.unreachable if home.joined(uri)}


@settings(max_examples=100, deadline=None)
@given(homes(troubled=False))
def test_where_nothing_is_wrong_a_climbing_home_is_asked_once_per_missing_leaf(
    home: PretendHome,
) -> None:
    home.climbs = home.believed_to_climb = True
    missing = {u: n for u, n in home.nodes.items() if n.state not in AT_HOME}
    leaves = set(missing) - {n.parent_uri for n in missing.values()}
    deepest = max((_levels(home, uri) for uri in leaves), default=0)
    home.run(most_rounds=3 * len(home.nodes) + 5)
    assert all(home.joined(uri) for uri in home.nodes)
    if deepest <= CHUNK:
        assert set(home.asked) == leaves


def _levels(home: PretendHome, uri: str) -> int:
    count, at = 0, home.nodes.get(uri)
    while at is not None and at.state not in AT_HOME:
        count, at = count + 1, home.nodes.get(at.parent_uri or "")
    return count


def test_a_chain_of_two_hundred_comes_in_chunks_with_one_resolve_each() -> None:
    nodes = {one.uri: one for one in [root(), *chain(200)]}
    everything = frozenset(nodes)
    home = PretendHome(nodes, everything, frozenset(), climbs=True)
    home.run(most_rounds=20)
    assert len(home.asked) == 200 // CHUNK
    assert all(home.joined(uri) for uri in nodes)


def test_a_home_wrongly_believed_to_climb_still_gets_everything() -> None:
    nodes = {one.uri: one for one in [root(), *chain(30)]}
    home = PretendHome(nodes, frozenset(nodes), frozenset(), climbs=False)
    home.run(most_rounds=100)
    assert all(home.joined(uri) for uri in nodes)


def test_a_dead_reply_in_the_middle_leaves_no_orphan_below_it() -> None:
    nodes = {one.uri: replace(one, answers=None) for one in [root(), *chain(9)]}
    home = PretendHome(
        nodes,
        frozenset(nodes) - {"r5"},
        frozenset(one.host for one in nodes.values()) - {"r5.example"},
        climbs=True,
    )
    last = home.run(most_rounds=30)
    assert home.had == {ROOT, "r1", "r2", "r3", "r4"}
    assert set(last.unreachable) == {"r6", "r7", "r8", "r9"}
