"""Every page can be shown, whatever strangers call themselves."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from starlette.applications import Starlette

from tests.web.asking import Answer, Outline, ask
from tests.web.made_up import NOWHERE, OVERVIEW, RUN, Answers, changed, made_service
from toottail.errors import (
    DatabaseUnavailable,
    HomeFailed,
    NotSignedIn,
    SignInRefused,
    TooManyAttempts,
)
from toottail.service import account, sign_in
from toottail.service.allowances import Rate
from toottail.settings import SOURCE_URL
from toottail.web import create_web

PUBLIC = ("/", "/about", "/privacy", "/status", "/?problem=expired", "/nothing-here")
OURS = (
    "/me",
    "/me?which=gaps&after=x",
    "/me/settings",
    "/me/leave",
    "/me/conversations/1",
    "/operator",
)
PAGES = (*PUBLIC, *OURS)
HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "javascript:alert(1)//",
    "{{ 7 * 7 }}{% raw %}{ $host }",
    "\u202egnp.exe\u202c\u2066\u200f\x00\x1b[31m",
    "Z" + "\u0301" * 500,
    "\ufff0link\ufff1\ue000",
    "x" * 10_000,
    "\ud7ff\U0001f469\u200d\U0001f680" * 50,
)
_STEERING = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f\x00-\x08\x1b]")


@pytest.mark.parametrize("code", ["en", "de"])
@pytest.mark.parametrize("path", PAGES)
async def test_every_page_is_shown_in_each_language(web: Starlette, path: str, code: str) -> None:
    told = await ask(web, path, signed_in=path not in PUBLIC, headers={"accept-language": code})
    assert told.status == (404 if path == "/nothing-here" else 200)
    assert f'<html lang="{code}">' in told.text
    assert told.header("content-language") == code
    # The licence wants the source offered to everybody who uses it over the network.
    assert f'<a href="{SOURCE_URL}"' in told.text
    _check_frame(told)


def _check_frame(told: Answer) -> None:
    """What keyboards and screen readers rely on."""
    page = Outline(told.text)
    assert len(page.all("main")) == 1
    assert next(tag.get("href") for tag in page.all("a")) == "#main"
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    for above, level in zip(page.headings, page.headings[1:], strict=False):
        assert level <= above + 1, f"a heading {level} below a heading {above}"
    ids = [str(tag["id"]) for _, tag in page.tags if tag.get("id")]
    assert len(ids) == len(set(ids)), "an id is there twice"
    labelled = {tag.get("for") for tag in page.all("label")}
    for field in page.all("input") + page.all("textarea"):
        if field.get("type") not in ("hidden", "checkbox"):
            assert field.get("id") in labelled, field
    for name in ("aria-labelledby", "aria-describedby"):
        for _, tag in page.tags:
            for word in (tag.get(name) or "").split():
                assert word in ids, f"{name}={word} leads nowhere"
    assert not any("style" in tag for _, tag in page.tags), "the policy forbids inline styles"
    assert not any(key.startswith("on") for _, tag in page.tags for key in tag)


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("path", PAGES)
async def test_texts_of_strangers_stay_text(
    web: Starlette, answers: Answers, path: str, hostile: str
) -> None:
    plain = Outline((await ask(web, path)).text)
    for name in ("listed", "texts", "public", "operator"):
        setattr(answers, name, changed(getattr(answers, name), lambda _: hostile))
    answers.overview = changed(replace(OVERVIEW, first_run=RUN), lambda _: hostile)
    answers.explained = changed(answers.explained, lambda _: hostile)
    answers.listed = replace(answers.listed, next="next")
    told = await ask(web, path)
    assert told.status in (200, 404)
    page = Outline(told.text)
    assert len(page.all("script")) == len(plain.all("script"))
    assert len(page.all("img")) == 0
    assert _STEERING.search(told.text) is None
    for _, tag in page.tags:
        assert not any(key.startswith("on") for key in tag)
        assert not (tag.get("href") or "").lower().startswith("javascript:")


async def test_what_a_visitor_typed_comes_back_as_text(
    web: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: Any) -> None:
        raise SignInRefused("No.", "invalid_server")

    monkeypatch.setattr(sign_in, "begin", refuse)
    typed = '"><script>alert(1)</script>'
    told = await ask(web, "/sign-in", form={"server": typed, "sources": ["home", "lists"]})
    assert told.status == 400
    assert "<script>alert" not in told.text
    assert Outline(told.text).all("script")[0]["src"] is not None


async def test_a_refused_sign_in_says_why_beside_the_field_and_keeps_what_was_typed(
    web: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: Any) -> None:
        raise SignInRefused("No.", "invite_invalid")

    monkeypatch.setattr(sign_in, "begin", refuse)
    form = {"server": "tiny.example", "invite": "maple", "sources": ["home", "bookmarks"]}
    told = await ask(web, "/sign-in", form=form, signed_in=False)
    page = Outline(told.text)
    assert told.status == 400
    server = next(tag for tag in page.all("input") if tag.get("name") == "server")
    assert server["value"] == "tiny.example"
    assert server["aria-invalid"] == "true"
    assert "server-problem" in (server["aria-describedby"] or "")
    assert "invite code is not known" in told.text
    checked = [tag["value"] for tag in page.all("input") if "checked" in tag]
    assert checked == ["home", "bookmarks"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NOWHERE, 404),
        (TooManyAttempts("Slower.", 90), 429),
        (DatabaseUnavailable("postgres://secret is down"), 503),
        (HomeFailed("home.example does not answer"), 502),
        (RuntimeError("secret of the code"), 500),
    ],
)
async def test_errors_are_pages_and_tell_nothing_of_the_inside(
    web: Starlette, answers: Answers, error: Exception, status: int
) -> None:
    answers.explained = error
    told = await ask(web, "/me/conversations/1")
    assert told.status == status
    assert "<h1>" in told.text
    assert "secret" not in told.text
    if status == 429:
        assert told.header("retry-after") == "90"
        assert "Try again in 2 minutes" in told.text
    _check_frame(told)


async def test_without_a_session_a_members_page_leads_to_the_front(web: Starlette) -> None:
    for path in OURS:
        told = await ask(web, path, signed_in=False)
        assert (told.status, told.header("location")) == (303, "/?problem=not_signed_in")


async def test_the_operators_page_is_for_operators(web: Starlette, answers: Answers) -> None:
    answers.is_operator = False
    assert (await ask(web, "/operator")).status == 403
    for path in ("/operator/members", "/operator/opt-outs", "/operator/invites"):
        told = await ask(web, path, form={"csrf": await _token(web), "do": "pause", "member": 8})
        assert told.status == 403
    assert answers.calls == []


FORMS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("/me/pause", {}, "pause"),
    ("/me/resume", {}, "resume"),
    (
        "/me/settings",
        {"sources": ["home=200", "lists=100"], "further": "list:A b, home=9"},
        "choose",
    ),
    ("/me/leave", {}, "leave"),
    ("/sign-out", {}, "end"),
    ("/sign-out", {"everywhere": "yes"}, "end_all"),
    ("/operator/members", {"member": "8", "do": "pause"}, "pause"),
    ("/operator/members", {"member": "8", "do": "remove", "sure": "yes"}, "leave"),
    ("/operator/opt-outs", {"number": "3", "do": "block"}, "decide"),
    ("/operator/invites", {"uses": "1", "days": "", "note": ""}, "invite"),
)


async def _token(web: Starlette) -> str:
    page = Outline((await ask(web, "/me/settings")).text)
    return str(next(tag["value"] for tag in page.all("input") if tag.get("name") == "csrf"))


@pytest.mark.parametrize(("path", "form", "called"), FORMS)
async def test_each_form_does_what_it_says_and_only_with_its_token_from_our_own_page(
    web: Starlette, answers: Answers, path: str, form: dict[str, Any], called: str
) -> None:
    token = await _token(web)
    for forged, headers in (
        (form, {}),
        ({**form, "csrf": "token-of-csrf"}, {}),
        ({**form, "csrf": token}, {"origin": "https://evil.example"}),
        ({**form, "csrf": token}, {"origin": "null"}),
        ({**form, "csrf": token}, {"origin": ""}),
    ):
        assert (await ask(web, path, form=forged, headers=headers)).status == 403
    assert answers.calls == []
    told = await ask(web, path, form={**form, "csrf": token})
    assert told.status == (200 if called == "invite" else 303)
    assert answers.calls[-1][0] == called


async def test_a_list_with_spaces_in_its_name_can_be_chosen(
    web: Starlette, answers: Answers
) -> None:
    form = {"csrf": await _token(web), "sources": ["home=200"], "further": "list:A b, home=9"}
    await ask(web, "/me/settings", form=form)
    assert answers.calls[-1][2] == ["home=200", "list:A b", "home=9"]


async def test_removing_a_member_wants_a_second_word(web: Starlette, answers: Answers) -> None:
    form = {"csrf": await _token(web), "member": "8", "do": "remove"}
    told = await ask(web, "/operator/members", form=form)
    assert told.header("location").startswith("/operator?problem=sure")
    assert answers.calls == []


async def test_the_token_is_another_text_on_each_page(web: Starlette) -> None:
    tokens = {await _token(web) for _ in range(3)}
    assert len(tokens) == 3
    assert not any("token" in token for token in tokens)


async def test_leaving_ends_the_cookie(web: Starlette) -> None:
    told = await ask(web, "/me/leave", form={"csrf": await _token(web)})
    assert told.header("location") == "/?done=left"
    assert 'toottail=""' in told.header("set-cookie")


async def test_a_chosen_language_is_kept_and_an_unknown_one_is_not(web: Starlette) -> None:
    told = await ask(web, "/status?lang=de", signed_in=False)
    assert 'lang="de"' in told.text
    assert "language=de" in told.header("set-cookie")
    assert (await ask(web, "/?lang=xx", signed_in=False)).header("set-cookie") == ""
    kept = await ask(web, "/", signed_in=False, headers={"cookie": "language=de"})
    assert '<html lang="de">' in kept.text


async def test_static_files_are_named_by_what_they_hold_and_kept_for_long(web: Starlette) -> None:
    page = Outline((await ask(web, "/")).text)
    paths = [str(tag["href"]) for tag in page.all("link")] + [
        str(tag["src"]) for tag in page.all("script")
    ]
    assert len(paths) == 3
    for path in paths:
        told = await ask(web, path, headers={"accept-encoding": "gzip"})
        assert told.status == 200
        assert "immutable" in told.header("cache-control")
        assert told.header("content-encoding") == "gzip"
    assert (await ask(web, paths[0].replace("style", "stile"))).status == 404


async def test_pages_of_members_are_stored_nowhere_and_large_ones_are_compressed(
    web: Starlette,
) -> None:
    told = await ask(web, "/me", headers={"accept-encoding": "gzip"})
    assert told.header("cache-control") == "no-store"
    assert told.header("content-encoding") == "gzip"
    assert "default-src 'none'" in told.header("content-security-policy")


async def test_a_thread_of_a_thousand_levels_stays_shallow_in_its_html(
    web: Starlette, answers: Answers
) -> None:
    found = answers.explained
    node, uri = found.nodes[0], found.nodes[0].uri
    deep = [
        replace(node, uri=f"{uri}/{level}", parent_uri=f"{uri}/{level - 1}" if level else None)
        for level in range(1_000)
    ]
    answers.explained = replace(
        found,
        nodes=deep,
        verdicts={one.uri: found.verdicts[uri] for one in deep},
        details={one.uri: found.details[uri] for one in deep},
    )
    first = await ask(web, "/me/conversations/1")
    assert first.text.count('<li class="leaf') == 200
    assert "Level 199" in first.text
    assert "800 more" in first.text
    last = await ask(web, "/me/conversations/1?from=800")
    assert "Level 999" in last.text


async def test_texts_that_cannot_be_read_leave_a_word_why(web: Starlette, answers: Answers) -> None:
    answers.texts = HomeFailed("home.example does not show them")
    told = await ask(web, "/me/conversations/1")
    assert told.status == 200
    assert "did not show them just now" in told.text


async def test_a_member_who_has_left_is_sent_to_the_front(
    web: Starlette, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: Any) -> None:
        raise NotSignedIn

    monkeypatch.setattr(account, "overview", gone)
    assert (await ask(web, "/me")).header("location") == "/?problem=not_signed_in"


async def test_one_address_has_so_many_pages_whoever_is_signed_in(answers: Answers) -> None:
    app = create_web(made_service(), reading=Rate(2, 2, 3600))
    statuses = [(await ask(app, "/me")).status for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert (await ask(app, "/", signed_in=False)).status == 200


@pytest.mark.parametrize("number", ["9" * 5_000, "-1", "x", "\u0661"])
async def test_a_number_that_is_none_is_no_conversation(web: Starlette, number: str) -> None:
    assert (await ask(web, f"/me/conversations/{number}")).status == 404
