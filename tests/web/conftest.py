"""Pages over made-up values."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette

from tests.web.made_up import Answers, made_service
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
