"""The actor's documents are what servers want to see, whoever serves them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from toottail.errors import SettingsError
from toottail.servers.actor import ACTIVITY, Actor, actor_of
from toottail.settings import Settings, load

URL = "https://tail.example.org/people/tail"
ACTOR = Actor(
    URL, "-----BEGIN PUBLIC KEY-----\nabc\n-----END PUBLIC KEY-----\n", "https://me.example"
)


def got(target: str, accept: str = ACTIVITY) -> Any:
    served = ACTOR.answer("GET", target, accept)
    assert served is not None
    assert served.status == 200
    return json.loads(served.body)


def test_the_document_has_what_gotosocial_and_mastodon_need_of_an_actor() -> None:
    document = got("/people/tail")
    assert document["id"] == URL
    assert document["type"] == "Application"
    assert document["preferredUsername"] == "tail"
    assert document["inbox"].startswith("https://tail.example.org/")
    assert document["publicKey"] == {
        "id": f"{URL}#main-key",
        "owner": URL,
        "publicKeyPem": ACTOR.public_pem,
    }
    assert "https://w3id.org/security/v1" in document["@context"]


def test_it_wants_no_followers_and_no_place_in_any_search() -> None:
    document = got("/people/tail")
    assert document["discoverable"] is False
    assert document["indexable"] is False
    assert document["manuallyApprovesFollowers"] is True


def test_the_document_and_the_page_say_who_asks_and_how_to_stop_it() -> None:
    served = ACTOR.answer("GET", "/people/tail", "text/html,*/*;q=0.8")
    assert served is not None
    assert served.kind.startswith("text/html")
    for text in (served.body, got("/people/tail")["summary"]):
        assert "block tail.example.org" in text
        assert "User-agent: TootTail" in text
        assert "https://me.example" in text


def test_a_contact_cannot_break_out_of_the_page() -> None:
    actor = Actor(URL, "x", 'https://a.example/"><script>')
    served = actor.answer("GET", "/people/tail", "text/html")
    assert served is not None
    assert "<script>" not in served.body


def test_webfinger_leads_from_the_handle_to_the_actor_and_knows_nobody_else() -> None:
    found = got("/.well-known/webfinger?resource=acct%3Atail%40tail.example.org")
    assert found["subject"] == "acct:tail@tail.example.org"
    (link,) = [li for li in found["links"] if li["rel"] == "self"]
    assert (link["href"], link["type"]) == (URL, ACTIVITY)
    for resource in ("acct:other@tail.example.org", "", "acct:tail@elsewhere.example"):
        served = ACTOR.answer("GET", f"/.well-known/webfinger?resource={resource}")
        assert served is not None
        assert served.status == 404


def test_nodeinfo_says_what_runs_there() -> None:
    (link,) = got("/.well-known/nodeinfo")["links"]
    assert link["href"].startswith("https://tail.example.org/")
    document = got(link["href"].removeprefix("https://tail.example.org"))
    assert document["software"]["name"] == "toottail"


def test_the_inbox_takes_what_is_sent_and_shows_nothing() -> None:
    posted = ACTOR.answer("POST", "/people/tail/inbox")
    read = ACTOR.answer("GET", "/people/tail/inbox")
    assert posted is not None
    assert posted.status == 202
    assert read is not None
    assert (read.status, read.headers["Allow"]) == (405, "POST")
    assert got("/people/tail/outbox")["totalItems"] == 0


def test_what_is_not_the_actors_is_left_to_others() -> None:
    for target in ("/", "/people", "/people/tail/x", "/robots.txt", "/.well-known/host-meta"):
        assert ACTOR.answer("GET", target) is None
    posted = ACTOR.answer("POST", "/people/tail")
    assert posted is not None
    assert posted.status == 405


def test_the_contact_is_told_only_where_somebody_set_one() -> None:
    said = Settings(actor_url=URL, service_url="https://who.example")
    for settings, contact in ((said, "https://who.example"), (Settings(actor_url=URL), None)):
        made = actor_of(settings, "pem")
        assert made is not None
        assert made.contact == contact
    assert actor_of(Settings(), "pem") is None


@pytest.mark.parametrize(
    "url",
    [
        "http://tail.example.org/actor",
        "https://tail.example.org",
        "https://tail.example.org/",
        "https://tail.example.org/actor/",
        "https://tail.example.org:8443/actor",
        "https://tail.example.org/actor?x=1",
        "https://tail.example.org/actor#main-key",
        'https://tail.example.org/a"b',
        "https://tail.example.org/../actor",
        "https://me@tail.example.org/actor",
        "https://localhost/actor",
        "https://127.0.0.1/actor",
        "tail.example.org/actor",
    ],
)
def test_an_address_that_others_could_not_use_is_refused_in_words(url: str) -> None:
    with pytest.raises(
        SettingsError, match=r"TOOTTAIL_ACTOR_URL: expected something like https://"
    ):
        load(environ={"TOOTTAIL_ACTOR_URL": url})
