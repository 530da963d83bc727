"""The home's sign-in page and tokens, driven by Mastodon.py and by a browser without scripts."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from hashlib import sha256
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests
from mastodon import Mastodon, MastodonAPIError, MastodonIllegalArgumentError

from tests.simulator.test_foreign_client import _ToLoopback
from toottail.simulator import SimulatorProcess

BACK = "https://us.example/back"
SCOPES = ["profile", "read:search", "read:statuses"]
VERIFIER = "a-verifier-of-at-least-forty-three-characters-x"
CHALLENGE = base64.urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


@pytest.fixture(scope="module")
def sim() -> Iterator[SimulatorProcess]:
    with SimulatorProcess("--world", "tiny", "--latency-scale", "0") as sim:
        yield sim


@pytest.fixture
def session(sim: SimulatorProcess) -> requests.Session:
    made = requests.Session()
    made.mount("https://", _ToLoopback(sim))
    made.verify = sim.ca_file
    made.trust_env = False
    return made


def register(sim: SimulatorProcess, session: requests.Session) -> Mastodon:
    """Mastodon.py as a client of its own."""
    client_id, secret = Mastodon.create_app(
        "A client", SCOPES, BACK, "https://us.example", api_base_url=f"https://{sim.home}",
        session=session,
    )  # fmt: skip
    return Mastodon(client_id, secret, api_base_url=f"https://{sim.home}", session=session)


def page(sim: SimulatorProcess, client: Mastodon, **changes: str) -> str:
    """Where the browser goes."""
    asked = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": BACK,
        "scope": " ".join(SCOPES),
        "state": "a-state",
    }
    return f"{sim.browser}/{sim.home}/oauth/authorize?{urlencode(asked | changes)}"


def decide(url: str, **form: str) -> dict[str, str]:
    """What the home sends the browser back with."""
    answer = requests.post(url, data=form, allow_redirects=False, timeout=10)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(BACK)
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def test_a_foreign_client_gets_a_token_and_ends_it(
    sim: SimulatorProcess, session: requests.Session
) -> None:
    client = register(sim, session)
    told = decide(page(sim, client), decision="allow", user="noor")
    assert told["state"] == "a-state"
    client.log_in(code=told["code"], redirect_uri=BACK, scopes=SCOPES)
    assert client.me().acct == "noor"
    assert client.timeline_home()
    (token,) = sim.oauth()["live_tokens"]
    assert token == {"user": "noor", "scopes": SCOPES}
    client.revoke_access_token()
    assert [event["event"] for event in sim.oauth()["events"]] == [
        "registered",
        "issued",
        "revoked",
    ]
    assert sim.oauth()["live_tokens"] == []


def test_a_code_is_good_once_and_only_for_who_asked(
    sim: SimulatorProcess, session: requests.Session
) -> None:
    client, other = register(sim, session), register(sim, session)
    code = decide(page(sim, client), decision="allow", user="mira")["code"]
    with pytest.raises((MastodonAPIError, MastodonIllegalArgumentError)):
        other.log_in(code=code, redirect_uri=BACK, scopes=SCOPES)
    code = decide(page(sim, client), decision="allow", user="mira")["code"]
    client.log_in(code=code, redirect_uri=BACK, scopes=SCOPES)
    with pytest.raises((MastodonAPIError, MastodonIllegalArgumentError)):
        client.log_in(code=code, redirect_uri=BACK, scopes=SCOPES)


@pytest.mark.parametrize(("verifier", "status"), [(VERIFIER, 200), ("another", 400), ("", 400)])
def test_a_code_with_a_challenge_needs_its_verifier(
    sim: SimulatorProcess, session: requests.Session, verifier: str, status: int
) -> None:
    client = register(sim, session)
    url = page(sim, client, code_challenge=CHALLENGE, code_challenge_method="S256")
    form = {
        "grant_type": "authorization_code",
        "code": decide(url, decision="allow", user="mira")["code"],
        "client_id": client.client_id,
        "client_secret": client.client_secret,
        "redirect_uri": BACK,
        "code_verifier": verifier,
    }
    answer = session.post(f"https://{sim.home}/oauth/token", data=form, timeout=10)
    assert answer.status_code == status
    if status == 400:
        assert answer.json()["error"] == "invalid_grant"


def test_the_page_names_the_scopes_and_the_users_and_escapes_all(
    sim: SimulatorProcess, session: requests.Session
) -> None:
    client_id, secret = Mastodon.create_app(
        "<b>A client</b>", SCOPES, BACK, api_base_url=f"https://{sim.home}", session=session
    )
    client = Mastodon(client_id, secret, api_base_url=f"https://{sim.home}", session=session)
    answer = requests.get(page(sim, client), timeout=10)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "<b>" not in answer.text
    for word in ("read:search", "Log in as @mira", "Log in as @noor", "Log in as @otto", "Deny"):
        assert word in answer.text


def test_saying_no_and_asking_for_too_much_send_the_browser_back_with_an_error(
    sim: SimulatorProcess, session: requests.Session
) -> None:
    client = register(sim, session)
    assert decide(page(sim, client), decision="deny") == {
        "error": "access_denied",
        "state": "a-state",
    }
    told = decide(page(sim, client, scope="read write"), decision="allow", user="mira")
    assert told["error"] == "invalid_scope"


def test_the_browser_is_never_sent_where_the_client_is_not(
    sim: SimulatorProcess, session: requests.Session
) -> None:
    client = register(sim, session)
    for url in (
        page(sim, client, redirect_uri="https://evil.example/"),
        page(sim, client, client_id="nobody"),
    ):
        for answer in (
            requests.get(url, timeout=10),
            requests.post(url, data={"user": "mira"}, allow_redirects=False, timeout=10),
        ):
            assert answer.status_code in (400, 401)
            assert "Location" not in answer.headers


def test_the_browser_finds_nothing_but_the_page_of_a_home(sim: SimulatorProcess) -> None:
    for path in (
        "/",
        "/oauth/authorize",
        "/other.example/oauth/authorize",
        f"/{sim.home}/api/v1/x",
    ):
        assert requests.get(sim.browser + path, timeout=10).status_code == 404


def test_a_home_forgets_clients_and_withholds_scopes_when_told_so(
    sim: SimulatorProcess, session: requests.Session
) -> None:
    client = register(sim, session)
    sim.scene(withhold=["read:search"])
    code = decide(page(sim, client), decision="allow", user="otto")["code"]
    sim.scene(withhold=[])
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": client.client_id,
        "client_secret": client.client_secret,
        "redirect_uri": BACK,
    }
    answer = session.post(f"https://{sim.home}/oauth/token", data=form, timeout=10)
    assert answer.json()["scope"] == "profile read:statuses"
    sim.scene(forget_apps=True)
    assert requests.get(page(sim, client), timeout=10).status_code == 401
    answer = session.post(f"https://{sim.home}/oauth/token", data=form, timeout=10)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_mastodon_tells_metadata_and_refuses_scopes_that_it_does_not_know(
    sim: SimulatorProcess, session: requests.Session
) -> None:
    path = f"https://{sim.home}/.well-known/oauth-authorization-server"
    assert "profile" in session.get(path, timeout=10).json()["scopes_supported"]
    form = {"client_name": "x", "redirect_uris": BACK, "scopes": "read:everything"}
    apps = f"https://{sim.home}/api/v1/apps"
    assert session.post(apps, data=form, timeout=10).status_code == 422
