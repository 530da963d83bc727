"""All that pages say is in message files, the same in each language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
from fluent.syntax import FluentParser, ast, visitor
from markupsafe import Markup

from toottail.flow.verdicts import Kind
from toottail.service.conversations import Which
from toottail.types.delays import Delayed
from toottail.types.service import MemberState
from toottail.types.sources import KINDS
from toottail.web import failures, languages, rendering
from toottail.web.pages import front

WEB = Path(languages.__file__).parent
TEMPLATES = sorted((WEB / "templates").glob("*.html"))
FILES = sorted((WEB / "messages").glob("*.ftl"))
_KINDS: tuple[str, ...] = get_args(Kind)
_STATES: tuple[str, ...] = get_args(MemberState)

# Messages whose name is put together: what may follow each beginning.
PUT_TOGETHER: Mapping[str, Iterable[str]] = {
    "problem-": {*front.PROBLEMS, "unknown"},
    "done-": front.DONE,
    "sign-ups-": ("open", "invite", "closed", "full"),
    "source-": KINDS,
    "gives-": KINDS,
    "state-": _STATES,
    "state-told-": (*_STATES, "operator"),
    "state-short-": _STATES,
    "run-": ("collecting", "bringing"),
    "which-": get_args(Which),
    "delays-of-": get_args(Delayed),
    "key-": ("were", "brought", "waiting"),
    "list-none-": ("yet", "such"),
    "verdict-": _KINDS,
    "privacy-": [
        word + end
        for word in ("account", "token", "sources", "conversations", "deliveries", "session")
        for end in ("", "-why", "-long")
    ],
    "error-": map(str, failures.TOLD),
    "error-told-": map(str, failures.TOLD),
}
_USED = re.compile(r'\b(?:t|rich|say)\(\s*"([a-z0-9_-]+)"(\s*~)?')


class _Variables(visitor.Visitor):
    def __init__(self) -> None:
        self.found: set[str] = set()

    def visit_VariableReference(self, node: ast.VariableReference) -> None:
        self.found.add(node.id.name)


def _messages(path: Path) -> dict[str, set[str]]:
    """Each message of a file with the variables in it."""
    found = {}
    for entry in FluentParser().parse(path.read_text(encoding="utf-8")).body:
        assert not isinstance(entry, ast.Junk), f"{path.name}: {entry.content}"
        if isinstance(entry, ast.Message):
            assert entry.id.name not in found, f"{path.name}: {entry.id.name} is there twice"
            reader = _Variables()
            reader.visit(entry)
            found[entry.id.name] = reader.found
    return found


def _used() -> set[str]:
    """The messages that templates and code name."""
    found = {"texts-too-many", "texts-home-failed"}
    for path in (*TEMPLATES, *WEB.glob("**/*.py")):
        for name, is_beginning in _USED.findall(path.read_text(encoding="utf-8")):
            if is_beginning:
                assert name in PUT_TOGETHER, f"{path.name}: what may follow {name}?"
                found |= {name + end for end in PUT_TOGETHER[name]}
            else:
                found.add(name)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_language_has_the_same_messages_with_the_same_variables(path: Path) -> None:
    ours, first = _messages(path), _messages(WEB / "messages" / "en.ftl")
    assert set(ours) == set(first)
    for name, variables in first.items():
        assert ours[name] == variables, name


def test_every_message_that_is_used_exists_and_the_other_way_round() -> None:
    used, there = _used(), set(_messages(WEB / "messages" / "en.ftl"))
    assert used - there == set(), "used, but in no file"
    assert there - used == set(), "in the files, but used nowhere"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_templates_have_no_words_of_their_own(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    parts = rendering.environment().lex(source)
    html = "".join(value if kind == "data" else "§" for _, kind, value in parts)
    outside = re.sub(r"<[^>]*>", " ", html.replace("TootTail/", ""))
    # What admins copy into a file of theirs is no language.
    outside = outside.replace("User-agent:", "").replace("Disallow: /", "")
    assert re.findall(r"[^\W\d_]{2,}", outside) == []
    for name in ("alt", "title", "aria-label", "placeholder", "data-busy", "data-label"):
        for value in re.findall(rf'\s{name}="([^"]*)"', html):
            assert "§" in value or value in ("example.social", "https://"), f"{name}={value}"


def test_numbers_times_and_plurals_are_those_of_the_language() -> None:
    english, german = (languages.languages()[code] for code in ("en", "de"))
    at = datetime(2026, 11, 5, 16, 30, tzinfo=UTC)
    assert english.number(12345.678) == "12,345.68"
    assert german.number(12345.678) == "12.345,68"
    assert german.moment(at) == "05.11.2026, 16:30:00 UTC"
    assert german.lasting(90) == "2 Minuten"
    assert english.say("run-waiting", count=1) == "Waiting for one server"
    assert german.say("run-waiting", count=1234) == "Wartet auf 1.234 Server"


@pytest.mark.parametrize(
    ("wanted", "accepted", "code"),
    [
        (None, "de-AT,de;q=0.9,en;q=0.5", "de"),
        (None, "fr,en;q=0.3,de;q=0.8", "de"),
        (None, "de;q=0,en", "en"),
        (None, "", "en"),
        (None, ";;q=x,*,é;q=1", "en"),
        ("de", "en", "de"),
        ("../../etc/passwd", "en", "en"),
    ],
)
def test_the_language_is_the_chosen_one_or_the_dearest_there_is(
    wanted: str | None, accepted: str, code: str
) -> None:
    assert languages.choose(wanted, accepted).code == code


def test_only_our_own_html_gets_into_a_message() -> None:
    english = languages.languages()["en"]
    told = english.rich(
        "about-contact",
        link=Markup("<a>"),
        name="<script>\ufff0link\ufff1\u202e",
        end=Markup("</a>"),
    )
    assert told == "Write to us: <a>&lt;script&gt;link</a>"
