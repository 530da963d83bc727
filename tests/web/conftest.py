"""Pages over made-up values."""

from __future__ import annotations

import os

import pytest
from starlette.applications import Starlette

from tests.conftest import NO_CHROMIUM
from tests.web.made_up import Answers, made_service
from tests.web.site import find_chromium
from toottail.web import create_web


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """What the service answers to the pages."""
    made = Answers()
    made.put_in_place(monkeypatch)
    return made


@pytest.fixture
def web(answers: Answers) -> Starlette:
    """The pages over it."""
    return create_web(
        made_service(
            contact="admin@toottail.example",
            support_url="https://money.example/us",
            actor_url="https://toottail.example.org/actor",
            sign_ups="invite",
        )
    )


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser of this machine. Without one these tests are left out, and that is said."""
    found = find_chromium()
    if found is None and os.environ.get("TOOTTAIL_REQUIRE_CHROMIUM"):
        pytest.fail("TOOTTAIL_REQUIRE_CHROMIUM is set, and there is no Chromium on this machine")
    if found is None:
        pytest.skip(NO_CHROMIUM)
    return found
