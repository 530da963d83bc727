"""Mastodon.py, which nobody here wrote, drives the home's client API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from mastodon import Mastodon, MastodonAPIError, MastodonUnauthorizedError
from requests.adapters import HTTPAdapter

from toottail.simulator import SimulatorProcess


class _ToLoopback(HTTPAdapter):
    """Connects every name to the simulator and still checks the certificate for that name."""

    def __init__(self, sim: SimulatorProcess) -> None:
        self._port = sim.port
        super().__init__()

    def send(self, request, *args, **kwargs):  # type: ignore[no-untyped-def]
        host = request.url.split("/")[2]
        request.headers["Host"] = host
        request.url = request.url.replace(f"//{host}", f"//127.0.0.1:{self._port}", 1)
        self.poolmanager.connection_pool_kw |= {"server_hostname": host, "assert_hostname": host}
        return super().send(request, *args, **kwargs)


def _client(sim: SimulatorProcess, token: str | None = None) -> Mastodon:
    session = requests.Session()
    session.mount("https://", _ToLoopback(sim))
    session.verify = sim.ca_file
    session.trust_env = False  # certificate bundles of the environment would win over ours
    return Mastodon(
        access_token=token or sim.token,
        api_base_url=f"https://{sim.home}",
        session=session,
        ratelimit_method="throw",
    )


@pytest.fixture(scope="module")
def sim() -> Iterator[SimulatorProcess]:
    with SimulatorProcess("--world", "tiny", "--scopes", "read", "--latency-scale", "0.1") as sim:
        yield sim


def test_a_foreign_client_reads_instance_account_app_and_markers(sim: SimulatorProcess) -> None:
    client = _client(sim)
    assert client.instance_v1().uri == "home.example"
    assert client.instance_v2().domain == "home.example"
    assert client.account_verify_credentials().username == "mira"
    assert client.app_verify_credentials().name == "TootTail"
    assert client.markers_get(["home"])["home"].last_read_id
    assert client.instance_nodeinfo().software.name == "mastodon"


def test_a_foreign_client_pages_through_the_timeline(sim: SimulatorProcess) -> None:
    client = _client(sim)
    first = client.timeline_home(limit=2)
    rest = client.fetch_next(first) or []
    assert len(first) == 2
    assert len(rest) == 1
    everything = [status.id for status in (*first, *rest)]
    assert everything == sorted(everything, reverse=True)
    newer = client.fetch_previous(rest) or []
    assert newer[-1].id == first[-1].id


def test_a_foreign_client_reads_all_that_the_member_has(sim: SimulatorProcess) -> None:
    client = _client(sim)
    (friends,) = client.lists()
    assert friends.title == "Friends"
    assert {s.account.acct for s in client.timeline_list(friends.id)} == {
        account.acct for account in client.list_accounts(friends.id)
    }
    first = client.bookmarks(limit=2)
    rest = client.fetch_next(first) or []
    assert [len(first), len(rest)] == [2, 1]
    assert {s.uri for s in (*first, *rest)} == {s.uri for s in client.favourites()}
    seen = client.notifications()
    assert {entry.type for entry in seen} == {"mention"}
    assert {entry.status.account.acct for entry in seen} == {entry.account.acct for entry in seen}
    me = client.account_verify_credentials()
    followed = client.account_following(me.id)
    assert {a.acct for a in client.account_followers(me.id)} <= {a.acct for a in followed}
    assert len(client.follow_requests()) == 1
    assert {tag.name for tag in client.followed_tags()} == {"lantern", "river"}
    ann = client.account_lookup(followed[0].acct)
    assert ann.id == followed[0].id
    assert {s.account.acct for s in client.account_statuses(ann.id)} == {ann.acct}
    tagged = client.timeline_hashtag("lantern")
    assert all("lantern" in [tag.name for tag in status.tags] for status in tagged)


def test_a_foreign_client_resolves_a_missing_reply_and_sees_it_in_the_context(
    sim: SimulatorProcess,
) -> None:
    client = _client(sim)
    conversation = sim.truth()["conversations"][0]
    missing = next(s for s in conversation["statuses"] if s["leaf"])
    found = client.search_v2(missing["uri"], resolve=True, result_type="statuses").statuses
    assert [status.uri for status in found] == [missing["uri"]]
    assert client.status(found[0].id).url == found[0].url
    root = next(s for s in client.timeline_home() if s.uri == conversation["root"])
    for _ in range(50):
        context = client.status_context(root.id)
        if missing["uri"] in [status.uri for status in context.descendants]:
            break
    else:
        pytest.fail("the resolved reply never appeared below the root")


def test_a_made_up_token_is_refused(sim: SimulatorProcess) -> None:
    with pytest.raises(MastodonUnauthorizedError):
        _client(sim, "made-up").timeline_home()


def test_a_token_without_the_scope_is_refused_in_mastodons_words() -> None:
    with SimulatorProcess("--world", "tiny", "--scopes", "read:statuses") as sim:
        client = _client(sim)
        assert client.timeline_home()
        for ask in (client.bookmarks, client.lists, client.notifications, client.followed_tags):
            with pytest.raises(MastodonAPIError, match="403"):
                ask()
        with pytest.raises(MastodonAPIError, match="outside the authorized scopes"):
            client.search_v2("https://host1.example/users/ada/statuses/1", resolve=True)
